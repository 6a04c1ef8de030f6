//! `get_many` and `get_or_load_many`: one read, one load, one fill; order and duplicates kept.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::{Employment, EmploymentKey, Person, RepositoryError, counts, settle, soon};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}

fn ids(answers: &[Option<Arc<Person>>]) -> Vec<Option<u64>> {
    answers
        .iter()
        .map(|answer| answer.as_ref().map(|person| person.id))
        .collect()
}

/// A repository of the people under 100 that writes down what it was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<Vec<u64>>>>);

impl Asked {
    async fn load(&self, ids: Vec<u64>) -> Result<Vec<Person>, Error> {
        self.0.lock().unwrap().push(ids.clone());
        tokio::task::yield_now().await;
        Ok(ids
            .into_iter()
            .filter(|id| *id < 100)
            .rev()
            .map(person)
            .collect())
    }

    fn take(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn answers_come_in_the_order_asked_with_duplicates() {
    let (cache, asked) = (memory(), Asked::default());
    let answers = cache
        .get_or_load_many(&[3, 1, 500, 3, 2], |ids| asked.load(ids))
        .await
        .unwrap();
    assert_eq!(ids(&answers), [Some(3), Some(1), None, Some(3), Some(2)]);
    assert_eq!(
        asked.take(),
        [vec![3, 1, 500, 2]],
        "each key once, in one call"
    );
    assert!(Arc::ptr_eq(
        answers[0].as_ref().unwrap(),
        answers[3].as_ref().unwrap()
    ));
}

#[tokio::test]
async fn only_what_is_missing_is_loaded() {
    let (cache, asked) = (memory(), Asked::default());
    cache.put(person(1)).await.unwrap();
    cache
        .get_or_load_many(&[500], |ids| asked.load(ids))
        .await
        .unwrap();
    asked.take();
    let answers = cache
        .get_or_load_many(&[1, 2, 500], |ids| asked.load(ids))
        .await
        .unwrap();
    assert_eq!(ids(&answers), [Some(1), Some(2), None]);
    assert_eq!(asked.take(), [[2]], "500 is known to be absent");
    cache
        .get_or_load_many(&[1, 2], |ids| asked.load(ids))
        .await
        .unwrap();
    assert_eq!(asked.take(), Vec::<Vec<u64>>::new());
    let stats = counts(&cache);
    assert_eq!(
        (stats.hits, stats.absent_hits, stats.misses, stats.loads),
        (3, 1, 2, 2)
    );
}

#[tokio::test]
async fn an_empty_batch_asks_nobody() {
    let asked = Asked::default();
    assert_eq!(
        memory()
            .get_or_load_many(&[], |ids| asked.load(ids))
            .await
            .unwrap(),
        Vec::new()
    );
    assert!(memory().get_many::<Person>(&[]).await.is_empty());
    assert_eq!(asked.take(), Vec::<Vec<u64>>::new());
}

#[tokio::test]
async fn unasked_entities_are_ignored_and_missing_ones_are_absent() {
    let cache = memory();
    let load = |_: Vec<u64>| async { Ok::<_, Error>(vec![person(7), person(8), person(8)]) };
    let answers = cache.get_or_load_many(&[8, 9], load).await.unwrap();
    assert_eq!(ids(&answers), [Some(8), None]);
    assert_eq!(
        cache.get::<Person>(&7).await.unwrap(),
        None,
        "nobody opened a load for it"
    );
    assert_eq!(
        cache.look_up::<Person>(&9).await.unwrap(),
        cache_kit::Found::Absent
    );
}

#[tokio::test]
async fn absence_without_a_negative_ttl_is_asked_again() {
    let (cache, loads) = (memory(), AtomicU64::new(0));
    let key = EmploymentKey::new("nobody", 1999);
    for _ in 0..2 {
        let load = |_: Vec<EmploymentKey>| async {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(Vec::<Employment>::new())
        };
        assert_eq!(
            cache
                .get_or_load_many(std::slice::from_ref(&key), load)
                .await
                .unwrap(),
            [None]
        );
    }
    assert_eq!(loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_failed_load_fails_the_call_and_stores_nothing() {
    let cache = memory();
    cache.put(person(1)).await.unwrap();
    let fail = |_: Vec<u64>| async { Err::<Vec<Person>, _>(RepositoryError) };
    assert_eq!(
        cache.get_or_load_many(&[1, 2], fail).await,
        Err(RepositoryError)
    );
    assert_eq!(
        ids(&cache.get_or_load_many(&[1], fail).await.unwrap()),
        [Some(1)]
    );
    assert_eq!(cache.get::<Person>(&2).await.unwrap(), None);
}

#[tokio::test]
async fn batches_that_overlap_share_their_loads_without_waiting_in_a_circle() {
    let (cache, asked) = (memory(), Asked::default());
    let batch = |keys: Vec<u64>| {
        let (cache, asked) = (cache.clone(), asked.clone());
        tokio::spawn(async move {
            cache
                .get_or_load_many(&keys, |ids| asked.load(ids))
                .await
                .unwrap()
        })
    };
    let tasks: Vec<_> = [vec![1, 2, 3], vec![3, 2, 4], vec![4, 1, 5]]
        .into_iter()
        .map(batch)
        .collect();
    for (task, wanted) in tasks.into_iter().zip([[1, 2, 3], [3, 2, 4], [4, 1, 5]]) {
        assert_eq!(ids(&soon(task).await.unwrap()), wanted.map(Some));
    }
    let mut loaded = asked.take().concat();
    loaded.sort_unstable();
    assert_eq!(loaded, [1, 2, 3, 4, 5], "each key was loaded once");
}

#[tokio::test]
async fn a_batch_that_is_dropped_hands_its_keys_over() {
    let (cache, asked) = (memory(), Asked::default());
    let never = |_: Vec<u64>| std::future::pending::<Result<Vec<Person>, Error>>();
    let mut stuck = Box::pin(cache.get_or_load_many(&[1, 2], never));
    assert!(futures::poll!(stuck.as_mut()).is_pending());
    let waiting = tokio::spawn({
        let (cache, asked) = (cache.clone(), asked.clone());
        async move {
            cache
                .get_or_load_many(&[2, 1], |ids| asked.load(ids))
                .await
                .unwrap()
        }
    });
    settle().await;
    drop(stuck);
    assert_eq!(ids(&soon(waiting).await.unwrap()), [Some(2), Some(1)]);
}

#[tokio::test]
async fn a_batch_within_a_load_of_one_of_its_keys_does_not_wait_for_itself() {
    let (cache, asked) = (memory(), Asked::default());
    let outer = cache.get_or_load(&1, || async {
        let both = cache
            .get_or_load_many(&[1, 2], |ids| asked.load(ids))
            .await?;
        Ok::<_, Error>(both[0].as_ref().map(|person| (**person).clone()))
    });
    assert_eq!(soon(outer).await.unwrap().unwrap().id, 1);
    assert_eq!(asked.take(), [[1, 2]]);
}

#[tokio::test]
async fn batches_work_over_bytes() {
    let (cache, asked) = (CacheService::new(ByteBackend::default()), Asked::default());
    for _ in 0..2 {
        let answers = cache
            .get_or_load_many(&[2, 500, 1], |ids| asked.load(ids))
            .await
            .unwrap();
        assert_eq!(ids(&answers), [Some(2), None, Some(1)]);
    }
    assert_eq!(asked.take(), [[2, 500, 1]]);
    let cached: Vec<_> = cache
        .get_many::<Person>(&[1, 3, 1])
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(ids(&cached), [Some(1), None, Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_keys_with_duplicates_are_one_load() {
    let (cache, asked) = (memory(), Asked::default());
    let keys: Vec<u64> = (0..100_000).map(|number| number % 50_000).collect();
    let answers = cache
        .get_or_load_many(&keys, |ids| asked.load(ids))
        .await
        .unwrap();
    assert_eq!(answers.len(), 100_000);
    assert_eq!(answers.iter().flatten().count(), 200);
    assert_eq!(asked.take().len(), 1);
}
