//! What a function with a prefix returns, found out by method resolution: `V`, `Arc<V>`,
//! `Option<V>` or `Option<Arc<V>>`, an `Outcome` or `Cached` of these, or a `Result` of any of
//! them. What is most wrapped wins.

#![expect(
    clippy::unused_self,
    clippy::trivially_copy_pass_by_ref,
    reason = "methods, so that they are looked up by type"
)]

use super::edges::NoEdge;
use crate::engine::call::Call;
use crate::engine::{Answer, Begun, DetachedLoad, Turn};
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::output::value::{Apart, Declared, Kept, Listed, May, Members, Must, Storable};
use crate::output::{
    Answers, Asked, Cached, CachedOutput, Carrying, Detached, Edge, FreshOutput, Land, Outcome,
    Probe, Saying, Sharing,
};
use crate::store::CacheBackend;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;

/// Asks what a function `D` returns: `(&&&&&&&&Value::<R, D>::new()).form()`.
pub struct Value<R, D>(PhantomData<fn() -> (R, D)>);

impl<R, D> Value<R, D> {
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Says of which results nothing is stored.
type Unless<'u, P> = &'u dyn Fn(&P) -> bool;

/// How what a function returns, `R`, becomes what is cached, `O`, and comes back; `P` is what it
/// returns when it does not fail.
pub struct Form<R, P, O> {
    wrap: fn(R, Unless<'_, P>) -> O,
    unwrap: fn(O) -> R,
}

impl<R, P, O> Clone for Form<R, P, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, P, O> Copy for Form<R, P, O> {}

impl<R, P, O: CachedOutput> Form<R, P, O> {
    pub fn check<V>(&self) {}

    pub fn probe(&self) -> Probe<O> {
        Probe::new()
    }

    pub fn missing(&self) -> Missing<O> {
        Missing(PhantomData)
    }

    /// How the output comes out of the cache and goes into it.
    pub fn edge<S, C, Y>(self, sharing: S, carrying: C, saying: Y) -> ValueEdge<R, P, O, S, C, Y>
    where
        S: Sharing<O>,
        C: Carrying<O>,
        Y: Saying<O>,
    {
        let edge = Edge::new(sharing, carrying, saying);
        ValueEdge { form: self, edge }
    }
}

/// An edge of a function with a prefix.
pub struct ValueEdge<R, P, O, S, C, Y> {
    form: Form<R, P, O>,
    edge: Edge<O, S, C, Y>,
}

impl<R, P, O, S: Copy, C: Copy, Y: Copy> Clone for ValueEdge<R, P, O, S, C, Y> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, P, O, S: Copy, C: Copy, Y: Copy> Copy for ValueEdge<R, P, O, S, C, Y> {}

impl<R, P, O, S, C, Y> ValueEdge<R, P, O, S, C, Y>
where
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    pub fn peek<'e, B: CacheBackend>(
        self,
        cache: &'e CacheService<B>,
        key: &KeyWriter,
        call: Call,
    ) -> Result<R, Asked<'e>> {
        self.edge.peek(cache, key, call).map(self.form.unwrap)
    }

    pub fn begin(self, asked: Asked<'_>) -> Begun<'_, '_> {
        self.edge.begin(asked)
    }

    pub fn begin_or_refresh<'r, 'e: 'r>(
        self,
        asked: Asked<'e>,
        reload: &'r (dyn Fn() -> DetachedLoad + Sync + 'r),
    ) -> Begun<'r, 'e> {
        self.edge.begin_or_refresh(asked, reload)
    }

    pub fn reload<F>(self, begin: F) -> impl Fn() -> DetachedLoad + use<R, P, O, S, C, Y, F>
    where
        R: 'static,
        P: 'static,
        O: 'static,
        F: Fn() -> Detached<R>,
    {
        self.reload_unless(begin, |_: &P| false)
    }

    pub fn reload_unless<F, U>(
        self,
        begin: F,
        unless: U,
    ) -> impl Fn() -> DetachedLoad + use<R, P, O, S, C, Y, F, U>
    where
        R: 'static,
        P: 'static,
        O: 'static,
        F: Fn() -> Detached<R>,
        U: Fn(&P) -> bool + Copy + Send + 'static,
    {
        let Self { form, edge } = self;
        edge.reload(move || -> Detached<O> {
            let load = begin();
            Box::pin(async move { (form.wrap)(load.await, &unless) })
        })
    }

    pub fn answer(self, answer: Answer) -> R {
        (self.form.unwrap)(self.edge.answer(answer))
    }

    pub fn answer_or(self, answer: Answer, miss: fn() -> O) -> R {
        (self.form.unwrap)(self.edge.answer_or(answer, miss))
    }

    pub fn land(self, turn: Turn<'_>, output: Option<R>) -> Land<'_, R, Self> {
        self.land_unless(turn, output, |_| false)
    }

    pub fn land_unless(
        self,
        turn: Turn<'_>,
        output: Option<R>,
        unless: impl Fn(&P) -> bool,
    ) -> Land<'_, R, Self> {
        let output = output.map(|output| (self.form.wrap)(output, &unless));
        let Land {
            landing, output, ..
        } = self.edge.land(turn, output);
        Land {
            landing,
            output: output.map(self.form.unwrap),
            edge: self,
        }
    }

    pub fn read_now(self, asked: Asked<'_>, body: impl FnOnce() -> R) -> R {
        self.read_now_unless(asked, body, |_| false)
    }

    pub fn read_now_unless(
        self,
        asked: Asked<'_>,
        body: impl FnOnce() -> R,
        unless: impl Fn(&P) -> bool,
    ) -> R {
        let Form { wrap, unwrap } = self.form;
        unwrap(self.edge.read_now(asked, || wrap(body(), &unless)))
    }
}

impl<R, P, O, S, C, Y> Answers<R> for ValueEdge<R, P, O, S, C, Y>
where
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    fn output_of(&self, answer: Answer) -> R {
        self.answer(answer)
    }
}

/// An output that cannot be cached. Nothing of it runs.
pub struct NoForm<R>(PhantomData<fn() -> R>);

impl<R> Clone for NoForm<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for NoForm<R> {}

impl<R> NoForm<R> {
    /// Says why it cannot.
    pub fn check<V: Clone + Serialize + DeserializeOwned + Send + Sync + 'static>(&self) {}

    pub fn probe(&self) -> Probe<R> {
        Probe::new()
    }

    pub fn missing(&self) -> NoMissing<R> {
        NoMissing(PhantomData)
    }

    pub fn edge<S, C, Y>(self, _: S, _: C, _: Y) -> NoEdge<R> {
        NoEdge::new()
    }
}

/// Holds a value as a payload, in the way `H`.
trait HeldAs<H>: Sized {
    type Kept;
    fn hold(self, is_unwanted: bool) -> Self::Kept;
    fn release(kept: Self::Kept) -> Self;
}

/// The ways of holding a value of a function `D`.
struct Own<D, W>(PhantomData<(D, W)>);
struct Shared<D, W>(PhantomData<(D, W)>);
struct Maybe<D, W>(PhantomData<(D, W)>);
struct MaybeShared<D, W>(PhantomData<(D, W)>);

/// There always is a value where there must be: of what cannot say "absent" an absence is a miss.
fn always<V>(value: Option<Arc<V>>) -> Arc<V> {
    match value {
        Some(value) => value,
        None => unreachable!("an output that cannot be absent was"),
    }
}

impl<V: Clone, D, W> HeldAs<Own<D, W>> for V {
    type Kept = Kept<V, D, W, Must>;

    fn hold(self, is_unwanted: bool) -> Self::Kept {
        Kept::new(Some(Arc::new(self)), is_unwanted)
    }

    fn release(kept: Self::Kept) -> V {
        Arc::unwrap_or_clone(always(kept.value))
    }
}

impl<V, D, W> HeldAs<Shared<D, W>> for Arc<V> {
    type Kept = Kept<V, D, W, Must>;

    fn hold(self, is_unwanted: bool) -> Self::Kept {
        Kept::new(Some(self), is_unwanted)
    }

    fn release(kept: Self::Kept) -> Self {
        always(kept.value)
    }
}

impl<V: Clone, D, W> HeldAs<Maybe<D, W>> for Option<V> {
    type Kept = Kept<V, D, W, May>;

    fn hold(self, is_unwanted: bool) -> Self::Kept {
        Kept::new(self.map(Arc::new), is_unwanted)
    }

    fn release(kept: Self::Kept) -> Self {
        kept.value.map(Arc::unwrap_or_clone)
    }
}

impl<V, D, W> HeldAs<MaybeShared<D, W>> for Option<Arc<V>> {
    type Kept = Kept<V, D, W, May>;

    fn hold(self, is_unwanted: bool) -> Self::Kept {
        Kept::new(self, is_unwanted)
    }

    fn release(kept: Self::Kept) -> Self {
        kept.value
    }
}

fn bare<H, I: HeldAs<H>>() -> Form<I, I, I::Kept> {
    Form {
        wrap: |inner, unless| {
            let is_unwanted = unless(&inner);
            inner.hold(is_unwanted)
        },
        unwrap: I::release,
    }
}

fn told<H, I: HeldAs<H>>() -> Form<Outcome<I>, Outcome<I>, Outcome<I::Kept>> {
    Form {
        wrap: |outcome, unless| {
            let is_unwanted = unless(&outcome);
            outcome.map(|inner| inner.hold(is_unwanted))
        },
        unwrap: |outcome| outcome.map(I::release),
    }
}

fn termed<H, I: HeldAs<H>>() -> Form<Cached<I>, Cached<I>, Cached<I::Kept>> {
    Form {
        wrap: |cached, unless| {
            let is_unwanted = unless(&cached);
            cached.map(|inner| inner.hold(is_unwanted))
        },
        unwrap: |cached| cached.map(I::release),
    }
}

fn fallible<H, I: HeldAs<H>, E>() -> Form<Result<I, E>, I, Result<I::Kept, E>> {
    Form {
        wrap: |output, unless| output.map(|inner| (bare::<H, I>().wrap)(inner, unless)),
        unwrap: |output| output.map(I::release),
    }
}

type Told<R, P, E> = Form<Result<R, E>, R, Result<P, E>>;

fn fallible_told<H, I: HeldAs<H>, E>() -> Told<Outcome<I>, Outcome<I::Kept>, E> {
    Form {
        wrap: |output, unless| output.map(|outcome| (told::<H, I>().wrap)(outcome, unless)),
        unwrap: |output| output.map(|outcome| outcome.map(I::release)),
    }
}

fn fallible_termed<H, I: HeldAs<H>, E>() -> Told<Cached<I>, Cached<I::Kept>, E> {
    Form {
        wrap: |output, unless| output.map(|cached| (termed::<H, I>().wrap)(cached, unless)),
        unwrap: |output| output.map(|cached| cached.map(I::release)),
    }
}

/// One output. The references say how much it is wrapped.
macro_rules! form {
    ($level:ident [$($reference:tt)*] [$bound:ident $(, $e:ident)?] $output:ty, $payload:ty, $kept:ty, $form:expr) => {
        impl<V: $bound, D: Declared $(, $e: Send)?> $level<$output, D> for $($reference)* Value<$output, D> {
            type Payload = $payload;
            type Output = $kept;

            fn form(&self) -> Form<$output, $payload, $kept> {
                $form
            }
        }
    };
}

/// A kind of value, in all that it can be wrapped in.
macro_rules! wrapped {
    ($level:ident $references:tt $bound:ident $how:ident $within:ident $inner:ty, $kept:ty) => {
        form!($level $references [$bound] Outcome<$inner>, Outcome<$inner>, Outcome<$kept>, told::<$how<D, $within>, _>());
        form!($level $references [$bound] Cached<$inner>, Cached<$inner>, Cached<$kept>, termed::<$how<D, $within>, _>());
        form!($level $references [$bound, E] Result<$inner, E>, $inner, Result<$kept, E>, fallible::<$how<D, $within>, _, _>());
        form!($level $references [$bound, E] Result<Outcome<$inner>, E>, Outcome<$inner>, Result<Outcome<$kept>, E>, fallible_told::<$how<D, $within>, _, _>());
        form!($level $references [$bound, E] Result<Cached<$inner>, E>, Cached<$inner>, Result<Cached<$kept>, E>, fallible_termed::<$how<D, $within>, _, _>());
    };
}

/// The same, and by itself.
macro_rules! forms {
    ($level:ident $references:tt $bound:ident $how:ident $within:ident $inner:ty, $kept:ty) => {
        form!($level $references [$bound] $inner, $inner, $kept, bare::<$how<D, $within>, _>());
        wrapped!($level $references $bound $how $within $inner, $kept);
    };
}

macro_rules! levels {
    ($($level:ident),*) => {$(
        /// Outputs that are wrapped so much.
        pub trait $level<R, D> {
            type Payload;
            type Output;
            fn form(&self) -> Form<R, Self::Payload, Self::Output>;
        }
    )*};
}

levels!(Form7, Form6, Form5, Form4, Form3, Form2, Form1);

forms!(Form7 [&&&&&&&] Listed MaybeShared Members Option<Arc<V>>, Kept<V, D, Members, May>);
forms!(Form6 [&&&&&&] Storable MaybeShared Apart Option<Arc<V>>, Kept<V, D, Apart, May>);
forms!(Form5 [&&&&&] Listed Maybe Members Option<V>, Kept<V, D, Members, May>);
forms!(Form5 [&&&&&] Listed Shared Members Arc<V>, Kept<V, D, Members, Must>);
forms!(Form4 [&&&&] Storable Maybe Apart Option<V>, Kept<V, D, Apart, May>);
forms!(Form4 [&&&&] Storable Shared Apart Arc<V>, Kept<V, D, Apart, Must>);
forms!(Form3 [&&&] Listed Own Members V, Kept<V, D, Members, Must>);
wrapped!(Form2 [&&] Storable Own Apart V, Kept<V, D, Apart, Must>);
form!(Form1 [&] [Storable] V, V, Kept<V, D, Apart, Must>, bare::<Own<D, Apart>, _>());

/// Outputs that cannot be cached.
pub trait Form0<R> {
    fn form(&self) -> NoForm<R>;
}

impl<R, D> Form0<R> for Value<R, D> {
    fn form(&self) -> NoForm<R> {
        NoForm(PhantomData)
    }
}

/// Asks how an output says that nothing is cached: `(&&form.missing()).miss::<R>()`.
pub struct Missing<O>(PhantomData<fn() -> O>);

/// Outputs that can.
pub trait MissSaid<O> {
    fn miss<R>(&self) -> fn() -> O;
}

impl<O: FreshOutput> MissSaid<O> for &Missing<O> {
    fn miss<R>(&self) -> fn() -> O {
        O::miss
    }
}

/// Outputs that cannot.
pub trait MissUnsaid<O> {
    fn miss<R: SaysMiss>(&self) -> fn() -> O;
}

impl<O> MissUnsaid<O> for Missing<O> {
    fn miss<R: SaysMiss>(&self) -> fn() -> O {
        || unreachable!("nothing says it")
    }
}

/// Can say that nothing is cached. Nothing implements it: who can was asked before.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that nothing is cached",
    label = "a `Fresh` miss has nothing to return",
    note = "return an `Option<…>`, a `Result<Option<…>, …>`, or a `Result` whose error implements `From<cache_kit::Error>`"
)]
pub trait SaysMiss {}

/// Asks nothing of an output that cannot be cached.
pub struct NoMissing<R>(PhantomData<fn() -> R>);

impl<R> NoMissing<R> {
    #[expect(clippy::extra_unused_type_parameters, reason = "as of those that can")]
    pub fn miss<Q>(&self) -> fn() -> R {
        || unreachable!("it cannot be cached")
    }
}
