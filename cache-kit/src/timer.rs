//! Deadlines, where there is a timer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;

/// Runs work for so long; `None` if it took longer and was dropped. Work that is done at once needs no timer. Outside of a runtime there is
/// none, and the work takes as long as it takes.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut timer = pin!(None);
    let mut is_waiting = false;
    // Not `timeout` after a first poll: it would poll twice at once, and work that yields would not have.
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if !is_waiting && Handle::try_current().is_ok() {
            timer.set(Some(tokio::time::sleep(limit)));
        }
        is_waiting = true;
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(context).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Waits; `false` if there is no timer to wait with.
pub(crate) async fn pause(time: Duration) -> bool {
    let has_timer = Handle::try_current().is_ok();
    if has_timer {
        tokio::time::sleep(time).await;
    }
    has_timer
}
