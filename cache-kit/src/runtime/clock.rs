//! Time as entries know it.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tells how much time has passed: the system's monotonic clock, or one that a test turns.
///
/// ```
/// use cache_kit::{InMemoryBackend, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let backend = InMemoryBackend::builder().clock(&clock).build()?;
/// clock.advance(Duration::from_secs(3600));
/// # let _ = backend;
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System(Instant),
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Returns the system's monotonic clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// Returns the time that has passed since this clock was made, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        match &self.0 {
            Source::System(origin) => saturating_nanos(origin.elapsed()),
            Source::Manual(nanos) => nanos.load(Ordering::Acquire),
        }
    }

    /// Returns when a lifetime ends that begins at a time; [`Clock::NEVER`] if it has no end that a
    /// clock reaches.
    pub(crate) fn end_of(begin: u64, ttl: Option<Duration>) -> u64 {
        ttl.map_or(Self::NEVER, |ttl| {
            begin.saturating_add(saturating_nanos(ttl))
        })
    }

    /// Tells the age of what was stored at a time of this clock.
    pub(crate) fn age(&self, stored: u64) -> Age {
        match &self.0 {
            Source::System(origin) => Age::since(*origin + Duration::from_nanos(stored)),
            Source::Manual(_) => Age::new(Duration::from_nanos(self.now().saturating_sub(stored))),
        }
    }

    /// Says whether time passes by itself.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.0, Source::System(_))
    }

    /// A time that does not come.
    pub(crate) const NEVER: u64 = u64::MAX;
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Source::System(_) => "system",
            Source::Manual(_) => "manual",
        };
        f.debug_tuple("Clock").field(&name).finish()
    }
}

/// Is a clock that moves only when it is told to; clones show the same time.
///
/// ```
/// use cache_kit::ManualClock;
/// use cache_kit::prelude::*;
/// use std::time::Duration;
///
/// # #[derive(Clone, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", ttl = "1h", key = id)]
/// # struct User { id: u64 }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let clock = ManualClock::new();
/// let cache = CacheService::new(InMemoryBackend::builder().clock(&clock).build()?);
/// cache.put(User { id: 7 }).await?;
/// clock.advance(Duration::from_secs(3599));
/// assert!(cache.get::<User>(&7).await?.is_some());
/// clock.advance(Duration::from_secs(1));
/// assert!(cache.get::<User>(&7).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Makes a clock that stands still.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on; at its end it stops.
    pub fn advance(&self, by: Duration) {
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                Some(now.saturating_add(saturating_nanos(by)))
            });
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self::from(&clock)
    }
}

impl From<&ManualClock> for Clock {
    fn from(clock: &ManualClock) -> Self {
        Self(Source::Manual(Arc::clone(&clock.0)))
    }
}

/// 584 years of nanoseconds fit; what is longer counts as that long.
fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
/// Tells how long ago an entry was stored. It is found out when it is asked for: most readers do
/// not, and reading a clock is no small part of a hit.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    since: Since,
    /// In nanoseconds; `None` is for ever.
    ttl: Option<NonZeroU64>,
}

#[derive(Clone, Copy, Debug)]
enum Since {
    Known(Duration),
    Stored(Instant),
}

impl Age {
    /// Builds the age of an entry that was stored so long ago.
    #[must_use]
    pub const fn new(age: Duration) -> Self {
        Self {
            since: Since::Known(age),
            ttl: None,
        }
    }

    /// Builds the age of an entry that was stored at a time.
    #[must_use]
    pub const fn since(stored: Instant) -> Self {
        Self {
            since: Since::Stored(stored),
            ttl: None,
        }
    }

    /// Says for how long altogether the entry is fresh, in nanoseconds; zero is for ever.
    #[must_use]
    pub const fn lasting(mut self, ttl: u64) -> Self {
        self.ttl = NonZeroU64::new(ttl);
        self
    }

    /// Returns how long the entry is still fresh, if it has an end and that is known.
    pub fn left(self) -> Option<Duration> {
        let ttl = Duration::from_nanos(self.ttl?.get());
        Some(ttl.saturating_sub(self.get()))
    }

    /// Returns how long ago that was.
    pub fn get(self) -> Duration {
        match self.since {
            Since::Known(age) => age,
            Since::Stored(stored) => stored.elapsed(),
        }
    }
}
