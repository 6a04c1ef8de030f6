//! Objects that know which entity they want and take it when it comes.

use crate::entity::CacheEntity;
use crate::error::Result;
use std::fmt;

/// Names the entity it wants, and is fed with it.
///
/// [`#[derive(CacheEntity)]`](derive@crate::CacheEntity) generates one for each entity, and
/// [`GenericFeeder`] serves them all. The hooks are for feeders written by hand. One that fails
/// ends its own call and nobody else's: what was loaded is stored all the same.
///
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
///
/// struct Counting {
///     id: u64,
///     user: Option<User>,
///     misses: usize,
/// }
///
/// impl CacheFeed<User> for Counting {
///     fn entity_id(&mut self) -> u64 {
///         self.id
///     }
///
///     fn feed(&mut self, user: Option<User>) {
///         self.user = user;
///     }
///
///     fn on_miss(&mut self, _: &u64) -> cache_kit::Result<()> {
///         self.misses += 1;
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a feeder of `{T}`",
    label = "`CacheFeed<{T}>` is not implemented for this type",
    note = "pass `&mut {T}Feeder::new(key)`, which `#[derive(CacheEntity)]` generates, or `&mut GenericFeeder::<{T}>::new(key)`"
)]
pub trait CacheFeed<T: CacheEntity>: Send {
    /// Returns the key of the entity that is wanted. Asked once for each call.
    fn entity_id(&mut self) -> T::Key;

    /// Takes the entity; `None` if there is none, or, after a `Fresh` miss, none is cached.
    fn feed(&mut self, entity: Option<T>);

    /// Is told that the cache knows the answer: the entity, or that there is none.
    ///
    /// # Errors
    /// Whatever is to end the call, before the feeder is fed.
    fn on_hit(&mut self, key: &T::Key) -> Result<()> {
        let _ = key;
        Ok(())
    }

    /// Is told, once for each call, that the repository is about to be asked, by this call or by
    /// another one that it waits for; or that a `Fresh` call has found nothing.
    ///
    /// # Errors
    /// Whatever is to end the call, before anyone is asked.
    fn on_miss(&mut self, key: &T::Key) -> Result<()> {
        let _ = key;
        Ok(())
    }

    /// Is shown the entity that is about to be fed, wherever it comes from.
    ///
    /// # Errors
    /// Whatever is to end the call, before the feeder is fed.
    fn on_loaded(&mut self, entity: &T) -> Result<()> {
        let _ = entity;
        Ok(())
    }
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
