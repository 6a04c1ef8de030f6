use super::bounds::Bounded;
use super::{Codec, undecodable, whole};
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

/// Encodes without field names, in the least room.
#[derive(Clone, Copy, Debug)]
pub struct Postcard;

impl Codec for Postcard {
    const ID: u8 = 4;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        let taken = std::mem::take(out);
        *out = postcard::to_extend(value, taken)
            .map_err(|error| Error::SerializationError(error.into()))?;
        Ok(())
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        let refused = |error| {
            let is_untold = error == postcard::Error::WontImplement;
            undecodable(error, is_untold)
        };
        let mut deserializer = postcard::Deserializer::from_bytes(bytes);
        let value = Bounded::by(bytes).deserialize(&mut deserializer);
        let value = value.map_err(refused)?;
        let left = deserializer.finalize().map_err(refused)?;
        whole(value, left.len())
    }
}
