//! Callers with a limit of age: what others loaded or stored can be too old for them.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock, Result};
use cache_kit_tests::{Employment, EmploymentKey, Person, settle, soon};
use std::time::Duration;

const GUEST: Duration = Duration::from_secs(60);

fn person(name: &str) -> Person {
    Person {
        id: 1,
        name: name.into(),
    }
}

fn by_class() -> TtlPolicy {
    TtlPolicy::PerType(Box::new(|class| match class {
        "guest" => GUEST,
        _ => Duration::from_secs(3600),
    }))
}

fn clocked() -> (CacheService<InMemoryBackend>, ManualClock) {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
    let cache = CacheService::builder(backend).ttl_policy(by_class());
    (cache.build().unwrap(), clock)
}

struct One(&'static str);

impl Repository<Person> for One {
    async fn fetch_by_id(&self, _: &u64) -> Result<Option<Person>> {
        Ok(Some(person(self.0)))
    }
}

async fn as_guest<B: CacheBackend>(cache: &CacheService<B>, row: &'static str) -> String {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let config = OperationConfig::new().ttl_class("guest");
    cache
        .execute_with(&mut feeder, &One(row), CacheStrategy::Refresh, config)
        .await
        .unwrap();
    feeder.entity.unwrap().name
}

#[tokio::test]
async fn a_guest_who_joins_a_load_is_given_nothing_older_than_its_limit() {
    let (cache, clock) = clocked();
    // Someone loads, and never comes to an end; another one waits for it.
    let stuck = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = || std::future::pending::<Result<Option<Person>>>();
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    let next = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = || async { Ok::<_, Error>(Some(person("loaded"))) };
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    // Another service over the same store fills the entry, and time passes.
    let other = CacheService::new(cache.backend().clone());
    let load = || async { Ok::<_, Error>(Some(person("old"))) };
    other.get_or_load(&1, load).await.unwrap();
    clock.advance(GUEST * 2);
    // The guest finds it too old, and joins. Then the load is abandoned: `next` takes over, and
    // finds the entry.
    let guest = tokio::spawn({
        let cache = cache.clone();
        async move { as_guest(&cache, "new").await }
    });
    settle().await;
    stuck.abort();
    drop(soon(next).await);
    let guest = soon(guest).await.unwrap();
    assert_ne!(guest, "old", "older than a guest may see");
}

#[tokio::test]
async fn what_a_guest_finds_to_be_gone_is_gone_for_all() {
    struct Nobody;
    impl Repository<Employment> for Nobody {
        async fn fetch_by_id(&self, _: &EmploymentKey) -> Result<Option<Employment>> {
            Ok(None)
        }
    }
    let (cache, clock) = clocked();
    let row = Employment {
        person_id: "p".into(),
        year: 1,
        employer: "e".into(),
        salary: 1.0,
    };
    let key = row.cache_key();
    cache.put(row).await.unwrap();
    clock.advance(GUEST * 2);
    let mut feeder = GenericFeeder::<Employment>::new(key.clone());
    let config = OperationConfig::new().ttl_class("guest");
    cache
        .execute_with(&mut feeder, &Nobody, CacheStrategy::Refresh, config)
        .await
        .unwrap();
    assert!(feeder.entity.is_none());
    let left = cache.get::<Employment>(&key).await.unwrap();
    assert!(left.is_none(), "the repository was asked, and has none");
}

#[tokio::test]
async fn a_damaged_entry_of_what_is_gone_does_not_stay() {
    let backend = ByteBackend::default();
    let cache = CacheService::new(backend.clone());
    let row = Employment {
        person_id: "p".into(),
        year: 1,
        employer: "e".into(),
        salary: 1.0,
    };
    let key = row.cache_key();
    cache.put(row).await.unwrap();
    let stored = CacheKey::of::<Employment>(None, &key).unwrap();
    assert!(backend.tamper(&stored, |bytes| bytes[60] ^= 1));
    let load = || async { Ok::<Option<Employment>, Error>(None) };
    cache.get_or_load(&key, load).await.unwrap();
    let failures = cache.stats().failures;
    cache.get_or_load(&key, load).await.unwrap();
    assert_eq!(cache.stats().failures, failures, "it is damaged still");
}

#[tokio::test]
async fn a_guest_who_waits_for_a_batch_is_given_nothing_older_than_its_limit() {
    let (cache, clock) = clocked();
    let stuck = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = || std::future::pending::<Result<Option<Person>>>();
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    let batch = tokio::spawn({
        let cache = cache.clone();
        async move { cache.load_many(&[1], &One("loaded")).await }
    });
    settle().await;
    let other = CacheService::new(cache.backend().clone());
    let load = || async { Ok::<_, Error>(Some(person("old"))) };
    other.get_or_load(&1, load).await.unwrap();
    clock.advance(GUEST * 2);
    let guest = tokio::spawn({
        let cache = cache.clone();
        async move { as_guest(&cache, "new").await }
    });
    settle().await;
    stuck.abort();
    drop(soon(batch).await);
    let guest = soon(guest).await.unwrap();
    assert_ne!(guest, "old", "older than a guest may see");
}
