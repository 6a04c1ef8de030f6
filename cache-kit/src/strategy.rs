//! What a call does with the cache.

pub(crate) mod retry;
pub(crate) mod timeouts;

use crate::error::{Error, Result};
use crate::strategy::retry::Retry;
use crate::strategy::timeouts::Timeouts;
use std::borrow::Cow;
use std::time::Duration;

/// Says how a read uses the cache.
///
/// | strategy | fresh hit | miss | stores? |
/// | --- | --- | --- | --- |
/// | `Refresh` | returns it | loads | yes |
/// | `Fresh` | returns it | [`CacheMiss`](crate::Error::CacheMiss), never loads | no |
/// | `Invalidate` | ignores it: invalidates, loads | loads | yes |
/// | `Bypass` | ignores it: loads | loads | no, and leaves the entry alone |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheStrategy {
    /// Returns what is cached, else loads and stores it.
    #[default]
    Refresh,
    /// Returns only what is cached; never asks the repository.
    Fresh,
    /// Drops what is cached, then loads and stores.
    Invalidate,
    /// Loads without touching the cache.
    Bypass,
}

/// Is what a [`TtlPolicy::Custom`](crate::TtlPolicy::Custom) is asked about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CacheContext<'a> {
    /// The strategy of the operation; `Refresh` for a put.
    pub strategy: CacheStrategy,
    /// The prefix of the entity.
    pub prefix: &'a str,
    /// The class that the operation named.
    pub ttl_class: Option<&'a str>,
    /// The TTL without this policy, for a policy to return as it is: what the entity declares, else
    /// the service's default, else [`Duration::MAX`], which is no end. Never `None`.
    pub declared: Option<Duration>,
}

/// Sets what is different about one operation.
///
/// ```
/// use cache_kit::OperationConfig;
/// use std::time::Duration;
///
/// let config = OperationConfig::new()
///     .with_ttl(Duration::from_secs(60))
///     .with_retry(3)
///     .ttl_class("guest");
/// # let _ = config;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct OperationConfig {
    pub(crate) ttl: Option<Duration>,
    pub(crate) ttl_class: Option<Cow<'static, str>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeouts: Timeouts,
}

impl OperationConfig {
    /// Builds a configuration that changes nothing.
    pub const fn new() -> Self {
        Self {
            ttl: None,
            ttl_class: None,
            retry: None,
            timeouts: Timeouts {
                soft: None,
                hard: None,
            },
        }
    }

    /// Sets how long what this operation stores is fresh. It wins over the service's policy and the
    /// entity's declaration.
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Asks again when the repository fails with an [`Error::transient`], or, under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate), the backend fails: so many
    /// times after the first, or as a [`Retry`] says.
    ///
    /// The load is what is repeated, within its flight: those who wait for it share the outcome,
    /// whatever they asked for themselves. Waiting needs a Tokio runtime with time enabled; outside
    /// of a runtime nothing is retried.
    pub fn with_retry(mut self, retry: impl Into<Retry>) -> Self {
        self.retry = Some(retry.into());
        self
    }

    /// Sets after how long this operation has a stale value, if there is one; see
    /// [`soft_timeout`](crate::CacheServiceBuilder::soft_timeout).
    pub const fn with_soft_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.soft = Some(timeout);
        self
    }

    /// Sets after how long this operation's load has failed, its retries included; see
    /// [`hard_timeout`](crate::CacheServiceBuilder::hard_timeout).
    pub const fn with_hard_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.hard = Some(timeout);
        self
    }

    /// Names the class of whoever asks, such as a user's role. It is what
    /// [`TtlPolicy::PerType`](crate::TtlPolicy::PerType) is asked with.
    ///
    /// All classes share one entry. What this operation loads is stored for the class's TTL, for
    /// everyone; and the TTL limits how old an entry it accepts: an older one is a miss. Without a
    /// policy there is nothing to ask, and the operation is a [`ConfigError`](Error::ConfigError).
    pub fn ttl_class(mut self, class: impl Into<Cow<'static, str>>) -> Self {
        self.ttl_class = Some(class.into());
        self
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        if self.ttl == Some(Duration::ZERO) {
            return Err(Error::ConfigError(
                "an operation's `with_ttl` of zero caches nothing: use the strategy `Bypass`"
                    .into(),
            ));
        }
        self.timeouts.check()?;
        self.retry.as_ref().map_or(Ok(()), Retry::check)
    }
}
