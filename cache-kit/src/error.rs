//! What can go wrong, and why.

pub(crate) mod label;

use crate::error::label::labels;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Holds the reason for an [`Error`]: any error or message, cheap to clone.
///
/// Every caller of a flight is told of the same failure, so the cause is shared rather than moved.
/// It is built with `.into()` from a `String`, a `&str` or any error, and
/// [`std::error::Error::source`] of the [`Error`] leads to it.
///
/// ```
/// use cache_kit::{Cause, Error};
///
/// let cause: Cause = "connection refused".into();
/// let error = Error::RepositoryError(cause);
/// assert_eq!(error.to_string(), "repository failed: connection refused");
/// ```
#[derive(Clone)]
pub struct Cause {
    error: Arc<dyn std::error::Error + Send + Sync>,
    mark: Mark,
}

/// What is known of a cause that its text does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Transient,
    Damage(Damage),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self {
            error: Arc::from(error.into()),
            mark: Mark::None,
        }
    }
}

impl Deref for Cause {
    type Target = dyn std::error::Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.error
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

/// Says what failed: the repository, the backend, a codec, a check, or the caller's own
/// configuration.
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
    /// A loaded entity did not pass [`CacheEntity::validate`](crate::CacheEntity::validate);
    /// nothing was stored.
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

impl Error {
    /// Says that the repository failed for now: asking again may succeed. What it returns is an
    /// [`Error::RepositoryError`], and [retried](crate::OperationConfig::with_retry) where the
    /// caller wants that.
    ///
    /// ```
    /// use cache_kit::Error;
    ///
    /// let error = Error::transient("too many connections");
    /// assert!(error.is_transient());
    /// assert!(!Error::RepositoryError("no such table".into()).is_transient());
    /// ```
    pub fn transient(cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        Self::RepositoryError(Cause {
            mark: Mark::Transient,
            ..cause
        })
    }

    /// Says that stored bytes could not be read, and what is wrong with them: an
    /// [`Error::DeserializationError`] that is [counted](crate::observe::CacheEvent::DecodeFailure) by that.
    /// For those who write a backend.
    ///
    /// ```
    /// use cache_kit::{Error, error::Damage};
    ///
    /// let error = Error::damaged(Damage::Length, "3 bytes are left over");
    /// assert_eq!(error.damage(), Some(Damage::Length));
    /// assert_eq!(Error::DeserializationError("no such variant".into()).damage(), Some(Damage::Payload));
    /// assert_eq!(Error::CacheMiss.damage(), None);
    /// ```
    pub fn damaged(damage: Damage, cause: impl Into<Cause>) -> Self {
        Self::DeserializationError(Cause {
            mark: Mark::Damage(damage),
            ..cause.into()
        })
    }

    /// Returns what is wrong with stored bytes, of an [`Error::DeserializationError`].
    pub fn damage(&self) -> Option<Damage> {
        let Self::DeserializationError(cause) = self else {
            return None;
        };
        Some(match cause.mark {
            Mark::Damage(damage) => damage,
            Mark::None | Mark::Transient => Damage::Payload,
        })
    }

    /// Says whether asking again may succeed: a backend that failed, a deadline that passed, and
    /// what [`transient`](Self::transient) made.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::BackendError(_) | Self::Timeout => true,
            Self::RepositoryError(cause) => cause.mark == Mark::Transient,
            _ => false,
        }
    }

    /// Whatever encoding returned, it says that the entity cannot be encoded.
    pub(crate) fn into_serialization(self) -> Self {
        match self {
            Self::SerializationError(_) => self,
            other => Self::SerializationError(other.into()),
        }
    }

    /// Whatever decoding returned, it says that the bytes are not the entity.
    pub(crate) fn into_deserialization(self) -> Self {
        match self {
            Self::DeserializationError(_) => self,
            // What the guide's entities return for both directions.
            Self::SerializationError(cause) => Self::DeserializationError(cause),
            other => Self::DeserializationError(other.into()),
        }
    }

    /// Whatever a `validate` returned, it says that the entity is not valid.
    pub(crate) fn into_validation(self) -> Self {
        match self {
            Self::ValidationError(_) => self,
            other => Self::ValidationError(other.into()),
        }
    }
}

labels! {
    /// Says what is wrong with stored bytes.
    pub enum Damage {
        /// They are none of ours.
        Magic = "magic",
        /// They are of another version of the stored format.
        Version = "version",
        /// They are too few or too many.
        Length = "length",
        /// They are not what was written.
        Checksum = "checksum",
        /// Their codec is not compiled in.
        Codec = "codec",
        /// They are encrypted with a key that is not known here, or not encrypted where they have
        /// to be.
        Encryption = "encryption",
        /// They cannot be decompressed.
        Compression = "compression",
        /// What they hold is not of the type.
        Payload = "payload",
    }
}

/// Says what a failing cache means for those who read through it. It is about reads: whoever writes
/// by hand is told of failures by the method's result, and an attribute by `on_unreachable`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The cache's failure is not the caller's: one that is down or slow is passed by, a corrupt
    /// entry is replaced. Failures are counted and logged. A process that cannot ask the cache does
    /// not know what others have invalidated, so a caller is given nothing that had begun to be
    /// loaded before it came: who comes while a load of the key is going waits for it, and shares
    /// the next.
    #[default]
    Degrade,
    /// A failure of the cache is the call's error, where its error type can carry one (of an
    /// attribute one that is `From<cache_kit::Error>`, of a closure this very type):
    /// [`BackendError`](Error::BackendError) or [`Timeout`](Error::Timeout) for a store that is
    /// down or slow, also if it fails only when the loaded value is to be stored;
    /// [`DeserializationError`](Error::DeserializationError) for a corrupt entry, which stays until
    /// it is invalidated or expires.
    Propagate,
}

/// Abbreviates a result whose error is, unless said otherwise, [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
