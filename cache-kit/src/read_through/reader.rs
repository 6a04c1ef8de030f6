//! The steps that single reads, batches and puts share: each asks the backend, and turns its failure into less caching.

use super::loading::{Loading, outcome_of};
use super::{Filling, Miss, Typed};
use crate::backend::{CacheBackend, Entry, Fill, Filled, Intent, Lookup, Opened, only, padded};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Arrival, Follower, Frame, Landing, Tag};
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{CacheEvent, LoadOutcome, Operation, Tier, store_span};
use crate::outcome::{CachedOutput, Payload};
use crate::service::{CacheService, Found};
use crate::shape::Shape;
use crate::timer;
use crate::ttl::Lifetime;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::Instant as TimerInstant;
use tracing::Instrument;

/// One who waits for a flight, and what comes of it.
pub(crate) type Waiting = Follower<CacheKey, Tag, Landing>;
pub(crate) type Arrived = Arrival<CacheKey, Tag, Landing>;

/// How many keys a store far away is asked about in one call, and so within one deadline.
const CHUNK: usize = 500;

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

    pub(crate) fn hit(&self) {
        let tier = self.tier();
        self.record(|prefix| CacheEvent::Hit { prefix, tier });
    }

    pub(crate) fn absent_hit(&self) {
        let tier = self.tier();
        self.record(|prefix| CacheEvent::AbsentHit { prefix, tier });
    }

    pub(crate) fn stale_hit(&self) {
        let tier = self.tier();
        self.record(|prefix| CacheEvent::StaleHit { prefix, tier });
    }

    pub(crate) fn miss(&self) {
        let tier = self.tier();
        self.record(|prefix| CacheEvent::Miss { prefix, tier });
    }

    fn tier(&self) -> Tier {
        if self.cache.backend().is_remote() {
            Tier::Remote
        } else {
            Tier::Memory
        }
    }

    pub(crate) fn record<'p>(&self, event: impl FnOnce(&'p str) -> CacheEvent<'p>) {
        self.cache.record(&event(T::cache_prefix()));
    }

    pub(crate) fn failed(&self, operation: Operation, error: &Error) {
        self.cache.failed::<T>(operation, error);
    }

    /// Checks what was declared, before anything is stored under it.
    pub(crate) fn admit(&self, key: &KeyWriter, lifetime: Lifetime) -> Result<CacheKey> {
        self.cache.declare::<T>(lifetime)?;
        key.to_key()
    }

    /// Loads beside the cache, within a time if the output can carry that it was over. An entity that is not valid is an error where the output can carry it.
    pub(super) async fn load_uncached<O, F>(
        &self,
        carry: Option<fn(Error) -> O>,
        limit: Option<Duration>,
        body: Pin<&mut F>,
    ) -> O
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        let Some(carry) = carry else {
            return match self.load_valid(vec![], None, body).await {
                Some((output, _)) => output,
                None => unreachable!("there was no limit"),
            };
        };
        match self.load_valid(vec![], limit, body).await {
            Some((_, Err(error))) => carry(error),
            Some((output, Ok(()))) => output,
            None => carry(Error::Timeout),
        }
    }

    /// Loads, and says whether what came is valid. What is not is a failed load; `None` if nothing came in time.
    pub(super) async fn load_valid<O, F>(
        &self,
        keys: Vec<CacheKey>,
        limit: Option<Duration>,
        body: F,
    ) -> Option<(O, Result<()>)>
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        let mut validity = Ok(());
        let output = self
            .load_within(limit, keys, body, |output: &O| {
                let checked = output.payload().map_or(Ok(()), Payload::check);
                validity = checked.map_err(Error::into_validation);
                if validity.is_ok() {
                    outcome_of(output)
                } else {
                    LoadOutcome::Failed
                }
            })
            .await;
        if let Err(error) = &validity {
            self.failed(Operation::Load, error);
        }
        output.map(|output| (output, validity))
    }

    /// Looks up what is in reach without waiting.
    pub(crate) fn peek(&self, key: &KeyWriter) -> Option<Lookup> {
        key.with_key(|key| self.cache.backend().peek(key, Shape::of::<T>()))
            .flatten()
    }

    pub(crate) async fn read(&self, key: &CacheKey) -> Result<Lookup> {
        only(self.read_far(std::slice::from_ref(key)).await)
    }

    /// Looks up many keys: what is in reach at once, the rest in one read.
    pub(crate) async fn read_many(&self, keys: &[CacheKey]) -> Vec<Result<Lookup>> {
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
        let mut read = self.read_far(&far).await.into_iter();
        let answers = peeked
            .into_iter()
            .map(|peeked| peeked.map_or_else(|| read.next(), |found| Some(Ok(found))));
        answers.flatten().collect()
    }

    async fn read_far(&self, keys: &[CacheKey]) -> Vec<Result<Lookup>> {
        let read = |keys| self.cache.backend().read(keys, Shape::of::<T>());
        self.answers_in_chunks(Operation::Read, keys, read).await
    }

    /// Counts a look-up and says what is known. What is stale is not.
    pub(crate) fn found(&self, lookup: Lookup) -> Found<T> {
        if let Ok(answer) = self.count(lookup.into()) {
            return Found::known(answer);
        }
        self.miss();
        Found::Miss
    }

    /// Counts a look-up; `Err` is a miss, which is not counted here.
    pub(crate) fn count(&self, lookup: Typed<T>) -> Result<Option<Arc<T>>, Miss<T>> {
        match lookup {
            Typed::Hit(entity, _) => {
                self.hit();
                Ok(Some(entity))
            }
            Typed::Absent(_) => {
                self.absent_hit();
                Ok(None)
            }
            Typed::Miss(miss) => Err(miss),
        }
    }

    /// Asks for a permit.
    pub(crate) async fn open(&self, key: &CacheKey, intent: Intent) -> Result<Opened<B::Permit>> {
        only(self.open_many(std::slice::from_ref(key), intent).await)
    }

    pub(crate) async fn open_many(
        &self,
        keys: &[CacheKey],
        intent: Intent,
    ) -> Vec<Result<Opened<B::Permit>>> {
        let open = |keys| self.cache.backend().open(keys, Shape::of::<T>(), intent);
        self.answers_in_chunks(Operation::Open, keys, open).await
    }

    /// Stores what was loaded, and says so for each. What one chunk fails with is not the others'.
    pub(crate) async fn fill(&self, fills: Vec<Filling<B::Permit>>) -> Vec<Result<()>> {
        if fills.len() <= self.chunk() {
            return self.fill_chunk(fills).await;
        }
        let filling = Box::pin(async {
            let mut filled = Vec::with_capacity(fills.len());
            let mut fills = fills.into_iter();
            while fills.len() > 0 {
                let chunk = fills.by_ref().take(self.chunk()).collect();
                filled.extend(self.fill_chunk(chunk).await);
            }
            filled
        });
        filling.await
    }

    async fn fill_chunk(&self, fills: Vec<Filling<B::Permit>>) -> Vec<Result<()>> {
        let stamped = self.stamp_fills(fills).await;
        let (mut fills, mut unfilled) = (Vec::with_capacity(stamped.len()), Vec::new());
        for stamped in stamped {
            match stamped {
                Ok(fill) => {
                    fills.push(fill);
                    unfilled.push(None);
                }
                Err(answer) => unfilled.push(Some(answer)),
            }
        }
        let mut filled = self.fill_stamped(fills).await.into_iter();
        let answers = unfilled.into_iter().map(|unfilled| match unfilled {
            None => filled.next().unwrap_or(Err(Error::Timeout)),
            Some(Ok(_)) => {
                self.record(|prefix| CacheEvent::SupersededFill { prefix });
                Ok(())
            }
            Some(Err(error)) => {
                if let Error::ConfigError(_) = &error {
                    self.failed(Operation::Fill, &error);
                }
                Err(error)
            }
        });
        answers.collect()
    }

    async fn fill_stamped(&self, fills: Vec<Fill<B::Permit>>) -> Vec<Result<()>> {
        let is_gone = |fill: &Fill<_>| matches!(fill.entry, Entry::Gone);
        let gone: Vec<_> = fills.iter().map(is_gone).collect();
        let filled = self.cache.backend().fill(fills, Shape::of::<T>());
        let filled = self.answers(Operation::Fill, gone.len(), filled).await;
        let outcomes = filled.into_iter().zip(gone).map(|(filled, is_gone)| {
            match filled? {
                Filled::Stored if is_gone => {}
                Filled::Stored => self.record(|prefix| CacheEvent::Fill { prefix }),
                Filled::Superseded => self.record(|prefix| CacheEvent::SupersededFill { prefix }),
            }
            Ok(())
        });
        outcomes.collect()
    }

    /// Returns how many keys the backend is asked about at once.
    fn chunk(&self) -> usize {
        if self.cache.backend().is_remote() {
            CHUNK
        } else {
            usize::MAX
        }
    }

    /// Asks the backend about keys, a chunk at a time. Each chunk has a deadline of its own, and
    /// what it fails with is not the others'.
    async fn answers_in_chunks<'k, A, F>(
        &self,
        operation: Operation,
        keys: &'k [CacheKey],
        ask: impl Fn(&'k [CacheKey]) -> F,
    ) -> Vec<Result<A>>
    where
        F: Future<Output = Vec<Result<A>>>,
    {
        if keys.len() <= self.chunk() {
            return self.answers(operation, keys.len(), ask(keys)).await;
        }
        // Boxed, here and in `fill`: few calls are that large, and every caller would carry the
        // room.
        let asking = Box::pin(async {
            let mut answers = Vec::with_capacity(keys.len());
            for chunk in keys.chunks(self.chunk()) {
                answers.extend(self.answers(operation, chunk.len(), ask(chunk)).await);
            }
            answers
        });
        asking.await
    }

    /// Asks the backend one thing, until the deadline; counts and logs each answer that is a failure.
    pub(super) async fn answers<A>(
        &self,
        operation: Operation,
        count: usize,
        asking: impl Future<Output = Vec<Result<A>>>,
    ) -> Vec<Result<A>> {
        if count == 0 {
            return Vec::new();
        }
        let deadline = self.cache.inner().settings.backend_deadline;
        let span = store_span(T::cache_prefix(), operation, count);
        // Pinned, so that the span does not cost a copy of it.
        let asking = pin!(timer::within(deadline, asking));
        let answers: Vec<_> = match asking.instrument(span).await {
            Some(answers) => padded(answers, count).collect(),
            None => (0..count).map(|_| Err(Error::Timeout)).collect(),
        };
        for error in answers
            .iter()
            .filter_map(|answer: &Result<A>| answer.as_ref().err())
        {
            self.failed(operation, error);
        }
        answers
    }

    /// Asks the repository: in a span, timed, and known to be loading `keys`; `None` if it does not answer in time.
    pub(crate) async fn load_within<F: Future>(
        &self,
        limit: Option<Duration>,
        keys: Vec<CacheKey>,
        body: F,
        outcome: impl FnOnce(&F::Output) -> LoadOutcome,
    ) -> Option<F::Output> {
        let Some(limit) = limit else {
            return Some(self.load(keys, body, outcome).await);
        };
        let mut loading = self.loading();
        let output = timer::within(limit, self.entered(keys, body)).await;
        loading.outcome = Some(output.as_ref().map_or(LoadOutcome::TimedOut, outcome));
        output
    }

    /// Asks the repository, however long that takes.
    pub(crate) async fn load<F: Future>(
        &self,
        keys: Vec<CacheKey>,
        body: F,
        outcome: impl FnOnce(&F::Output) -> LoadOutcome,
    ) -> F::Output {
        let mut loading = self.loading();
        let output = self.entered(keys, body).await;
        loading.outcome = Some(outcome(&output));
        output
    }

    fn loading(&self) -> Loading<'_, B> {
        Loading {
            cache: self.cache,
            prefix: T::cache_prefix(),
            began: Instant::now(),
            outcome: None,
        }
    }

    fn entered<F: Future>(
        &self,
        keys: Vec<CacheKey>,
        body: F,
    ) -> impl Future<Output = F::Output> + use<B, T, F> {
        for key in &keys {
            tracing::trace!(%key, "loading");
        }
        let prefix = T::cache_prefix();
        let body = body.instrument(tracing::debug_span!("cache_load", prefix));
        Frame::enter(self.cache.id(), keys, body)
    }

    /// Waits for a flight until its deadline. Then nobody joins it any more, and for as long again those who wait may load, a few at a
    /// time; `None` if that took too long as well.
    pub(crate) async fn wait(&self, follower: &mut Waiting) -> Option<Arrived> {
        let begun = TimerInstant::now();
        for deadlines in 1..=2 {
            let arrived = self.wait_until(begun, deadlines, follower).await;
            if arrived.is_some() {
                return arrived;
            }
            if deadlines == 1 {
                self.failed(Operation::Wait, &Error::Timeout);
                follower.widen();
            }
        }
        None
    }

    /// Waits for so many deadlines after `begun`.
    pub(crate) async fn wait_until(
        &self,
        begun: TimerInstant,
        deadlines: u32,
        follower: &mut Waiting,
    ) -> Option<Arrived> {
        let deadline = self.cache.inner().settings.flight_deadline;
        let left = deadline
            .saturating_mul(deadlines)
            .saturating_sub(begun.elapsed());
        timer::within(left, follower).await
    }

    /// Leads flights to their end. Where that takes longer than a flight may, others may begin one as well: those who could wait for it have
    /// something stale, and do not.
    pub(crate) async fn lead_for_a_while<F: Future>(
        &self,
        keys: &[CacheKey],
        mut work: Pin<&mut F>,
    ) -> F::Output {
        let inner = self.cache.inner();
        let deadline = inner.settings.flight_deadline;
        if let Some(output) = timer::within(deadline, work.as_mut()).await {
            return output;
        }
        for key in keys {
            inner.flights.detach(key);
        }
        work.await
    }

    pub(crate) fn counted<A>(&self, operation: Operation, answer: Result<A>) -> Option<A> {
        answer
            .inspect_err(|error| self.failed(operation, error))
            .ok()
    }
}
