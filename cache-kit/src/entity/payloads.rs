//! How an entity becomes bytes: by a codec of its own choice, by the store's, or by itself.

use super::CacheEntity;
#[cfg(feature = "json")]
use crate::codec::Json;
#[cfg(feature = "messagepack")]
use crate::codec::MessagePack;
#[cfg(feature = "postcard")]
use crate::codec::Postcard;
use crate::codec::{Bincode, Codec, Encoding, decode_by};
use crate::error::Result;
use serde::Serialize;

/// Marks entries whose entity encodes itself.
const OWN: u8 = 0;

/// How the payloads of an entity are made, and taken apart.
pub struct Payloads<T> {
    encode: fn(&T, Encoding, &mut Vec<u8>) -> Result<u8>,
    decode: fn(u8, &[u8]) -> Result<T>,
}

impl<T> Payloads<T> {
    /// By the codec of the store, of what is within a value: `V` is encoded and decoded once for
    /// all types that hold one.
    pub(crate) const fn of_inner(
        encode: fn(&T, Encoding, &mut Vec<u8>) -> Result<u8>,
        decode: fn(u8, &[u8]) -> Result<T>,
    ) -> Self {
        Self { encode, decode }
    }
}

impl<T: CacheEntity> Payloads<T> {
    /// By the entity itself.
    pub fn own() -> Self {
        Self {
            encode: |entity, _, out| {
                out.extend(entity.serialize_for_cache()?);
                Ok(OWN)
            },
            decode: decode_any,
        }
    }

    /// By the codec of the store.
    pub fn by_store() -> Self {
        Self {
            encode: encode_by_store,
            decode: decode_any,
        }
    }

    /// By a codec of the entity's choice. What any other one has written before is read all the
    /// same.
    pub fn by<C: Codec>() -> Self {
        Self {
            encode: |entity, _, out| encode_as::<C, T>(entity, out),
            decode: |codec, bytes| match codec {
                codec if codec == C::ID => C::decode(bytes),
                codec => decode_any(codec, bytes),
            },
        }
    }

    /// Appends the payload of an entity, and says which codec wrote it.
    pub(crate) fn encode(&self, entity: &T, encoding: Encoding, out: &mut Vec<u8>) -> Result<u8> {
        (self.encode)(entity, encoding, out)
    }

    /// Builds the entity that a codec wrote.
    pub(crate) fn decode(&self, codec: u8, bytes: &[u8]) -> Result<T> {
        (self.decode)(codec, bytes)
    }
}

/// Encodes by the codec of the store.
pub(crate) fn encode_by_store<T: Serialize>(
    value: &T,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<u8> {
    match encoding {
        Encoding::Bincode => encode_as::<Bincode, T>(value, out),
        #[cfg(feature = "json")]
        Encoding::Json => encode_as::<Json, T>(value, out),
        #[cfg(feature = "messagepack")]
        Encoding::MessagePack => encode_as::<MessagePack, T>(value, out),
        #[cfg(feature = "postcard")]
        Encoding::Postcard => encode_as::<Postcard, T>(value, out),
    }
}

fn encode_as<C: Codec, T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<u8> {
    C::encode(value, out)?;
    Ok(C::ID)
}

fn decode_any<T: CacheEntity>(codec: u8, bytes: &[u8]) -> Result<T> {
    match codec {
        OWN => T::deserialize_from_cache(bytes),
        codec => decode_by(codec, bytes),
    }
}
