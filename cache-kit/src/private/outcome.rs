//! What generated code does with an output, by methods: an output that cannot be cached has others of the same names, so that
//! the compiler says once what is wrong with it.

use crate::backend::CacheBackend;
use crate::call::Call;
use crate::error::Error;
use crate::key::KeyWriter;
use crate::outcome::{CachedOutput, FreshOutput};
use crate::read_through::{self, Detached, InBackground, Inline};
use crate::service::CacheService;
use crate::write::Write;
use std::marker::PhantomData;
use std::pin::Pin;

/// Says whether what was loaded is not to be stored; a failure never is.
pub fn unless<O: CachedOutput>(output: &O, test: impl FnOnce(&O::Payload) -> bool) -> bool {
    output.payload().is_some_and(test)
}

/// Asks whether an output can be cached: `(&&Returns::<O>::new()).methods()`.
pub struct Returns<O>(PhantomData<fn() -> O>);

impl<O> Returns<O> {
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Outputs that can.
pub trait OutcomeOf<O> {
    fn methods(&self) -> Methods<O>;
}

impl<O: CachedOutput> OutcomeOf<O> for &Returns<O> {
    fn methods(&self) -> Methods<O> {
        Methods(PhantomData)
    }
}

/// Outputs that cannot.
pub trait OutcomeNone<O> {
    fn methods(&self) -> NoOutcome<O>;
}

impl<O> OutcomeNone<O> for Returns<O> {
    fn methods(&self) -> NoOutcome<O> {
        NoOutcome(PhantomData)
    }
}

/// The methods of an output that can be cached.
pub struct Methods<O>(PhantomData<fn() -> O>);

impl<O> Methods<O> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<O: CachedOutput> Methods<O> {
    pub fn peek<B>(&self, cache: &CacheService<B>, key: &KeyWriter, call: &Call<O>) -> Option<O>
    where
        B: CacheBackend,
    {
        read_through::peek(cache, key, call)
    }

    pub fn read_through<B, F>(
        self,
        cache: &CacheService<B>,
        key: KeyWriter,
        call: Call<O>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = O>
    where
        B: CacheBackend,
        F: Future<Output = O>,
    {
        read_through::read_through(cache, key, call, Inline, body)
    }

    /// As `read_through`, on this thread.
    #[expect(clippy::needless_pass_by_value, reason = "as of `read_through`")]
    pub fn read_now<B>(
        self,
        cache: &CacheService<B>,
        key: KeyWriter,
        call: Call<O>,
        body: impl FnOnce() -> O,
    ) -> O
    where
        B: CacheBackend,
    {
        read_through::read_through_now(cache, &key, call, body)
    }

    /// As `read_through`, with refreshes by tasks of their own, for which `refresh` begins a load.
    pub fn refresh_through<B, F, R>(
        self,
        cache: &CacheService<B>,
        key: KeyWriter,
        call: Call<O>,
        body: Pin<&mut F>,
        refresh: R,
    ) -> impl Future<Output = O>
    where
        B: CacheBackend,
        O: 'static,
        F: Future<Output = O>,
        R: Fn() -> Detached<O>,
    {
        read_through::read_through(cache, key, call, InBackground(refresh), body)
    }

    pub fn begin_put<'c, B>(
        &self,
        cache: &'c CacheService<B>,
        key: Option<KeyWriter>,
    ) -> impl Future<Output = Write<'c, B>> + use<'c, O, B>
    where
        B: CacheBackend,
    {
        Write::put::<O>(cache, key)
    }

    pub fn finish_put<B>(self, write: Write<'_, B>, output: O) -> impl Future<Output = O>
    where
        B: CacheBackend,
    {
        write.finish_put(output)
    }

    pub fn finish_put_or<B>(
        self,
        write: Write<'_, B>,
        output: O,
        carry: fn(Error) -> O,
    ) -> impl Future<Output = O>
    where
        B: CacheBackend,
    {
        write.finish_put_or(output, carry)
    }
}

/// The methods of one that cannot. They never run.
pub struct NoOutcome<O>(PhantomData<fn() -> O>);

impl<O> NoOutcome<O> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<O> NoOutcome<O> {
    pub fn peek<C, K>(&self, _: &C, _: &K, _: &Call<O>) -> Option<O> {
        None
    }

    pub fn read_through<C, K, F>(
        self,
        _: &C,
        _: K,
        _: Call<O>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = O>
    where
        F: Future<Output = O>,
    {
        body
    }

    pub fn read_now<C, K>(self, _: &C, _: K, _: Call<O>, body: impl FnOnce() -> O) -> O {
        body()
    }

    pub fn refresh_through<C, K, F, R>(
        self,
        _: &C,
        _: K,
        _: Call<O>,
        body: Pin<&mut F>,
        _: R,
    ) -> impl Future<Output = O>
    where
        F: Future<Output = O>,
        R: Fn() -> Detached<O>,
    {
        body
    }

    pub fn begin_put<C, K>(&self, _: &C, _: K) -> impl Future<Output = ()> + use<O, C, K> {
        std::future::ready(())
    }

    pub fn finish_put(self, (): (), output: O) -> impl Future<Output = O> {
        std::future::ready(output)
    }

    pub fn finish_put_or<C>(self, (): (), output: O, _: C) -> impl Future<Output = O> {
        std::future::ready(output)
    }
}

/// Can say that nothing is cached, where a strategy that is known only when it runs may ask it to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that nothing is cached",
    label = "this may be `Fresh`, and then a miss has nothing to return",
    note = "return an `Option<…>`, a `Result<Option<…>, …>`, or a `Result` whose error implements `From<cache_kit::Error>`"
)]
pub trait MaybeFresh: Sized {
    fn miss() -> Self;
}

#[diagnostic::do_not_recommend]
impl<O: FreshOutput> MaybeFresh for O {
    fn miss() -> Self {
        <O as FreshOutput>::miss()
    }
}
