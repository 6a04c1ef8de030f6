//! Objects that know which entity they want and take it when it comes.

use crate::entity::CacheEntity;
use std::fmt;

/// Names the entity it wants, and is fed with it.
///
/// [`#[derive(CacheEntity)]`](derive@crate::CacheEntity) generates one for each entity, and [`GenericFeeder`] serves them all.
pub trait CacheFeed<T: CacheEntity>: Send {
    /// Returns the key of the entity that is wanted.
    fn entity_id(&mut self) -> T::Key;

    /// Takes the entity; `None` if there is none.
    fn feed(&mut self, entity: Option<T>);
}

/// Feeds on any entity.
///
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// let mut feeder = GenericFeeder::<User>::new(7);
/// assert_eq!(feeder.entity_id(), 7);
/// feeder.feed(Some(User { id: 7 }));
/// assert!(feeder.entity.is_some());
/// ```
pub struct GenericFeeder<T: CacheEntity> {
    /// The key that is asked for.
    pub id: T::Key,
    /// What was fed last.
    pub entity: Option<T>,
}

impl<T: CacheEntity> GenericFeeder<T> {
    /// Builds a feeder that wants the entity of this key.
    #[must_use]
    pub fn new(id: T::Key) -> Self {
        Self { id, entity: None }
    }
}

impl<T: CacheEntity> CacheFeed<T> for GenericFeeder<T> {
    fn entity_id(&mut self) -> T::Key {
        self.id.clone()
    }

    fn feed(&mut self, entity: Option<T>) {
        self.entity = entity;
    }
}

impl<T: CacheEntity> fmt::Debug for GenericFeeder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenericFeeder")
            .field("id", &format_args!("{}", self.id))
            .field("is_fed", &self.entity.is_some())
            .finish()
    }
}
