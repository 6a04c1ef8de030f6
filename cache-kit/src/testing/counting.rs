//! A repository that counts what it is asked.

use crate::entity::CacheEntity;
use crate::error::Result;
use crate::feeder::repository::Repository;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Passes everything on to another repository, and counts. Clones share the counts.
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::testing::CountingRepository;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// struct Users;
///
/// impl Repository<User> for Users {
///     async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<User>> {
///         Ok(Some(User { id: *id }))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let (cache, users) = (CacheService::new(InMemoryBackend::new()), CountingRepository::new(Users));
/// for _ in 0..3 {
///     let mut feeder = GenericFeeder::<User>::new(7);
///     cache.execute(&mut feeder, &users, CacheStrategy::Refresh).await?;
/// }
/// assert_eq!(users.loads(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CountingRepository<R> {
    repository: R,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    loads: AtomicU64,
    batches: AtomicU64,
    entities: AtomicU64,
}

impl<R> CountingRepository<R> {
    /// Wraps a repository.
    pub fn new(repository: R) -> Self {
        Self {
            repository,
            counts: Arc::default(),
        }
    }

    /// Returns how often one entity was asked for.
    pub fn loads(&self) -> u64 {
        self.counts.loads.load(Ordering::SeqCst)
    }

    /// Returns how often many were.
    pub fn batches(&self) -> u64 {
        self.counts.batches.load(Ordering::SeqCst)
    }

    /// Returns how many entities were asked for, in either way.
    pub fn entities(&self) -> u64 {
        self.counts.entities.load(Ordering::SeqCst)
    }

    /// Returns the repository.
    pub fn inner(&self) -> &R {
        &self.repository
    }
}

impl<T: CacheEntity, R: Repository<T>> Repository<T> for CountingRepository<R> {
    async fn fetch_by_id(&self, id: &T::Key) -> Result<Option<T>> {
        self.counts.loads.fetch_add(1, Ordering::SeqCst);
        self.counts.entities.fetch_add(1, Ordering::SeqCst);
        self.repository.fetch_by_id(id).await
    }

    async fn fetch_by_ids(&self, ids: &[T::Key]) -> Result<Vec<T>> {
        self.counts.batches.fetch_add(1, Ordering::SeqCst);
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        self.counts.entities.fetch_add(count, Ordering::SeqCst);
        self.repository.fetch_by_ids(ids).await
    }
}
