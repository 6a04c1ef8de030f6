//! What becomes of what a look-up found. Pure: no store, no clock, no flight.

use crate::runtime::clock::Age;
use crate::store::Lookup;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::time::Duration;

/// For how long a value serves after its TTL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// While the next value is loaded.
    pub(crate) revalidate: Duration,
    /// If the load of the next value fails.
    pub(crate) error: Duration,
    /// How long after a failed load the key is not loaded again.
    pub(crate) throttle: Duration,
}

impl From<Lifetime> for Windows {
    fn from(lifetime: Lifetime) -> Self {
        let throttle = lifetime.error_throttle();
        Self {
            revalidate: lifetime.stale_while_revalidate().unwrap_or_default(),
            error: lifetime.stale_if_error().unwrap_or_default(),
            throttle: throttle.unwrap_or(Lifetime::DEFAULT_ERROR_THROTTLE),
        }
    }
}

/// What a decision depends on, beside what was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) strategy: CacheStrategy,
    /// An entry of this age, or an older one, is a miss.
    pub(crate) age_limit: Option<Duration>,
    /// Whether the caller's output can say "there is none".
    pub(crate) takes_absent: bool,
    pub(crate) windows: Windows,
    /// Whether it was drawn that this hit is loaded again before it ends.
    pub(crate) is_drawn: bool,
    /// Whether a load of the key failed not long ago.
    pub(crate) is_throttled: bool,
}

/// What becomes of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is the answer.
    Serve,
    /// It is the answer, and one caller loads the next value before it ends.
    LoadAhead,
    /// It is the answer though it has ended. Nobody loads the next value yet.
    ServeStale,
    /// It is the answer though it has ended, and one caller loads the next value.
    Revalidate,
    /// A load is needed. What was found is the answer if the load fails.
    LoadOrFallBack,
    /// A load is needed.
    Load,
}

/// Decides what becomes of what was found under a key.
pub(crate) fn decide(found: &Lookup, now: &Circumstances) -> Decision {
    let is_too_old = |age: Age| now.age_limit.is_some_and(|limit| age.get() >= limit);
    let refreshes = now.strategy == CacheStrategy::Refresh;
    match found {
        Lookup::Hit { age, .. } if is_too_old(*age) => Decision::Load,
        Lookup::Hit { .. } if refreshes && now.is_drawn && !now.is_throttled => Decision::LoadAhead,
        Lookup::Hit { .. } => Decision::Serve,
        Lookup::Absent { age } if now.takes_absent && !is_too_old(*age) => Decision::Serve,
        Lookup::Stale(stale) if is_too_old(stale.age) => Decision::Load,
        Lookup::Stale(stale) if refreshes && stale.since < now.windows.revalidate => {
            if now.is_throttled {
                Decision::ServeStale
            } else {
                Decision::Revalidate
            }
        }
        Lookup::Stale(stale) if stale.since < now.windows.revalidate.max(now.windows.error) => {
            Decision::LoadOrFallBack
        }
        Lookup::Absent { .. } | Lookup::Stale(_) | Lookup::Miss(_) => Decision::Load,
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Load, LoadAhead, LoadOrFallBack, Revalidate, Serve, ServeStale};
    use super::*;
    use crate::store::{Stale, Stamp};
    use std::sync::Arc;

    const NOW: Circumstances = Circumstances {
        strategy: CacheStrategy::Refresh,
        age_limit: None,
        takes_absent: true,
        windows: Windows {
            revalidate: Duration::from_secs(10),
            error: Duration::from_secs(30),
            throttle: Duration::from_secs(1),
        },
        is_drawn: false,
        is_throttled: false,
    };

    fn age() -> Age {
        Age::new(Duration::from_secs(60))
    }

    fn hit() -> Lookup {
        let value = Arc::new(7_u64);
        Lookup::Hit { value, age: age() }
    }

    fn stale(since: u64) -> Lookup {
        Lookup::Stale(Stale {
            value: Arc::new(7_u64),
            age: age(),
            since: Duration::from_secs(since),
            stamp: Stamp::new(1),
        })
    }

    #[test]
    fn each_thing_found_has_one_decision() {
        let absent = || Lookup::Absent { age: age() };
        let miss = || Lookup::Miss(None);
        let drawn = Circumstances {
            is_drawn: true,
            ..NOW
        };
        let throttled = Circumstances {
            is_throttled: true,
            ..NOW
        };
        let drawn_and_throttled = Circumstances {
            is_drawn: true,
            ..throttled
        };
        let fresh = Circumstances {
            strategy: CacheStrategy::Fresh,
            ..NOW
        };
        let fresh_and_drawn = Circumstances {
            is_drawn: true,
            ..fresh
        };
        let old = Circumstances {
            age_limit: Some(Duration::from_secs(60)),
            ..NOW
        };
        let young = Circumstances {
            age_limit: Some(Duration::from_secs(61)),
            ..NOW
        };
        let never_absent = Circumstances {
            takes_absent: false,
            ..NOW
        };
        let table = [
            (hit(), NOW, Serve),
            (hit(), drawn, LoadAhead),
            (hit(), drawn_and_throttled, Serve),
            (hit(), fresh_and_drawn, Serve),
            (hit(), old, Load),
            (hit(), young, Serve),
            (absent(), NOW, Serve),
            (absent(), drawn, Serve),
            (absent(), never_absent, Load),
            (absent(), old, Load),
            (stale(0), NOW, Revalidate),
            (stale(9), NOW, Revalidate),
            (stale(9), throttled, ServeStale),
            (stale(9), fresh, LoadOrFallBack),
            (stale(9), old, Load),
            (stale(10), NOW, LoadOrFallBack),
            (stale(10), throttled, LoadOrFallBack),
            (stale(29), NOW, LoadOrFallBack),
            (stale(30), NOW, Load),
            (miss(), NOW, Load),
            (miss(), drawn_and_throttled, Load),
        ];
        for (number, (found, now, decision)) in table.iter().enumerate() {
            assert_eq!(
                decide(found, now),
                *decision,
                "row {number}: {found:?}, {now:?}"
            );
        }
    }
}
