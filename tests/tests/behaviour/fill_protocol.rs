//! DESIGN §4.4 through the service: what comes during a load wins.

mod bodies;
mod permits;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::{People, Person, clocked_cache, counts, settle, soon};
use std::sync::Arc;

/// What happens while a load is in progress.
#[derive(Clone, Copy, Debug)]
enum During {
    Invalidate,
    InvalidateMany,
    Clear,
    Put,
    Evict,
    Save,
    StrategyInvalidate,
}

const ALL: [During; 7] = [
    During::Invalidate,
    During::InvalidateMany,
    During::Clear,
    During::Put,
    During::Evict,
    During::Save,
    During::StrategyInvalidate,
];

fn named(name: &str) -> Person {
    Person {
        id: 1,
        name: name.into(),
    }
}

async fn change<B: CacheBackend>(cache: &CacheService<B>, during: During) {
    let save = || async { Ok::<_, Error>(named("new")) };
    match during {
        During::Invalidate => cache.invalidate::<Person>(&1).await.unwrap(),
        During::InvalidateMany => cache.invalidate_many::<Person>(&[2, 1]).await.unwrap(),
        During::Clear => cache.clear_prefix::<Person>().await.unwrap(),
        During::Put => cache.put(named("new")).await.unwrap(),
        During::Evict => cache.evict_with::<Person, _, _>(&1, || async {}).await,
        During::Save => drop(cache.put_with(&1, save).await.unwrap()),
        During::StrategyInvalidate => {
            let load = || async { Ok::<_, Error>(Some(named("new"))) };
            cache
                .get_or_load_with(CacheStrategy::Invalidate, &1, load)
                .await
                .unwrap();
        }
    }
}

async fn what_comes_during_a_load_wins<B: CacheBackend>(make: impl Fn() -> B) {
    for during in ALL {
        let cache = CacheService::new(make());
        let (opened, load_may_end) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let old = cache.get_or_load(&1, || async {
            opened.notify_one();
            load_may_end.notified().await;
            Ok::<_, Error>(Some(named("old")))
        });
        let others = async {
            opened.notified().await;
            change(&cache, during).await;
            // Who comes now must not be given what was loaded before the change.
            let late = cache
                .get_or_load(&1, || async { Ok::<_, Error>(Some(named("new"))) })
                .await
                .unwrap();
            assert_eq!(late.unwrap().name, "new", "{during:?}: a caller after it");
            load_may_end.notify_one();
        };
        let (old, ()) = soon(async { tokio::join!(old, others) }).await;
        assert_eq!(
            old.unwrap().unwrap().name,
            "old",
            "{during:?}: a caller before it"
        );
        let stored = cache.get::<Person>(&1).await.unwrap();
        assert_eq!(stored.unwrap().name, "new", "{during:?}: what is stored");
        assert_eq!(cache.stats().superseded_fills, 1, "{during:?}");
    }
}

#[tokio::test]
async fn what_comes_during_a_load_wins_in_memory() {
    Box::pin(what_comes_during_a_load_wins(InMemoryBackend::new)).await;
    let any = || AnyBackend::new(InMemoryBackend::new());
    Box::pin(what_comes_during_a_load_wins(any)).await;
}

#[tokio::test]
async fn what_comes_during_a_load_wins_over_bytes() {
    Box::pin(what_comes_during_a_load_wins(ByteBackend::default)).await;
}

#[tokio::test]
async fn absence_that_was_loaded_before_a_put_is_not_stored_after_it() {
    let people = People::new(clocked_cache().0);
    people.close_gate();
    let absent = tokio::spawn({
        let people = people.clone();
        async move { people.find(50).await.unwrap() }
    });
    settle().await;
    people
        .cache
        .put(Person {
            id: 50,
            name: "born meanwhile".into(),
        })
        .await
        .unwrap();
    people.open_gate();
    assert_eq!(absent.await.unwrap(), None);
    assert_eq!(
        people.cache.get::<Person>(&50).await.unwrap().unwrap().name,
        "born meanwhile"
    );
}

#[tokio::test]
async fn a_batch_that_is_overtaken_stores_what_was_not() {
    let cache = CacheService::new(InMemoryBackend::new());
    let load = |ids: Vec<u64>| {
        let cache = cache.clone();
        async move {
            cache.invalidate::<Person>(&2).await.unwrap();
            Ok::<_, Error>(
                ids.into_iter()
                    .map(|id| Person {
                        id,
                        name: "loaded".into(),
                    })
                    .collect(),
            )
        }
    };
    let answers = cache
        .get_or_load_many::<Person, _, _>(&[1, 2, 3], load)
        .await
        .unwrap();
    assert!(answers.iter().all(Option::is_some));
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
    assert!(cache.get::<Person>(&2).await.unwrap().is_none());
    let stats = counts(&cache);
    assert_eq!((stats.fills, stats.superseded_fills), (2, 1));
}

/// Readers and writers at random, and the promise: a read that begins after a write was
/// acknowledged does not see what was before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_goes_back_in_time() {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    #[derive(Default)]
    struct Row {
        version: AtomicU64,
        acknowledged: AtomicU64,
    }
    let cache = CacheService::new(InMemoryBackend::new());
    let row = Arc::new(Row::default());
    let read = |cache: CacheService<InMemoryBackend>, row: Arc<Row>| async move {
        for _ in 0..3_000 {
            let floor = row.acknowledged.load(SeqCst);
            let load = || async {
                let version = row.version.load(SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, Error>(Some(named(&version.to_string())))
            };
            let seen: u64 = cache
                .get_or_load(&1, load)
                .await
                .unwrap()
                .unwrap()
                .name
                .parse()
                .unwrap();
            assert!(
                seen >= floor,
                "version {seen} was read after {floor} had been acknowledged"
            );
        }
    };
    let readers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(read(cache.clone(), Arc::clone(&row))))
        .collect();
    for version in 1..=1_500_u64 {
        let write = || async {
            row.version.store(version, SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Error>(named(&version.to_string()))
        };
        match version % 3 {
            0 => drop(cache.put_with(&1, write).await.unwrap()),
            1 => drop(cache.evict_with::<Person, _, _>(&1, write).await.unwrap()),
            _ => {
                write().await.unwrap();
                cache.clear_prefix::<Person>().await.unwrap();
            }
        }
        row.acknowledged.store(version, SeqCst);
    }
    for reader in readers {
        soon(reader).await.unwrap();
    }
}
