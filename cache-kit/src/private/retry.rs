//! Bodies that are run again.

use crate::error::Error;
use crate::strategy::retry::{Retries, Retry};
use std::future::Future;

/// Says which failures are transient.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which failures are transient",
    label = "`retry` needs to know when to try again",
    note = "write `retry_if = |error| …`, or return `cache_kit::Error`, which says so"
)]
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

/// An output that can be a failure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fail, and there is nothing to retry",
    label = "not a `Result`",
    note = "return a `Result`, or remove `retry`"
)]
pub trait Fallible {
    type Error;
    fn error(&self) -> Option<&Self::Error>;
}

impl<P, E> Fallible for Result<P, E> {
    type Error = E;
    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// Says whether an output is a failure of which something holds.
pub fn retry_if<O: Fallible>(output: &O, test: impl FnOnce(&O::Error) -> bool) -> bool {
    output.error().is_some_and(test)
}

/// Reads what an attribute says: a number, or a `Retry`.
pub fn retry(retry: impl Into<Retry>) -> Retry {
    retry.into()
}

/// Runs a body, again where that may help.
pub async fn retrying<O, F: Future<Output = O>>(
    retry: Retry,
    body: impl Fn() -> F,
    may_help: impl Fn(&O) -> bool,
) -> O {
    let retries = Retries::new(Some(retry));
    loop {
        let output = body().await;
        if !may_help(&output) || !retries.next().await {
            return output;
        }
    }
}
