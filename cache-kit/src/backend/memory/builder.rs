use super::InMemoryBackend;
use super::store::Bound;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;

/// Sets up an [`InMemoryBackend`].
#[derive(Debug)]
#[must_use]
pub struct InMemoryBuilder {
    bound: Bound,
    clock: Clock,
}

impl InMemoryBuilder {
    pub(super) fn new() -> Self {
        Self {
            bound: Bound::Entries(InMemoryBackend::DEFAULT_CAPACITY),
            clock: Clock::system(),
        }
    }

    /// Bounds the number of entries.
    pub fn capacity(mut self, entries: u64) -> Self {
        self.bound = Bound::Entries(entries);
        self
    }

    /// Bounds the weight of all entries, in bytes: keys, and what
    /// [`CacheEntity::weight`](crate::CacheEntity::weight) returns.
    pub fn max_weight(mut self, bytes: u64) -> Self {
        self.bound = Bound::Weight(bytes);
        self
    }

    /// Takes time from another clock, such as a [`ManualClock`](crate::ManualClock) in a test.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Makes the backend.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if there is room for nothing.
    pub fn build(self) -> Result<InMemoryBackend> {
        match self.bound {
            Bound::Entries(0) => Err(Error::ConfigError("`capacity(0)` caches nothing".into())),
            Bound::Weight(0) => Err(Error::ConfigError("`max_weight(0)` caches nothing".into())),
            bound => Ok(InMemoryBackend::from_parts(bound, self.clock)),
        }
    }
}
