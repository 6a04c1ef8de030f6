//! What a concrete error type can do, found out by method resolution, without a bound that would shut others out.

use super::Sharing;
use crate::error::Error;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

/// Asks of a concrete output type what its error can do: `(&&&&Probe::<O>::new()).sharing()`. The trait with the most references
/// wins where its bounds hold (autoref specialisation, D. Tolnay).
pub struct Probe<O>(PhantomData<fn() -> O>);

impl<O> Probe<O> {
    /// Makes a probe.
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Errors that are cloned for everyone who waited, and told to those of other types.
pub trait ShareSaid<O> {
    /// Returns how.
    fn sharing(&self) -> Sharing<O>;
}

impl<P, E: Clone + Display + Send + Sync + 'static> ShareSaid<Result<P, E>>
    for &&&Probe<Result<P, E>>
{
    fn sharing(&self) -> Sharing<Result<P, E>> {
        Sharing::cloned_and_said()
    }
}

/// Errors that are cloned for everyone who waited.
pub trait ShareClone<O> {
    /// Returns how.
    fn sharing(&self) -> Sharing<O>;
}

impl<P, E: Clone + Send + Sync + 'static> ShareClone<Result<P, E>> for &&Probe<Result<P, E>> {
    fn sharing(&self) -> Sharing<Result<P, E>> {
        Sharing::cloned()
    }
}

/// Errors that can be made anew from what the failed one said.
pub trait ShareInto<O> {
    /// Returns how.
    fn sharing(&self) -> Sharing<O>;
}

impl<P, E: From<Error> + Display> ShareInto<Result<P, E>> for &Probe<Result<P, E>> {
    fn sharing(&self) -> Sharing<Result<P, E>> {
        Sharing::converted()
    }
}

/// Errors that only their owner can have.
pub trait ShareNone<O> {
    /// Returns that there is no way.
    fn sharing(&self) -> Sharing<O>;
}

impl<O> ShareNone<O> for Probe<O> {
    fn sharing(&self) -> Sharing<O> {
        Sharing::none()
    }
}

/// Errors that say something of themselves.
pub trait SaysDisplayed<O> {
    /// Returns what.
    fn saying(&self) -> fn(&O) -> Option<String>;
}

impl<P, E: Display> SaysDisplayed<Result<P, E>> for &&Probe<Result<P, E>> {
    fn saying(&self) -> fn(&Result<P, E>) -> Option<String> {
        |output| output.as_ref().err().map(ToString::to_string)
    }
}

/// Errors that can be shown to programmers.
pub trait SaysShown<O> {
    /// Returns what they show.
    fn saying(&self) -> fn(&O) -> Option<String>;
}

impl<P, E: Debug> SaysShown<Result<P, E>> for &Probe<Result<P, E>> {
    fn saying(&self) -> fn(&Result<P, E>) -> Option<String> {
        |output| output.as_ref().err().map(|error| format!("{error:?}"))
    }
}

/// Outputs that say nothing.
pub trait SaysNothing<O> {
    /// Returns nothing.
    fn saying(&self) -> fn(&O) -> Option<String>;
}

impl<O> SaysNothing<O> for Probe<O> {
    fn saying(&self) -> fn(&O) -> Option<String> {
        |_| None
    }
}

/// Outputs that can return a failure of the cache.
pub trait CarryInto<O> {
    /// Returns how.
    fn carrying(&self) -> Option<fn(Error) -> O>;
}

impl<P, E: From<Error>> CarryInto<Result<P, E>> for &Probe<Result<P, E>> {
    fn carrying(&self) -> Option<fn(Error) -> Result<P, E>> {
        Some(|error| Err(error.into()))
    }
}

/// Outputs that cannot.
pub trait CarryNone<O> {
    /// Returns that there is no way.
    fn carrying(&self) -> Option<fn(Error) -> O>;
}

impl<O> CarryNone<O> for Probe<O> {
    fn carrying(&self) -> Option<fn(Error) -> O> {
        None
    }
}
