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
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    if let Poll::Ready(output) = first {
        return Some(output);
    }
    if Handle::try_current().is_err() {
        return Some(work.await);
    }
    tokio::time::timeout(limit, work).await.ok()
}

/// Waits; `false` if there is no timer to wait with.
pub(crate) async fn pause(time: Duration) -> bool {
    let has_timer = Handle::try_current().is_ok();
    if has_timer {
        tokio::time::sleep(time).await;
    }
    has_timer
}
