//! How long callers wait for a load.

use crate::error::{Error, Result};
use std::time::Duration;

/// How long a load may take before a caller has something else, and before it has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) soft: Option<Duration>,
    pub(crate) hard: Option<Duration>,
}

impl Timeouts {
    /// Takes from `fallback` what is left open.
    pub(crate) fn or(self, fallback: Self) -> Self {
        Self {
            soft: self.soft.or(fallback.soft),
            hard: self.hard.or(fallback.hard),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let fault = match (self.soft, self.hard) {
            (_, Some(Duration::ZERO)) => "`hard_timeout` is zero: every load would fail",
            (Some(soft), Some(hard)) if soft > hard => {
                "`soft_timeout` is longer than `hard_timeout`, so it never applies; make it shorter"
            }
            _ => return Ok(()),
        };
        Err(Error::ConfigError(fault.into()))
    }
}

/// Stops the compiler where constant timeouts cannot work.
///
/// # Panics
/// If they cannot; in a `const`, that is a compile error.
#[doc(hidden)]
pub const fn check_timeouts(soft: Duration, hard: Duration) {
    assert!(
        soft.as_nanos() <= hard.as_nanos(),
        "`soft_timeout` is longer than `hard_timeout`, so it never applies; make it shorter"
    );
}
