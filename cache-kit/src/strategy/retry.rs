//! Asking again, later and later.

use crate::error::{Error, Result};
use crate::runtime::random::random_fraction;
use crate::runtime::timer;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Says how often and how long a transient failure is retried. Before retry *n* it waits for a
/// random time of at most `first_delay` × 2ⁿ⁻¹ ("full jitter", M. Brooker, AWS Architecture Blog,
/// 2015), so that callers who failed together do not come back together. It needs a timer, as
/// [`flight_deadline`](crate::CacheServiceBuilder::flight_deadline) does: outside of a runtime
/// nothing is retried.
///
/// ```
/// use cache_kit::{OperationConfig, Retry};
/// use std::time::Duration;
///
/// let retry = Retry::new(5)
///     .first_delay(Duration::from_millis(20))
///     .max_delay(Duration::from_millis(500))
///     .deadline(Duration::from_secs(2));
/// let config = OperationConfig::new().with_retry(retry);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    retries: u32,
    first_delay: Duration,
    max_delay: Duration,
    deadline: Duration,
}

impl Retry {
    /// Builds a retry of so many times after the first: from 50 ms up to a second apart, none later
    /// than 10 s after the call began.
    pub const fn new(retries: u32) -> Self {
        Self {
            retries,
            first_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(1),
            deadline: Duration::from_secs(10),
        }
    }

    /// Sets the longest time to wait before the first retry; it doubles for each one after.
    pub const fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the longest time to wait before any retry.
    pub const fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets how long after the call began the last retry may begin. What has begun is not cut
    /// short.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.deadline.is_zero() {
            return Err(Error::ConfigError(
                "a retry `deadline` of zero retries nothing".into(),
            ));
        }
        Ok(())
    }

    /// How long to wait before a retry, the first of which is 0.
    fn delay(&self, retry: u32) -> Duration {
        let doubled = self.first_delay.saturating_mul(2_u32.saturating_pow(retry));
        doubled.min(self.max_delay).mul_f64(random_fraction())
    }
}

impl From<u32> for Retry {
    fn from(retries: u32) -> Self {
        Self::new(retries)
    }
}

/// The retries of one operation, however many of its steps draw from them.
pub(crate) struct Retries {
    used: AtomicU32,
    /// And when the operation began: no clock is read for one without retries.
    retry: Option<(Retry, Instant)>,
}

impl Retries {
    pub(crate) fn new(retry: Option<Retry>) -> Self {
        Self {
            used: AtomicU32::new(0),
            retry: retry.map(|retry| (retry, Instant::now())),
        }
    }

    /// Waits for the time of the next retry; `false` if there is none.
    pub(crate) async fn next(&self) -> bool {
        let Some((retry, began)) = &self.retry else {
            return false;
        };
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        if used >= retry.retries {
            return false;
        }
        let delay = retry.delay(used);
        let is_in_time = began.elapsed().saturating_add(delay) <= retry.deadline;
        is_in_time && timer::pause(delay).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_largest_and_are_spread() {
        let retry = Retry::new(40)
            .first_delay(Duration::from_millis(10))
            .max_delay(Duration::from_millis(40));
        for (number, most) in [(0, 10), (1, 20), (2, 40), (3, 40), (39, 40), (u32::MAX, 40)] {
            let delays: Vec<_> = (0..500).map(|_| retry.delay(number)).collect();
            let most = Duration::from_millis(most);
            assert!(delays.iter().all(|delay| *delay <= most), "{number}");
            assert!(delays.iter().any(|delay| *delay > most / 2), "{number}");
            assert!(delays.iter().any(|delay| *delay < most / 2), "{number}");
        }
    }
}
