//! Entities that say themselves how long they live.

use super::Payload;
use crate::engine::provenance::Overrides;
use crate::engine::provenance::Provenance;
use crate::ttl::Lifetime;
use std::sync::Arc;
use std::time::Duration;

/// Says with a loaded value how long this one lives: return it in place of the value.
///
/// What it leaves open is as it was declared. It wins over every other setting, also over a
/// [`TtlPolicy`](crate::TtlPolicy), save that what a policy does not store is not stored. Of what
/// was found in the cache the value alone is told.
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::Cached;
/// use std::time::Duration;
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "token", ttl = "1h", key = id)]
/// struct Token { id: u64, expires_in: u64 }
///
/// #[cached]
/// async fn token(cache: &CacheService<InMemoryBackend>, id: u64) -> Result<Cached<Token>, cache_kit::Error> {
///     let token = Token { id, expires_in: 30 };
///     let ttl = Duration::from_secs(token.expires_in);
///     Ok(Cached::new(token).ttl(ttl))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let cache = CacheService::new(InMemoryBackend::new());
/// assert_eq!(token(&cache, 7).await?.value, Token { id: 7, expires_in: 30 });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cached<P> {
    /// What was found or loaded.
    pub value: P,
    lifetime: Lifetime,
    tags: Vec<String>,
}

impl<P> Cached<P> {
    /// Builds a value that lives as it was declared.
    pub const fn new(value: P) -> Self {
        Self {
            value,
            lifetime: Lifetime::new(),
            tags: Vec::new(),
        }
    }

    pub(super) fn missed(value: P) -> Self {
        Self::new(value)
    }

    /// Sets how long the value is fresh. Zero: it is not stored.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.lifetime = self.lifetime.with_ttl(ttl);
        self
    }

    /// Sets everything that a lifetime says, and leaves the rest as it was declared.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime.or(self.lifetime);
        self
    }

    /// Adds tags that this value can be dropped by, by
    /// [`invalidate_tag`](crate::CacheService::invalidate_tag).
    #[must_use]
    pub fn tags<I>(mut self, tags: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    pub(crate) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Cached<Q> {
        Cached {
            value: change(self.value),
            lifetime: self.lifetime,
            tags: self.tags,
        }
    }

    /// Returns the value.
    pub fn into_inner(self) -> P {
        self.value
    }
}

impl<P> From<P> for Cached<P> {
    fn from(value: P) -> Self {
        Self::new(value)
    }
}

#[diagnostic::do_not_recommend]
impl<P: Payload> Payload for Cached<P> {
    type Entity = P::Entity;

    const ABSENT: bool = P::ABSENT;

    const TAGS: bool = true;

    fn from_found(entity: Arc<P::Entity>, seen: Provenance) -> Self {
        Self::new(P::from_found(entity, seen))
    }

    fn absent(seen: Provenance) -> Option<Self> {
        P::absent(seen).map(Self::new)
    }

    fn entity(&self) -> Option<Arc<P::Entity>> {
        self.value.entity()
    }

    fn into_entity(self) -> Option<Arc<P::Entity>> {
        self.value.into_entity()
    }

    fn overrides(&self) -> Overrides {
        let mut inner = self.value.overrides();
        inner.tags.extend(self.tags.iter().cloned());
        Overrides {
            lifetime: self.lifetime.or(inner.lifetime),
            tags: inner.tags,
        }
    }
}
