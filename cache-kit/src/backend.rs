//! The backends of this crate: where entries live.

mod any;
#[cfg(any(feature = "testing", feature = "redis"))]
pub(crate) mod envelope;
mod memory;
#[cfg(feature = "redis")]
mod redis;

pub use crate::runtime::clock::Age;
pub use crate::store::{
    CacheBackend, Entry, Fill, Filled, Intent, Lease, Lookup, Opened, Stale, Stamp, TagStamps,
    Tagged,
};
pub use any::AnyBackend;
pub use memory::{InMemoryBackend, InMemoryBuilder};
#[cfg(feature = "redis")]
pub use redis::{RedisBackend, RedisConfig, RedisPermit, RedisTls};
