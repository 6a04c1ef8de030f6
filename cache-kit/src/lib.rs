#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

//! Declares caching on types and methods, and keeps what is cached fast, fresh and correct.
//!
//! - [`#[derive(CacheEntity)]`](derive@CacheEntity) says what is cached: prefix, key, lifetime.
//! - [`#[cached]`](macro@cached), [`#[cache_put]`](macro@cache_put) and
//!   [`#[cache_evict]`](macro@cache_evict) say where it is read, written and removed.
//! - [`CacheService`] runs them over a [`CacheBackend`] such as [`InMemoryBackend`], and does all
//!   of it by hand as well.
//!
//! | for | look at |
//! | --- | --- |
//! | a service | [`CacheService`] and its [builder](CacheServiceBuilder), [`CacheStrategy`], [`Error`], [`CacheStats`](observe::CacheStats), [`CacheMetrics`] |
//! | policies | [`TtlPolicy`], [`Lifetime`], [`FailurePolicy`], [`OperationConfig`], [`Retry`] |
//! | work by hand | [`Repository`] to implement and [`DataRepository`] to take, [`CacheExpander`], [`CacheFeed`], [`GenericFeeder`], [`CacheRegistry`] |
//! | tests | [`ManualClock`], [`AnyBackend`] |
//! | a backend or key part of your own | [`CacheBackend`] and what its methods name, [`KeyPart`]; the conformance suite of feature `testing` |
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
//! What is loaded before an invalidation is never stored after it; callers of one key share one
//! load; in memory a hit hands out the stored `Arc` without allocating. `ARCHITECTURE.md` in the
//! repository says how.
//!
//! # Features
//! | feature | |
//! | --- | --- |
//! | `uuid` | `uuid::Uuid` as a key part |
//! | `chrono` | `chrono`'s dates and times as key parts |
//! | `json`, `messagepack`, `postcard` | more codecs |
//! | `redis`, `redis-sentinel`, `redis-cluster`, `redis-tls` | `RedisBackend`: one server; the master that Sentinel names; a cluster; over TLS |
//! | `compression`, `encryption` | of stored payloads, by `RedisBackend` |
//! | `metrics` | `MetricsExporter`: what happens, through the `metrics` facade |
//! | `testing` | for tests: a backend that fails when it is told to, a repository that counts, the conformance suite for backends |

#[allow(unused_extern_crates, reason = "named by what the macros generate")]
extern crate self as cache_kit;

pub mod backend;
mod codec;
mod engine;
mod entity;
pub mod error;
mod feeder;
mod flight;
mod handle;
mod key;
pub mod observe;
/// What is seen of a cache, and how long what is in it lives.
pub mod observability {
    pub use crate::observe::{
        CacheEvent, CacheMetrics, CacheStats, EvictionCause, InvalidationSource, LoadOutcome,
        Operation, Tier,
    };
    pub use crate::ttl::TtlPolicy;
}
pub mod output;
pub mod prelude;
#[doc(hidden)]
pub mod private;
mod runtime;
mod service;
pub mod store;
pub mod strategy;
#[cfg(feature = "testing")]
pub mod testing;
mod ttl;

#[cfg(all(any(feature = "testing", feature = "redis"), feature = "encryption"))]
pub use backend::envelope::Encryption;
#[doc(inline)]
pub use backend::{AnyBackend, CacheBackend, InMemoryBackend};
#[cfg(feature = "redis")]
#[doc(inline)]
pub use backend::{RedisBackend, RedisConfig};
/// Declares what is cached: its prefix, its key, how long it lives.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "employment", ttl = "1h", jitter = 0.1, negative_ttl = "30s", key = (person_id, year))]
/// struct Employment {
///     person_id: String,
///     year: i32,
///     employer: String,
/// }
///
/// let employment = Employment { person_id: "p:1".into(), year: 2024, employer: "Analytical Engines".into() };
/// let key = employment.cache_key();
/// assert_eq!(key, EmploymentKey::new("p:1", 2024));
/// assert_eq!(key.to_string(), "p%3A1:2024");
/// assert_eq!(key.to_string().parse::<EmploymentKey>().unwrap(), key);
/// ```
pub use cache_kit_derive::CacheEntity;
/// Writes a newtype into a key as what it wraps. One that is all of a key needs a `Display` as
/// well, as every key does.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::KeyPart;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, KeyPart)]
/// struct UserId(u64);
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "visit", key = (user, day))]
/// struct Visit {
///     user: UserId,
///     day: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let cache = CacheService::new(InMemoryBackend::new());
/// cache.put(Visit { user: UserId(7), day: 1 }).await?;
/// assert!(cache.get::<Visit>(&VisitKey::new(UserId(7), 1)).await?.is_some());
/// # Ok(())
/// # }
/// ```
pub use cache_kit_derive::KeyPart;
/// Drops the entry of what an `async fn` removes.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// # #[derive(Debug)]
/// # struct DbError;
/// # async fn delete(id: u64) -> Result<(), DbError> { let _ = id; Ok(()) }
/// struct Users {
///     cache: CacheService<InMemoryBackend>,
/// }
///
/// impl Users {
///     #[cache_evict(entity = User, skip(reason))]
///     async fn remove(&self, id: u64, reason: &str) -> Result<(), DbError> {
///         println!("removing {id}: {reason}");
///         delete(id).await
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let users = Users { cache: CacheService::new(InMemoryBackend::new()) };
/// # users.cache.put(User { id: 7 }).await.unwrap();
/// # users.remove(7, "asked for").await.unwrap();
/// # assert!(users.cache.get::<User>(&7).await.unwrap().is_none());
/// # }
/// ```
pub use cache_kit_derive::cache_evict;
/// Replaces the entry with what an `async fn` has written.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64, name: String }
/// # #[derive(Debug)]
/// # struct DbError;
/// # async fn update(user: &User) -> Result<(), DbError> { let _ = user; Ok(()) }
/// struct Users {
///     cache: CacheService<InMemoryBackend>,
/// }
///
/// impl Users {
///     #[cache_put] // the key is the parameter's own
///     async fn save(&self, user: User) -> Result<User, DbError> {
///         update(&user).await?;
///         Ok(user)
///     }
///
///     #[cache_put] // the key is `id`, for that is what the key field is called
///     async fn rename(&self, id: u64, name: &str) -> Result<User, DbError> {
///         let user = User { id, name: name.into() };
///         update(&user).await?;
///         Ok(user)
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let users = Users { cache: CacheService::new(InMemoryBackend::new()) };
/// # users.save(User { id: 7, name: "Ada".into() }).await.unwrap();
/// # users.rename(7, "Augusta").await.unwrap();
/// # assert_eq!(users.cache.get::<User>(&7).await.unwrap().unwrap().name, "Augusta");
/// # }
/// ```
pub use cache_kit_derive::cache_put;
/// Makes a [`Repository`] of the methods of an `impl` block.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64, name: String }
/// # #[derive(Debug, thiserror::Error)]
/// # #[error("no connection")]
/// # struct DbError;
/// # async fn select(id: u64) -> Result<Option<User>, DbError> { Ok(Some(User { id, name: "Ada".into() })) }
/// struct Users {
///     cache: CacheService<InMemoryBackend>,
/// }
///
/// #[cache_repository(audit)] // every method says what it is to the cache
/// impl Users {
///     #[cached]
///     async fn find(&self, id: u64) -> Result<Option<User>, DbError> {
///         select(id).await
///     }
///
///     #[cache_put]
///     async fn save(&self, user: User) -> Result<User, DbError> {
///         Ok(user)
///     }
///
///     #[cache(exempt)]
///     fn describe(&self) -> &'static str {
///         "users"
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// # let users = Users { cache: CacheService::new(InMemoryBackend::new()) };
/// # users.save(User { id: 7, name: "Augusta".into() }).await.unwrap();
/// // Past the cache.
/// let fresh = users.find_uncached(7).await.unwrap();
/// # assert_eq!(fresh.unwrap().name, "Ada");
/// // `Users` is a `Repository<User>`: whoever takes one can ask it.
/// let mut feeder = GenericFeeder::<User>::new(7);
/// users.cache.execute(&mut feeder, &users, CacheStrategy::Invalidate).await?;
/// # assert_eq!(feeder.entity.unwrap().name, "Ada");
/// # assert_eq!(users.find(7).await.unwrap().unwrap().name, "Ada");
/// # assert_eq!(users.describe(), "users");
/// # Ok(())
/// # }
/// ```
pub use cache_kit_derive::cache_repository;
/// Puts a cache in front of an `async fn`.
///
/// # Example
/// ```
/// use cache_kit::prelude::*;
/// use std::sync::Arc;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// # struct DbError;
/// # async fn select(id: u64) -> Result<Option<Arc<User>>, DbError> { Ok(Some(Arc::new(User { id }))) }
/// struct Users {
///     cache: CacheService<InMemoryBackend>,
/// }
///
/// impl Users {
///     #[cached]
///     async fn find(&self, id: u64) -> Result<Option<Arc<User>>, DbError> {
///         select(id).await
///     }
///
///     // The strategy is the caller's; the request's id is not part of the key.
///     #[cached(strategy = strategy, skip(request_id), ttl = "5m")]
///     async fn find_by(&self, id: u64, strategy: CacheStrategy, request_id: &str) -> Result<Option<Arc<User>>, DbError> {
///         println!("{request_id} asks for {id}");
///         select(id).await
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let users = Users { cache: CacheService::new(InMemoryBackend::new()) };
/// # assert!(users.find(7).await.is_ok());
/// # assert!(users.find_by(7, CacheStrategy::Fresh, "r1").await.is_ok());
/// # assert_eq!(users.cache.stats().loads, 1);
/// # }
/// ```
pub use cache_kit_derive::cached;
#[cfg(feature = "json")]
pub use codec::Json;
#[cfg(feature = "messagepack")]
pub use codec::MessagePack;
#[cfg(feature = "postcard")]
pub use codec::Postcard;
pub use codec::schema::CacheSchema;
pub use codec::{Bincode, Codec};
pub use entity::CacheEntity;
#[doc(inline)]
pub use error::{Cause, Error, FailurePolicy, Result};
pub use feeder::expander::CacheExpander;
pub use feeder::feed::{CacheFeed, GenericFeeder};
pub use feeder::registry::{CacheRegistry, CacheRegistryBuilder};
pub use feeder::repository::{DataRepository, Repository};
pub use key::{CacheKey, KeyPart, KeyWriter, ParseKeyError};
pub use observe::CacheMetrics;
pub use output::index::CacheIndex;
pub use output::{Cached, Outcome};
pub use runtime::clock::ManualClock;
pub use service::{CacheService, CacheServiceBuilder, Found};
pub use strategy::retry::Retry;
#[doc(inline)]
pub use strategy::{CacheStrategy, OperationConfig};
pub use ttl::{Lifetime, TtlPolicy};

/// Runs programs with the macros in edition 2021: all else is in that of the workspace.
#[cfg(doctest)]
#[doc = "```edition2021"]
#[doc = include_str!("../../ui-tests/pass/generics.rs")]
#[doc = "```"]
#[doc = "```edition2021"]
#[doc = include_str!("../../ui-tests/pass/raw_identifiers.rs")]
#[doc = "```"]
#[doc = "```edition2021"]
#[doc = include_str!("../../ui-tests/pass/batches_and_values.rs")]
#[doc = "```"]
pub struct InEdition2021;

/// Runs the README's programs as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
