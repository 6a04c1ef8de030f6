#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

//! Declares caching on types and methods, and keeps what is cached fast, fresh and correct.
//!
//! - [`#[derive(CacheEntity)]`](derive@CacheEntity) says what is cached: prefix, key, lifetime.
//! - [`#[cached]`](macro@cached), [`#[cache_put]`](macro@cache_put) and
//!   [`#[cache_evict]`](macro@cache_evict) say where it is read, written and removed.
//! - [`CacheService`] runs them over a [`CacheBackend`] such as [`InMemoryBackend`], and does all of it by
//!   hand as well.
//!
//! ```
//! use cache_kit::prelude::*;
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
//! #[cache(prefix = "user", ttl = "10m", key = id, negative_ttl = "30s")]
//! struct User {
//!     id: u64,
//!     name: String,
//! }
//!
//! struct Users {
//!     cache: CacheService<InMemoryBackend>,
//! }
//!
//! impl Users {
//!     #[cached]
//!     async fn find(&self, id: u64) -> Option<User> {
//!         (id == 7).then(|| User { id, name: "Ada".into() }) // the database is asked here
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> cache_kit::Result<()> {
//! let users = Users { cache: CacheService::new(InMemoryBackend::new()) };
//! assert_eq!(users.find(7).await, users.find(7).await);
//! assert_eq!(users.find(8).await, None);
//! assert_eq!(users.find(8).await, None);
//! assert_eq!(users.cache.stats().loads, 2);
//! # Ok(())
//! # }
//! ```
//!
//! What is loaded before an invalidation is never stored after it; callers of one key share one load; in
//! memory a hit hands out the stored `Arc` without allocating. `ARCHITECTURE.md` in the repository says how.
//!
//! # Features
//! | feature | |
//! | --- | --- |
//! | `uuid` | `uuid::Uuid` as a key part |
//! | `chrono` | `chrono`'s dates and times as key parts |
//! | `testing` | the conformance suite for backends |

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

/// Runs the README's programs as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
