//! The same in one call: one read, one query for what is missing.

use cache_kit::prelude::*;
use std::sync::Arc;

/// Gets entities, asking the repository once for what is not cached.
pub async fn batch_get<T: CacheEntity>(
    cache: &CacheService<impl CacheBackend>,
    ids: &[T::Key],
    repository: &dyn DataRepository<T>,
) -> Vec<Option<T>> {
    cache
        .load_many(ids, repository)
        .await
        .into_iter()
        .map(|found| found.ok()?.map(Arc::unwrap_or_clone))
        .collect()
}
