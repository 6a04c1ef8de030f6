//! The key of a write, from whichever arguments have it: those named like the key's fields, else
//! the entity itself.

use super::keys::KeyNamed;
use crate::entity::CacheEntity;
use crate::entity::KeyArg;
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::store::CacheBackend;
use std::marker::PhantomData;
use std::sync::Arc;

/// Is an entity, however it is passed.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a `{T}`")]
pub trait KeySource<T> {
    fn write_key(&self, out: &mut KeyWriter);
}

macro_rules! key_sources {
    ($($source:ty),*) => {$(
        impl<T: CacheEntity> KeySource<T> for $source {
            fn write_key(&self, out: &mut KeyWriter) {
                T::write_key(&self.cache_key(), out);
            }
        }
    )*};
}

key_sources!(T, &T, &mut T, Arc<T>, &Arc<T>, Box<T>, &Box<T>);

pub fn write_entity_key<T: CacheEntity, A: KeySource<T>>(arg: &A, out: &mut KeyWriter) {
    arg.write_key(out);
}

/// What the arguments of a write say of its key.
pub struct KeySlots<T> {
    parts: Vec<Option<KeyWriter>>,
    whole: Option<KeyWriter>,
    entity: PhantomData<fn() -> T>,
}

/// Begins without any.
pub fn key_slots<T: CacheEntity>() -> KeySlots<T> {
    KeySlots {
        parts: vec![None; T::KEY_LEN],
        whole: None,
        entity: PhantomData,
    }
}

/// Returns the key, if the arguments have it.
pub fn key_of_slots<T: CacheEntity, B: CacheBackend>(
    slots: KeySlots<T>,
    cache: &CacheService<B>,
) -> Option<KeyWriter> {
    let parts: Option<Vec<_>> = slots.parts.into_iter().collect();
    let mut key = cache.writer::<T>();
    match parts.filter(|parts| !parts.is_empty()) {
        Some(parts) => {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    key.separate();
                }
                key.append(part);
            }
        }
        None => key.append(&slots.whole?),
    }
    Some(key)
}

/// One argument of a write: `(&&&PutArg::<T, _, NAME>::new(&arg)).place(&mut slots)`.
pub struct PutArg<'a, T, A, const NAME: u64> {
    arg: &'a A,
    entity: PhantomData<fn() -> T>,
}

impl<'a, T, A, const NAME: u64> PutArg<'a, T, A, NAME> {
    pub fn new(arg: &'a A) -> Self {
        Self {
            arg,
            entity: PhantomData,
        }
    }
}

/// An argument with the name of a key field: its type must then fit.
pub trait PlaceNamed {
    type Entity;
    type Arg;
    type Field;

    // The bound is here and not on the impl: an argument of this name and another type is an error,
    // and not just another argument.
    fn place(&self, slots: &mut KeySlots<Self::Entity>)
    where
        Self::Arg: KeyArg<Self::Field>;
}

impl<T: KeyNamed<NAME>, A, const NAME: u64> PlaceNamed for &&PutArg<'_, T, A, NAME> {
    type Entity = T;
    type Arg = A;
    type Field = T::Field;

    fn place(&self, slots: &mut KeySlots<T>)
    where
        A: KeyArg<T::Field>,
    {
        let mut part = KeyWriter::unbounded();
        self.arg.write_part(&mut part);
        slots.parts[T::INDEX] = Some(part);
    }
}

/// An argument that is the entity.
pub trait PlaceWhole<T> {
    fn place(&self, slots: &mut KeySlots<T>);
}

impl<T, A, const NAME: u64> PlaceWhole<T> for &PutArg<'_, T, A, NAME>
where
    T: CacheEntity,
    A: KeySource<T>,
{
    fn place(&self, slots: &mut KeySlots<T>) {
        let mut whole = KeyWriter::unbounded();
        self.arg.write_key(&mut whole);
        slots.whole.get_or_insert(whole);
    }
}

/// An argument that says nothing of the key.
pub trait PlaceNone<T> {
    fn place(&self, slots: &mut KeySlots<T>);
}

impl<T, A, const NAME: u64> PlaceNone<T> for PutArg<'_, T, A, NAME> {
    fn place(&self, _: &mut KeySlots<T>) {}
}
