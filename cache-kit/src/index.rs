//! Other fields that name an entity.

use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::key::{KeyPart, KeyWriter};
use crate::service::CacheService;
use crate::value::{Apart, Declared, ValueOf};
use std::marker::PhantomData;

/// Declares a field, beside the key, that names one entity: its index. `#[cache(index(email))]` writes this.
///
/// What is kept of an index is where an entity was last found: its key. That is a hint and nothing more. The entity is read under its own key, and is taken only if
/// it still has the field that was asked for: so an index needs no invalidation, and a write of the entity costs what it costs without.
pub trait CacheIndex: Send + Sync + 'static {
    /// What is found.
    type Entity: CacheEntity;
    /// The type of the field.
    type Field: KeyPart;
    /// The prefix of its hints.
    const PREFIX: &'static str;
    /// Where it is defined.
    #[doc(hidden)]
    const DEFINITION: &'static str;

    /// Returns the field; `None` if this entity has none.
    fn field(entity: &Self::Entity) -> Option<&Self::Field>;
}

/// Where the entities of an index are.
pub(crate) struct Hints<I>(PhantomData<fn() -> I>);

impl<I: CacheIndex> Declared for Hints<I> {
    const PREFIX: &'static str = I::PREFIX;
    const DEFINITION: &'static str = I::DEFINITION;
}

/// The text of an entity's key, kept under its index.
pub(crate) type Hint<I> = ValueOf<String, Hints<I>, Apart>;

/// Says whether an entity is the one of an index' key.
pub(crate) fn is_of<I: CacheIndex, B: CacheBackend>(
    cache: &CacheService<B>,
    entity: &I::Entity,
    asked: &KeyWriter,
) -> bool {
    I::field(entity).is_some_and(|field| {
        let mut own = cache.value_writer(I::PREFIX);
        field.write(&mut own);
        own.text() == asked.text()
    })
}

/// The text of an entity's key.
pub(crate) fn key_text<T: CacheEntity>(entity: &T) -> String {
    let mut text = KeyWriter::unbounded();
    T::write_key(&entity.cache_key(), &mut text);
    text.text().into_owned()
}

/// The key that a hint tells.
pub(crate) fn key_at<T: CacheEntity, B: CacheBackend>(
    cache: &CacheService<B>,
    hint: &str,
) -> KeyWriter {
    let mut key = cache.writer::<T>();
    key.push(hint);
    key
}
