#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

//! Declares caching on types and methods, and keeps what is cached fast, fresh and correct.
// The derived and attributed code of this crate's own tests and docs names `::cache_kit`.
#[allow(unused_extern_crates, reason = "named by what the macros generate")]
extern crate self as cache_kit;

mod backend;
mod call;
mod clock;
mod codec;
mod entity;
mod error;
mod feed;
mod flight;
mod key;
mod observe;
mod outcome;
pub mod prelude;
#[doc(hidden)]
pub mod private;
mod read_through;
mod service;
mod shape;
mod strategy;
#[cfg(feature = "testing")]
pub mod testing;
mod ttl;
mod write;

pub use backend::{
    AnyBackend, CacheBackend, Entry, Fill, Filled, InMemoryBackend, InMemoryBuilder, Intent,
    Lookup, Opened, Stamp,
};
pub use cache_kit_derive::{CacheEntity, cache_evict, cache_put, cached};
pub use clock::{Clock, ManualClock};
pub use entity::CacheEntity;
pub use error::{Cause, Error, Result};
pub use feed::{CacheFeed, GenericFeeder};
pub use key::{CacheKey, KeyArg, KeyPart, KeyRef, KeyWriter, ParseKeyError};
pub use observe::{
    CacheEvent, CacheMetrics, CacheStats, InvalidationSource, LoadOutcome, Operation,
};
pub use outcome::{CachedOutput, CarriesCacheError, EntityOf, FreshOutput, Payload};
pub use service::{CacheService, CacheServiceBuilder, Found};
pub use shape::{Erased, Shape};
pub use strategy::CacheStrategy;
pub use ttl::Lifetime;
