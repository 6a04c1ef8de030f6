//! What can go wrong, and why.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Holds the reason for an [`Error`]: any error or message, cheap to clone.
///
/// Every caller of a flight is told of the same failure, so the cause is shared rather than moved. It is built with
/// `.into()` from a `String`, a `&str` or any error, and [`std::error::Error::source`] of the [`Error`] leads to it.
///
/// ```
/// use cache_kit::{Cause, Error};
///
/// let cause: Cause = "connection refused".into();
/// let error = Error::RepositoryError(cause);
/// assert_eq!(error.to_string(), "repository failed: connection refused");
/// ```
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl Deref for Cause {
    type Target = dyn std::error::Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Says what failed: the repository, the backend, a codec, a check, or the caller's own configuration.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An entity could not be encoded for a byte store.
    #[error("cannot encode for the cache: {0}")]
    SerializationError(#[source] Cause),
    /// Stored bytes could not be decoded.
    #[error("cannot decode from the cache: {0}")]
    DeserializationError(#[source] Cause),
    /// The source of truth failed.
    #[error("repository failed: {0}")]
    RepositoryError(#[source] Cause),
    /// The store failed.
    #[error("cache backend failed: {0}")]
    BackendError(#[source] Cause),
    /// A loaded entity did not pass [`CacheEntity::validate`](crate::CacheEntity::validate); nothing was stored.
    #[error("entity is not valid: {0}")]
    ValidationError(#[source] Cause),
    /// A declaration, a setting or a key that cannot work.
    #[error("cache is misconfigured: {0}")]
    ConfigError(#[source] Cause),
    /// Nothing fresh is cached, and the strategy forbids a load.
    #[error("nothing is cached under this key")]
    CacheMiss,
    /// A deadline passed.
    #[error("cache call timed out")]
    Timeout,
}

/// Abbreviates a result whose error is, unless said otherwise, [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
