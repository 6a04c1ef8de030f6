//! Other fields that name an entity.

use crate::engine::{IndexKind, Kind};
use crate::entity::CacheEntity;
use crate::key::KeyPart;
use crate::value::{Apart, Declared, ValueOf};
use std::marker::PhantomData;
use std::sync::Arc;

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

/// Returns an index as data.
pub(crate) const fn index_kind<I: CacheIndex>() -> &'static IndexKind {
    const {
        &IndexKind {
            hints: Kind::of::<Hint<I>>(),
            entities: Kind::of::<I::Entity>(),
            hint: |text| Arc::new(Hint::<I>::new(Arc::new(text))),
            text: |hint| {
                let hint = hint.downcast_ref::<Hint<I>>()?;
                Some(Arc::clone(&hint.value))
            },
            write_field: |entity, key| {
                let field = entity.downcast_ref().and_then(I::field);
                field.map(|field| field.write(key)).is_some()
            },
        }
    }
}
