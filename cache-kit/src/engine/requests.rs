//! Requests to the store: each has a deadline, a span, and its failures are counted and logged.

use super::tags::{Fills, PendingFill};
use super::{Engine, Kind};
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, InvalidationSource, Operation, store_span};
use crate::runtime::timer;
use crate::store::{AnyPermit, Soon};
use crate::store::{Entry, Fill, Filled, Intent, Lookup, Opened, only, padded};
use smallvec::SmallVec;
use tracing::Instrument;

/// How many keys one request to a remote store has at most, and so one deadline. As many as one
/// command to Redis takes: a batch costs no round trip more.
const CHUNK: usize = 500;

impl Engine {
    fn chunk(&self) -> usize {
        if self.store.is_remote() {
            CHUNK
        } else {
            usize::MAX
        }
    }

    /// Looks up many keys: what is in reach at once, the rest in requests to the store.
    pub(crate) async fn read(&self, kind: &'static Kind, keys: &[CacheKey]) -> Vec<Result<Lookup>> {
        let peeked = keys.iter();
        let peeked = peeked.map(|key| self.store.peek(key.borrowed(), kind.shape));
        let peeked: SmallVec<[_; 1]> = peeked.collect();
        if peeked.iter().all(Option::is_some) {
            return peeked.into_iter().flatten().map(Ok).collect();
        }
        if peeked.iter().all(Option::is_none) {
            return self.read_far(kind, keys).await;
        }
        let far = keys.iter().zip(&peeked);
        let far = far.filter(|(_, peeked)| peeked.is_none());
        let far: Vec<_> = far.map(|(key, _)| key.clone()).collect();
        let mut read = self.read_far(kind, &far).await.into_iter();
        let answers = peeked.into_iter();
        let answers =
            answers.map(|peeked| peeked.map_or_else(|| read.next(), |found| Some(Ok(found))));
        answers.flatten().collect()
    }

    /// Looks up keys that a peek could not answer.
    pub(super) async fn read_far(
        &self,
        kind: &'static Kind,
        keys: &[CacheKey],
    ) -> Vec<Result<Lookup>> {
        let mut lookups = Vec::new();
        for keys in keys.chunks(self.chunk()) {
            let ask = || self.store.read(keys, kind.shape);
            let read = self.request(kind, Operation::Read, keys.len(), ask).await;
            append(&mut lookups, read);
        }
        lookups
    }

    /// Asks for a permit.
    pub(crate) async fn open_one(
        &self,
        kind: &'static Kind,
        key: &CacheKey,
        intent: Intent,
    ) -> Result<Opened<AnyPermit>> {
        only(self.open(kind, std::slice::from_ref(key), intent).await)
    }

    /// Asks for permits.
    pub(crate) async fn open(
        &self,
        kind: &'static Kind,
        keys: &[CacheKey],
        intent: Intent,
    ) -> Vec<Result<Opened<AnyPermit>>> {
        let mut opened = Vec::new();
        for keys in keys.chunks(self.chunk()) {
            let ask = || self.store.open(keys, kind.shape, intent);
            let answers = self.request(kind, Operation::Open, keys.len(), ask).await;
            append(&mut opened, answers);
        }
        opened
    }

    /// Stores what was loaded, and says for each whether the store answered. What one request fails
    /// with is not the others'.
    pub(super) async fn fill(&self, kind: &'static Kind, fills: Fills) -> Vec<Result<()>> {
        let mut filled = Vec::new();
        let is_ready = fills.iter().all(PendingFill::is_ready);
        let mut fills = fills.into_iter();
        while fills.len() > 0 {
            let chunk = fills.by_ref().take(self.chunk());
            let answers = if is_ready {
                let chunk = chunk.map(PendingFill::into_ready).collect();
                self.fill_stamped(kind, chunk).await
            } else {
                Box::pin(self.fill_chunk(kind, chunk.collect())).await
            };
            append(&mut filled, answers);
        }
        filled
    }

    async fn fill_chunk(&self, kind: &'static Kind, fills: Vec<PendingFill>) -> Vec<Result<()>> {
        let prefix = kind.prefix();
        let stamped = self.stamp_fills(kind, fills).await;
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
        let mut filled = self.fill_stamped(kind, fills).await.into_iter();
        let answers = unfilled.into_iter().map(|unfilled| match unfilled {
            None => filled.next().unwrap_or(Err(Error::Timeout)),
            Some(Ok(_)) => {
                self.record(&CacheEvent::SupersededFill { prefix });
                Ok(())
            }
            Some(Err(error)) => {
                if let Error::ConfigError(_) = &error {
                    self.failed(kind, Operation::Fill, &error);
                }
                Err(error)
            }
        });
        answers.collect()
    }

    async fn fill_stamped(
        &self,
        kind: &'static Kind,
        fills: Vec<Fill<AnyPermit>>,
    ) -> Vec<Result<()>> {
        let gone = fills.iter().map(|fill| matches!(fill.entry, Entry::Gone));
        let gone: SmallVec<[bool; 8]> = gone.collect();
        let ask = || self.store.fill(fills, kind.shape);
        let filled = self.request(kind, Operation::Fill, gone.len(), ask).await;
        let outcomes = filled.into_iter().zip(gone);
        outcomes
            .map(|(filled, is_gone)| {
                self.record_filled(kind, filled?, is_gone);
                Ok(())
            })
            .collect()
    }

    fn record_filled(&self, kind: &Kind, filled: Filled, is_gone: bool) {
        let prefix = kind.prefix();
        match filled {
            Filled::Stored if is_gone => {}
            Filled::Stored => self.record(&CacheEvent::Fill { prefix }),
            Filled::Superseded => self.record(&CacheEvent::SupersededFill { prefix }),
        }
    }

    /// Drops entries. What changes entries is never cut short by a deadline.
    pub(crate) async fn drop_entries(
        &self,
        prefix: &'static str,
        keys: &[CacheKey],
        source: InvalidationSource,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        // All in one: the store promises all of it when it is begun, and this may be dropped then.
        let span = store_span(prefix, Operation::Invalidate, keys.len());
        let results = self.store.invalidate(keys).instrument(span).await;
        let mut outcome = Ok(());
        for (key, result) in keys.iter().zip(padded(results, keys.len())) {
            // Even if the store could not be told: who comes after this call must not be given what
            // was loaded before it.
            self.flights.detach(key);
            match result {
                Ok(()) => self.record(&CacheEvent::Invalidation { prefix, source }),
                Err(error) => {
                    self.fault(prefix, Operation::Invalidate, &error);
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }

    /// Asks the store one thing, until the deadline; counts and logs each answer that is a failure.
    pub(super) async fn request<'a, A>(
        &self,
        kind: &'static Kind,
        operation: Operation,
        count: usize,
        ask: impl FnOnce() -> Soon<'a, Vec<Result<A>>>,
    ) -> Vec<Result<A>> {
        let span = store_span(kind.prefix(), operation, count);
        let mut answers = match span.in_scope(ask) {
            Soon::Now(answers) => answers.unwrap_or_default(),
            Soon::Later(later) => {
                let deadline = self.settings.backend_deadline;
                let answers = timer::within(deadline, later).instrument(span).await;
                answers.unwrap_or_else(|| vec_of(count, || Err(Error::Timeout)))
            }
        };
        if answers.len() != count {
            answers = padded(answers, count).collect();
        }
        let failures = answers.iter().filter_map(|answer| answer.as_ref().err());
        failures.for_each(|error| self.failed(kind, operation, error));
        answers
    }
}

/// Adds the answers of a request to those of the requests before it, of which there mostly are
/// none.
fn append<A>(all: &mut Vec<A>, mut answers: Vec<A>) {
    if all.is_empty() {
        *all = answers;
    } else {
        all.append(&mut answers);
    }
}

fn vec_of<A>(count: usize, one: impl Fn() -> A) -> Vec<A> {
    (0..count).map(|_| one()).collect()
}
