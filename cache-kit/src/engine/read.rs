//! One call on its way through the cache, of one key or of many.

use super::ask::{Answer, Ask, Loaded, Reload, Subject};
use super::body::{Run, Surroundings, is_loading};
use super::item::Fallback;
use super::item::{Item, Known, Missed, Pass, Peeked, Purpose, Task, Wait};
use super::land::ManyLanding;
use super::lease::LeaseWait;
use super::tags::TagSnapshot;
use super::{Engine, Kind};
use crate::entity::shape::Erased;
use crate::error::Result;
use crate::flight::{Joined, Lead, Tag};
use crate::key::CacheKey;
use crate::observe::CacheEvent;
use crate::store::{Soon, Stamp};
use crate::strategy::CacheStrategy;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::time::{Instant, Sleep};
use tracing::{Instrument, Span};

/// How far a call has come.
pub(super) enum Progress {
    /// There is something for the caller to load.
    Load,
    /// Every key has its answer, or the call its failure.
    Done,
    /// Another call loads, or another process.
    Wait,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    LookUp,
    Plan,
    Load,
}

/// One call. Dropped, it hands over what it leads.
pub(crate) struct Read<'e> {
    // Dropped first: a load is reported before its flight is handed over.
    pub(super) surroundings: Option<Box<Surroundings<'e>>>,
    pub(super) engine: &'e Arc<Engine>,
    pub(super) ask: Ask,
    pub(super) span: Span,
    /// Whether a task runs it, whose answer nobody is given.
    pub(super) is_detached: bool,
    pub(super) stage: Stage,
    pub(super) items: SmallVec<[Item; 1]>,
    /// What this call is to load.
    pub(super) tasks: SmallVec<[Task; 1]>,
    /// How many of them, from the first, the caller's body loads now.
    pub(super) loading: usize,
    pub(super) snapshot: Option<Box<TagSnapshot>>,
    pub(super) waits: VecDeque<Wait>,
    pub(super) waits_since: Option<Instant>,
    pub(super) timer: Option<Pin<Box<Sleep>>>,
    /// Items whose flight brought nothing of use: they join the next.
    pub(super) rejoining: Vec<(usize, Pass)>,
    pub(super) lease: Option<Box<LeaseWait>>,
    /// Whether this call still waits for another process.
    pub(super) is_patient: bool,
    /// Whether a failure has ended the call.
    pub(super) has_failed: bool,
}

impl<'e> Read<'e> {
    pub(crate) fn new(engine: &'e Arc<Engine>, ask: Ask) -> Self {
        let (prefix, strategy) = (ask.kind.prefix(), ask.strategy);
        let span = tracing::debug_span!("cache_call", prefix, ?strategy);
        Self::in_span(engine, ask, span)
    }

    pub(super) fn in_span(engine: &'e Arc<Engine>, ask: Ask, span: Span) -> Self {
        Self {
            surroundings: None,
            engine,
            ask,
            span,
            is_detached: false,
            stage: Stage::LookUp,
            items: SmallVec::new(),
            tasks: SmallVec::new(),
            loading: 0,
            snapshot: None,
            waits: VecDeque::new(),
            waits_since: None,
            timer: None,
            rejoining: Vec::new(),
            lease: None,
            is_patient: true,
            has_failed: false,
        }
    }

    /// Begins a call of one key.
    pub(crate) fn of_one(
        engine: &'e Arc<Engine>,
        ask: Ask,
        key: Result<CacheKey>,
        peeked: Peeked,
    ) -> Self {
        let mut read = Self::new(engine, ask);
        let declared = read.declared();
        read.push(&declared, key, peeked);
        read
    }

    /// Begins a call of one key anew, that shares no load: after having waited for too long.
    pub(super) fn alone(engine: &'e Arc<Engine>, ask: Ask, key: Option<CacheKey>) -> Self {
        let mut read = Self::new(engine, ask);
        let pass = if key.is_some() {
            Pass::Unopened
        } else {
            Pass::Denied
        };
        read.push_item(key, Known::Missed);
        read.push_alone(0, pass);
        read.stage = Stage::Load;
        read
    }

    /// Begins a load that a task runs, on a flight that its caller began or ahead of all flights.
    pub(super) fn detached(
        engine: &'e Arc<Engine>,
        ask: Ask,
        key: CacheKey,
        purpose: Purpose,
        fallback: Box<Fallback>,
        lead: Option<Lead>,
        span: Span,
    ) -> Self {
        let mut read = Self::in_span(engine, ask, span);
        read.is_detached = true;
        read.push(&Ok(()), Ok(key), Peeked::default());
        read.items[0].purpose = purpose;
        read.items[0].fallback = Some(fallback);
        read.tasks.push(Task {
            item: 0,
            lead,
            pass: Pass::Unopened,
        });
        read.stage = Stage::Load;
        read
    }

    /// Checks the declaration, unless the call passes the cache by.
    pub(crate) fn declared(&self) -> Result<()> {
        match self.ask.strategy {
            CacheStrategy::Bypass => Ok(()),
            _ => self.engine.declare(self.ask.kind, self.ask.lifetime()),
        }
    }

    /// Adds a key.
    pub(crate) fn push(&mut self, declared: &Result<()>, key: Result<CacheKey>, peeked: Peeked) {
        let (key, known) = match (declared, key) {
            _ if self.ask.strategy == CacheStrategy::Bypass => (None, Known::Missed),
            (Ok(()), Ok(key)) => (Some(key), Known::Peeked(peeked)),
            (Err(error), _) => (None, Known::Refused(error.clone())),
            (Ok(()), Err(error)) => (None, Known::Refused(error)),
        };
        if let Some(key) = &key {
            tracing::trace!(parent: &self.span, %key, "asked");
        }
        self.push_item(key, known);
    }

    fn push_item(&mut self, key: Option<CacheKey>, known: Known) {
        let takes_absence = self.ask.subject != Subject::Hint;
        self.items.push(Item::new(key, known, takes_absence));
    }

    /// Says by which tags what is loaded can be dropped.
    pub(crate) fn tag(&mut self, tags: Vec<String>) {
        self.ask.set_tags(tags);
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn kind(&self) -> &'static Kind {
        self.ask.kind
    }

    pub(super) fn prefix(&self) -> &'static str {
        self.ask.kind.prefix()
    }

    /// Whether a failure of the cache ends this call.
    pub(super) fn is_strict(&self) -> bool {
        self.engine.is_strict() && self.ask.takes.errors
    }

    pub(super) fn record(&self, event: impl FnOnce(&'static str) -> CacheEvent<'static>) {
        self.engine.record(&event(self.prefix()));
    }

    /// Counts what a caller is given. What a task loads is given to nobody.
    pub(super) fn record_given(&self, event: impl FnOnce(&'static str) -> CacheEvent<'static>) {
        if !self.is_detached {
            self.record(event);
        }
    }

    /// Returns the answer of a key.
    pub(crate) fn answer(&self, item: usize) -> Option<&Answer> {
        self.items[item].answer()
    }

    /// Takes the answer of a call of one key.
    pub(crate) fn take_answer(&mut self) -> Option<Answer> {
        self.items[0].take_answer()
    }

    /// Answers a key. A failure ends the call, unless it is the key's alone.
    pub(super) fn answer_with(&mut self, item: usize, answer: Answer) {
        self.has_failed |= answer.is_failure() && self.ask.subject != Subject::Each;
        self.items[item].known = Known::Answer(answer);
    }

    /// Goes on until there is something for the caller to load; `false` if every key has its
    /// answer, or the call its failure.
    pub(super) async fn next(&mut self, reload: Reload<'_>) -> bool {
        loop {
            match self.advance(reload).await {
                Progress::Load => return true,
                Progress::Done => return false,
                Progress::Wait => poll_fn(|context| self.poll_others(reload, context)).await,
            }
        }
    }

    /// The same, over a store that answers at once. One of ten thousand callers who wait for a load
    /// keeps its call for this, and no future of ours.
    pub(super) fn poll_next(
        &mut self,
        reload: Reload<'_>,
        context: &mut Context<'_>,
    ) -> Poll<bool> {
        loop {
            match self.at_once(async |read| read.advance(reload).await) {
                Some(Progress::Load) => return Poll::Ready(true),
                Some(Progress::Done) => return Poll::Ready(false),
                Some(Progress::Wait) => {
                    let span = self.span.clone();
                    ready!(span.in_scope(|| self.poll_others(reload, context)));
                }
                None => unreachable!("the store has answered at once before"),
            }
        }
    }

    /// Goes on as far as the store alone lets it. Over a store that answers at once this does not
    /// wait.
    pub(super) async fn advance(&mut self, reload: Reload<'_>) -> Progress {
        if self.stage == Stage::LookUp {
            self.look_up(reload).await;
        }
        if self.stage == Stage::Plan && !self.has_failed {
            self.stage = Stage::Load;
            self.plan(reload).await;
        }
        while !self.has_failed {
            if !self.tasks.is_empty() {
                if let Some(progress) = self.open_tasks().await {
                    return progress;
                }
            } else if !self.waits.is_empty() {
                return Progress::Wait;
            } else if !self.rejoining.is_empty() {
                // Each flight is waited for until a deadline of its own.
                self.waits_since = None;
                for (item, pass) in std::mem::take(&mut self.rejoining) {
                    self.join(item, pass);
                }
            } else {
                return Progress::Done;
            }
        }
        self.hand_over();
        Progress::Done
    }

    /// Waits for another call, or for another process.
    fn poll_others(&mut self, reload: Reload<'_>, context: &mut Context<'_>) -> Poll<()> {
        if self.tasks.is_empty() {
            self.poll_follow(reload, context)
        } else {
            self.poll_lease(context)
        }
    }

    /// Runs a step of the call that waits for nothing but the store, in the call's span; `None` if
    /// the store may have to be waited for.
    pub(super) fn at_once<T>(&mut self, step: impl AsyncFnOnce(&mut Self) -> T) -> Option<T> {
        if !self.engine.store.answers_at_once() {
            return None;
        }
        let span = self.span.clone();
        let mut context = Context::from_waker(Waker::noop());
        match span.in_scope(|| pin!(step(self)).poll(&mut context)) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => unreachable!("a store that answers at once is not waited for"),
        }
    }

    /// Goes on until there is something to load, in the call's span.
    pub(crate) fn next_in_span(&mut self) -> Soon<'_, bool> {
        match self.at_once(async |read| read.advance(None).await) {
            Some(Progress::Load) => Soon::now(true),
            Some(Progress::Done) => Soon::now(false),
            Some(Progress::Wait) => Soon::later(poll_fn(|context| self.poll_next(None, context))),
            None => {
                let span = self.span.clone();
                Soon::later(self.next(None).instrument(span))
            }
        }
    }

    /// Lands what was loaded, in the call's span.
    pub(crate) fn land_in_span(&mut self, loaded: SmallVec<[Loaded; 1]>) -> Soon<'_, ManyLanding> {
        if self.engine.store.answers_at_once() {
            let landed = self.at_once(async |read| read.land(loaded).await);
            return Soon::Now(landed);
        }
        let span = self.span.clone();
        Soon::later(self.land(loaded).instrument(span))
    }

    /// What the caller's body loads.
    pub(super) fn loading(&self) -> &[Task] {
        &self.tasks[..self.loading]
    }

    /// Takes what the caller's body has loaded.
    pub(super) fn take_loading(&mut self) -> SmallVec<[Task; 1]> {
        let loading = std::mem::take(&mut self.loading);
        if loading == self.tasks.len() {
            return std::mem::take(&mut self.tasks);
        }
        self.tasks.drain(..loading).collect()
    }

    /// Gives up what is still to be loaded.
    pub(super) fn hand_over(&mut self) {
        self.tasks.clear();
        self.loading = 0;
        self.waits.clear();
        self.rejoining.clear();
    }

    pub(super) fn wait_for(&mut self, wait: Wait) {
        if self.waits.is_empty() {
            // Most calls wait for one flight only.
            self.waits.reserve_exact(1);
        }
        self.waits.push_back(wait);
    }

    pub(super) fn missed(&self, at: usize) -> Missed {
        self.items[at].missed
    }

    /// Loads a key beside all flights.
    pub(super) fn push_alone(&mut self, at: usize, pass: Pass) {
        self.tasks.push(Task {
            item: at,
            lead: None,
            pass,
        });
    }

    /// Says what a permit told of a miss.
    pub(super) fn stamp(&mut self, at: usize, stamp: Stamp) {
        self.items[at].missed = Missed::At(stamp);
    }

    /// Gives up the fallback of a call of one key, if that would be the wrong answer.
    pub(super) fn keep_fallback_if(&mut self, serves: impl FnOnce(&Erased) -> bool) {
        let item = &mut self.items[0];
        let fallback = item.fallback.as_deref();
        if fallback.is_some_and(|known| !serves(&known.value)) {
            let was_ahead = item.purpose == Purpose::Ahead;
            (item.fallback, item.purpose) = (None, Purpose::Miss);
            if was_ahead {
                // Nothing was counted yet.
                self.engine.record_miss(self.kind());
            }
        }
    }

    pub(super) fn unreachable(&mut self, at: usize) {
        self.items[at].missed = Missed::Unreachable;
    }

    /// Leads or joins the flight that a miss belongs to.
    pub(super) fn join(&mut self, at: usize, pass: Pass) {
        let item = &mut self.items[at];
        let Some(key) = &item.key else {
            return self.push_alone(at, Pass::Denied);
        };
        if is_loading(self.engine.id(), key) {
            return self.push_alone(at, pass);
        }
        let stamp = match item.missed {
            Missed::At(stamp) => Some(stamp),
            Missed::Unstamped | Missed::Unreachable => None,
        };
        match self
            .engine
            .flights
            .join(key, Tag::of_shape(self.ask.kind.shape, stamp))
        {
            Joined::Lead(lead) => self.tasks.push(Task {
                item: at,
                lead: Some(lead),
                pass,
            }),
            Joined::Follow(follower) => self.wait_for(Wait {
                item: at,
                follower,
                is_denied: matches!(pass, Pass::Denied),
                is_over: false,
            }),
        }
    }

    /// Polls the caller's body as the load of the keys that are its to load.
    pub(crate) fn run<'t, F>(&'t mut self, body: Pin<&'t mut F>) -> Run<'t, 'e, F>
    where
        F: Future + ?Sized,
    {
        Run::new(self.surround(), body)
    }

    /// Runs the caller's body where it does not wait.
    pub(crate) fn run_now<O>(&mut self, body: impl FnOnce() -> O) -> O {
        self.surround().run_now(body)
    }
}
