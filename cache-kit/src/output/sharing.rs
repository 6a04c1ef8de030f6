//! What an output's error can do: be shared with other callers, carry a failure of the cache, and
//! say what it is. Each answer is a type without a size, so that it costs a caller's frame nothing.

use crate::engine::TakesFailures;
use crate::error::{Cause, Error};
use crate::flight::Failure;
use std::any::{Any, TypeId};
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::sync::Arc;

/// Passes a failed load on to the callers that waited for it.
pub trait Sharing<O>: Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn takes(self) -> TakesFailures;
    #[doc(hidden)]
    fn share(self, output: &O) -> Option<Failure>;
    #[doc(hidden)]
    fn restore(self, failure: &Failure) -> Option<O>;
}

/// Returns a failure of the cache, where the output can carry one.
pub trait Carrying<O>: Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn carries(self) -> bool;
    #[doc(hidden)]
    fn carry(self, error: Error) -> Option<O>;
}

/// Says what a failed load says of itself, for the log.
pub trait Saying<O>: Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn say(self, output: &O) -> Option<String>;
}

/// Can be cloned for everyone who waited, and says something to callers of other error types.
#[derive(Clone, Copy, Debug)]
pub struct ClonedAndSaid;

/// Can be cloned for everyone who waited.
#[derive(Clone, Copy, Debug)]
pub struct Cloned;

/// Can be made anew from what the failed one said.
#[derive(Clone, Copy, Debug)]
pub struct Converted;

/// Can do nothing of the kind.
#[derive(Clone, Copy, Debug)]
pub struct Unable;

/// Can carry a failure of the cache.
#[derive(Clone, Copy, Debug)]
pub struct FromCache;

/// Shows itself to people.
#[derive(Clone, Copy, Debug)]
pub struct Displayed;

/// Shows itself to programmers.
#[derive(Clone, Copy, Debug)]
pub struct Shown;

/// Is the runtime's own error, or can do nothing: for functions that take any error type.
#[derive(Clone, Copy, Debug)]
pub struct IfOwn;

impl<P, E: Clone + Display + Send + Sync + 'static> Sharing<Result<P, E>> for ClonedAndSaid {
    fn takes(self) -> TakesFailures {
        TakesFailures::Of(TypeId::of::<E>)
    }

    fn share(self, output: &Result<P, E>) -> Option<Failure> {
        clone_of(output, |error| error.to_string().into())
    }

    fn restore(self, failure: &Failure) -> Option<Result<P, E>> {
        error_in(failure).map(Err)
    }
}

impl<P, E: Clone + Send + Sync + 'static> Sharing<Result<P, E>> for Cloned {
    fn takes(self) -> TakesFailures {
        TakesFailures::Of(TypeId::of::<E>)
    }

    fn share(self, output: &Result<P, E>) -> Option<Failure> {
        clone_of(output, |_| "the load that was waited for failed".into())
    }

    fn restore(self, failure: &Failure) -> Option<Result<P, E>> {
        error_in(failure).map(Err)
    }
}

impl<P, E: From<Error> + Display> Sharing<Result<P, E>> for Converted {
    fn takes(self) -> TakesFailures {
        TakesFailures::All
    }

    fn share(self, output: &Result<P, E>) -> Option<Failure> {
        let cause = Cause::from(output.as_ref().err()?.to_string());
        Some(Failure { error: None, cause })
    }

    fn restore(self, failure: &Failure) -> Option<Result<P, E>> {
        Some(Err(own_error(failure).into()))
    }
}

impl<O> Sharing<O> for Unable {
    fn takes(self) -> TakesFailures {
        TakesFailures::None
    }

    fn share(self, _: &O) -> Option<Failure> {
        None
    }

    fn restore(self, _: &Failure) -> Option<O> {
        None
    }
}

impl<P, E: 'static> Sharing<Result<P, E>> for IfOwn {
    fn takes(self) -> TakesFailures {
        if is_own::<E>() {
            TakesFailures::All
        } else {
            TakesFailures::None
        }
    }

    fn share(self, output: &Result<P, E>) -> Option<Failure> {
        let error = output.as_ref().err()?;
        let error = (error as &dyn Any).downcast_ref::<Error>()?;
        Some(Failure {
            error: Some(Arc::new(error.clone())),
            cause: error.to_string().into(),
        })
    }

    fn restore(self, failure: &Failure) -> Option<Result<P, E>> {
        into_own(own_error(failure)).map(Err)
    }
}

impl<P, E: From<Error>> Carrying<Result<P, E>> for FromCache {
    fn carries(self) -> bool {
        true
    }

    fn carry(self, error: Error) -> Option<Result<P, E>> {
        Some(Err(error.into()))
    }
}

impl<O> Carrying<O> for Unable {
    fn carries(self) -> bool {
        false
    }

    fn carry(self, _: Error) -> Option<O> {
        None
    }
}

impl<P, E: 'static> Carrying<Result<P, E>> for IfOwn {
    fn carries(self) -> bool {
        is_own::<E>()
    }

    fn carry(self, error: Error) -> Option<Result<P, E>> {
        into_own(error).map(Err)
    }
}

impl<P, E: Display> Saying<Result<P, E>> for Displayed {
    fn say(self, output: &Result<P, E>) -> Option<String> {
        output.as_ref().err().map(ToString::to_string)
    }
}

impl<P, E: Debug> Saying<Result<P, E>> for Shown {
    fn say(self, output: &Result<P, E>) -> Option<String> {
        output.as_ref().err().map(|error| format!("{error:?}"))
    }
}

impl<O> Saying<O> for Unable {
    fn say(self, _: &O) -> Option<String> {
        None
    }
}

impl<P, E: 'static> Saying<Result<P, E>> for IfOwn {
    fn say(self, output: &Result<P, E>) -> Option<String> {
        let error = output.as_ref().err()?;
        let error = (error as &dyn Any).downcast_ref::<Error>()?;
        Some(error.to_string())
    }
}

/// The error itself, for callers of its type, and what it says, for others.
fn clone_of<P, E>(output: &Result<P, E>, say: impl FnOnce(&E) -> Cause) -> Option<Failure>
where
    E: Clone + Send + Sync + 'static,
{
    let error = output.as_ref().err()?;
    Some(Failure {
        error: Some(Arc::new(error.clone())),
        cause: say(error),
    })
}

fn error_in<E: Clone + 'static>(failure: &Failure) -> Option<E> {
    failure.error.as_ref()?.downcast_ref().cloned()
}

/// A failed load, as an error of the runtime's.
fn own_error(failure: &Failure) -> Error {
    let own = failure.own().cloned();
    own.unwrap_or_else(|| Error::RepositoryError(failure.cause.clone()))
}

fn is_own<E: 'static>() -> bool {
    TypeId::of::<E>() == TypeId::of::<Error>()
}

/// Turns the runtime's error into `E`, where `E` is the runtime's error.
fn into_own<E: 'static>(error: Error) -> Option<E> {
    let mut error = Some(error);
    let error: &mut dyn Any = &mut error;
    error.downcast_mut::<Option<E>>()?.take()
}

/// Asks of an output type what its error can do: `(&&&&Probe::<O>::new()).sharing()`. The trait
/// with the most references wins where its bounds hold (autoref specialisation, D. Tolnay).
#[derive(Debug)]
pub struct Probe<O>(PhantomData<fn() -> O>);

impl<O> Probe<O> {
    /// Makes a probe.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

macro_rules! probes {
    ($($trait:ident, $method:ident -> $able:ident: [$($bounds:tt)*] for [$($reference:tt)*];)*) => {$(
        /// Finds out what an error can do.
        pub trait $trait {
            /// Returns what it can do.
            fn $method(&self) -> $able {
                $able
            }
        }

        impl<P, E: $($bounds)*> $trait for $($reference)* Probe<Result<P, E>> {}
    )*};
}

probes! {
    ShareSaid, sharing -> ClonedAndSaid: [Clone + Display + Send + Sync + 'static] for [&&&];
    ShareClone, sharing -> Cloned: [Clone + Send + Sync + 'static] for [&&];
    ShareInto, sharing -> Converted: [From<Error> + Display] for [&];
    SaysDisplayed, saying -> Displayed: [Display] for [&&];
    SaysShown, saying -> Shown: [Debug] for [&];
    CarryInto, carrying -> FromCache: [From<Error>] for [&];
}

macro_rules! probes_of_nothing {
    ($($trait:ident, $method:ident;)*) => {$(
        /// Finds out that an output can do nothing of the kind.
        pub trait $trait {
            /// Returns that it cannot.
            fn $method(&self) -> Unable {
                Unable
            }
        }

        impl<O> $trait for Probe<O> {}
    )*};
}

probes_of_nothing! {
    ShareNone, sharing;
    SaysNothing, saying;
    CarryNone, carrying;
}
