//! What a caller got, and how it came by it.

use super::Payload;
use crate::engine::provenance::Overrides;
use crate::engine::provenance::Provenance;
use crate::engine::provenance::Source;
use crate::runtime::clock::Age;
use std::sync::Arc;
use std::time::Duration;

/// Tells a caller of a cached function what it got: return it in place of the value.
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::{Outcome, output::Source};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "user", ttl = "1m", stale_if_error = "1d", key = id)]
/// struct User { id: u64 }
///
/// #[cached]
/// async fn find(cache: &CacheService<InMemoryBackend>, id: u64) -> Result<Outcome<Option<User>>, cache_kit::Error> {
///     Ok(Outcome::loaded(Some(User { id })))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let cache = CacheService::new(InMemoryBackend::new());
/// assert_eq!(find(&cache, 7).await?.source, Source::Loaded);
/// let found = find(&cache, 7).await?;
/// assert_eq!((found.source, found.value), (Source::Hit, Some(User { id: 7 })));
/// assert!(found.age.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<P> {
    /// What was found or loaded.
    pub value: P,
    /// Where it comes from.
    pub source: Source,
    /// How long ago it was stored; `None` of what was not found in the cache.
    pub age: Option<Duration>,
}

impl<P> Outcome<P> {
    /// Builds the outcome of a load: what the body of a cached function returns.
    pub const fn loaded(value: P) -> Self {
        Self {
            value,
            source: Source::Loaded,
            age: None,
        }
    }

    /// Says whether the value has ended.
    pub fn is_stale(&self) -> bool {
        self.source == Source::Stale
    }

    pub(super) const fn missed(value: P) -> Self {
        Self {
            value,
            source: Source::Miss,
            age: None,
        }
    }

    pub(crate) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Outcome<Q> {
        Outcome {
            value: change(self.value),
            source: self.source,
            age: self.age,
        }
    }

    fn of(value: P, seen: Provenance) -> Self {
        Self {
            value,
            source: seen.source,
            age: seen.age.map(Age::get),
        }
    }
}

impl<P> From<P> for Outcome<P> {
    fn from(value: P) -> Self {
        Self::loaded(value)
    }
}

#[diagnostic::do_not_recommend]
impl<P: Payload> Payload for Outcome<P> {
    type Entity = P::Entity;

    const ABSENT: bool = P::ABSENT;

    const TAGS: bool = P::TAGS;

    fn from_found(entity: Arc<P::Entity>, seen: Provenance) -> Self {
        Self::of(P::from_found(entity, seen), seen)
    }

    fn absent(seen: Provenance) -> Option<Self> {
        P::absent(seen).map(|value| Self::of(value, seen))
    }

    fn entity(&self) -> Option<Arc<P::Entity>> {
        self.value.entity()
    }

    fn overrides(&self) -> Overrides {
        self.value.overrides()
    }
}
