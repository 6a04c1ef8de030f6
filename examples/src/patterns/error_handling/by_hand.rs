//! The guide's own code.

use crate::patterns::staff::Employment;
use cache_kit::prelude::*;
use cache_kit::{Error, Result};
use std::time::Duration;

/// Fetches, and tries something else where that fails. (What it prints goes to standard error.)
pub async fn fetch_with_fallback(
    expander: &mut CacheExpander<impl CacheBackend>,
    feeder: &mut impl CacheFeed<Employment>,
    repository: &dyn DataRepository<Employment>,
) {
    match expander
        .with(feeder, repository, CacheStrategy::Refresh)
        .await
    {
        Ok(_) => {
            println!("Successfully fetched from cache or database");
        }
        Err(Error::SerializationError(e) | Error::DeserializationError(e)) => {
            eprintln!("Serialization error (corrupted cache?): {}", e);
            // Try to fetch fresh copy
            let _ = expander
                .with(feeder, repository, CacheStrategy::Invalidate)
                .await;
        }
        Err(Error::RepositoryError(e)) => {
            eprintln!("Database error: {}", e);
            // Try cache-only
            let _ = expander
                .with(feeder, repository, CacheStrategy::Fresh)
                .await;
        }
        Err(Error::BackendError(e)) => {
            eprintln!("Cache backend error: {}", e);
            // Bypass cache, go directly to DB
            let _ = expander
                .with(feeder, repository, CacheStrategy::Bypass)
                .await;
        }
        Err(e) => {
            eprintln!("Other error: {:?}", e);
        }
    }
}

/// Fetches, and tries again where that fails, up to so many times in all.
///
/// # Errors
/// What the last try failed with.
pub async fn fetch_with_retry(
    expander: &mut CacheExpander<impl CacheBackend>,
    feeder: &mut impl CacheFeed<Employment>,
    repository: &dyn DataRepository<Employment>,
    max_retries: u32,
) -> Result<()> {
    let mut retries = 0;

    loop {
        match expander
            .with(feeder, repository, CacheStrategy::Refresh)
            .await
        {
            Ok(_) => return Ok(()),
            Err(e) => {
                retries += 1;
                if retries >= max_retries {
                    return Err(e);
                }

                eprintln!("Retry {}/{}: {:?}", retries, max_retries, e);
                tokio::time::sleep(Duration::from_millis(100 * retries as u64)).await;
            }
        }
    }
}
