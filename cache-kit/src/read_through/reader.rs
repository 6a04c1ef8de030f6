//! The steps that single reads, batches and puts share: each asks the backend, and turns its failure into less caching.

use super::{Missed, Typed, into_validation_error};
use crate::backend::{CacheBackend, Entry, Fill, Filled, Intent, Lookup, Opened, only, padded};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Arrival, Follower, Frame, Landing, Tag};
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{CacheEvent, LoadOutcome, Operation};
use crate::outcome::{CachedOutput, Payload};
use crate::service::CacheService;
use crate::shape::Shape;
use crate::ttl::Lifetime;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;
use tokio::time::Instant as TimerInstant;
use tracing::Instrument;

/// One who waits for a flight, and what comes of it.
pub(crate) type Waiting = Follower<CacheKey, Tag, Landing>;
pub(crate) type Arrived = Arrival<CacheKey, Tag, Landing>;

/// One entity type in one cache.
pub(crate) struct Reader<'c, B: CacheBackend, T> {
    pub(crate) cache: &'c CacheService<B>,
    entity: PhantomData<fn() -> T>,
}

impl<'c, B: CacheBackend, T: CacheEntity> Reader<'c, B, T> {
    pub(crate) fn new(cache: &'c CacheService<B>) -> Self {
        Self {
            cache,
            entity: PhantomData,
        }
    }

    /// Checks what was declared, before anything is stored under it.
    pub(crate) fn admit(
        &self,
        key: &KeyWriter,
        lifetime: Lifetime,
    ) -> Result<(CacheKey, Lifetime)> {
        let lifetime = self.cache.declare::<T>(lifetime)?;
        Ok((key.to_key()?, lifetime))
    }

    /// Serves a call that cannot be cached: with the error if the output can carry it, else uncached.
    pub(super) async fn refuse<O, F>(
        &self,
        carry: Option<fn(Error) -> O>,
        error: Error,
        body: F,
    ) -> O
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        self.cache.failed::<T>(Operation::Declare, &error);
        match carry {
            Some(carry) => carry(error),
            None => self.load_uncached(None, body).await,
        }
    }

    /// Loads beside the cache. An entity that is not valid is an error where the output can carry it.
    pub(super) async fn load_uncached<O, F>(&self, carry: Option<fn(Error) -> O>, body: F) -> O
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        match (self.load_valid(vec![], body).await, carry) {
            ((_, Err(error)), Some(carry)) => carry(error),
            ((output, _), _) => output,
        }
    }

    /// Loads, and says whether what came is valid. What is not is a failed load.
    pub(super) async fn load_valid<O, F>(&self, keys: Vec<CacheKey>, body: F) -> (O, Result<()>)
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        let mut validity = Ok(());
        let output = self
            .load(keys, body, |output: &O| {
                let checked = output.payload().map_or(Ok(()), Payload::check);
                validity = checked.map_err(into_validation_error);
                if validity.is_ok() {
                    outcome_of(output)
                } else {
                    LoadOutcome::Failed
                }
            })
            .await;
        if let Err(error) = &validity {
            self.cache.failed::<T>(Operation::Load, error);
        }
        (output, validity)
    }

    pub(crate) async fn read(&self, key: &CacheKey) -> Typed<T> {
        self.typed(only(
            self.cache
                .backend()
                .read(std::slice::from_ref(key), Shape::of::<T>())
                .await,
        ))
    }

    pub(crate) async fn read_many(&self, keys: &[CacheKey]) -> Vec<Typed<T>> {
        let lookups = self.look_up_many(keys).await.into_iter();
        lookups.map(|lookup| self.typed(lookup)).collect()
    }

    /// Looks up many keys: what is in reach at once, the rest in one read.
    pub(crate) async fn look_up_many(&self, keys: &[CacheKey]) -> Vec<Result<Lookup>> {
        let (backend, shape) = (self.cache.backend(), Shape::of::<T>());
        let peeked: Vec<_> = keys
            .iter()
            .map(|key| backend.peek(key.borrowed(), shape))
            .collect();
        let far = keys
            .iter()
            .zip(&peeked)
            .filter(|(_, peeked)| peeked.is_none());
        let far: Vec<_> = far.map(|(key, _)| key.clone()).collect();
        let read = if far.is_empty() {
            Vec::new()
        } else {
            backend.read(&far, shape).await
        };
        let mut read = padded(read, far.len());
        let answers = peeked
            .into_iter()
            .map(|peeked| peeked.map_or_else(|| read.next(), |found| Some(Ok(found))));
        answers.flatten().collect()
    }

    /// Counts a look-up; `Err` is a miss.
    pub(crate) fn count(&self, lookup: Typed<T>) -> Result<Option<Arc<T>>, Missed> {
        let prefix = T::cache_prefix();
        match lookup {
            Typed::Hit(entity) => {
                self.cache.record(&CacheEvent::Hit { prefix });
                Ok(Some(entity))
            }
            Typed::Absent => {
                self.cache.record(&CacheEvent::AbsentHit { prefix });
                Ok(None)
            }
            Typed::Miss(missed) => {
                self.cache.record(&CacheEvent::Miss { prefix });
                Err(missed)
            }
        }
    }

    fn typed(&self, lookup: Result<Lookup>) -> Typed<T> {
        self.counted(Operation::Read, lookup)
            .map_or(Typed::Miss(Missed::Unreachable), Typed::from)
    }

    /// Asks for a permit. Without one the load goes on, and is not stored.
    pub(crate) async fn open(&self, key: &CacheKey, intent: Intent) -> Option<Opened<B::Permit>> {
        self.open_many(std::slice::from_ref(key), intent)
            .await
            .pop()
            .flatten()
    }

    pub(crate) async fn open_many(
        &self,
        keys: &[CacheKey],
        intent: Intent,
    ) -> Vec<Option<Opened<B::Permit>>> {
        if keys.is_empty() {
            return Vec::new();
        }
        let opened = self
            .cache
            .backend()
            .open(keys, Shape::of::<T>(), intent)
            .await;
        padded(opened, keys.len())
            .map(|opened| self.counted(Operation::Open, opened))
            .collect()
    }

    /// Stores what was loaded, where there is a permit for it.
    pub(crate) async fn fill(&self, fills: Vec<(Option<B::Permit>, Entry)>, lifetime: &Lifetime) {
        let fills: Vec<_> = fills
            .into_iter()
            .filter_map(|(permit, entry)| to_fill(permit?, entry, lifetime))
            .collect();
        let count = fills.len();
        if count == 0 {
            return;
        }
        let prefix = T::cache_prefix();
        for filled in padded(
            self.cache.backend().fill(fills, Shape::of::<T>()).await,
            count,
        ) {
            match self.counted(Operation::Fill, filled) {
                Some(Filled::Stored) => self.cache.record(&CacheEvent::Fill { prefix }),
                Some(Filled::Superseded) => {
                    self.cache.record(&CacheEvent::SupersededFill { prefix });
                }
                None => {}
            }
        }
    }

    /// Asks the repository: in a span, timed, and known to be loading `keys`.
    pub(crate) async fn load<F: Future>(
        &self,
        keys: Vec<CacheKey>,
        body: F,
        outcome: impl FnOnce(&F::Output) -> LoadOutcome,
    ) -> F::Output {
        let prefix = T::cache_prefix();
        let mut loading = Loading {
            cache: self.cache,
            prefix,
            began: Instant::now(),
            outcome: None,
        };
        for key in &keys {
            tracing::trace!(%key, "loading");
        }
        let body = body.instrument(tracing::debug_span!("cache_load", prefix));
        let output = Frame::enter(self.cache.id(), keys, body).await;
        loading.outcome = Some(outcome(&output));
        output
    }

    /// Waits for a flight until its deadline. Then nobody joins it any more, and for as long again those who wait may load, a few at a
    /// time; `None` if that took too long as well.
    pub(crate) async fn wait(&self, mut follower: Waiting) -> Option<Arrived> {
        let begun = TimerInstant::now();
        if let Some(arrived) = self.wait_until(begun, 1, &mut follower).await {
            return Some(arrived);
        }
        self.cache.failed::<T>(Operation::Wait, &Error::Timeout);
        follower.widen();
        self.wait_until(begun, 2, &mut follower).await
    }

    /// Waits for so many deadlines after `begun`.
    pub(crate) async fn wait_until(
        &self,
        begun: TimerInstant,
        deadlines: u32,
        follower: &mut Waiting,
    ) -> Option<Arrived> {
        if tokio::runtime::Handle::try_current().is_err() {
            // Without a runtime there is no timer.
            return Some(follower.await);
        }
        let left = self.cache.inner().flight_deadline.saturating_mul(deadlines);
        let left = left.saturating_sub(begun.elapsed());
        tokio::time::timeout(left, follower).await.ok()
    }

    pub(crate) fn counted<A>(&self, operation: Operation, answer: Result<A>) -> Option<A> {
        answer
            .inspect_err(|error| self.cache.failed::<T>(operation, error))
            .ok()
    }
}

/// An absence that is not to be stored makes no fill.
fn to_fill<P>(permit: P, entry: Entry, lifetime: &Lifetime) -> Option<Fill<P>> {
    let ttl = match entry {
        Entry::Value(_) => lifetime.draw(),
        Entry::Absent => Some(lifetime.negative_ttl()?),
    };
    Some(Fill { permit, entry, ttl })
}

/// Reports a load when it is over, however that came about.
struct Loading<'c, B: CacheBackend> {
    cache: &'c CacheService<B>,
    prefix: &'static str,
    began: Instant,
    outcome: Option<LoadOutcome>,
}

impl<B: CacheBackend> Drop for Loading<'_, B> {
    fn drop(&mut self) {
        let unfinished = if std::thread::panicking() {
            LoadOutcome::Panicked
        } else {
            LoadOutcome::Cancelled
        };
        let outcome = self.outcome.unwrap_or(unfinished);
        self.cache.record(&CacheEvent::Load {
            prefix: self.prefix,
            outcome,
            elapsed: self.began.elapsed(),
        });
    }
}

/// How a load ended, by what it returned.
fn outcome_of<O: CachedOutput>(output: &O) -> LoadOutcome {
    match output.payload().map(Payload::is_some) {
        Some(true) => LoadOutcome::Found,
        Some(false) => LoadOutcome::Absent,
        None => LoadOutcome::Failed,
    }
}
