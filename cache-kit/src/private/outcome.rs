//! What generated code does with an output, by methods: an output that cannot be cached has others
//! of the same names, so that the compiler says once what is wrong with it.

use super::edges::NoEdge;
use crate::engine::{Kind, Write};
use crate::error::{Error, Result};
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::output::{
    CachedOutput, Carrying, Edge, EntityOf, FreshOutput, Payload, Saying, Sharing, written_by,
};
use crate::store::CacheBackend;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

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

impl<O: CachedOutput> Methods<O> {
    /// How the output comes out of the cache and goes into it.
    pub fn edge<S, C, Y>(&self, sharing: S, carrying: C, saying: Y) -> Edge<O, S, C, Y>
    where
        S: Sharing<O>,
        C: Carrying<O>,
        Y: Saying<O>,
    {
        Edge::new(sharing, carrying, saying)
    }

    pub fn begin_put<'c, B>(
        &self,
        cache: &'c CacheService<B>,
        key: Option<KeyWriter>,
    ) -> Pin<Box<dyn Future<Output = Write<'c>> + Send + 'c>>
    where
        B: CacheBackend,
    {
        let key = key.map(|key| key.to_key());
        let kind = Kind::of::<EntityOf<O>>();
        Write::put(cache.engine(), kind, key, O::Payload::TAGS)
    }

    pub fn finish_put<'c>(&self, write: Write<'c>, output: O) -> Finish<'c, O> {
        let kind = Kind::of::<EntityOf<O>>();
        Finish {
            told: write.finish_put(kind, written_by(&output)),
            output: Some(output),
            carry: None,
        }
    }

    pub fn finish_put_or<'c>(
        &self,
        write: Write<'c>,
        output: O,
        carry: fn(Error) -> O,
    ) -> Finish<'c, O> {
        Finish {
            carry: Some(carry),
            ..self.finish_put(write, output)
        }
    }
}

/// Waits until the cache has been told of a write; then the caller has what the write returned, or
/// the failure of the cache where it asked for that.
#[must_use = "the cache is told when this is awaited"]
pub struct Finish<'c, O> {
    pub(super) told: Pin<Box<dyn Future<Output = Result<()>> + Send + 'c>>,
    pub(super) output: Option<O>,
    pub(super) carry: Option<fn(Error) -> O>,
}

// Nothing in it is pinned.
impl<O> Unpin for Finish<'_, O> {}

impl<O> Future for Finish<'_, O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O> {
        let Poll::Ready(told) = self.told.as_mut().poll(context) else {
            return Poll::Pending;
        };
        match (told, self.carry, self.output.take()) {
            (Err(error), Some(carry), _) => Poll::Ready(carry(error)),
            (_, _, Some(output)) => Poll::Ready(output),
            (_, _, None) => unreachable!("a future that is ready is not polled again"),
        }
    }
}

/// The methods of one that cannot. They never run.
pub struct NoOutcome<O>(PhantomData<fn() -> O>);

impl<O> NoOutcome<O> {
    pub fn edge<S, C, Y>(&self, _: S, _: C, _: Y) -> NoEdge<O> {
        NoEdge::new()
    }

    pub fn begin_put<C, K>(&self, _: &C, _: K) -> Ready<()> {
        ready(())
    }

    pub fn finish_put(&self, (): (), output: O) -> Ready<O> {
        ready(output)
    }

    pub fn finish_put_or<C>(&self, (): (), output: O, _: C) -> Ready<O> {
        ready(output)
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
