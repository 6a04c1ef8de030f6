//! The guide's own code, and the same with a bound.

use cache_kit::prelude::*;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Gets entities one by one.
pub async fn batch_get<T: CacheEntity>(
    expander: &mut CacheExpander<impl CacheBackend>,
    ids: Vec<T::Key>,
    repository: &dyn DataRepository<T>,
) -> Vec<Option<T>> {
    let mut results = Vec::new();

    for id in ids {
        let mut feeder = GenericFeeder::<T>::new(id);

        if expander
            .with(&mut feeder, repository, CacheStrategy::Refresh)
            .await
            .is_ok()
        {
            results.push(feeder.entity);
        } else {
            results.push(None);
        }
    }

    results
}

/// Gets entities all at once, each in a task of its own.
pub async fn batch_get_parallel<T: CacheEntity + Send + 'static>(
    backend: Arc<InMemoryBackend>,
    ids: Vec<T::Key>,
    repository: Arc<dyn DataRepository<T>>,
) -> Vec<Option<T>> {
    let mut handles = vec![];

    for id in ids {
        let backend_clone = Arc::clone(&backend);
        let repo_clone = Arc::clone(&repository);

        let handle = tokio::spawn(async move {
            let expander = CacheExpander::new((*backend_clone).clone());
            let mut feeder = GenericFeeder::<T>::new(id);

            if let Ok(_) = expander
                .with(&mut feeder, &*repo_clone, CacheStrategy::Refresh)
                .await
            {
                return feeder.entity;
            }
            None
        });

        handles.push(handle);
    }

    let mut results = vec![];
    for handle in handles {
        results.push(handle.await.unwrap_or(None));
    }

    results
}

/// Gets entities in tasks, so many at a time.
pub async fn batch_get_bounded<T: CacheEntity>(
    expander: &CacheExpander<impl CacheBackend>,
    ids: Vec<T::Key>,
    repository: Arc<dyn DataRepository<T>>,
    bound: usize,
) -> Vec<Option<T>> {
    let permits = Arc::new(Semaphore::new(bound));
    let mut handles = vec![];

    for id in ids {
        let expander = expander.clone();
        let repository = Arc::clone(&repository);
        let permits = Arc::clone(&permits);

        handles.push(tokio::spawn(async move {
            let _permit = permits.acquire().await.ok()?;
            let mut feeder = GenericFeeder::<T>::new(id);
            expander
                .with(&mut feeder, &*repository, CacheStrategy::Refresh)
                .await
                .ok()?;
            feeder.entity
        }));
    }

    let mut results = vec![];
    for handle in handles {
        results.push(handle.await.unwrap_or(None));
    }

    results
}
