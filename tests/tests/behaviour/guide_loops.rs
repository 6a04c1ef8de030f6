//! The guide's loops over many ids, as users have them: whoever runs how many at once, results are
//! in the order asked.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Person, person, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

const REFRESH: CacheStrategy = CacheStrategy::Refresh;

/// What is asked for: some of them twice, 13 fails, there is nobody from 100 on.
const IDS: [u64; 8] = [8, 1, 13, 8, 500, 3, 1, 2];

fn wanted() -> Vec<Option<Person>> {
    let known = |id: u64| (id < 100 && id != 13).then(|| person(id));
    IDS.into_iter().map(known).collect()
}

/// A repository that knows how many ask it at once, and keeps them until so many have.
struct Crowded {
    loads: AtomicU64,
    inside: watch::Sender<u64>,
    most: AtomicU64,
    until: u64,
}

impl Crowded {
    fn new(until: u64) -> Arc<Self> {
        Arc::new(Self {
            loads: AtomicU64::new(0),
            inside: watch::Sender::new(0),
            most: AtomicU64::new(0),
            until,
        })
    }

    /// Waits for the others. Once enough have met, nobody waits any more.
    async fn meet(&self) {
        let mut inside = self.inside.subscribe();
        self.inside.send_modify(|inside| *inside += 1);
        self.most.fetch_max(*self.inside.borrow(), Ordering::SeqCst);
        let has_met = |_: &u64| self.most.load(Ordering::SeqCst) >= self.until;
        inside.wait_for(has_met).await.unwrap();
        tokio::task::yield_now().await;
        self.inside.send_modify(|inside| *inside -= 1);
    }
}

impl Repository<Person> for Crowded {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.meet().await;
        match id {
            13 => Err(Error::RepositoryError("unlucky".into())),
            id => Ok((*id < 100).then(|| person(*id))),
        }
    }
}

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// The guide's `batch_get`.
async fn batch_get<T: CacheEntity>(
    expander: &CacheExpander<impl CacheBackend>,
    ids: Vec<T::Key>,
    repository: &dyn DataRepository<T>,
) -> Vec<Option<T>> {
    let mut results = Vec::new();
    for id in ids {
        let mut feeder = GenericFeeder::<T>::new(id);
        let fed = expander.with(&mut feeder, repository, REFRESH).await;
        results.push(fed.ok().and(feeder.entity));
    }
    results
}

/// The guide's `fetch_batch_async`: a task for each id.
async fn fetch_batch_async<T: CacheEntity>(
    cache: CacheService<InMemoryBackend>,
    ids: Vec<T::Key>,
    repository: Arc<dyn DataRepository<T> + Send + Sync>,
) -> Vec<Option<T>> {
    let mut tasks = vec![];
    for id in ids {
        let (cache, repository) = (cache.clone(), Arc::clone(&repository));
        tasks.push(tokio::spawn(async move {
            let mut feeder = GenericFeeder::<T>::new(id);
            let fed = cache.execute(&mut feeder, &*repository, REFRESH).await;
            fed.ok().and(feeder.entity)
        }));
    }
    let mut results = vec![];
    for task in tasks {
        results.push(task.await.ok().flatten());
    }
    results
}

/// As many at once as there are permits.
async fn fetch_bounded<T: CacheEntity>(
    cache: CacheService<InMemoryBackend>,
    ids: Vec<T::Key>,
    repository: Arc<dyn DataRepository<T>>,
    at_once: usize,
) -> Vec<Option<T>> {
    let (permits, mut tasks) = (Arc::new(Semaphore::new(at_once)), JoinSet::new());
    let mut results: Vec<_> = ids.iter().map(|_| None).collect();
    for (index, id) in ids.into_iter().enumerate() {
        let (cache, repository) = (cache.clone(), Arc::clone(&repository));
        let permits = Arc::clone(&permits);
        tasks.spawn(async move {
            let _permit = permits.acquire().await.expect("never closed");
            let mut feeder = GenericFeeder::<T>::new(id);
            let fed = cache.execute(&mut feeder, &*repository, REFRESH).await;
            (index, fed.ok().and(feeder.entity))
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (index, found) = done.expect("nobody panics");
        results[index] = found;
    }
    results
}

#[tokio::test]
async fn one_after_the_other() {
    let (expander, repository) = (CacheExpander::from(memory()), Crowded::new(1));
    let results = batch_get::<Person>(&expander, IDS.to_vec(), &*repository);
    assert_eq!(soon(results).await, wanted());
    assert_eq!(repository.most.load(Ordering::SeqCst), 1);
    assert_eq!(repository.loads.load(Ordering::SeqCst), 6, "each id once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_for_each_id() {
    // All six ids are loaded at once, or nobody comes out of the repository.
    let (cache, repository) = (memory(), Crowded::new(6));
    let results = fetch_batch_async::<Person>(cache.clone(), IDS.to_vec(), repository.clone());
    assert_eq!(soon(results).await, wanted());
    assert_eq!(repository.most.load(Ordering::SeqCst), 6);
    let again = fetch_batch_async::<Person>(cache, IDS.to_vec(), Crowded::new(1));
    assert_eq!(soon(again).await, wanted(), "from the cache");
}

// On one thread tasks begin in their order: two of one id, which would be one load, do not take
// both permits first.
#[tokio::test]
async fn a_bounded_number_at_once() {
    let (cache, repository) = (memory(), Crowded::new(2));
    let results = fetch_bounded::<Person>(cache, IDS.to_vec(), repository.clone(), 2);
    assert_eq!(soon(results).await, wanted());
    assert_eq!(repository.most.load(Ordering::SeqCst), 2, "and not more");
}

/// The guide starts a thread for each id; here they share a service, which may be called from any
/// runtime.
#[test]
fn a_thread_for_each_id() {
    let (cache, repository) = (memory(), Crowded::new(1));
    let fetch = |id| {
        let (cache, repository) = (cache.clone(), Arc::clone(&repository));
        std::thread::spawn(move || {
            let mut feeder = GenericFeeder::<Person>::new(id);
            let fed = cache.execute(&mut feeder, &repository, REFRESH);
            let fed = futures::executor::block_on(fed);
            fed.ok().and(feeder.entity)
        })
    };
    let threads: Vec<_> = IDS.into_iter().map(fetch).collect();
    let results: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(results, wanted());
}

#[tokio::test]
async fn load_many_answers_what_the_loops_answer() {
    let (cache, repository) = (memory(), Crowded::new(1));
    let found = cache.load_many::<Person, _>(&IDS, &repository).await;
    let found: Vec<_> = found
        .into_iter()
        .map(|found| found.ok().flatten().map(Arc::unwrap_or_clone))
        .collect();
    assert_eq!(found, wanted());
}
