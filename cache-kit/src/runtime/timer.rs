//! Deadlines, where there is a timer.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;

/// Runs work for so long; `None` if it took longer and was dropped. Work that is done at once needs
/// no timer. Outside of a runtime there is none, and the work takes as long as it takes.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    // In a box: most work is done before it needs one.
    let mut timer: Option<Pin<Box<tokio::time::Sleep>>> = None;
    let mut is_waiting = false;
    // Not `timeout` after a first poll: it would poll twice at once, and work that yields would not
    // have.
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if !is_waiting && Handle::try_current().is_ok() {
            timer = Some(Box::pin(tokio::time::sleep(limit)));
        }
        is_waiting = true;
        match &mut timer {
            Some(timer) => timer.as_mut().poll(context).map(|()| None),
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

/// Runs all of some work at once, each begun at the first poll; the outcomes in their order.
pub(crate) async fn all<T>(work: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut work: Vec<_> = work.into_iter().map(|one| (Some(one), None)).collect();
    poll_fn(|context| {
        for (running, output) in &mut work {
            if let Some(one) = running
                && let Poll::Ready(ready) = one.as_mut().poll(context)
            {
                (*running, *output) = (None, Some(ready));
            }
        }
        if work.iter().all(|(running, _)| running.is_none()) {
            Poll::Ready(work.drain(..).filter_map(|(_, output)| output).collect())
        } else {
            Poll::Pending
        }
    })
    .await
}
