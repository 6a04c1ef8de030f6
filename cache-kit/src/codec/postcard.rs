use super::depth::Shallow;
use super::{Codec, whole};
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
        let (Shallow(value), left) = postcard::take_from_bytes(bytes)
            .map_err(|error| Error::DeserializationError(error.into()))?;
        whole(value, left.len())
    }
}
