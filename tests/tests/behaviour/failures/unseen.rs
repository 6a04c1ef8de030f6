//! Where the cache is down, nobody knows what others have invalidated: a load that has begun
//! already is not for those who come now.

use super::{DEADLINE, service};
use cache_kit::Error;
use cache_kit::FailurePolicy::Degrade;
use cache_kit::prelude::*;
use cache_kit_tests::{Behaviour, Faulty, Person, settle, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// A row that is written behind the cache's back, and takes a while to be read.
#[derive(Clone)]
struct Desk {
    cache: CacheService<Faulty>,
    version: Arc<AtomicU64>,
    loads: Arc<AtomicU64>,
}

impl Desk {
    fn new() -> Self {
        let backend = Faulty::default();
        backend.set_all(Behaviour::Down);
        let cache = service(&backend, Degrade);
        let (version, loads) = Default::default();
        Self {
            cache,
            version,
            loads,
        }
    }

    /// Reads what is there now, and brings it later.
    async fn load(&self, id: u64) -> Person {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let name = self.version.load(Ordering::SeqCst).to_string();
        tokio::time::sleep(DEADLINE / 2).await;
        Person { id, name }
    }

    async fn one(self) -> Vec<String> {
        let load = || async { Ok::<_, Error>(Some(self.load(1).await)) };
        let found = self.cache.get_or_load(&1, load).await;
        names([found.expect("a row")])
    }

    async fn batch(self, ids: [u64; 2]) -> Vec<String> {
        let load = |ids: Vec<u64>| {
            let desk = self.clone();
            async move {
                Ok::<_, Error>(
                    futures::future::join_all(ids.into_iter().map(|id| desk.load(id))).await,
                )
            }
        };
        let found = self.cache.get_or_load_many(&ids, load).await;
        names(found.expect("rows"))
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

fn names(found: impl IntoIterator<Item = Option<Arc<Person>>>) -> Vec<String> {
    let names = found
        .into_iter()
        .map(|person| person.expect("a row").name.clone());
    names.collect()
}

async fn came(callers: Vec<JoinHandle<Vec<String>>>) -> Vec<String> {
    let came = soon(futures::future::join_all(callers)).await;
    came.into_iter()
        .flat_map(|names| names.expect("no panic"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn callers_who_come_while_a_load_is_going_share_the_next() {
    let desk = Desk::new();
    let first = tokio::spawn(desk.clone().one());
    settle().await;
    desk.version.store(1, Ordering::SeqCst);
    let rest = (0..10).map(|_| tokio::spawn(desk.clone().one())).collect();
    assert_eq!(came(vec![first]).await, ["0"]);
    assert_eq!(came(rest).await, ["1"; 10]);
    assert_eq!(desk.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn batches_that_come_while_a_load_is_going_share_the_next() {
    let desk = Desk::new();
    let first = tokio::spawn(desk.clone().batch([1, 2]));
    settle().await;
    desk.version.store(1, Ordering::SeqCst);
    let mut rest: Vec<_> = [[1, 2], [2, 1], [1, 3]]
        .map(|ids| tokio::spawn(desk.clone().batch(ids)))
        .into();
    rest.push(tokio::spawn(desk.clone().one()));
    assert_eq!(came(vec![first]).await, ["0"; 2]);
    assert_eq!(came(rest).await, ["1"; 7]);
    assert_eq!(
        desk.loads(),
        5,
        "twice those of two keys, and one of the third"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_takes_over_from_one_that_left() {
    let desk = Desk::new();
    let first = tokio::spawn(desk.clone().one());
    settle().await;
    desk.version.store(1, Ordering::SeqCst);
    let rest = (0..10).map(|_| tokio::spawn(desk.clone().one())).collect();
    settle().await;
    first.abort();
    assert_eq!(came(rest).await, ["1"; 10]);
    assert!(desk.loads() <= 3);
}

#[tokio::test]
async fn a_failed_load_is_no_answer_to_who_came_after_it_had_begun() {
    let desk = Desk::new();
    let (begun, end) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let fails = || async {
        begun.notify_one();
        end.notified().await;
        Err::<Option<Person>, _>(Error::RepositoryError("down".into()))
    };
    let first = desk.cache.get_or_load(&1, fails);
    let second = async {
        begun.notified().await;
        let second = desk.clone().one();
        futures::future::join(second, async {
            settle().await;
            end.notify_one();
        })
        .await
        .0
    };
    let (first, second) = soon(futures::future::join(first, second)).await;
    assert!(first.is_err());
    assert_eq!(second, ["0"]);
}
