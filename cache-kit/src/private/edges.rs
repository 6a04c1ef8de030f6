//! Outputs that cannot be cached: that was said at the return type, and what stands here keeps the
//! compiler from saying it again. Nothing of it runs.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;

/// In place of an edge.
pub struct NoEdge<R>(PhantomData<fn() -> R>);

impl<R> Clone for NoEdge<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for NoEdge<R> {}

/// In place of what is to be asked.
pub struct NoAsked;

impl NoAsked {
    #[must_use]
    pub fn tags<T>(self, _: T) -> Self {
        self
    }
}

/// In place of an answer.
pub struct NoAnswer;

/// In place of a turn.
pub struct NoTurn;

impl NoTurn {
    pub fn run<F: Future>(&mut self, _: Pin<&mut F>) -> Ready<Option<F::Output>> {
        ready(None)
    }
}

type Begun = Ready<Result<NoTurn, NoAnswer>>;

impl<R> NoEdge<R> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }

    pub fn peek<C, K, A>(self, _: &C, _: &K, _: A) -> Result<R, NoAsked> {
        Err(NoAsked)
    }

    pub fn begin(self, _: NoAsked) -> Begun {
        ready(Ok(NoTurn))
    }

    pub fn begin_or_refresh(self, _: NoAsked, (): &()) -> Begun {
        ready(Ok(NoTurn))
    }

    pub fn reload<F>(self, _: F) {}

    pub fn reload_unless<F, U>(self, _: F, _: U) {}

    pub fn answer(self, _: NoAnswer) -> R {
        unreachable!("nothing of this runs")
    }

    pub fn answer_or(self, answer: NoAnswer, _: fn() -> R) -> R {
        self.answer(answer)
    }

    pub fn land(self, _: NoTurn, _: Option<R>) -> Ready<R> {
        ready(self.answer(NoAnswer))
    }

    pub fn land_unless<U>(self, turn: NoTurn, output: Option<R>, _: U) -> Ready<R> {
        self.land(turn, output)
    }

    pub fn read_now(self, _: NoAsked, body: impl FnOnce() -> R) -> R {
        body()
    }

    pub fn read_now_unless<U>(self, _: NoAsked, body: impl FnOnce() -> R, _: U) -> R {
        body()
    }
}
