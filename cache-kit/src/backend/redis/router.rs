//! Who is asked: one server, or the nodes of a cluster.

#[cfg(feature = "redis-cluster")]
use super::cluster::Cluster;
use super::config::{Deployment, RedisConfig};
use super::connect::Dialer;
use super::names;
use super::node::{Node, Target, Timing};
use super::script::PROBE;
use super::wire::{Parcel, Reply, Request};
use crate::error::{Error, Result};
use crate::observe::{Watcher, Watchers};
use crate::store::only;
use std::sync::Arc;
use std::time::Duration;

/// No deadline or lease is longer: a clock must be able to tell when it has passed.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60 * 24);

#[derive(Debug)]
pub(super) enum Router {
    One(Arc<Node>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Arc<Cluster>),
}

impl Router {
    pub(super) fn of(config: &RedisConfig, watchers: Arc<Watchers>) -> Result<Self> {
        let dialer = Dialer::of(config)?;
        let timing = Timing {
            call: config.deadline.min(LONGEST),
            connect: config.connect_deadline.min(LONGEST),
        };
        let target = match config.deployment.clone() {
            Deployment::Standalone(address) => Target::At(address),
            #[cfg(feature = "redis-sentinel")]
            Deployment::Sentinel {
                sentinels,
                master,
                credentials,
            } => Target::Master(super::sentinel::Sentinels::new(
                sentinels,
                master,
                credentials,
                &dialer,
            )),
            #[cfg(feature = "redis-cluster")]
            Deployment::Cluster(seeds) => {
                return Ok(Self::Cluster(Cluster::new(seeds, dialer, timing, watchers)));
            }
            #[cfg(not(all(feature = "redis-sentinel", feature = "redis-cluster")))]
            _ => {
                return Err(super::config::fault(
                    "this kind of Redis is not compiled in".to_owned(),
                ));
            }
        };
        Ok(Self::One(Node::new(target, dialer, timing, watchers)))
    }

    pub(super) fn is_cluster(&self) -> bool {
        match self {
            Self::One(_) => false,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_) => true,
        }
    }

    /// Tells one who begins to watch what is known of the servers.
    pub(super) fn introduce(&self, watcher: &Watcher) {
        match self {
            Self::One(node) => node.introduce(watcher),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster) => cluster.introduce(watcher),
        }
    }

    /// Sends requests to whom they concern, all at once, and answers each.
    pub(super) async fn send(&self, requests: Vec<Request>) -> Vec<Result<Reply>> {
        if requests.is_empty() {
            return Vec::new();
        }
        match self {
            Self::One(node) => {
                let commands = requests.into_iter().map(|request| request.cmd);
                let parcel = Parcel::of(commands.collect());
                answers(node.send(&parcel).await, parcel.len())
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster) => cluster.send(requests).await,
        }
    }

    /// Sends one request.
    pub(super) async fn send_one(&self, request: Request) -> Result<Reply> {
        match self {
            Self::One(node) => only(answers(node.send(&Parcel::One(request.cmd)).await, 1)),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster) => only(cluster.send(vec![request]).await),
        }
    }

    /// Says whether everyone who may be asked answers, and lets us do what the protocol is made of.
    pub(super) async fn probe(&self) -> Result<()> {
        let numbers = match self {
            Self::One(_) => vec![0],
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster) => cluster.probes().await?,
        };
        let requests = numbers.into_iter().flat_map(|number| self.probes(number));
        let replies = self.send(requests.collect()).await;
        replies.into_iter().try_for_each(|reply| reply.map(drop))
    }

    /// Makes what is tried on one probe: the script, by its source and by its hash, and in a
    /// cluster the word for a slot that moves.
    fn probes(&self, number: u32) -> impl Iterator<Item = Request> + use<> {
        let name = names::probe(number);
        let asking = self.is_cluster().then(|| redis::cmd("ASKING"));
        let commands = asking.into_iter().chain(PROBE.both(&[&name]));
        commands.map(move |cmd| Request::new(cmd, &name))
    }
}

/// Gives each request its answer, what was refused as a failure of its own.
pub(super) fn answers(sent: Result<Vec<Reply>>, count: usize) -> Vec<Result<Reply>> {
    match sent {
        Ok(replies) => replies.into_iter().map(checked).collect(),
        Err(error) => (0..count)
            .map(|_| Err::<Reply, Error>(error.clone()))
            .collect(),
    }
}

/// Takes what the server refused for a failure.
pub(super) fn checked(mut reply: Reply) -> Result<Reply> {
    match reply.refusal.take() {
        Some(refusal) => Err(refusal),
        None => Ok(reply),
    }
}
