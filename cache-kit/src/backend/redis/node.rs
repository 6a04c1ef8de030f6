//! One server: its connection, which is made when it is needed and replaced when it is of no use,
//! and the breaker in front of it.

mod link;
mod ticket;

use link::Link;
use ticket::{Fault, Ticket};

use super::breaker::{Admission, Breaker};
use super::config::Address;
use super::connect::{Dialer, Dialled};
use super::wire::{Parcel, Reply, ServerClock, check_runtime, is_refusal, refused};
use crate::error::{Error, Result};
use crate::observe::{Watcher, Watchers};
use redis::{ServerErrorKind, Value};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) call: Duration,
    pub(super) connect: Duration,
}

/// Whom a node is found at.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A server of its own.
    At(Address),
    /// A node of a cluster, which may be any.
    #[cfg(feature = "redis-cluster")]
    Member(Address),
    #[cfg(feature = "redis-sentinel")]
    Master(super::sentinel::Sentinels),
}

pub(super) struct Node {
    target: Target,
    dialer: Dialer,
    timing: Timing,
    watchers: Arc<Watchers>,
    told: Mutex<Told>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    link: Option<Arc<Link>>,
    /// Ends when the attempt does that is under way.
    attempt: Option<watch::Receiver<Attempt>>,
    /// Why the server was given up last.
    lost: Option<Error>,
    /// Whether the server can be used, as far as that has been found out.
    is_up: Option<bool>,
}

/// What those who watch were told last: whether the server can be used. One at a time tells, so
/// that what they hear last is true, and holds no lock meanwhile.
#[derive(Default)]
struct Told {
    last: Option<bool>,
    is_busy: bool,
    newcomers: Vec<Watcher>,
}

/// How an attempt to connect stands.
type Attempt = Option<Result<()>>;

impl Node {
    pub(super) fn new(
        target: Target,
        dialer: Dialer,
        timing: Timing,
        watchers: Arc<Watchers>,
    ) -> Arc<Self> {
        Arc::new(Self {
            target,
            dialer,
            timing,
            watchers,
            told: Mutex::default(),
            state: Mutex::default(),
        })
    }

    /// Sends commands in one go and waits for the answers, until the deadline. Fails at once while
    /// the server is known to be down.
    ///
    /// A connection that was lost meanwhile is replaced, and what was sent is sent again: each step
    /// of the protocol may be executed twice, also late, as long as no guard is made twice.
    pub(super) async fn send(self: &Arc<Self>, parcel: &Parcel) -> Result<Vec<Reply>> {
        check_runtime()?;
        let now = Instant::now();
        let mut ticket = self.admit(now)?;
        let until = now + self.timing.call;
        let answer = match self.exchange(parcel, now, until).await {
            Err(Fault::Lost(lost)) => match parcel.repeated() {
                Ok(again) => Box::pin(self.exchange(&again, Instant::now(), until)).await,
                Err(_) => Err(Fault::Lost(lost)),
            },
            answer => answer,
        };
        ticket.report(&answer);
        let (values, clock) = answer.map_err(|fault| fault.error().clone())?;
        Ok(values
            .into_iter()
            .map(|value| self.reply(value, clock))
            .collect())
    }

    fn reply(&self, value: Value, clock: ServerClock) -> Reply {
        let refusal = match &value {
            Value::ServerError(error) => Some(refused(&self.target, &error.clone().into())),
            _ => None,
        };
        Reply {
            value,
            refusal,
            clock,
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        parcel: &Parcel,
        now: Instant,
        until: Instant,
    ) -> Result<(Vec<Value>, ServerClock), Fault> {
        let in_use = self.in_use(&mut self.state(), now);
        let (link, sent) = match in_use {
            Some(link) => (link, now),
            None => match timeout_at(until, Box::pin(self.link())).await {
                Ok(link) => (link?, Instant::now()),
                Err(_) => return Err(Fault::Waited(self.unconnected(self.timing.call))),
            },
        };
        link.owe(sent);
        let mut connection = link.connection.clone();
        match timeout_at(until, parcel.send(&mut connection)).await {
            Ok(Ok(values)) => {
                link.hear();
                if values.iter().any(is_demoted) {
                    self.drop_link(&link);
                    return Err(Fault::Lost(self.failure("it takes no writes any more")));
                }
                Ok((values, link.clock))
            }
            Ok(Err(error)) => {
                self.drop_link(&link);
                Err(Fault::Lost(self.failure(&error.to_string())))
            }
            Err(_) if link.is_silent_since(sent) => {
                self.drop_link(&link);
                Err(Fault::Silent)
            }
            Err(_) => Err(Fault::Late),
        }
    }

    /// Gives the connection, making one if there is none; one attempt is made for all who wait.
    async fn link(self: &Arc<Self>) -> Result<Arc<Link>, Fault> {
        loop {
            let (mut attempt, is_own) = {
                let mut state = self.state();
                if let Some(link) = self.in_use(&mut state, Instant::now()) {
                    return Ok(link);
                }
                let going = state
                    .attempt
                    .clone()
                    .filter(|attempt| attempt.has_changed().is_ok());
                match going {
                    Some(attempt) => (attempt, false),
                    None => (self.begin(&mut state), true),
                }
            };
            match attempt.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(Err(error))) => return Err(Fault::Unreached(error.clone())),
                // The runtime has ended: no attempt can run in it.
                Err(_) if is_own => {
                    return Err(Fault::Waited(self.failure("the runtime has ended")));
                }
                // The runtime of another caller's attempt has ended: another one is made.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Gives the connection that there is, unless it has fallen silent.
    fn in_use(&self, state: &mut State, now: Instant) -> Option<Arc<Link>> {
        let link = state.link.as_ref()?;
        // Those who were not answered may have been dropped before they could say so.
        let overdue = now.checked_sub(self.timing.call);
        if overdue.is_some_and(|then| link.is_silent_since(then)) {
            state.link = None;
        }
        state.link.clone()
    }

    /// Begins to connect, as a task of its own: whoever waits may be dropped.
    fn begin(self: &Arc<Self>, state: &mut State) -> watch::Receiver<Attempt> {
        let (sender, receiver) = watch::channel(None);
        state.attempt = Some(receiver.clone());
        let node = Arc::clone(self);
        tokio::spawn(async move {
            let made = match timeout(node.timing.connect, node.connect()).await {
                Ok(made) => made,
                Err(_) => Err(node.unconnected(node.timing.connect)),
            };
            let mut state = node.state();
            state.attempt = None;
            let ended = match made {
                Ok(dialled) => {
                    state.link = Some(Arc::new(Link::new(dialled)));
                    Ok(())
                }
                Err(error) => {
                    tracing::warn!(node = %node.target, %error, "cannot connect to Redis");
                    state.breaker.trip(Instant::now());
                    state.lost = Some(error.clone());
                    Err(error)
                }
            };
            let is_lost = ended.is_err();
            node.tell(state, is_lost.then_some(false));
            let _ = sender.send(Some(ended));
        });
        receiver
    }

    async fn connect(&self) -> Result<Dialled> {
        match &self.target {
            Target::At(address) => self.dialer.dial_master(address).await,
            #[cfg(feature = "redis-cluster")]
            Target::Member(address) => self.dialer.dial(address).await,
            #[cfg(feature = "redis-sentinel")]
            Target::Master(sentinels) => sentinels.dial_master(&self.dialer).await,
        }
    }

    /// Tells those who watch, if what is found out about the server is new.
    fn tell(&self, mut state: MutexGuard<'_, State>, is_up: Option<bool>) {
        if is_up.is_none() || is_up == state.is_up {
            return;
        }
        state.is_up = is_up;
        drop(state);
        self.tell_all(None);
    }

    /// Tells one who begins to watch.
    pub(super) fn introduce(&self, watcher: &Watcher) {
        self.tell_all(Some(watcher.clone()));
    }

    fn tell_all(&self, newcomer: Option<Watcher>) {
        let lock = || self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = lock();
        told.newcomers.extend(newcomer);
        if std::mem::replace(&mut told.is_busy, true) {
            return;
        }
        let server = self.target.to_string();
        loop {
            let (before, now) = (told.last, self.state().is_up);
            let newcomers = std::mem::take(&mut told.newcomers);
            let news = now.filter(|_| now != before);
            if newcomers.is_empty() && news.is_none() {
                told.is_busy = false;
                return;
            }
            told.last = now;
            drop(told);
            if let Some(is_up) = before {
                for newcomer in &newcomers {
                    newcomer.reaches(&server, is_up);
                }
            }
            if let Some(is_up) = news {
                self.watchers
                    .tell(|watcher| watcher.reaches(&server, is_up));
            }
            told = lock();
        }
    }

    /// Takes a connection out of use, unless that has been done.
    fn drop_link(&self, link: &Arc<Link>) {
        let mut state = self.state();
        if state
            .link
            .as_ref()
            .is_some_and(|used| Arc::ptr_eq(used, link))
        {
            state.link = None;
        }
    }

    fn admit(self: &Arc<Self>, now: Instant) -> Result<Ticket> {
        let mut state = self.state();
        match state.breaker.admit(now) {
            Admission::Refuse(_) => {
                let why = match &state.lost {
                    Some(Error::BackendError(cause)) => cause.to_string(),
                    _ => format!("Redis at {} does not answer", self.target),
                };
                let refused = format!("{why}; it is not asked for the moment");
                Err(Error::BackendError(refused.into()))
            }
            admission => Ok(Ticket {
                node: Arc::clone(self),
                is_open: admission == Admission::Probe,
            }),
        }
    }

    fn unconnected(&self, waited: Duration) -> Error {
        let help = match &self.target {
            Target::At(Address::Unix(_)) => "",
            _ => self.dialer.tls_help(),
        };
        self.failure(&format!("no connection within {waited:?}{help}"))
    }

    fn failure(&self, what: &str) -> Error {
        Error::BackendError(format!("Redis at {}: {what}", self.target).into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that whoever answers is not the one to ask: a master that is none any more.
fn is_demoted(value: &Value) -> bool {
    is_refusal(value, ServerErrorKind::ReadOnly)
        || is_refusal(value, ServerErrorKind::MasterDown)
        || is_demoted_in_script(value)
}

/// The same as Redis 6 says it of a script.
fn is_demoted_in_script(value: &Value) -> bool {
    let Value::ServerError(error) = value else {
        return false;
    };
    let details = error.details().unwrap_or_default();
    is_refusal(value, ServerErrorKind::ResponseError) && details.contains("-READONLY ")
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            #[cfg(feature = "redis-cluster")]
            Self::Member(address) => address.fmt(f),
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.fmt(f),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Node")
            .field("target", &format_args!("{}", self.target))
            .field("is_connected", &state.link.is_some())
            .field("breaker", &state.breaker)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_that_is_none_any_more_is_known_by_what_it_refuses() {
        let demoted = |answer: &[u8]| is_demoted(&redis::parse_redis_value(answer).unwrap());
        assert!(demoted(
            b"-READONLY You can't write against a read only replica.\r\n"
        ));
        // Redis 6, of a script.
        assert!(demoted(
            b"-ERR Error running script (call to f_2f): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica. \r\n"
        ));
        assert!(demoted(b"-MASTERDOWN Link with MASTER is down.\r\n"));
        assert!(!demoted(b"-ERR unknown command\r\n") && !demoted(b"+OK\r\n"));
    }
}
