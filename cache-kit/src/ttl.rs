//! How long an entry lives.

mod policy;

pub(crate) use policy::Ttl;
pub use policy::TtlPolicy;

use crate::error::{Error, Result};
use crate::runtime::random::random_fraction;
use std::time::Duration;

/// Says how long entries live: an entity's declaration, a service's default, or one call's
/// override.
///
/// ```
/// use cache_kit::Lifetime;
/// use std::time::Duration;
///
/// const HOUR: Lifetime = Lifetime::new()
///     .with_ttl(Duration::from_secs(3600))
///     .with_jitter(0.1)
///     .with_negative_ttl(Duration::from_secs(30));
/// assert_eq!(HOUR.ttl(), Some(Duration::from_secs(3600)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lifetime {
    ttl: Option<Duration>,
    jitter: Option<f64>,
    negative_ttl: Option<Duration>,
    stale_while_revalidate: Option<Duration>,
    stale_if_error: Option<Duration>,
    error_throttle: Option<Duration>,
    early_refresh: Option<f64>,
}

impl Lifetime {
    /// How long a key is not asked for again after a load that failed, unless a lifetime says
    /// otherwise.
    pub const DEFAULT_ERROR_THROTTLE: Duration = Duration::from_secs(5);

    /// Builds a lifetime that says nothing: a value lives until it is evicted or invalidated,
    /// absence is not stored.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ttl: None,
            jitter: None,
            negative_ttl: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            error_throttle: None,
            early_refresh: None,
        }
    }

    /// Sets how long a value is fresh.
    #[must_use]
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    pub(crate) const fn without_ttl(mut self) -> Self {
        self.ttl = None;
        self
    }

    /// Shortens each value's TTL at random, by at most this fraction (0 to 1), so that entries
    /// stored together do not expire together.
    #[must_use]
    pub const fn with_jitter(mut self, fraction: f64) -> Self {
        self.jitter = Some(fraction);
        self
    }

    /// Stores absence, for this long. Without it the repository is asked each time for what it does
    /// not have.
    #[must_use]
    pub const fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = Some(ttl);
        self
    }

    /// Keeps a value for so long after its TTL, and returns it at once while one caller, or a task
    /// of its own, loads the next. Zero is not at all.
    ///
    /// Where the load runs depends on the API: `#[cached(refresh = background)]`,
    /// [`get_or_refresh`](crate::CacheService::get_or_refresh) and
    /// [`with_shared`](crate::CacheExpander::with_shared) have it run by a task; others let the
    /// first caller who comes run it, and the rest have the stale value meanwhile.
    #[must_use]
    pub const fn with_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = Some(window);
        self
    }

    /// Keeps a value for so long after its TTL, and returns it where the load of the next one
    /// fails. Zero is not at all.
    ///
    /// Both windows begin when the TTL ends; what is kept for the one does not serve the other for
    /// longer than its own.
    #[must_use]
    pub const fn with_stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = Some(window);
        self
    }

    /// Keeps a key whose load has failed from being asked for again for so long, where there is a
    /// stale value to return; [`DEFAULT_ERROR_THROTTLE`](Self::DEFAULT_ERROR_THROTTLE) unless set.
    /// Zero asks each time. Each process counts by itself.
    #[must_use]
    pub const fn with_error_throttle(mut self, interval: Duration) -> Self {
        self.error_throttle = Some(interval);
        self
    }

    /// Has a value that is asked for often be loaded again *before* its TTL ends, by one caller at
    /// a time: each who reads it does so with a chance that grows as the end comes near, so that
    /// they need not all wait for the load after it. `beta` weighs that: 1 is the usual, more is
    /// earlier, 0 is not at all. It needs a TTL.
    ///
    /// A read begins a load if `load time × beta × −ln(random) ≥ time left`, the load time being
    /// what loads of the prefix took lately ("XFetch": A. Vattani, F. Chierichetti, K. Lowenstein,
    /// Optimal Probabilistic Cache Stampede Prevention, VLDB 2015). Who runs it is as with
    /// [`with_stale_while_revalidate`](Self::with_stale_while_revalidate); a batch loads it with
    /// what it misses.
    #[must_use]
    pub const fn with_early_refresh(mut self, beta: f64) -> Self {
        self.early_refresh = Some(beta);
        self
    }

    /// Returns how long a value is fresh, if that is bounded.
    pub const fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns the largest fraction that is taken off at random.
    pub const fn jitter(&self) -> Option<f64> {
        self.jitter
    }

    /// Returns how long absence is stored, if it is.
    pub const fn negative_ttl(&self) -> Option<Duration> {
        self.negative_ttl
    }

    /// Returns for how long a stale value is returned while the next one is loaded, if it is.
    pub const fn stale_while_revalidate(&self) -> Option<Duration> {
        self.stale_while_revalidate
    }

    /// Returns for how long a stale value is returned where the load of the next one fails, if it
    /// is.
    pub const fn stale_if_error(&self) -> Option<Duration> {
        self.stale_if_error
    }

    /// Returns how long a key is not asked for again after a load that failed, if that is said.
    pub const fn error_throttle(&self) -> Option<Duration> {
        self.error_throttle
    }

    /// Returns how early a value is loaded again, if it is.
    pub const fn early_refresh(&self) -> Option<f64> {
        self.early_refresh
    }

    /// How long a value is kept after its TTL.
    pub(crate) fn stale(&self) -> Duration {
        let windows = [self.stale_while_revalidate, self.stale_if_error];
        windows.into_iter().flatten().max().unwrap_or_default()
    }

    /// Takes from `fallback` what this lifetime leaves open.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            ttl: self.ttl.or(fallback.ttl),
            jitter: self.jitter.or(fallback.jitter),
            negative_ttl: self.negative_ttl.or(fallback.negative_ttl),
            stale_while_revalidate: self
                .stale_while_revalidate
                .or(fallback.stale_while_revalidate),
            stale_if_error: self.stale_if_error.or(fallback.stale_if_error),
            error_throttle: self.error_throttle.or(fallback.error_throttle),
            early_refresh: self.early_refresh.or(fallback.early_refresh),
        }
    }

    /// Refuses a lifetime that cannot work: a zero duration, a jitter that is no fraction, an early
    /// refresh below zero.
    ///
    /// # Errors
    /// [`Error::ConfigError`] that says which.
    pub fn check(&self) -> Result<()> {
        self.fault()
            .map_or(Ok(()), |fault| Err(Error::ConfigError(fault.into())))
    }

    /// Stops the compiler where a constant lifetime cannot work.
    ///
    /// # Panics
    /// If [`check`](Self::check) would fail; in a `const`, that is a compile error.
    #[doc(hidden)]
    #[must_use]
    pub const fn checked(self) -> Self {
        match self.fault() {
            Some(fault) => panic!("{}", fault),
            None => self,
        }
    }

    const fn fault(&self) -> Option<&'static str> {
        if matches!(self.ttl, Some(Duration::ZERO)) {
            return Some("`ttl` is zero: nothing would be cached");
        }
        if matches!(self.negative_ttl, Some(Duration::ZERO)) {
            return Some("`negative_ttl` is zero: nothing would be cached");
        }
        if let Some(beta) = self.early_refresh
            && !(beta >= 0.0 && beta.is_finite())
        {
            return Some("`early_refresh` is a number, 0 or more");
        }
        match self.jitter {
            Some(fraction) if !(fraction >= 0.0 && fraction <= 1.0) => {
                Some("`jitter` is a fraction from 0 to 1")
            }
            _ => None,
        }
    }

    /// The TTL of one value that is stored now; `Err` where it must not be stored for long enough
    /// to count.
    pub(crate) fn draw(&self) -> Option<Duration> {
        let ttl = self.ttl?;
        match self.jitter {
            Some(fraction) if fraction > 0.0 => Some(shorten(ttl, fraction * random_fraction())),
            _ => Some(ttl),
        }
    }
}

/// A lifetime that says only how long a value is fresh.
impl From<Duration> for Lifetime {
    fn from(ttl: Duration) -> Self {
        Self::new().with_ttl(ttl)
    }
}

/// Takes a fraction off a duration, and leaves at least a nanosecond.
fn shorten(ttl: Duration, fraction: f64) -> Duration {
    let off = Duration::try_from_secs_f64(ttl.as_secs_f64() * fraction).unwrap_or(Duration::ZERO);
    ttl.saturating_sub(off).max(Duration::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn jitter_shortens_by_at_most_its_fraction() {
        let lifetime = Lifetime::new().with_ttl(SECOND).with_jitter(0.25);
        let drawn: Vec<_> = (0..1000).filter_map(|_| lifetime.draw()).collect();
        assert!(
            drawn
                .iter()
                .all(|ttl| *ttl <= SECOND && *ttl >= Duration::from_millis(750))
        );
        assert!(
            drawn
                .iter()
                .max()
                .unwrap()
                .saturating_sub(*drawn.iter().min().unwrap())
                > Duration::from_millis(200)
        );
    }

    #[test]
    fn full_jitter_leaves_a_ttl_above_zero() {
        let lifetime = Lifetime::new()
            .with_ttl(Duration::from_nanos(1))
            .with_jitter(1.0);
        assert!((0..1000).all(|_| lifetime.draw() == Some(Duration::from_nanos(1))));
        let huge = Lifetime::new().with_ttl(Duration::MAX).with_jitter(1.0);
        assert!((0..1000).all(|_| huge.draw().is_some()));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(Lifetime::new().with_ttl(Duration::ZERO).check().is_err());
        assert!(
            Lifetime::new()
                .with_negative_ttl(Duration::ZERO)
                .check()
                .is_err()
        );
        for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(
                Lifetime::new().with_jitter(fraction).check().is_err(),
                "{fraction}"
            );
        }
        assert!(
            Lifetime::new()
                .with_ttl(Duration::MAX)
                .with_jitter(1.0)
                .check()
                .is_ok()
        );
    }

    #[test]
    fn the_more_special_lifetime_wins_field_by_field() {
        let declared = Lifetime::new().with_ttl(SECOND);
        let default = Lifetime::new()
            .with_ttl(SECOND * 9)
            .with_negative_ttl(SECOND * 2);
        assert_eq!(
            declared.or(default),
            Lifetime::new()
                .with_ttl(SECOND)
                .with_negative_ttl(SECOND * 2)
        );
    }
}
