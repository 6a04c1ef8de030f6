//! What types promise: `Send` futures, handles that can be shared and shown.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    CacheServiceBuilder, Cause, Error, Found, KeyWriter, ManualClock,
    backend::InMemoryBuilder,
    observe::CacheStats,
    store::{Clock, Shape},
};
use cache_kit_tests::{Employment, EmploymentKey, People, Person};
use std::fmt::Debug;

fn shared<T: Send + Sync + 'static>() {}
fn shown<T: Debug>() {}
fn cloned<T: Clone>() {}
fn sent<T: Send>(value: T) -> T {
    value
}

#[test]
fn handles_are_shared_cloned_and_shown() {
    shared::<CacheService<InMemoryBackend>>();
    shared::<CacheService<AnyBackend>>();
    shared::<InMemoryBackend>();
    shared::<Error>();
    shared::<Cause>();
    shared::<Box<dyn CacheMetrics>>();
    cloned::<CacheService<AnyBackend>>();
    cloned::<Error>();
    shown::<CacheService<AnyBackend>>();
    shown::<CacheServiceBuilder<InMemoryBackend>>();
    shown::<InMemoryBuilder>();
    shown::<ByteBackend>();
    shown::<CacheKey>();
    shown::<KeyWriter>();
    shown::<CacheStats>();
    shown::<Clock>();
    shown::<ManualClock>();
    shown::<Shape>();
    shown::<Found<Person>>();
    shown::<GenericFeeder<Person>>();
    shown::<Lifetime>();
}

#[test]
fn feeders_are_objects() {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let object: &mut dyn CacheFeed<Person> = &mut feeder;
    assert_eq!(object.entity_id(), 1);
}

#[test]
fn futures_can_be_sent() {
    let people = People::new(CacheService::new(InMemoryBackend::new()));
    let person = Person {
        id: 1,
        name: String::new(),
    };
    drop(sent(people.find(1)));
    drop(sent(people.find_by(1, CacheStrategy::Fresh)));
    drop(sent(people.save(person.clone())));
    drop(sent(people.remove(1)));
    drop(sent(people.cache.get::<Person>(&1)));
    drop(sent(people.cache.put(person)));
    drop(sent(people.cache.get_or_load(&1, || people.load(1))));
    let load = |_: Vec<EmploymentKey>| async { Ok::<_, Error>(Vec::<Employment>::new()) };
    drop(sent(people.cache.get_or_load_many(&[], load)));
    drop(sent(people.cache.clear_prefix::<Person>()));
}

#[tokio::test]
async fn generic_code_can_spawn() {
    fn spawned<T: CacheEntity, B: CacheBackend>(
        cache: CacheService<B>,
        key: T::Key,
        entity: T,
    ) -> tokio::task::JoinHandle<cache_kit::Result<Option<std::sync::Arc<T>>>> {
        tokio::spawn(async move { cache.get_or_load(&key, || async { Ok(Some(entity)) }).await })
    }
    let person = Person {
        id: 1,
        name: "Ada".into(),
    };
    let found = spawned(CacheService::new(InMemoryBackend::new()), 1, person.clone())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*found.unwrap(), person);
}

#[test]
fn errors_lead_to_their_cause() {
    let io = std::io::Error::other("broken pipe");
    let error = Error::BackendError(io.into());
    let source = std::error::Error::source(&error).expect("a source");
    assert!(source.downcast_ref::<std::io::Error>().is_some());
    assert_eq!(
        error.clone().to_string(),
        "cache backend failed: broken pipe"
    );
    let fallback: Error = Error::ConfigError("a message".into());
    assert_eq!(fallback.to_string(), "cache is misconfigured: a message");
}

#[test]
fn a_service_shows_no_keys_and_no_values() {
    let cache = CacheService::builder(InMemoryBackend::new())
        .namespace("app")
        .build()
        .unwrap();
    futures::executor::block_on(cache.put(Person {
        id: 77,
        name: "secret".into(),
    }))
    .unwrap();
    let shown = format!("{cache:?}");
    assert!(
        shown.contains("app") && !shown.contains("secret") && !shown.contains("77"),
        "{shown}"
    );
}
