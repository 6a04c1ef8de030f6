//! What a backend must know of a type that it stores without knowing the type.

use crate::codec::Encoding;
use crate::codec::schema::CacheSchema;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use foldhash::HashMap;
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// A value whose type only its [`Shape`] knows.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// Describes a stored type to a backend: its identity, how it becomes bytes and comes back.
///
/// A memory backend compares the type and hands the value out as it is; a byte store encodes and
/// decodes.
pub struct Shape {
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
    schema: fn() -> CacheSchema,
    encode: fn(&(dyn Any + Send + Sync), Encoding, &mut Vec<u8>) -> Result<u8>,
    decode: fn(u8, &[u8]) -> Result<Erased>,
    weigh: fn(&(dyn Any + Send + Sync)) -> usize,
}

impl Shape {
    /// Returns the shape of an entity.
    pub const fn of<T: CacheEntity>() -> &'static Self {
        const {
            &Self {
                type_id: TypeId::of::<T>,
                type_name: type_name::<T>,
                schema: || T::schema().version(T::VERSION),
                encode: encode::<T>,
                decode: decode::<T>,
                weigh: |value| value.downcast_ref::<T>().map_or(0, T::weight),
            }
        }
    }

    /// Returns the identity of the type.
    pub fn type_id(&self) -> TypeId {
        (self.type_id)()
    }

    /// Returns the name of the type, for people.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// Returns the fingerprint of the type's layout and version: stored bytes of another one are
    /// not this type's. Found out once.
    pub fn fingerprint(&self) -> u64 {
        static KNOWN: LazyLock<RwLock<HashMap<TypeId, u64>>> = LazyLock::new(RwLock::default);
        let id = self.type_id();
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(fingerprint) = known.get(&id) {
            return *fingerprint;
        }
        drop(known);
        // Not under the lock: the type's own code runs here.
        let found = (self.schema)().fingerprint();
        KNOWN
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, found);
        found
    }

    /// Says whether a value is of this shape.
    pub fn describes(&self, value: &Erased) -> bool {
        // Through the reference: an `Arc` has a type id of its own.
        (**value).type_id() == self.type_id()
    }

    /// Appends the payload of a value, and says which codec wrote it: the type's own choice, else
    /// the store's.
    ///
    /// # Errors
    /// [`Error::SerializationError`] if the value cannot be encoded or is not of this shape.
    pub fn encode(&self, value: &Erased, encoding: Encoding, out: &mut Vec<u8>) -> Result<u8> {
        (self.encode)(&**value, encoding, out)
    }

    /// Decodes a payload, which may be anything, into a value that its type holds to be valid.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] if they are no such value, [`Error::ValidationError`] if the
    /// type refuses the one they are.
    pub fn decode(&self, codec: u8, bytes: &[u8]) -> Result<Erased> {
        (self.decode)(codec, bytes)
    }

    /// Returns about how many bytes a value occupies in memory.
    pub fn weigh(&self, value: &Erased) -> usize {
        (self.weigh)(&**value)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape")
            .field("type_name", &self.type_name())
            .finish_non_exhaustive()
    }
}

fn encode<T: CacheEntity>(
    value: &(dyn Any + Send + Sync),
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<u8> {
    let Some(entity) = value.downcast_ref::<T>() else {
        return Err(Error::SerializationError(
            format!("the value is not a `{}`", type_name::<T>()).into(),
        ));
    };
    // By hand this may return any error: here it is known what failed.
    T::payloads()
        .encode(entity, encoding, out)
        .map_err(Error::into_serialization)
}

fn decode<T: CacheEntity>(codec: u8, bytes: &[u8]) -> Result<Erased> {
    let entity = T::payloads()
        .decode(codec, bytes)
        .map_err(Error::into_deserialization)?;
    entity.validate().map_err(Error::into_validation)?;
    Ok(Arc::new(entity))
}
