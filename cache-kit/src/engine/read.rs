//! One call on its way through the cache, of one key or of many.

use super::ask::{Answer, Ask, Loaded, Reload, Subject};
use super::body::{Run, Surroundings, is_loading};
use super::land::ManyLanding;
use super::lease::LeaseWait;
use super::tags::TagSnapshot;
use super::{Engine, Kind};
use crate::clock::Age;
use crate::early::EarlyBird;
use crate::error::{Error, Result};
use crate::flight::{Joined, Lead, Tag, Waiting};
use crate::key::CacheKey;
use crate::observe::CacheEvent;
use crate::shape::Erased;
use crate::store::{AnyPermit, Soon};
use crate::store::{Lease, Lookup, Stamp};
use crate::strategy::CacheStrategy;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// What a peek found, for the call that goes on after it.
#[derive(Default)]
pub(crate) struct Peeked {
    /// `None` if the store has to be waited for.
    pub(crate) found: Option<Lookup>,
    /// Whether it was drawn that the hit is loaded again before it ends. That is drawn once a call.
    pub(crate) is_drawn: bool,
}

impl Peeked {
    /// What was found is of no use, and tells nothing of the key's state.
    pub(crate) fn missed() -> Self {
        Self::found(Some(Lookup::Miss(None)))
    }

    pub(crate) fn found(found: Option<Lookup>) -> Self {
        Self {
            found,
            is_drawn: false,
        }
    }

    /// A hit that is loaded again before it ends.
    pub(crate) fn drawn(hit: Lookup) -> Self {
        Self {
            found: Some(hit),
            is_drawn: true,
        }
    }
}

/// One key of a call.
pub(super) struct Item {
    /// `None` if the key cannot be, or the call passes the cache by.
    pub(super) key: Option<CacheKey>,
    /// Why the call cannot go through the cache.
    pub(super) refusal: Option<Error>,
    pub(super) peeked: Peeked,
    pub(super) answer: Option<Answer>,
    pub(super) missed: Missed,
    pub(super) purpose: Purpose,
    /// What the answer is if the load fails.
    pub(super) fallback: Option<Box<Fallback>>,
    /// Whether the next landing can be taken. Of a flight that no guard names, only one that began
    /// after this call came to it.
    pub(super) takes_next: bool,
    /// The same of an absence.
    pub(super) takes_absence: bool,
    /// After how long the fallback is the answer.
    pub(super) patience: Option<Duration>,
    /// How often a caller with little patience has looked for another one who loads.
    pub(super) hand_overs: u32,
}

/// What a miss says of the key's state, and so of the callers who can share a load.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missed {
    /// The state is known.
    At(Stamp),
    /// The store answered without one: a permit tells.
    Unstamped,
    /// The store did not answer. The load goes on without it and is not stored.
    Unreachable,
}

impl Missed {
    /// What is known after a look-up that failed. A corrupt entry is there to be replaced.
    pub(super) fn after(error: &Error) -> Self {
        match error {
            Error::DeserializationError(_) => Self::Unstamped,
            _ => Self::Unreachable,
        }
    }
}

/// Why a load is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing fresh was found.
    Miss,
    /// What is stale serves, and is to be replaced.
    Revalidate,
    /// What is fresh serves, and the next value is to be there before it ends.
    Ahead,
}

/// A value that serves if the load of the next one fails.
pub(super) struct Fallback {
    pub(super) value: Erased,
    pub(super) age: Age,
    /// The state of the key that it was found in, of what is stale.
    pub(super) stamp: Option<Stamp>,
    /// The right to load before it ends, of what is fresh: held until the load has landed.
    #[expect(dead_code, reason = "it is given back when it is dropped")]
    pub(super) bird: Option<EarlyBird>,
}

/// Where a load's permit comes from.
pub(super) enum Pass {
    /// It has not been asked for.
    Unopened,
    /// It is here, and says whose turn it is.
    Opened(AnyPermit, Lease),
    /// There is none: nothing is stored.
    Denied,
}

impl Pass {
    /// Keeps a permit for a flight that this caller may lead. Where others opened with it, their
    /// flight may have landed before this one begins: it is asked for again then.
    pub(super) fn kept(permit: AnyPermit, lease: Lease) -> Self {
        match lease {
            Lease::Shared => Self::Unopened,
            Lease::Held | Lease::Taken => Self::Opened(permit, lease),
        }
    }

    /// A permit from before a wait may be void. A new one shows what has come since.
    pub(super) fn after_wait(is_denied: bool) -> Self {
        if is_denied {
            Self::Denied
        } else {
            Self::Unopened
        }
    }
}

/// An item that this call loads: on a flight of its own, or beside all flights.
pub(super) struct Task {
    pub(super) item: usize,
    pub(super) lead: Option<Lead>,
    pub(super) pass: Pass,
}

/// An item that another call loads.
pub(super) struct Wait {
    pub(super) item: usize,
    pub(super) follower: Waiting,
    /// Whether the store cannot be asked for a permit.
    pub(super) is_denied: bool,
    /// Whether the time is over in which others are left to load it.
    pub(super) is_over: bool,
}

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
    /// What the caller's body loads now.
    pub(super) loading: SmallVec<[Task; 1]>,
    pub(super) snapshot: Option<Box<TagSnapshot>>,
    pub(super) waits: VecDeque<Wait>,
    pub(super) waits_since: Option<Instant>,
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
            loading: SmallVec::new(),
            snapshot: None,
            waits: VecDeque::new(),
            waits_since: None,
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
        read.push_item(key, None, Peeked::default());
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
        let (key, refusal) = match (declared, key) {
            _ if self.ask.strategy == CacheStrategy::Bypass => (None, None),
            (Ok(()), Ok(key)) => (Some(key), None),
            (Err(error), _) => (None, Some(error.clone())),
            (Ok(()), Err(error)) => (None, Some(error)),
        };
        if let Some(key) = &key {
            tracing::trace!(parent: &self.span, %key, "asked");
        }
        self.push_item(key, refusal, peeked);
    }

    pub(super) fn push_item(
        &mut self,
        key: Option<CacheKey>,
        refusal: Option<Error>,
        peeked: Peeked,
    ) {
        self.items.push(Item {
            key,
            refusal,
            peeked,
            answer: None,
            missed: Missed::Unreachable,
            purpose: Purpose::Miss,
            fallback: None,
            takes_next: true,
            takes_absence: self.ask.subject != Subject::Hint,
            patience: None,
            hand_overs: 0,
        });
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
        self.items[item].answer.as_ref()
    }

    /// Takes the answer of a call of one key.
    pub(crate) fn take_answer(&mut self) -> Option<Answer> {
        self.items[0].answer.take()
    }

    /// Answers a key. A failure ends the call, unless it is the key's alone.
    pub(super) fn answer_with(&mut self, item: usize, answer: Answer) {
        self.has_failed |= answer.is_failure() && self.ask.subject != Subject::Each;
        self.items[item].answer = Some(answer);
    }

    /// Goes on until there is something for the caller to load; `false` if every key has its
    /// answer, or the call its failure.
    pub(super) async fn next(&mut self, reload: Reload<'_>) -> bool {
        loop {
            match self.advance(reload).await {
                Progress::Load => return true,
                Progress::Done => return false,
                Progress::Wait => self.wait_for_others(reload).await,
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

    async fn wait_for_others(&mut self, reload: Reload<'_>) {
        if self.tasks.is_empty() {
            self.follow(reload).await;
        } else {
            self.wait_for_lease().await;
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
            Some(Progress::Wait) | None => {
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

    /// Gives up what is still to be loaded.
    pub(super) fn hand_over(&mut self) {
        self.tasks.clear();
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
