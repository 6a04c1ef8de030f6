//! The same, declared where it belongs: on the type, or on the method.

use crate::patterns::staff::{Employment, EmploymentFeeder};
use cache_kit::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// A transaction: short-lived.
#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "transaction", ttl = "1m", key = id)]
pub struct Transaction {
    /// The key.
    pub id: String,
}

/// The terms of a loan: long-lived.
#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "lending_term", ttl = "1d", key = id)]
pub struct LendingTerm {
    /// The key.
    pub id: String,
}

/// The table of employments, behind a cache.
pub struct Employments {
    /// Where it caches.
    pub cache: CacheService<InMemoryBackend>,
    /// Where it loads.
    pub repository: Arc<dyn DataRepository<Employment>>,
}

impl Employments {
    /// Finds, and keeps for an hour what it loads.
    ///
    /// # Errors
    /// When the repository fails.
    #[cached(strategy = Refresh, ttl = "1h")]
    pub async fn find(&self, id: &str) -> cache_kit::Result<Option<Employment>> {
        self.repository.load(&id.to_string()).await
    }

    /// Loads anew, and keeps that for five minutes.
    ///
    /// # Errors
    /// When the repository fails.
    #[cached(strategy = Invalidate, ttl = "5m")]
    pub async fn reload(&self, id: &str) -> cache_kit::Result<Option<Employment>> {
        self.repository.load(&id.to_string()).await
    }

    /// Finds for somebody with a role: the word that `PerType` is asked with.
    ///
    /// # Errors
    /// When the repository fails, or the cache has no policy to ask.
    pub async fn find_as(
        &self,
        id: &str,
        role: &'static str,
    ) -> cache_kit::Result<Option<Employment>> {
        let mut feeder = EmploymentFeeder::new(id);
        let config = OperationConfig::new().ttl_class(role);
        self.cache
            .execute_with(
                &mut feeder,
                &*self.repository,
                CacheStrategy::Refresh,
                config,
            )
            .await?;
        Ok(feeder.entity)
    }
}

/// Decides by role, in place of what types declare; what a method says itself comes first.
pub fn role_based() -> TtlPolicy {
    TtlPolicy::PerType(Box::new(|user_role| match user_role {
        "admin" => Duration::from_secs(7200),
        "guest" => Duration::from_secs(300),
        _ => Duration::from_secs(1800),
    }))
}
