//! What is said of a load when it is over.

use crate::backend::CacheBackend;
use crate::observe::{CacheEvent, LoadOutcome};
use crate::outcome::{CachedOutput, Payload};
use crate::service::CacheService;
use std::time::Instant;

/// Reports a load when it is over, however that came about.
pub(super) struct Loading<'c, B: CacheBackend> {
    pub(super) cache: &'c CacheService<B>,
    pub(super) prefix: &'static str,
    pub(super) began: Instant,
    pub(super) outcome: Option<LoadOutcome>,
}

impl<B: CacheBackend> Drop for Loading<'_, B> {
    fn drop(&mut self) {
        let unfinished = if std::thread::panicking() {
            LoadOutcome::Panicked
        } else {
            LoadOutcome::Cancelled
        };
        let outcome = self.outcome.unwrap_or(unfinished);
        let elapsed = self.began.elapsed();
        if let LoadOutcome::Found = outcome {
            self.cache.inner().early.learn(self.prefix, elapsed);
        }
        self.cache.record(&CacheEvent::Load {
            prefix: self.prefix,
            outcome,
            elapsed,
        });
    }
}

/// How a load ended, by what it returned.
pub(super) fn outcome_of<O: CachedOutput>(output: &O) -> LoadOutcome {
    match output.payload().map(Payload::is_some) {
        Some(true) => LoadOutcome::Found,
        Some(false) => LoadOutcome::Absent,
        None => LoadOutcome::Failed,
    }
}
