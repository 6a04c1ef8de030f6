//! The same, declared.

use crate::patterns::staff::Employment;
use cache_kit::prelude::*;
use std::sync::Arc;

/// The table of employments, behind a cache.
pub struct Employments {
    /// Where it caches.
    pub cache: CacheService<InMemoryBackend>,
    /// Where it loads.
    pub repository: Arc<dyn DataRepository<Employment>>,
}

impl Employments {
    /// Finds one.
    ///
    /// # Errors
    /// When the repository fails.
    #[cached]
    pub async fn find(&self, id: &str) -> cache_kit::Result<Option<Employment>> {
        self.repository.load(&id.to_string()).await
    }

    /// Finds many, in the order of the ids.
    pub async fn find_many(&self, ids: &[String]) -> Vec<Option<Employment>> {
        let found = self.cache.load_many(ids, &*self.repository).await;
        found
            .into_iter()
            .map(|found| found.ok()?.map(Arc::unwrap_or_clone))
            .collect()
    }
}
