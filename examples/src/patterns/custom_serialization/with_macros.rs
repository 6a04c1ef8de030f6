//! The same, declared: `MessagePack` for a field.

use cache_kit::prelude::*;

/// Something large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "large", key = id)]
pub struct LargeEntity {
    /// The key.
    pub id: String,
    /// Large binary data
    #[serde(with = "message_pack")]
    pub data: Vec<u8>,
}

/// Writes a field as `MessagePack`, whatever the codec around it; for any field of any entity.
mod message_pack {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        field: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&rmp_serde::to_vec(field).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        rmp_serde::from_slice(&Vec::<u8>::deserialize(from)?).map_err(D::Error::custom)
    }
}
