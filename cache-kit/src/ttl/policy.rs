use crate::strategy::CacheContext;
use std::fmt;
use std::time::Duration;

/// Decides how long entries live, for a whole service at once: in place of what entities declare,
/// unless an operation says it itself.
///
/// The precedence is operation ([`OperationConfig::with_ttl`](crate::OperationConfig::with_ttl),
/// `ttl` of an attribute), then policy, then declaration, then the service's default. A TTL of zero
/// stores nothing, one of [`Duration::MAX`] has no end; `jitter` and `negative_ttl` stay as they
/// are declared. The closures run on the caller's task, so they should be quick; one that panics is
/// contained, and what the entity declares is used.
///
/// ```
/// use cache_kit::prelude::*;
/// use std::time::Duration;
///
/// let policy = TtlPolicy::per_type(|entity_type| match entity_type {
///     "employment" => Duration::from_secs(3600),
///     _ => Duration::from_secs(1800),
/// });
/// let cache = CacheService::builder(InMemoryBackend::new()).ttl_policy(policy).build()?;
/// # let _ = cache;
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[non_exhaustive]
#[expect(clippy::type_complexity, reason = "an alias would hide what to write")]
pub enum TtlPolicy {
    /// One TTL for everything.
    Fixed(Duration),
    /// What [`TtlPolicy::per_type`] makes: a TTL for each prefix, or for each
    /// [`ttl_class`](crate::OperationConfig::ttl_class) where an operation has one.
    PerType(Box<dyn Fn(&str) -> Duration + Send + Sync>),
    /// What [`TtlPolicy::custom`] makes: a TTL for each operation; `None` stores nothing,
    /// [`context.declared`](CacheContext::declared) leaves it as it was declared.
    Custom(Box<dyn Fn(&CacheContext<'_>) -> Option<Duration> + Send + Sync>),
    /// No end: entries live until they are evicted or invalidated.
    Infinite,
}

/// What a policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ttl {
    After(Duration),
    Never,
    NotStored,
}

impl TtlPolicy {
    /// Decides by the prefix of an entity, or by the
    /// [`ttl_class`](crate::OperationConfig::ttl_class) of an operation that has one.
    pub fn per_type(decide: impl Fn(&str) -> Duration + Send + Sync + 'static) -> Self {
        Self::PerType(Box::new(decide))
    }

    /// Decides for each operation; `None` stores nothing,
    /// [`context.declared`](CacheContext::declared) leaves the TTL as it was declared.
    ///
    /// ```
    /// use cache_kit::TtlPolicy;
    /// use std::time::Duration;
    ///
    /// let policy = TtlPolicy::custom(|context| match context.prefix {
    ///     "session" => None,
    ///     "report" => Some(Duration::from_secs(60)),
    ///     _ => context.declared,
    /// });
    /// # let _ = policy;
    /// ```
    pub fn custom(
        decide: impl Fn(&CacheContext<'_>) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Box::new(decide))
    }

    /// Asks the policy. The closures are the user's: they may panic.
    pub(crate) fn decide(&self, context: &CacheContext<'_>) -> Ttl {
        let ttl = match self {
            Self::Fixed(ttl) => Some(*ttl),
            Self::PerType(decide) => Some(decide(context.ttl_class.unwrap_or(context.prefix))),
            Self::Custom(decide) => decide(context),
            Self::Infinite => return Ttl::Never,
        };
        match ttl {
            None | Some(Duration::ZERO) => Ttl::NotStored,
            Some(Duration::MAX) => Ttl::Never,
            Some(ttl) => Ttl::After(ttl),
        }
    }
}

impl fmt::Debug for TtlPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(ttl) => f.debug_tuple("Fixed").field(ttl).finish(),
            Self::PerType(_) => f.debug_tuple("PerType").finish_non_exhaustive(),
            Self::Custom(_) => f.debug_tuple("Custom").finish_non_exhaustive(),
            Self::Infinite => f.write_str("Infinite"),
        }
    }
}
