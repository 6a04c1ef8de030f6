//! A repository that counts how it is asked, and fails where it is told to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit::{Error, Result};

/// Asks another repository, takes as long as a quick query, and counts.
#[derive(Debug)]
pub struct Counting<R> {
    inner: R,
    failures: Mutex<VecDeque<Error>>,
    queries: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl<R> Counting<R> {
    /// How long a query takes.
    pub const QUERY: Duration = Duration::from_millis(2);

    /// Counts the queries of a repository.
    pub fn new(inner: R) -> Self {
        Self::failing(inner, [])
    }

    /// Counts the queries of a repository the first of which fail.
    pub fn failing(inner: R, failures: impl IntoIterator<Item = Error>) -> Self {
        Self {
            inner,
            failures: Mutex::new(failures.into_iter().collect()),
            queries: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        }
    }

    /// Returns how many queries were made; one for many ids counts once.
    pub fn queries(&self) -> usize {
        self.queries.load(Ordering::SeqCst)
    }

    /// Returns how many queries ran at once, at most.
    pub fn most_running(&self) -> usize {
        self.most_running.load(Ordering::SeqCst)
    }

    /// Takes the time of a query, and fails if it is to.
    async fn query(&self) -> Result<()> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        tokio::time::sleep(Self::QUERY).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        let failure = self
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        failure.map_or(Ok(()), Err)
    }
}

impl<T: CacheEntity, R: Repository<T>> Repository<T> for Counting<R> {
    async fn fetch_by_id(&self, id: &T::Key) -> Result<Option<T>> {
        self.query().await?;
        self.inner.fetch_by_id(id).await
    }

    async fn fetch_by_ids(&self, ids: &[T::Key]) -> Result<Vec<T>> {
        self.query().await?;
        self.inner.fetch_by_ids(ids).await
    }
}
