//! Batches that fail in part, are taken over, or are large.

use cache_kit::prelude::*;
use cache_kit::{Error, Result};
use cache_kit_tests::{Person, settle, soon};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// One by one, and one of them is broken.
struct OneByOne {
    broken: u64,
    is_mended: AtomicBool,
}

impl Repository<Person> for OneByOne {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        if *id == self.broken && !self.is_mended.load(Ordering::SeqCst) {
            Err(Error::RepositoryError("broken row".into()))
        } else {
            Ok(Some(person(*id)))
        }
    }
}

fn one_by_one(broken: u64) -> OneByOne {
    OneByOne {
        broken,
        is_mended: AtomicBool::new(false),
    }
}

/// Splits, as the docs of `fetch_by_ids` advise.
struct Split(OneByOne);

impl Repository<Person> for Split {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        self.0.fetch_by_id(id).await
    }

    async fn fetch_by_ids(&self, ids: &[u64]) -> Result<Vec<Person>> {
        let mut all = Vec::new();
        for ids in ids.chunks(2) {
            all.extend(self.0.fetch_by_ids(ids).await?);
        }
        Ok(all)
    }
}

#[tokio::test]
async fn a_part_that_failed_does_not_make_the_other_parts_absent() {
    let (cache, split) = (memory(), Split(one_by_one(3)));
    let ids = [1, 2, 3, 4, 5, 6];
    let found = cache.load_many(&ids, &split).await;
    for (id, found) in ids.iter().zip(&found) {
        assert!(!matches!(found, Ok(None)), "{id} exists: {found:?}");
    }
    // Nor is it remembered that they are not there.
    split.0.is_mended.store(true, Ordering::SeqCst);
    let found = cache.load_many(&ids, &split).await;
    assert!(
        found.iter().all(|found| matches!(found, Ok(Some(_)))),
        "{found:?}"
    );
}

/// Says again what went wrong the last time, as an open circuit breaker does.
struct Breaker {
    inner: OneByOne,
    last: Mutex<Option<Error>>,
}

impl Repository<Person> for Breaker {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        self.inner.fetch_by_id(id).await
    }

    async fn fetch_by_ids(&self, ids: &[u64]) -> Result<Vec<Person>> {
        if let Some(error) = self.last.lock().unwrap().clone() {
            return Err(error);
        }
        let loaded = self.inner.fetch_by_ids(ids).await;
        *self.last.lock().unwrap() = loaded.as_ref().err().cloned();
        loaded
    }
}

#[tokio::test]
async fn an_error_that_is_said_again_brings_nothing_from_before_an_invalidation() {
    let cache = memory();
    let breaker = Breaker {
        inner: one_by_one(2),
        last: Mutex::default(),
    };
    let found = cache.load_many(&[1, 2], &breaker).await;
    assert!(found[0].is_ok() && found[1].is_err());
    cache.invalidate::<Person>(&1).await.unwrap();
    let found = cache.load_many(&[1, 2], &breaker).await;
    assert!(
        found[0].is_err(),
        "loaded before the invalidation: {found:?}"
    );
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
}

/// The database does not mind the case of ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "account", key = name, negative_ttl = "1m")]
struct Account {
    name: String,
}

struct Accounts;

impl Repository<Account> for Accounts {
    async fn fetch_by_id(&self, name: &String) -> Result<Option<Account>> {
        Ok(Some(Account {
            name: name.to_lowercase(),
        }))
    }
}

#[tokio::test]
async fn loading_one_by_one_refuses_what_a_single_load_refuses() {
    let cache = memory();
    let mut feeder = GenericFeeder::<Account>::new("ADA".into());
    let single = cache
        .execute(&mut feeder, &Accounts, CacheStrategy::Refresh)
        .await;
    assert!(single.is_err());
    let many = cache.load_many(&["ADA".to_string()], &Accounts).await;
    assert!(many[0].is_err(), "{many:?}");
    // And it was not remembered to be absent.
    let single = cache
        .execute(&mut feeder, &Accounts, CacheStrategy::Refresh)
        .await;
    assert!(single.is_err(), "it is absent now");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "desk", key = id)]
struct Desk {
    id: u64,
}

struct Desks(CacheService<InMemoryBackend>);

impl Repository<Desk> for Desks {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Desk>> {
        // Who sits there is cached as well.
        let load = || async { Ok::<_, Error>(Some(person(*id))) };
        let sits = self.0.get_or_load::<Person, _, _>(id, load).await?;
        Ok(sits.map(|person| Desk { id: person.id }))
    }
}

#[tokio::test]
async fn a_load_of_many_that_reads_through_the_cache_is_not_quadratic() {
    async fn time(count: u64) -> Duration {
        let cache = memory();
        let keys: Vec<u64> = (0..count).collect();
        let begun = Instant::now();
        let found = cache.load_many(&keys, &Desks(cache.clone())).await;
        assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
        begun.elapsed()
    }
    // Whatever else the machine is doing: what is quadratic is so every time, 256 times as much.
    for _ in 0..5 {
        if time(16_000).await < time(1_000).await * 60 {
            return;
        }
    }
    panic!("it is quadratic");
}

#[tokio::test]
async fn who_takes_over_a_cancelled_batch_loads_it_in_few_calls() {
    let cache = memory();
    let keys: Vec<u64> = (0..500).collect();
    let first = tokio::spawn({
        let (cache, keys) = (cache.clone(), keys.clone());
        async move {
            let load = |_| std::future::pending::<Result<Vec<Person>>>();
            cache.get_or_load_many::<Person, _, _>(&keys, load).await
        }
    });
    settle().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let second = tokio::spawn({
        let (cache, keys, calls) = (cache.clone(), keys.clone(), Arc::clone(&calls));
        async move {
            let load = |ids: Vec<u64>| {
                calls.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, Error>(ids.into_iter().map(person).collect()) }
            };
            cache.get_or_load_many::<Person, _, _>(&keys, load).await
        }
    });
    settle().await;
    first.abort();
    let found = soon(second).await.unwrap().unwrap();
    assert!(found.iter().all(Option::is_some));
    let calls = calls.load(Ordering::SeqCst);
    assert!(calls < 10, "{calls} calls for what was one");
}

#[tokio::test]
async fn a_hundred_thousand_keys_are_loaded_at_once() {
    struct Everyone;
    impl Repository<Person> for Everyone {
        async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
            Ok(Some(person(*id)))
        }
    }
    let keys: Vec<u64> = (0..100_000).collect();
    let begun = Instant::now();
    let found = memory().load_many(&keys, &Everyone).await;
    assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
    println!("{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(20));
}
