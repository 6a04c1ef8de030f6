//! The same, declared.

use cache_kit::prelude::*;

/// Something large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "large", key = id, codec = MessagePack)]
pub struct LargeEntity {
    /// The key.
    pub id: String,
    /// Large binary data
    pub data: Vec<u8>,
}
