//! Waiting for another process that is loading.

use crate::random::random_fraction;
use crate::timer;
use std::time::Duration;
use tokio::time::Instant;

/// When to look again whether the other process is done, and for how long.
pub(super) struct LeaseWait {
    until: Option<Instant>,
    pause: Duration,
}

impl LeaseWait {
    const FIRST_PAUSE: Duration = Duration::from_millis(5);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);

    /// Waits for this long altogether.
    pub(super) fn new(deadline: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(deadline),
            pause: Self::FIRST_PAUSE,
        }
    }

    /// Waits for a random while, so that not all look at the same time; `false` if there is no time
    /// left, or no timer.
    pub(super) async fn wait(&mut self) -> bool {
        let pause = self.pause.mul_f64(0.5 + 0.5 * random_fraction());
        self.pause = self.pause.mul_f64(1.5).min(Self::LONGEST_PAUSE);
        let left = self
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(Duration::ZERO) => false,
            left => timer::pause(left.map_or(pause, |left| left.min(pause))).await,
        }
    }
}
