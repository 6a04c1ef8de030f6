//! Bodies that are run again.

use crate::error::Error;
use crate::retry::{Retries, Retry};
use std::future::Future;

/// Says which failures are transient.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which failures are transient",
    label = "`retry` needs to know what may help itself",
    note = "return `cache_kit::Error`, which knows, or write `retry_if = |error| …`"
)]
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

/// Says whether an output is a failure that may help itself.
pub fn is_transient<P, E: Transient>(output: &Result<P, E>) -> bool {
    output.as_ref().is_err_and(Transient::is_transient)
}

/// Says whether an output is a failure of which something holds.
pub fn retry_if<P, E>(output: &Result<P, E>, test: impl FnOnce(&E) -> bool) -> bool {
    output.as_ref().is_err_and(test)
}

/// Runs a body, again where that may help.
pub async fn retrying<O, F: Future<Output = O>>(
    retry: impl Into<Retry>,
    body: impl Fn() -> F,
    may_help: impl Fn(&O) -> bool,
) -> O {
    let retries = Retries::new(Some(retry.into()));
    loop {
        let output = body().await;
        if !may_help(&output) || !retries.next().await {
            return output;
        }
    }
}
