//! Calls of functions that do not wait: what they wait for, the thread waits for.

use super::{Inline, load_beside, read_through};
use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity as _;
use crate::error::Error;
use crate::flight::Frame;
use crate::key::KeyWriter;
use crate::observe::Operation;
use crate::outcome::{CachedOutput, EntityOf};
use crate::service::CacheService;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;
use tokio::runtime::Handle;

/// Runs a call to its end on this thread, over a store that answers at once. Only another thread's load of the same key is waited for, no longer than
/// a flight may take, and of an entity not by a thread of a runtime; else this one loads for itself.
pub(crate) fn read_through_now<B, O>(
    cache: &CacheService<B>,
    key: &KeyWriter,
    call: Call<O>,
    body: impl FnOnce() -> O,
) -> O
where
    B: CacheBackend,
    O: CachedOutput,
{
    let deadline = Instant::now() + cache.inner().settings.flight_deadline;
    let keys: Vec<_> = key.to_key().into_iter().collect();
    // The body is not run while the call is polled, but between two polls: a recursion would run out of stack.
    let (is_wanted, loaded) = (Cell::new(false), Cell::new(None));
    let load = pin!(poll_fn(|_| {
        is_wanted.set(true);
        loaded.take().map_or(Poll::Pending, Poll::Ready)
    }));
    // What is loaded by a function that waits may need this very thread, where that is one of a runtime. A prefix is one function's, and this one does not wait.
    let may_wait = !EntityOf::<O>::KEYED || Handle::try_current().is_err();
    let mut run = read_through(cache, key.clone(), call.clone(), Inline, load);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut body = Some(body);
    loop {
        if let Poll::Ready(output) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        if let Some(body) = body.take_if(|_| is_wanted.get()) {
            let body = Frame::enter(cache.id(), keys.clone(), async { body() });
            loaded.set(Some(at_once(pin!(body))));
            continue;
        }
        // It loads for itself, and stores that.
        if body.is_some() && !may_wait {
            break;
        }
        // One wait for each poll: to park again after a wake-up would lose it.
        if wait(deadline) && body.is_some() {
            cache.failed::<EntityOf<O>>(Operation::Wait, &Error::Timeout);
            break;
        }
    }
    drop(run);
    let load = pin!(async {
        match body.take() {
            Some(body) => body(),
            None => unreachable!("a body runs once"),
        }
    });
    at_once(pin!(load_beside(cache, key, call, load)))
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits until this thread is woken; `true` if the time is over.
fn wait(deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    thread::park_timeout(left);
    left.is_zero()
}

/// What is done as soon as it is polled.
fn at_once<F: Future>(work: Pin<&mut F>) -> F::Output {
    match work.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits for nothing"),
    }
}
