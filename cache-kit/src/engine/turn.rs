//! A call of one key: the answer, or the right and the duty to load.

use super::ask::{Answer, Loaded, Reload};
use super::body::Run;
use super::read::{Progress, Read};
use crate::entity::shape::Erased;
use crate::error::Error;
use crate::observe::Operation;
use crate::store::Soon;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tracing::Instrument;

/// A call that was begun: it gives the turn to load, or the answer.
pub(crate) type Begun<'r, 'e> = Soon<'r, Result<Turn<'e>, Answer>>;

/// The right and the duty to load one key. Dropped, it hands over.
///
/// One pointer, for it lies in the caller's frame while the body runs, at every level of nesting.
#[must_use = "dropped, it hands over to a caller that waits"]
pub struct Turn<'e>(Box<Read<'e>>);

impl<'e> Turn<'e> {
    /// Goes on with a call on this thread, over a store that answers at once. Only another thread's
    /// load is waited for, no longer than a flight may take, and where `waits` is false not by a
    /// thread of a runtime: the load may need that very thread. Else this one loads for itself.
    ///
    /// # Errors
    /// The answer, if nothing is to be loaded.
    pub(crate) fn now(read: Box<Read<'e>>, waits: bool) -> Result<Self, Answer> {
        let (engine, kind) = (read.engine, read.ask.kind);
        let waits = waits || Handle::try_current().is_err();
        let deadline = engine.settings.flight_deadline.min(LONGEST_WAIT);
        let until = waits.then(|| Instant::now() + deadline);
        let (ask, key) = (read.ask.clone(), read.items[0].key.clone());
        if let Some(begun) = wait_for(Self::of(read, None), until) {
            return begun;
        }
        if waits {
            engine.failed(kind, Operation::Wait, &Error::Timeout);
        }
        wait_for_all(Self::of(Box::new(Read::alone(engine, ask, key)), None))
    }

    /// Goes on with a call of one key until it is answered, or the caller's to load. Over a store
    /// that answers at once only a call that follows another needs a future.
    pub(crate) fn of<'r>(mut read: Box<Read<'e>>, reload: Reload<'r>) -> Begun<'r, 'e>
    where
        'e: 'r,
    {
        match read.at_once(async |read| read.advance(reload).await) {
            Some(Progress::Load) => return Soon::now(begun(read, true)),
            Some(Progress::Done) => return Soon::now(begun(read, false)),
            Some(Progress::Wait) => {
                let mut waiting = Some(read);
                return Soon::later(poll_fn(move |context| {
                    let Some(mut read) = waiting.take() else {
                        return Poll::Pending;
                    };
                    match read.poll_next(reload, context) {
                        Poll::Ready(is_turn) => Poll::Ready(begun(read, is_turn)),
                        Poll::Pending => {
                            waiting = Some(read);
                            Poll::Pending
                        }
                    }
                }));
            }
            None => {}
        }
        let span = read.span.clone();
        let step = async move {
            let is_turn = read.next(reload).await;
            begun(read, is_turn)
        };
        Soon::later(step.instrument(span))
    }

    /// Polls the body as the load of this key; `None` if it takes longer than it may.
    pub fn run<'t, F>(&'t mut self, body: Pin<&'t mut F>) -> Run<'t, 'e, F>
    where
        F: Future + ?Sized,
    {
        self.0.run(body)
    }

    /// Runs a body that does not wait as the load of this key.
    pub(crate) fn run_now<O>(&mut self, body: impl FnOnce() -> O) -> O {
        self.0.run_now(body)
    }

    /// Gives up the fallback, if that would be the wrong answer.
    pub(super) fn keep_fallback_if(&mut self, serves: impl FnOnce(&Erased) -> bool) {
        self.0.keep_fallback_if(serves);
    }

    /// Whether a fallback hides how the load fails.
    pub(crate) fn has_fallback(&self) -> bool {
        self.0.has_fallback()
    }

    /// Stores what came, and tells everyone who waits for it. `Some` is what the caller returns in
    /// place of what its body returned.
    pub(crate) fn land(mut self, loaded: Option<Loaded>) -> Soon<'e, Option<Answer>> {
        if self.0.engine.store.answers_at_once() {
            let landed = self.0.at_once(async |read| read.land_one(loaded).await);
            return Soon::Now(landed);
        }
        let span = self.0.span.clone();
        let landing = async move { self.0.land_one(loaded).await };
        Soon::later(landing.instrument(span))
    }

    /// The same, on this thread.
    pub(crate) fn land_now(self, loaded: Loaded) -> Option<Answer> {
        wait_for_all(self.land(Some(loaded)))
    }
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

/// As long as for ever, and no time that a clock cannot tell.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// What a call has come to: the turn to load, or the answer.
fn begun(mut read: Box<Read<'_>>, is_turn: bool) -> Result<Turn<'_>, Answer> {
    if is_turn {
        return Ok(Turn(read));
    }
    match read.take_answer() {
        Some(answer) => Err(answer),
        None => unreachable!("a call of one key loads it or is answered"),
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread until some time; not at all without one.
fn wait_for<T>(mut work: Soon<'_, T>, until: Option<Instant>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        let mut context = Context::from_waker(&waker);
        if let Poll::Ready(done) = Pin::new(&mut work).poll(&mut context) {
            return Some(done);
        }
        let left = until?.checked_duration_since(Instant::now())?;
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

/// Waits on this thread, however long it takes.
fn wait_for_all<T>(mut work: Soon<'_, T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        let mut context = Context::from_waker(&waker);
        if let Poll::Ready(done) = Pin::new(&mut work).poll(&mut context) {
            return done;
        }
        thread::park();
    }
}
