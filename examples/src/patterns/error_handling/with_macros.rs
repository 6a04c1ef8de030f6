//! The same: a cache that fails costs a load, and retries are a setting.

use crate::patterns::staff::{Employment, EmploymentFeeder};
use cache_kit::Result;
use cache_kit::prelude::*;
use std::sync::Arc;

/// The table of employments, behind a cache.
pub struct Employments<B: CacheBackend> {
    /// Where it caches.
    pub cache: CacheService<B>,
    /// Where it loads.
    pub repository: Arc<dyn DataRepository<Employment>>,
}

impl<B: CacheBackend> Employments<B> {
    /// Finds. A backend that is down is passed by, a damaged entry is replaced.
    ///
    /// # Errors
    /// When the repository fails.
    #[cached]
    pub async fn find(&self, id: &str) -> Result<Option<Employment>> {
        self.repository.load(&id.to_string()).await
    }

    /// Finds, and asks a repository that is busy again, up to so many times after the first.
    ///
    /// # Errors
    /// What the last try failed with.
    pub async fn find_with_retry(&self, id: &str, retries: u32) -> Result<Option<Employment>> {
        let mut feeder = EmploymentFeeder::new(id);
        let config = OperationConfig::new().with_retry(retries);
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
