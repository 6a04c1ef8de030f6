//! The guide's own code.

use cache_kit::{CacheEntity, Error, Result};
use serde::{Deserialize, Serialize};

/// Something large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LargeEntity {
    /// The key.
    pub id: String,
    /// Large binary data
    pub data: Vec<u8>,
}

impl CacheEntity for LargeEntity {
    type Key = String;

    fn cache_key(&self) -> Self::Key {
        self.id.clone()
    }

    fn cache_prefix() -> &'static str {
        "large"
    }

    /// Use `MessagePack` instead of the default codec
    fn serialize_for_cache(&self) -> Result<Vec<u8>> {
        rmp_serde::to_vec(self).map_err(|e| Error::SerializationError(e.into()))
    }

    fn deserialize_from_cache(bytes: &[u8]) -> Result<Self> {
        rmp_serde::from_slice(bytes).map_err(|e| Error::SerializationError(e.into()))
    }
}
