//! Waiting for another process that is loading.

use crate::runtime::random::random_fraction;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

/// When to look again whether the other process is done, and for how long.
pub(super) struct LeaseWait {
    until: Option<Instant>,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl LeaseWait {
    const FIRST_PAUSE: Duration = Duration::from_millis(5);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);

    /// Waits for this long altogether.
    pub(super) fn new(deadline: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(deadline),
            pause: Self::FIRST_PAUSE,
            timer: None,
        }
    }

    /// Waits for a random while, so that not all look at the same time; `false` if there is no time
    /// left, or no timer.
    pub(super) fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let timer = match &mut self.timer {
            Some(timer) => timer,
            timer => {
                let pause = self.pause.mul_f64(0.5 + 0.5 * random_fraction());
                self.pause = self.pause.mul_f64(1.5).min(Self::LONGEST_PAUSE);
                let left = self
                    .until
                    .map(|until| until.saturating_duration_since(Instant::now()));
                if left == Some(Duration::ZERO) || Handle::try_current().is_err() {
                    return Poll::Ready(false);
                }
                let pause = left.map_or(pause, |left| left.min(pause));
                timer.insert(Box::pin(tokio::time::sleep(pause)))
            }
        };
        ready!(timer.as_mut().poll(context));
        self.timer = None;
        Poll::Ready(true)
    }
}
