use super::bounds::{Bounded, DEEPEST};
use super::{Codec, whole};
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

/// Encodes with field names, in binary: everything that `serde` can do, `flatten`, `untagged` and
/// `skip_serializing_if` too.
#[derive(Clone, Copy, Debug)]
pub struct MessagePack;

impl Codec for MessagePack {
    const ID: u8 = 2;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        rmp_serde::encode::write_named(out, value)
            .map_err(|error| Error::SerializationError(error.into()))
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        let mut left = bytes;
        let mut deserializer = rmp_serde::Deserializer::new(&mut left);
        deserializer.set_max_depth(DEEPEST);
        let value = Bounded::by(bytes)
            .deserialize(&mut deserializer)
            .map_err(|error| Error::DeserializationError(error.into()))?;
        drop(deserializer);
        whole(value, left.len())
    }
}
