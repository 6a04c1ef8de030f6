//! Between a function's return type and the engine, which knows no types.

use super::sharing::{Carrying, IfOwn, Saying, Sharing};
use super::{CachedOutput, EntityOf, Payload};
use crate::engine::call::Call;
use crate::engine::provenance::{Provenance, Source};
use crate::engine::{
    Answer, Ask, Begun, DetachedLoad, Engine, Kind, Loaded, Peeked, Read, Says, Takes, Turn,
};
use crate::entity::CacheEntity;
use crate::entity::shape::{Erased, Shape};
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::observe::{CacheEvent, Tier};
use crate::runtime::clock::Age;
use crate::store::Soon;
use crate::store::{CacheBackend, Lookup};
use crate::strategy::CacheStrategy;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How an output `O` comes out of the cache and goes into it; `S`, `C` and `Y` say what its error
/// can do.
pub struct Edge<O, S, C, Y> {
    pub(crate) sharing: S,
    pub(crate) carrying: C,
    pub(crate) saying: Y,
    output: PhantomData<fn() -> O>,
}

/// An edge for functions that take any error type.
pub(crate) type AnyError<O> = Edge<O, IfOwn, IfOwn, IfOwn>;

/// A call that a peek has not answered.
pub struct Asked<'e>(pub(crate) Box<Read<'e>>);

impl Asked<'_> {
    /// Says by which tags what is loaded can be dropped.
    #[must_use]
    pub fn tags(mut self, tags: Vec<String>) -> Self {
        self.0.tag(tags);
        self
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl<O, S: Copy, C: Copy, Y: Copy> Clone for Edge<O, S, C, Y> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, S: Copy, C: Copy, Y: Copy> Copy for Edge<O, S, C, Y> {}

impl<O, S, C, Y> fmt::Debug for Edge<O, S, C, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl<O, S, C, Y> Edge<O, S, C, Y> {
    pub(crate) const fn new(sharing: S, carrying: C, saying: Y) -> Self {
        Self {
            sharing,
            carrying,
            saying,
            output: PhantomData,
        }
    }
}

impl<O> AnyError<O> {
    pub(crate) const fn of_any_error() -> Self {
        Self::new(IfOwn, IfOwn, IfOwn)
    }
}

impl<O, S, C, Y> Edge<O, S, C, Y>
where
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    pub(crate) fn kind() -> &'static Kind {
        Kind::of::<EntityOf<O>>()
    }

    fn takes(self) -> Takes {
        Takes {
            absent: O::Payload::ABSENT,
            errors: self.carrying.carries(),
            failures: self.sharing.takes(),
        }
    }

    /// Says what a call asks for such an output.
    pub(crate) fn ask(self, call: Call) -> Ask {
        call.into_ask(Self::kind(), self.takes(), O::Payload::TAGS)
    }

    /// Answers at once if the entry is in reach: no future, no allocation. Only a hit is counted.
    ///
    /// # Errors
    /// What is to be asked then.
    #[inline]
    pub fn peek<'e, B: CacheBackend>(
        self,
        cache: &'e CacheService<B>,
        key: &KeyWriter,
        call: Call,
    ) -> Result<O, Asked<'e>> {
        let peeked = match try_peek(cache, key, &call) {
            Ok(output) => return Ok(output),
            Err(peeked) => peeked,
        };
        Err(asked(cache.engine(), self.ask(call), key, peeked))
    }

    /// Asks for what a peek has not answered; gives the turn to load, or the answer.
    pub fn begin(self, asked: Asked<'_>) -> Begun<'_, '_> {
        Turn::of(asked.0, None)
    }

    /// The same, with a load that a task can run: what is stale, and serves, is refreshed by one.
    pub fn begin_or_refresh<'r, 'e: 'r>(
        self,
        asked: Asked<'e>,
        reload: &'r (dyn Fn() -> DetachedLoad + Sync + 'r),
    ) -> Begun<'r, 'e> {
        Turn::of(asked.0, Some(reload))
    }

    /// Makes loads that a task can run of what begins one.
    pub fn reload<F>(self, begin: F) -> impl Fn() -> DetachedLoad + use<O, S, C, Y, F>
    where
        O: 'static,
        F: Fn() -> Detached<O>,
    {
        self.reload_unless(begin, |_| false)
    }

    /// The same; nothing is stored of an output of which `unless` holds.
    pub fn reload_unless<F, U>(
        self,
        begin: F,
        unless: U,
    ) -> impl Fn() -> DetachedLoad + use<O, S, C, Y, F, U>
    where
        O: 'static,
        F: Fn() -> Detached<O>,
        U: Fn(&O) -> bool + Copy + Send + 'static,
    {
        move || {
            let load = begin();
            Box::pin(async move {
                let output = load.await;
                self.loaded(&output, unless(&output), true)
            })
        }
    }

    /// Builds the output of an answer; `miss` is what a `Fresh` miss returns.
    pub fn answer_or(self, answer: Answer, miss: fn() -> O) -> O {
        match answer {
            Answer::Missed => miss(),
            answer => self.answer(answer),
        }
    }

    /// Builds the output of an answer, where the strategy is not `Fresh`.
    pub fn answer(self, answer: Answer) -> O {
        let output = match answer {
            Answer::Value(value, seen) => downcast::<EntityOf<O>>(value)
                .map(|entity| O::from_payload(O::Payload::from_found(entity, seen))),
            Answer::Absent(seen) => O::Payload::absent(seen).map(O::from_payload),
            Answer::Failed(failure) => {
                let restored = self.sharing.restore(&failure);
                restored.or_else(|| self.carrying.carry(failure.own()?.clone()))
            }
            Answer::Refused(error) | Answer::Broken(error) => self.carrying.carry(error),
            Answer::Missed => None,
        };
        match output {
            Some(output) => output,
            None => unreachable!("the engine was told what this output can be made of"),
        }
    }

    /// Says what a body's output is to the engine.
    pub(crate) fn loaded(self, output: &O, is_unwanted: bool, says_why: bool) -> Loaded {
        let Some(payload) = output.payload() else {
            return Loaded::Failed {
                failure: self.sharing.share(output),
                cause: says_why.then(|| self.saying.say(output)).flatten(),
            };
        };
        let says = Says {
            terms: payload.overrides(),
            is_unwanted,
        };
        match payload.entity() {
            Some(entity) => Loaded::Value(entity, says),
            None => Loaded::Absent(says),
        }
    }

    /// Lands a load: stores it, tells everyone who waits for it, and returns what the caller gets.
    pub fn land(self, turn: Turn<'_>, output: Option<O>) -> Land<'_, O, Self> {
        self.land_as(turn, output, false)
    }

    /// The same; nothing is stored of an output of which `unless` holds.
    pub fn land_unless(
        self,
        turn: Turn<'_>,
        output: Option<O>,
        unless: impl FnOnce(&O) -> bool,
    ) -> Land<'_, O, Self> {
        let is_unwanted = output.as_ref().is_some_and(unless);
        self.land_as(turn, output, is_unwanted)
    }

    pub(crate) fn land_as(
        self,
        turn: Turn<'_>,
        output: Option<O>,
        is_unwanted: bool,
    ) -> Land<'_, O, Self> {
        let says_why = turn.has_fallback();
        let loaded = output
            .as_ref()
            .map(|output| self.loaded(output, is_unwanted, says_why));
        Land {
            landing: turn.land(loaded),
            output,
            edge: self,
        }
    }

    /// Runs a body that does not wait, over a store that answers at once. Only another thread's
    /// load of the same key is waited for, no longer than a flight may take.
    pub fn read_now(self, asked: Asked<'_>, body: impl FnOnce() -> O) -> O {
        self.read_now_unless(asked, body, |_| false)
    }

    /// The same; nothing is stored of an output of which `unless` holds.
    pub fn read_now_unless(
        self,
        asked: Asked<'_>,
        body: impl FnOnce() -> O,
        unless: impl FnOnce(&O) -> bool,
    ) -> O {
        // What is loaded by a function that waits may need this very thread, where that is one of
        // a runtime. A prefix is one function's, and this one does not wait.
        let waits = !EntityOf::<O>::KEYED;
        let mut turn = match Turn::now(asked.0, waits) {
            Ok(turn) => turn,
            Err(answer) => return self.answer(answer),
        };
        let output = turn.run_now(body);
        let loaded = self.loaded(&output, unless(&output), turn.has_fallback());
        match turn.land_now(loaded) {
            Some(answer) => self.answer(answer),
            None => output,
        }
    }
}

/// A load of an output that needs nothing of its caller's any more.
pub type Detached<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// Begins a call that a peek has not answered.
fn asked<'e>(engine: &'e Arc<Engine>, ask: Ask, key: &KeyWriter, peeked: Peeked) -> Asked<'e> {
    Asked(Box::new(Read::of_one(engine, ask, key.to_key(), peeked)))
}

// What a hit runs knows its types: no virtual call. What of it needs no types of the output is in
// functions of its own: a debug build compiles them once, and a release build inlines them.

/// Answers at once if the entry is in reach; `Err` is what was found.
fn try_peek<O: CachedOutput, B: CacheBackend>(
    cache: &CacheService<B>,
    key: &KeyWriter,
    call: &Call,
) -> Result<O, Peeked> {
    if !call.peeks() {
        return Err(Peeked::default());
    }
    let shape = Shape::of::<EntityOf<O>>();
    match look(cache, key, shape) {
        Some(hit @ Lookup::Hit { age, .. })
            if is_young(call, age) && draws::<O>(cache.engine(), call, age) =>
        {
            Err(Peeked::drawn(hit))
        }
        Some(Lookup::Hit { value, age }) if is_young(call, age) => {
            let Some(entity) = downcast::<EntityOf<O>>(value) else {
                return Err(Peeked::missed());
            };
            let (prefix, tier) = (EntityOf::<O>::cache_prefix(), tier(cache));
            report(cache.engine(), &CacheEvent::Hit { prefix, tier }, key);
            let seen = Provenance::stored(Source::Hit, age);
            Ok(O::from_payload(O::Payload::from_found(entity, seen)))
        }
        Some(Lookup::Absent { age }) if O::Payload::ABSENT && is_young(call, age) => {
            let seen = Provenance::stored(Source::Absent, age);
            let Some(absent) = O::Payload::absent(seen) else {
                return Err(Peeked::missed());
            };
            let (prefix, tier) = (EntityOf::<O>::cache_prefix(), tier(cache));
            report(cache.engine(), &CacheEvent::AbsentHit { prefix, tier }, key);
            Ok(O::from_payload(absent))
        }
        found => Err(Peeked::found(found)),
    }
}

fn tier<B: CacheBackend>(cache: &CacheService<B>) -> Tier {
    if cache.backend().is_remote() {
        Tier::Remote
    } else {
        Tier::Memory
    }
}

#[inline]
fn look<B: CacheBackend>(
    cache: &CacheService<B>,
    key: &KeyWriter,
    shape: &'static Shape,
) -> Option<Lookup> {
    let found = key.with_key(|key| cache.backend().peek(key, shape));
    found.flatten()
}

#[inline]
fn is_young(call: &Call, age: Age) -> bool {
    call.age_limit().is_none_or(|limit| age.get() < limit)
}

#[inline]
fn report(engine: &Engine, hit: &CacheEvent<'_>, key: &KeyWriter) {
    engine.record(hit);
    tracing::trace!(key = shown(key), "hit");
}

/// Draws whether a hit is loaded again before it ends.
#[inline]
fn draws<O: CachedOutput>(engine: &Engine, call: &Call, age: Age) -> bool {
    let declared = EntityOf::<O>::lifetime().early_refresh();
    draws_early(engine, EntityOf::<O>::cache_prefix(), declared, call, age)
}

#[inline]
fn draws_early(
    engine: &Engine,
    prefix: &str,
    declared: Option<f64>,
    call: &Call,
    age: Age,
) -> bool {
    if call.strategy != CacheStrategy::Refresh {
        return false;
    }
    let beta = call.lifetime().early_refresh().or(declared);
    let beta = beta.or(engine.settings.early_refresh());
    beta.is_some_and(|beta| engine.draws(prefix, beta, age))
}

fn downcast<T: CacheEntity>(value: Erased) -> Option<Arc<T>> {
    value.downcast().ok()
}

/// The key for whoever traces.
pub(crate) fn shown(key: &KeyWriter) -> Option<impl tracing::Value> {
    key.to_key().ok().map(tracing::field::display)
}

/// Turns an answer into an output.
pub(crate) trait Answers<O> {
    fn output_of(&self, answer: Answer) -> O;
}

impl<O, S, C, Y> Answers<O> for Edge<O, S, C, Y>
where
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    fn output_of(&self, answer: Answer) -> O {
        self.answer(answer)
    }
}

/// Waits until a load has landed; then the caller has its own output, or what there is instead.
#[must_use = "a load lands when this is awaited"]
pub struct Land<'e, O, E> {
    pub(crate) landing: Soon<'e, Option<Answer>>,
    pub(crate) output: Option<O>,
    pub(crate) edge: E,
}

// Nothing in it is pinned.
impl<O, E> Unpin for Land<'_, O, E> {}

impl<O, E: Answers<O>> Future for Land<'_, O, E> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O> {
        match Pin::new(&mut self.landing).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(answer)) => Poll::Ready(self.edge.output_of(answer)),
            Poll::Ready(None) => match self.output.take() {
                Some(output) => Poll::Ready(output),
                None => unreachable!("what took too long has an answer"),
            },
        }
    }
}

impl<O, E> fmt::Debug for Land<'_, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Land").finish_non_exhaustive()
    }
}
