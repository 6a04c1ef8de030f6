//! What a backend must know of a type that it stores without knowing the type.

use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

/// A value whose type only its [`Shape`] knows.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// Describes a stored type to a backend: its identity, how it becomes bytes and comes back.
///
/// A memory backend compares the type and hands the value out as it is; a byte store encodes and decodes.
pub struct Shape {
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
    version: u32,
    encode: fn(&(dyn Any + Send + Sync), &mut Vec<u8>) -> Result<()>,
    decode: fn(&[u8]) -> Result<Erased>,
    weigh: fn(&(dyn Any + Send + Sync)) -> usize,
}

impl Shape {
    /// Returns the shape of an entity.
    pub const fn of<T: CacheEntity>() -> &'static Self {
        const {
            &Self {
                type_id: TypeId::of::<T>,
                type_name: type_name::<T>,
                version: T::VERSION,
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

    /// Returns the version that the type declares for its layout.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Says whether a value is of this shape.
    pub fn describes(&self, value: &Erased) -> bool {
        // Through the reference: an `Arc` has a type id of its own.
        (**value).type_id() == self.type_id()
    }

    /// Appends the bytes of a value.
    ///
    /// # Errors
    /// [`Error::SerializationError`] if the value cannot be encoded or is not of this shape.
    pub fn encode(&self, value: &Erased, out: &mut Vec<u8>) -> Result<()> {
        (self.encode)(&**value, out)
    }

    /// Decodes bytes, which may be anything, into a value that its type holds to be valid.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] if they are no such value, [`Error::ValidationError`] if the type refuses the one they are.
    pub fn decode(&self, bytes: &[u8]) -> Result<Erased> {
        (self.decode)(bytes)
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
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

fn encode<T: CacheEntity>(value: &(dyn Any + Send + Sync), out: &mut Vec<u8>) -> Result<()> {
    let Some(entity) = value.downcast_ref::<T>() else {
        return Err(Error::SerializationError(
            format!("the value is not a `{}`", type_name::<T>()).into(),
        ));
    };
    out.extend(
        entity
            .serialize_for_cache()
            .map_err(Error::into_serialization)?,
    );
    Ok(())
}

fn decode<T: CacheEntity>(bytes: &[u8]) -> Result<Erased> {
    // By hand either may return any error: here it is known what failed.
    let entity = T::deserialize_from_cache(bytes).map_err(Error::into_deserialization)?;
    entity.validate().map_err(Error::into_validation)?;
    Ok(Arc::new(entity))
}
