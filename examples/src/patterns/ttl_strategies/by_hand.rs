//! The guide's own code: policies, each in a function.

use crate::patterns::staff::Employment;
use cache_kit::prelude::*;
use std::time::Duration;

/// A transaction.
#[derive(Clone, Serialize, Deserialize)]
pub struct Transaction {
    /// The key.
    pub id: String,
}

impl CacheEntity for Transaction {
    type Key = String;

    fn cache_key(&self) -> String {
        self.id.clone()
    }

    fn cache_prefix() -> &'static str {
        "transaction"
    }
}

/// The terms of a loan.
#[derive(Clone, Serialize, Deserialize)]
pub struct LendingTerm {
    /// The key.
    pub id: String,
}

impl CacheEntity for LendingTerm {
    type Key = String;

    fn cache_key(&self) -> String {
        self.id.clone()
    }

    fn cache_prefix() -> &'static str {
        "lending_term"
    }
}

/// Fixed TTL (Simple)
pub fn fixed() -> TtlPolicy {
    TtlPolicy::Fixed(Duration::from_secs(3600)) // 1 hour
}

/// Per-Type TTL
pub fn per_type() -> TtlPolicy {
    TtlPolicy::PerType(Box::new(|entity_type| {
        match entity_type {
            // Short-lived volatile data
            "transaction" => Duration::from_secs(60),

            // Medium-lived data
            "employment" => Duration::from_secs(1800),
            "borrower" => Duration::from_secs(3600),

            // Long-lived stable data
            "lending_term" => Duration::from_secs(86400),
            "site_settings" => Duration::from_secs(86400),

            // Default
            _ => Duration::from_secs(1800),
        }
    }))
}

/// Context-Aware TTL
pub fn context_aware() -> TtlPolicy {
    TtlPolicy::Custom(Box::new(|context| {
        // Different TTL based on operation
        match context.strategy {
            // Fresh stores nothing: asked only how old an entry a `ttl_class` accepts
            CacheStrategy::Fresh => Some(Duration::from_secs(7200)),

            // Refresh data for balance (1 hour)
            CacheStrategy::Refresh => Some(Duration::from_secs(3600)),

            // Invalidate has very short TTL
            CacheStrategy::Invalidate => Some(Duration::from_secs(300)),

            // Bypass doesn't cache
            CacheStrategy::Bypass => None,

            _ => Some(Duration::from_secs(1800)),
        }
    }))
}

/// User Role-Based TTL
pub fn role_based() -> TtlPolicy {
    TtlPolicy::PerType(Box::new(|user_role| {
        match user_role {
            // Admin sees stale data for longer (trusted)
            "admin" => Duration::from_secs(7200),

            // Regular user gets fresher data
            "user" => Duration::from_secs(1800),

            // Guest gets very fresh data
            "guest" => Duration::from_secs(300),

            _ => Duration::from_secs(1800),
        }
    }))
}

/// Fetches for somebody with a role: the word that `PerType` is asked with.
///
/// # Errors
/// When the repository fails.
pub async fn fetch_as(
    expander: &CacheExpander<InMemoryBackend>,
    id: &str,
    repository: &dyn DataRepository<Employment>,
    role: &'static str,
) -> cache_kit::Result<Option<Employment>> {
    let mut feeder = GenericFeeder::<Employment>::new(id.to_string());
    let config = OperationConfig::new().ttl_class(role);
    expander
        .with_config(&mut feeder, repository, CacheStrategy::Refresh, config)
        .await?;
    Ok(feeder.entity)
}
