//! The guide's own code.

use crate::patterns::staff::{Employment, EmploymentRepository};
use cache_kit::{CacheBackend, CacheEntity, CacheExpander, CacheFeed, CacheService};
use cache_kit::{CacheStrategy, DataRepository, GenericFeeder, InMemoryBackend};
use std::sync::Arc;

/// Fetches through an expander.
///
/// # Errors
/// As the expander.
pub async fn fetch_cached<T, F, R>(
    expander: &CacheExpander<impl CacheBackend>,
    feeder: &mut F,
    repository: &R,
    strategy: CacheStrategy,
) -> cache_kit::Result<()>
where
    T: CacheEntity,
    F: CacheFeed<T>,
    R: DataRepository<T>,
{
    // Direct async call - no blocking needed
    expander.with::<T, F, R>(feeder, repository, strategy).await
}

/// Fetches one employment: the guide's `main`.
///
/// # Errors
/// When the repository fails.
pub async fn fetch_one() -> cache_kit::Result<()> {
    let backend = InMemoryBackend::new();
    let expander = CacheExpander::new(backend);

    let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_string());
    let repo = EmploymentRepository;

    fetch_cached(&expander, &mut feeder, &repo, CacheStrategy::Refresh).await?;

    Ok(())
}

/// Fetches many, each in a task of its own.
pub async fn fetch_batch_async<T: CacheEntity + Send + 'static>(
    cache: CacheService<InMemoryBackend>,
    ids: Vec<T::Key>,
    repository: Arc<dyn DataRepository<T> + Send + Sync>,
) -> Vec<Option<T>> {
    let mut tasks = vec![];

    for id in ids {
        let cache_clone = cache.clone();
        let repo_clone = Arc::clone(&repository);

        let task = tokio::spawn(async move {
            let mut feeder = GenericFeeder::<T>::new(id);

            if cache_clone
                .execute(&mut feeder, &*repo_clone, CacheStrategy::Refresh)
                .await
                .is_ok()
            {
                feeder.entity
            } else {
                None
            }
        });

        tasks.push(task);
    }

    let mut results = vec![];
    for task in tasks {
        if let Ok(result) = task.await {
            results.push(result);
        }
    }

    results
}
