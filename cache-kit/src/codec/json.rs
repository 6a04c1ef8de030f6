use super::Codec;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes as text that other languages and people read. It has no `NaN` and no infinities: an
/// entity with one is never read back.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Codec for Json {
    const ID: u8 = 3;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(out, value).map_err(|error| Error::SerializationError(error.into()))
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| Error::DeserializationError(error.into()))
    }
}
