//! Where a value comes from, and what a load says of it.

use crate::runtime::clock::Age;
use crate::ttl::Lifetime;
use std::time::Duration;

/// Says where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A fresh entry.
    Hit,
    /// An entry that has ended: the next one is being loaded, or could not be.
    Stale,
    /// The entry that says there is none.
    Absent,
    /// The repository, asked by this call.
    Loaded,
    /// The repository, or the store, asked by another call that this one waited for.
    Shared,
    /// Nothing is cached, and the strategy was `Fresh`.
    Miss,
}

/// How a value was come by. Its age is found out for those who want it.
#[derive(Clone, Copy, Debug)]
pub struct Provenance {
    pub(crate) source: Source,
    pub(crate) age: Option<Age>,
}

impl Provenance {
    pub(crate) const fn stored(source: Source, age: Age) -> Self {
        Self {
            source,
            age: Some(age),
        }
    }

    pub(crate) const SHARED: Self = Self {
        source: Source::Shared,
        age: None,
    };
}

/// What an entity says of itself, and the declaration does not.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub(crate) lifetime: Lifetime,
    pub(crate) tags: Vec<String>,
}

impl Overrides {
    /// How long the entity lives, where it is not said otherwise for so long; `None` if it is not
    /// to be stored.
    pub(crate) fn applied(&self, declared: Lifetime) -> Option<Lifetime> {
        let lifetime = self.lifetime.or(declared);
        (lifetime.ttl() != Some(Duration::ZERO)).then_some(lifetime)
    }
}
