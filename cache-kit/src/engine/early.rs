//! Loads that begin before an entry ends: when (`XFetch`), and of which keys one is under way.

use crate::key::CacheKey;
use crate::runtime::random::random_fraction;
use foldhash::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// How long loads have taken lately, by prefix, and the keys that are loaded early now.
#[derive(Default)]
pub(crate) struct Early {
    /// Read by every hit that may draw.
    load_times: RwLock<HashMap<&'static str, Duration>>,
    under_way: Mutex<HashSet<CacheKey>>,
}

/// The right to load a key early. Dropping it gives it to others.
pub(crate) struct EarlyBird {
    early: Arc<Early>,
    key: CacheKey,
}

impl Early {
    /// Takes note of how long a load took. The newest counts for a quarter.
    pub(crate) fn learn(&self, prefix: &'static str, took: Duration) {
        let load_times = self.load_times.write();
        let mut load_times = load_times.unwrap_or_else(PoisonError::into_inner);
        let known = load_times.entry(prefix).or_insert(took);
        *known = known.saturating_mul(3).saturating_add(took) / 4;
    }

    /// Draws whether a value that has so long left is to be loaded now.
    pub(crate) fn draw(&self, prefix: &str, beta: f64, left: Duration) -> bool {
        let took = self.load_time(prefix);
        // From 0, exclusive, to 1.
        let random = 1.0 - random_fraction();
        took.is_some_and(|took| took.as_secs_f64() * beta * -random.ln() >= left.as_secs_f64())
    }

    /// Takes the right to load a key early, unless somebody has it.
    pub(crate) fn begin(self: &Arc<Self>, key: &CacheKey) -> Option<EarlyBird> {
        let is_first = self.under_way().insert(key.clone());
        is_first.then(|| EarlyBird {
            early: Arc::clone(self),
            key: key.clone(),
        })
    }

    fn load_time(&self, prefix: &str) -> Option<Duration> {
        let load_times = self.load_times.read();
        let load_times = load_times.unwrap_or_else(PoisonError::into_inner);
        load_times.get(prefix).copied()
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<CacheKey>> {
        let under_way = self.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EarlyBird {
    fn drop(&mut self) {
        self.early.under_way().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn share(early: &Early, beta: f64, left: Duration) -> f64 {
        let drawn = (0..20_000)
            .filter(|_| early.draw("user", beta, left))
            .count();
        f64::from(u32::try_from(drawn).unwrap()) / 20_000.0
    }

    #[test]
    fn the_chance_is_as_the_paper_has_it() {
        let early = Early::default();
        assert!(
            !early.draw("user", 1.0, Duration::ZERO),
            "nothing was loaded"
        );
        early.learn("user", SECOND);
        for (beta, left) in [(1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (0.5, 1.0)] {
            // Of an exponential variable: P(beta × X ≥ left).
            let wanted = f64::exp(-left / beta);
            let seen = share(&early, beta, Duration::from_secs_f64(left));
            assert!(
                (seen - wanted).abs() < 0.02,
                "{beta}, {left}: {seen} for {wanted}"
            );
        }
        assert!(share(&early, 0.0, SECOND) < f64::EPSILON);
        assert!(share(&early, 1.0, Duration::ZERO) > 0.999);
        assert!(!early.draw("other", 1.0, Duration::ZERO));
    }

    #[test]
    fn load_times_follow_what_loads_take() {
        let early = Early::default();
        for _ in 0..50 {
            early.learn("user", SECOND * 4);
        }
        for _ in 0..20 {
            early.learn("user", SECOND);
        }
        let known = early.load_time("user").unwrap();
        assert!(known > SECOND && known < SECOND * 2, "{known:?}");
        early.learn("user", Duration::MAX);
    }
}
