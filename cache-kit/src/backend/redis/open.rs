//! Opening: what stands before every load and every write.

use super::names;
use super::permit::{Lease, RedisPermit, new_guard};
use super::read::{CHUNK, Found};
use super::scopes::ScopeGuards;
use super::script::{GUARD, OPEN};
use super::wire::{Reply, Request, ServerClock, bytes, check_runtime, integer, unexpected};
use super::{Shared, stamp_of};
use crate::entity::shape::Shape;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::store;
use crate::store::{Intent, Lookup, Opened, only};
use redis::{Cmd, Value};
use std::sync::Arc;
use std::time::Duration;

/// How long a guard lasts that no entry needs yet: longer than a load.
pub(super) const SHORTEST_GUARD: Duration = Duration::from_secs(60);

/// A permit before it is somebody's: all who opened together have the same.
#[derive(Clone)]
pub(super) struct Opening {
    guard: u64,
    prefix_guard: u64,
    lease: Option<Arc<Lease>>,
    is_taken: bool,
    found: Lookup,
}

/// What Redis has said of a key, before its scopes are known.
struct OpenedKey {
    guard: u64,
    lease: Option<Arc<Lease>>,
    is_taken: bool,
    stored: Option<(Vec<u8>, ServerClock)>,
}

impl Opening {
    pub(super) fn into_opened(self, key: &CacheKey) -> Opened<RedisPermit> {
        let lease = match &self.lease {
            _ if self.is_taken => store::Lease::Taken,
            Some(lease) if lease.share() => store::Lease::Shared,
            _ => store::Lease::Held,
        };
        Opened {
            stamp: stamp_of(self.guard, self.prefix_guard),
            permit: RedisPermit {
                key: key.clone(),
                guard: self.guard,
                prefix_guard: self.prefix_guard,
                lease: self.lease,
            },
            lease,
            found: self.found,
        }
    }
}

impl Shared {
    /// Opens one key for a load, once for all who come while it was asked about.
    pub(super) async fn open_shared(
        self: &Arc<Self>,
        key: &CacheKey,
        shape: &'static Shape,
    ) -> Result<Opening> {
        check_runtime()?;
        let (shared, asked) = (Arc::clone(self), key.clone());
        let question = move || {
            let (shared, key) = (Arc::clone(&shared), asked.clone());
            Box::pin(async move { only(shared.open_to_the_end(&[key], shape).await) })
        };
        self.opens
            .ask((key.clone(), shape.type_id()), question)
            .await
    }

    /// Opens keys for a load by a task of its own: what is opened for nobody any more gives its
    /// leases back.
    pub(super) async fn open_to_the_end(
        self: &Arc<Self>,
        keys: &[CacheKey],
        shape: &'static Shape,
    ) -> Vec<Result<Opening>> {
        let (shared, count, keys) = (Arc::clone(self), keys.len(), keys.to_vec());
        let opening = tokio::spawn(async move { shared.open(&keys, shape, Intent::Load).await });
        match opening.await {
            Ok(opened) => opened,
            Err(lost) => vec![Err(Error::BackendError(lost.into())); count],
        }
    }

    pub(super) async fn open(
        self: &Arc<Self>,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opening>> {
        let mut opened = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            opened.extend(self.open_chunk(chunk, shape, intent).await);
        }
        opened
    }

    async fn open_chunk(
        self: &Arc<Self>,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opening>> {
        // What Redis has to forget it is told first.
        let debts = keys.iter().flat_map(|key| self.journal.about(key));
        let paid = self.pay(debts.collect()).await;
        let mut scopes = ScopeGuards::of(&self.books, keys.iter());
        let of_keys = keys.iter().map(|key| self.opening(key, shape, intent));
        let of_scopes = scopes
            .unknown()
            .map(|place| guarding(&scopes.name(place), None));
        let mut replies = match of_keys.chain(of_scopes).collect::<Result<_>>() {
            Ok(requests) => self.router.send(requests).await.into_iter(),
            Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
        };
        let of_keys: Vec<_> = replies.by_ref().take(keys.len()).collect();
        scopes.take_all(replies);
        let opened = keys.iter().zip(of_keys).enumerate();
        let opened = opened.map(|(place, (key, reply))| {
            // First of all the lease: whatever comes next, it is given back.
            let answer = self.opened_key(key, reply?, shape)?;
            if self.journal.is_poisoned(key) {
                paid.clone()?;
            }
            let scopes = scopes.of_key(place)?;
            let scopes = scopes.ok_or_else(|| unexpected("`GUARD`"))?;
            Ok::<_, Error>(self.opened(key, answer, scopes, shape))
        });
        let (found, opened): (Vec<_>, Vec<_>) = opened
            .map(|opened| match opened {
                Ok((opening, found)) => (Ok(found), Ok(opening)),
                Err(error) => (Ok(Lookup::Miss(None).into()), Err(error)),
            })
            .unzip();
        let settled = self.settle(found, keys).await;
        let opened = opened.into_iter().zip(settled);
        opened
            .map(|(opening, found)| {
                Ok(Opening {
                    // What nobody knows to be true is there to be replaced.
                    found: found.unwrap_or(Lookup::Miss(None)),
                    ..opening?
                })
            })
            .collect()
    }

    fn opening(&self, key: &CacheKey, shape: &'static Shape, intent: Intent) -> Result<Request> {
        let guard = names::guard(key);
        let shortest = SHORTEST_GUARD.max(self.lease.saturating_mul(2));
        if let Intent::Write = intent {
            return guarding(&guard, Some(shortest));
        }
        let mut cmd = OPEN.call(&[&guard, &names::lease(key, shape), &names::value(key, shape)]);
        cmd.arg(new_guard()?).arg(millis(shortest)).arg(self.owner);
        cmd.arg(millis(self.lease)).arg(self.max_entry);
        Ok(Request::new(cmd, &guard))
    }

    /// Reads the answer of `OPEN`, or the guard alone for a write.
    fn opened_key(
        self: &Arc<Self>,
        key: &CacheKey,
        reply: Reply,
        shape: &'static Shape,
    ) -> Result<OpenedKey> {
        let (guard, lease, value) = match reply.value {
            Value::Array(parts) => {
                let parts: [Value; 3] = parts.try_into().map_err(|_| unexpected("`OPEN`"))?;
                let [guard, won, value] = parts;
                (guard, Some(won), bytes(value))
            }
            guard => (guard, None, None),
        };
        let guard = integer(&guard).ok_or_else(|| unexpected("`OPEN`"))?;
        let won = match lease {
            Some(Value::Int(1)) => Some(false),
            Some(Value::Int(2)) => Some(true),
            _ => None,
        };
        Ok(OpenedKey {
            guard,
            lease: won
                .map(|is_shared| Lease::new(self, names::lease(key, shape), guard, is_shared)),
            is_taken: lease.is_some() && won.is_none(),
            stored: value.map(|value| (value, reply.clock)),
        })
    }

    /// Says what was found under a key that is open, and its scopes.
    fn opened(
        &self,
        key: &CacheKey,
        opened: OpenedKey,
        prefix_guard: u64,
        shape: &'static Shape,
    ) -> (Opening, Found) {
        let OpenedKey {
            guard,
            lease,
            is_taken,
            stored,
        } = opened;
        let found = self.look_up(key, (guard, prefix_guard), stored, shape);
        let opening = Opening {
            guard,
            prefix_guard,
            lease,
            is_taken,
            found: Lookup::Miss(None),
        };
        // What is damaged is there to be replaced.
        (opening, found.unwrap_or_else(|_| Lookup::Miss(None).into()))
    }
}

/// Asks for a guard, which is made if it is missing. One that lasts for ever is a scope's.
pub(super) fn guarding(name: &str, lasts: Option<Duration>) -> Result<Request> {
    let mut cmd: Cmd = GUARD.call(&[name]);
    cmd.arg(new_guard()?)
        .arg(lasts.map_or_else(String::new, |lasts| millis(lasts).to_string()));
    Ok(Request::new(cmd, name))
}

/// In milliseconds, rounded up: nothing lasts for no time at all.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
