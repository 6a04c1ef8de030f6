//! The nodes of a cluster: which of them has which slot, and what to do when that has changed.
//!
//! redis-rs' own `ClusterConnection` makes every call wait while it mends one node; here each node
//! has its own connection, breaker and deadline, and a dead one is the failure of its keys alone.

mod redirect;
mod slots;

use super::config::Address;
use super::connect::Dialer;
use super::node::{Node, Target, Timing};
use super::router::{answers, checked};
use super::wire::{Parcel, Reply, Request, check_runtime};
use crate::error::{Error, Result};
use crate::observe::{Watcher, Watchers};
use crate::runtime::random::random_fraction;
use futures_util::future::join_all;
use redirect::{Redirect, redirect_of};
use redis::Cmd;
use slots::Slots;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long is waited between two searches, so that a node that is down does not make the others
/// tell the same over and over.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Cluster {
    seeds: Vec<Address>,
    dialer: Dialer,
    timing: Timing,
    watchers: Arc<Watchers>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<Address, Arc<Node>>,
    slots: Option<Arc<Slots>>,
    /// Ends when the search does that is under way.
    search: Option<watch::Receiver<Search>>,
}

/// How a search for who has which slot stands.
type Search = Option<Result<Arc<Slots>>>;

/// What one node is sent: which of the requests, and how.
struct Errand {
    address: Address,
    indices: Vec<usize>,
    parcel: Parcel,
}

impl Cluster {
    pub(super) fn new(
        seeds: Vec<Address>,
        dialer: Dialer,
        timing: Timing,
        watchers: Arc<Watchers>,
    ) -> Arc<Self> {
        Arc::new(Self {
            seeds,
            dialer,
            timing,
            watchers,
            state: Mutex::default(),
        })
    }

    pub(super) async fn send(self: &Arc<Self>, requests: Vec<Request>) -> Vec<Result<Reply>> {
        let count = requests.len();
        let slots = match self.slots().await {
            Ok(slots) => slots,
            Err(error) => return answers(Err(error), count),
        };
        let mut replies: Vec<Option<Result<Reply>>> = (0..count).map(|_| None).collect();
        let mut by_node: HashMap<&Address, (Vec<usize>, Vec<Cmd>)> = HashMap::new();
        for (index, request) in requests.into_iter().enumerate() {
            if let Some(address) = slots.master(request.slot) {
                let (indices, commands) = by_node.entry(address).or_default();
                indices.push(index);
                commands.push(request.cmd);
            }
        }
        let errands = by_node
            .into_iter()
            .map(|(address, (indices, commands))| Errand {
                address: address.clone(),
                indices,
                parcel: Parcel::of(commands),
            });
        let redirects = self.run(errands.collect(), &mut replies).await;
        let has_moved = redirects.iter().any(|redirect| !redirect.is_ask);
        if !redirects.is_empty() {
            self.follow(redirects, &mut replies).await;
        }
        if has_moved || replies.iter().any(|reply| !matches!(reply, Some(Ok(_)))) {
            self.search_anew(&slots);
        }
        let unserved = || {
            Err(Error::BackendError(
                "no node of the Redis cluster has this slot".into(),
            ))
        };
        replies
            .into_iter()
            .map(|reply| reply.unwrap_or_else(unserved))
            .collect()
    }

    /// Runs errands, all at once; returns what has to go elsewhere.
    async fn run(
        &self,
        errands: Vec<Errand>,
        replies: &mut [Option<Result<Reply>>],
    ) -> Vec<Redirect> {
        let running = errands.into_iter().map(async |errand| {
            let node = self.node(&errand.address);
            let sent = node.send(&errand.parcel).await;
            (errand, sent)
        });
        let mut redirects = Vec::new();
        for (errand, sent) in join_all(running).await {
            let Ok(sent) = sent else {
                let failed = answers(sent, errand.indices.len());
                for (index, answer) in errand.indices.into_iter().zip(failed) {
                    replies[index] = Some(answer);
                }
                continue;
            };
            for ((place, index), reply) in errand.indices.iter().enumerate().zip(sent) {
                let cmd = errand.parcel.get(place);
                match redirect_of(&reply.value, &errand.address).zip(cmd) {
                    Some(((address, is_ask), cmd)) => redirects.push(Redirect {
                        index: *index,
                        address,
                        cmd: cmd.clone(),
                        is_ask,
                    }),
                    None => replies[*index] = Some(checked(reply)),
                }
            }
        }
        redirects
    }

    /// Sends requests to where they were sent on to. Whatever is sent on again has failed: slots do
    /// not move that often.
    async fn follow(&self, redirects: Vec<Redirect>, replies: &mut [Option<Result<Reply>>]) {
        let mut by_node: HashMap<Address, Vec<Redirect>> = HashMap::new();
        for redirect in redirects {
            by_node
                .entry(redirect.address.clone())
                .or_default()
                .push(redirect);
        }
        let following = by_node.into_iter().map(async |(address, redirects)| {
            let mut commands = Vec::new();
            for redirect in &redirects {
                if redirect.is_ask {
                    commands.push(redis::cmd("ASKING"));
                }
                commands.push(redirect.cmd.clone());
            }
            let parcel = Parcel::of(commands);
            let sent = answers(self.node(&address).send(&parcel).await, parcel.len());
            (redirects, sent)
        });
        for (redirects, sent) in join_all(following).await {
            let mut sent = sent.into_iter();
            for redirect in redirects {
                if redirect.is_ask {
                    sent.next();
                }
                replies[redirect.index] = sent.next();
            }
        }
    }

    /// Returns a probe for each master.
    pub(super) async fn probes(self: &Arc<Self>) -> Result<Vec<u32>> {
        Ok(self.slots().await?.probes())
    }

    /// Gives what is known of the slots, or waits for a search, until the deadline of a call.
    async fn slots(self: &Arc<Self>) -> Result<Arc<Slots>> {
        check_runtime()?;
        let mut search = {
            let mut state = self.state();
            if let Some(slots) = &state.slots {
                return Ok(Arc::clone(slots));
            }
            self.search(&mut state)
        };
        let ended = timeout(self.timing.call, search.wait_for(Option::is_some)).await;
        let found = ended.ok().and_then(|ended| ended.ok()?.clone());
        found.unwrap_or(Err(Error::Timeout))
    }

    /// Has a search begun, unless somebody has found something newer than `seen`.
    fn search_anew(self: &Arc<Self>, seen: &Arc<Slots>) {
        let mut state = self.state();
        let known = state.slots.as_ref();
        if check_runtime().is_ok() && known.is_some_and(|known| Arc::ptr_eq(known, seen)) {
            self.search(&mut state);
        }
    }

    /// Finds out who has which slot, as a task of its own, one at a time: whoever waits for it may
    /// be dropped, or not be polled.
    fn search(self: &Arc<Self>, state: &mut State) -> watch::Receiver<Search> {
        let going = state.search.as_ref();
        // The sender lives as long as the task does, its runtime's end included.
        if let Some(going) = going.filter(|search| search.has_changed().is_ok()) {
            return going.clone();
        }
        let (sender, receiver) = watch::channel(None);
        state.search = Some(receiver.clone());
        let cluster = Arc::clone(self);
        tokio::spawn(async move {
            let found = cluster.find().await;
            if let Err(error) = &found {
                tracing::warn!(%error, "no node of the Redis cluster says who has which slot");
            }
            let _ = sender.send(Some(found));
            sleep(SEARCH_PAUSE).await;
        });
        receiver
    }

    async fn find(&self) -> Result<Arc<Slots>> {
        let mut lost = Error::Timeout;
        for address in self.candidates() {
            match self.ask(&address).await {
                Ok(slots) => return Ok(self.adopt(slots)),
                Err(error) => lost = error,
            }
        }
        Err(lost)
    }

    async fn ask(&self, address: &Address) -> Result<Slots> {
        let mut cmd = redis::cmd("CLUSTER");
        cmd.arg("SLOTS");
        let sent = self.node(address).send(&Parcel::of(vec![cmd])).await;
        let answer = answers(sent, 1).pop().unwrap_or(Err(Error::Timeout))?;
        Slots::read(&answer.value, address)
    }

    /// Everyone who may know, in an order that differs from process to process.
    fn candidates(&self) -> Vec<Address> {
        let mut all = self.seeds.clone();
        all.extend(
            self.state()
                .slots
                .iter()
                .flat_map(|slots| slots.masters().cloned()),
        );
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short list"
        )]
        let first = (random_fraction() * all.len() as f64) as usize;
        let first = first.min(all.len());
        all.rotate_left(first);
        all
    }

    fn adopt(&self, slots: Slots) -> Arc<Slots> {
        let slots = Arc::new(slots);
        let mut state = self.state();
        state.nodes.retain(|address, _| {
            self.seeds.contains(address) || slots.masters().any(|known| known == address)
        });
        state.slots = Some(Arc::clone(&slots));
        slots
    }

    /// Tells one who begins to watch what is known of the nodes.
    pub(super) fn introduce(&self, watcher: &Watcher) {
        let nodes: Vec<_> = self.state().nodes.values().cloned().collect();
        for node in nodes {
            node.introduce(watcher);
        }
    }

    fn node(&self, address: &Address) -> Arc<Node> {
        let mut state = self.state();
        let node = state.nodes.entry(address.clone());
        let make = || {
            Node::new(
                Target::Member(address.clone()),
                self.dialer.clone(),
                self.timing,
                Arc::clone(&self.watchers),
            )
        };
        Arc::clone(node.or_insert_with(make))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.state().nodes.values().cloned().collect();
        f.debug_struct("Cluster")
            .field("nodes", &nodes)
            .finish_non_exhaustive()
    }
}
