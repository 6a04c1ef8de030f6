//! What the feature `testing` gives to the tests of users.

use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, CountingRepository, Fault, FaultyBackend, conformance};
use cache_kit::{Error, observe::Operation};
use cache_kit_tests::Person;
use std::time::Duration;
use tokio::time::Instant;

struct People;

impl Repository<Person> for People {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        let name = "Ada".to_owned();
        Ok((*id < 100).then_some(Person { id: *id, name }))
    }
}

#[tokio::test]
async fn a_backend_without_faults_passes_the_suite() {
    conformance::run(async || FaultyBackend::new(InMemoryBackend::new()))
        .await
        .assert_passed();
    conformance::run(async || FaultyBackend::new(ByteBackend::default()))
        .await
        .assert_passed();
}

#[tokio::test]
async fn a_fault_lasts_until_it_is_healed() {
    let backend = FaultyBackend::new(ByteBackend::default());
    let cache = CacheService::new(backend.clone());
    let ada = || Person {
        id: 1,
        name: "Ada".into(),
    };
    backend.inject(&[Operation::Open, Operation::Invalidate], Fault::Fails);
    for _ in 0..3 {
        let refused = cache.put(ada()).await;
        assert!(
            matches!(refused, Err(Error::BackendError(_))),
            "{refused:?}"
        );
    }
    assert_eq!(backend.calls(Operation::Open), 3);
    backend.heal_only(&[Operation::Open]);
    assert!(cache.put(ada()).await.is_ok());
    assert!(cache.invalidate::<Person>(&1).await.is_err());
    assert!(cache.clear_prefix::<Person>().await.is_err());
    backend.heal();
    assert!(cache.invalidate::<Person>(&1).await.is_ok());
}

#[tokio::test]
async fn a_fault_can_be_of_the_next_calls_only() {
    let backend = FaultyBackend::new(ByteBackend::default());
    let cache = CacheService::new(backend.clone());
    let person = Person {
        id: 1,
        name: "Ada".into(),
    };
    cache.put(person).await.unwrap();
    backend.inject_next(2, &[Operation::Read], Fault::Fails);
    let has = async || cache.get::<Person>(&1).await.unwrap().is_some();
    assert_eq!(
        [has().await, has().await, has().await],
        [false, false, true]
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_backend_takes_its_time() {
    let backend = FaultyBackend::new(ByteBackend::default());
    let cache = CacheService::new(backend.clone());
    backend.inject(&[Operation::Read], Fault::Slow(Duration::from_millis(300)));
    let begun = Instant::now();
    assert!(cache.health().await.is_ok());
    assert_eq!(cache.get::<Person>(&1).await.unwrap(), None);
    assert_eq!(begun.elapsed(), Duration::from_millis(600));
}

#[tokio::test]
async fn a_repository_counts_what_it_is_asked() {
    let cache = CacheService::new(InMemoryBackend::new());
    let people = CountingRepository::new(People);
    for id in [1, 1, 2, 404] {
        let mut feeder = GenericFeeder::<Person>::new(id);
        let fed = cache.execute(&mut feeder, &people, CacheStrategy::Refresh);
        fed.await.unwrap();
    }
    assert_eq!(
        (people.loads(), people.batches(), people.entities()),
        (3, 0, 3)
    );
    let found = cache
        .load_many::<Person, _>(&[1, 2, 3, 4, 4], &people)
        .await;
    assert_eq!(found.len(), 5);
    assert_eq!(
        (people.loads(), people.batches(), people.entities()),
        (3, 1, 5)
    );
}
