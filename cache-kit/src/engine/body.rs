//! A body at work: what has to be known and done at each poll of it.

use super::Engine;
use crate::key::CacheKey;
use crate::observe::{CacheEvent, LoadOutcome};
use foldhash::HashSet;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::Sleep;
use tracing::Span;

/// The keys that a body loads. Few are compared, many are looked up.
#[derive(Clone)]
pub(super) enum Keys {
    One(CacheKey),
    Few(Arc<[CacheKey]>),
    Many(Arc<HashSet<CacheKey>>),
}

impl Keys {
    const FEW: usize = 8;

    pub(super) fn new(mut keys: SmallVec<[CacheKey; 1]>) -> Self {
        match keys.len() {
            1 => match keys.pop() {
                Some(key) => Self::One(key),
                None => unreachable!("there is one"),
            },
            0..=Self::FEW => Self::Few(keys.into_iter().collect()),
            _ => Self::Many(Arc::new(keys.into_iter().collect())),
        }
    }

    fn contains(&self, key: &CacheKey) -> bool {
        match self {
            Self::One(own) => own == key,
            Self::Few(keys) => keys.contains(key),
            Self::Many(keys) => keys.contains(key),
        }
    }
}

thread_local! {
    /// What is being loaded by the bodies that this thread polls now, from the outermost in. Polls
    /// nest as loads do, so that no body has to carry what is outside of it.
    static LOADING: RefCell<Vec<(usize, Keys)>> = const { RefCell::new(Vec::new()) };
}

/// Returns whether a body that is polled now, or one around it, is loading this key. A body that
/// asks for its own key must not wait for itself.
pub(super) fn is_loading(service: usize, key: &CacheKey) -> bool {
    LOADING.with_borrow(|loading| {
        let mut loading = loading.iter();
        loading.any(|(other, keys)| *other == service && keys.contains(key))
    })
}

/// The time during which a body is polled.
struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        LOADING.with_borrow_mut(|loading| drop(loading.pop()));
    }
}

/// What surrounds a body while it runs.
pub(super) struct Surroundings<'e> {
    pub(super) engine: &'e Arc<Engine>,
    pub(super) keys: Keys,
    pub(super) span: Span,
    /// After how long the load has failed.
    pub(super) limit: Limit,
    /// After how long other callers may begin loads of these keys as well. For loads that nobody
    /// waits for: a caller that waits has a deadline of its own.
    pub(super) detach: Option<(Limit, Vec<CacheKey>)>,
    pub(super) report: LoadReport<'e>,
}

/// A time limit, whose timer is made when a body has to wait.
#[derive(Default)]
pub(super) struct Limit {
    after: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Limit {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self { after, timer: None }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let Some(after) = self.after else {
            return false;
        };
        if self.timer.is_none() && Handle::try_current().is_ok() {
            self.timer = Some(Box::pin(tokio::time::sleep(after)));
        }
        let timer = self.timer.as_mut();
        timer.is_some_and(|timer| timer.as_mut().poll(context).is_ready())
    }
}

impl Surroundings<'_> {
    fn enter(&self) -> Entered {
        let own = (self.engine.id(), self.keys.clone());
        LOADING.with_borrow_mut(|loading| loading.push(own));
        Entered
    }

    /// Runs what does not wait.
    pub(super) fn run_now<O>(&self, body: impl FnOnce() -> O) -> O {
        let _span = self.span.enter();
        let _entered = self.enter();
        body()
    }

    fn is_too_late(&mut self, context: &mut Context<'_>) -> bool {
        if let Some((limit, keys)) = &mut self.detach
            && limit.is_over(context)
        {
            for key in keys.iter() {
                self.engine.flights.detach(key);
            }
            self.detach = None;
        }
        self.limit.is_over(context)
    }
}

/// Polls a body as the load of some keys; `None` if it takes longer than it may.
///
/// Holds two pointers and moves no body, so that the caller's frame holds the body once. It is
/// `Send` where the body is.
#[must_use = "a body runs when it is awaited"]
pub struct Run<'t, 'e, F: ?Sized> {
    surroundings: &'t mut Surroundings<'e>,
    body: Pin<&'t mut F>,
}

impl<'t, 'e, F: Future + ?Sized> Run<'t, 'e, F> {
    pub(super) fn new(surroundings: &'t mut Surroundings<'e>, body: Pin<&'t mut F>) -> Self {
        Self { surroundings, body }
    }
}

impl<F: Future + ?Sized> Future for Run<'_, '_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { surroundings, body } = self.get_mut();
        let polled = surroundings.run_now(|| body.as_mut().poll(context));
        match polled {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if surroundings.is_too_late(context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<F: ?Sized> std::fmt::Debug for Run<'_, '_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

/// Reports a load when it is over, however that came about.
pub(super) struct LoadReport<'e> {
    engine: &'e Engine,
    prefix: &'static str,
    began: Instant,
    outcome: Option<LoadOutcome>,
    /// What a panic keeps from being loaded again for a while: the keys that have a fallback.
    throttled: Vec<(CacheKey, Duration)>,
}

impl<'e> LoadReport<'e> {
    pub(super) fn begin(
        engine: &'e Engine,
        prefix: &'static str,
        throttled: Vec<(CacheKey, Duration)>,
    ) -> Self {
        Self {
            engine,
            prefix,
            began: Instant::now(),
            outcome: None,
            throttled,
        }
    }

    pub(super) fn end(mut self, outcome: LoadOutcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for LoadReport<'_> {
    fn drop(&mut self) {
        let is_panicking = std::thread::panicking();
        let unfinished = if is_panicking {
            LoadOutcome::Panicked
        } else {
            LoadOutcome::Cancelled
        };
        let outcome = self.outcome.unwrap_or(unfinished);
        if self.outcome.is_none() && is_panicking {
            for (key, interval) in &self.throttled {
                self.engine.throttle.hold(key, *interval);
            }
        }
        let elapsed = self.began.elapsed();
        if let LoadOutcome::Found = outcome {
            self.engine.early.learn(self.prefix, elapsed);
        }
        self.engine.record(&CacheEvent::Load {
            prefix: self.prefix,
            outcome,
            elapsed,
        });
    }
}
