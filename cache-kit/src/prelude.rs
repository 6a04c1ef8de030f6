//! What a service needs in scope: `use cache_kit::prelude::*;`.

pub use crate::backend::{AnyBackend, CacheBackend, InMemoryBackend};
#[cfg(feature = "redis")]
pub use crate::backend::{RedisBackend, RedisConfig};
pub use crate::entity::CacheEntity;
pub use crate::error::FailurePolicy;
pub use crate::feeder::expander::CacheExpander;
pub use crate::feeder::feed::{CacheFeed, GenericFeeder};
pub use crate::feeder::registry::CacheRegistry;
pub use crate::feeder::repository::{DataRepository, Repository};
pub use crate::handle::CacheService;
pub use crate::key::CacheKey;
#[cfg(feature = "metrics")]
pub use crate::observe::MetricsExporter;
pub use crate::observe::{CacheEvent, CacheMetrics, CacheStats};
pub use crate::output::{Cached, Outcome};
pub use crate::strategy::{CacheContext, CacheStrategy, OperationConfig};
pub use crate::ttl::{Lifetime, TtlPolicy};
pub use cache_kit_derive::{CacheEntity, cache_evict, cache_put, cache_repository, cached};
pub use serde::{Deserialize, Serialize};
