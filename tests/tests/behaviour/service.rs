//! The handle: three-state reads, namespaces, health, and a cache that fails.

use cache_kit::prelude::*;
use cache_kit::{Error, Found, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, counts};
use std::sync::Arc;

fn ada() -> Person {
    Person {
        id: 1,
        name: "Ada".into(),
    }
}

#[tokio::test]
async fn a_look_up_tells_absence_from_ignorance() {
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(cache.look_up::<Person>(&1).await.unwrap(), Found::Miss);
    cache
        .get_or_load::<Person, Error, _>(&1, || async { Ok(None) })
        .await
        .unwrap();
    assert_eq!(cache.look_up::<Person>(&1).await.unwrap(), Found::Absent);
    cache.put(ada()).await.unwrap();
    assert_eq!(
        cache.look_up::<Person>(&1).await.unwrap(),
        Found::Hit(Arc::new(ada()))
    );
}

#[tokio::test]
async fn what_the_repository_has_not_is_not_asked_for_again() {
    let cache = CacheService::new(InMemoryBackend::new());
    for _ in 0..10 {
        assert_eq!(
            cache
                .get_or_load::<Person, Error, _>(&1, || async { Ok(None) })
                .await
                .unwrap(),
            None
        );
    }
    let stats = counts(&cache);
    assert_eq!(
        (stats.loads, stats.absent_hits, stats.misses, stats.hits),
        (1, 9, 1, 0)
    );
}

#[tokio::test]
async fn memory_hands_out_the_very_arc_that_was_put_in() {
    let cache = CacheService::new(AnyBackend::new(InMemoryBackend::new()));
    let entity = Arc::new(ada());
    cache.put(Arc::clone(&entity)).await.unwrap();
    assert!(Arc::ptr_eq(
        &cache.get::<Person>(&1).await.unwrap().unwrap(),
        &entity
    ));
}

#[tokio::test]
async fn namespaces_keep_services_on_one_store_apart() {
    let backend = InMemoryBackend::new();
    let service = |name: &str| {
        CacheService::builder(backend.clone())
            .namespace(name)
            .build()
            .unwrap()
    };
    let (a, b) = (service("a"), service("b"));
    a.put(ada()).await.unwrap();
    assert_eq!(b.get::<Person>(&1).await.unwrap(), None);
    b.put(ada()).await.unwrap();
    a.clear_prefix::<Person>().await.unwrap();
    assert_eq!(a.get::<Person>(&1).await.unwrap(), None);
    assert!(b.get::<Person>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_healthy_cache_says_so() {
    CacheService::new(InMemoryBackend::new())
        .health()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_cache_that_is_down_costs_a_load_and_not_the_call() {
    let backend = Faulty::default();
    let cache = CacheService::new(backend.clone());
    backend.set_all(Behaviour::Down);
    for _ in 0..2 {
        let found = cache
            .get_or_load(&1, || async { Ok::<_, Error>(Some(ada())) })
            .await
            .unwrap();
        assert_eq!(found, Some(Arc::new(ada())));
    }
    let load = |ids: Vec<u64>| async move {
        Ok::<_, Error>(ids.into_iter().map(|id| Person { id, ..ada() }).collect())
    };
    assert_eq!(
        cache
            .get_or_load_many::<Person, _, _>(&[1, 2], load)
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
    for found in cache.get_many::<Person>(&[1, 2]).await {
        assert!(found.unwrap().is_none());
    }
    assert!(matches!(
        cache.invalidate::<Person>(&1).await,
        Err(Error::BackendError(_))
    ));
    assert!(matches!(
        cache.put(ada()).await,
        Err(Error::BackendError(_))
    ));
    assert!(cache.clear_prefix::<Person>().await.is_err());
    assert!(cache.health().await.is_err());
    assert!(counts(&cache).failures > 5);
    backend.set_all(Behaviour::Works);
    cache.health().await.unwrap();
    cache.put(ada()).await.unwrap();
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_write_goes_on_when_the_cache_cannot_be_told_unless_it_is_to_propagate() {
    struct Repo {
        cache: CacheService<Faulty>,
    }
    impl Repo {
        #[cache_put]
        async fn save(&self, person: Person) -> cache_kit::Result<Person> {
            Ok(person)
        }
        #[cache_put(on_unreachable = propagate)]
        async fn save_or_say(&self, person: Person) -> cache_kit::Result<Person> {
            Ok(person)
        }
        #[cache_evict(entity = Person)]
        async fn remove(&self, id: u64) -> cache_kit::Result<()> {
            Ok(())
        }
        #[cache_evict(entity = Person, on_unreachable = propagate)]
        async fn remove_or_say(&self, id: u64) -> cache_kit::Result<()> {
            Ok(())
        }
    }
    let backend = Faulty::default();
    backend.set_all(Behaviour::Down);
    let repo = Repo {
        cache: CacheService::new(backend),
    };
    assert_eq!(repo.save(ada()).await.unwrap(), ada());
    repo.remove(1).await.unwrap();
    assert!(matches!(
        repo.save_or_say(ada()).await,
        Err(Error::BackendError(_))
    ));
    assert!(matches!(
        repo.remove_or_say(1).await,
        Err(Error::BackendError(_))
    ));
}

#[tokio::test]
async fn a_failure_names_the_operation() {
    #[derive(Clone, Default)]
    struct Operations(Arc<std::sync::Mutex<Vec<Operation>>>);
    impl CacheMetrics for Operations {
        fn record(&self, event: &CacheEvent<'_>) {
            if let CacheEvent::Failure { operation, .. } = event {
                self.0.lock().unwrap().push(*operation);
            }
        }
    }
    let (backend, seen) = (Faulty::default(), Operations::default());
    let cache = CacheService::builder(backend.clone())
        .metrics(seen.clone())
        .build()
        .unwrap();
    backend.set_all(Behaviour::Down);
    cache
        .get_or_load(&1, || async { Ok::<_, Error>(Some(ada())) })
        .await
        .unwrap();
    cache.invalidate::<Person>(&1).await.unwrap_err();
    assert_eq!(
        *seen.0.lock().unwrap(),
        [Operation::Read, Operation::Invalidate]
    );
}

#[tokio::test]
async fn an_entity_under_a_key_that_is_not_its_own_is_returned_and_not_stored() {
    struct Repo {
        cache: CacheService<InMemoryBackend>,
    }
    impl Repo {
        #[cached]
        async fn find_by_age(&self, age: u64) -> Option<Person> {
            let _ = age;
            Some(ada())
        }
    }
    let repo = Repo {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(repo.find_by_age(36).await, Some(ada()));
    assert_eq!(
        repo.cache.look_up::<Person>(&36).await.unwrap(),
        Found::Miss
    );
    assert_eq!(counts(&repo.cache).failures, 1);
}
