//! A store that does not answer, and does again.

use cache_kit::prelude::*;
use cache_kit::{Error, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, settle, soon};
use std::sync::Arc;

fn person(id: u64, name: &str) -> Person {
    Person {
        id,
        name: name.into(),
    }
}

/// What a store does not answer that is told of clears and invalidations all the same.
const DEAF: &[Operation] = &[Operation::Read, Operation::Open];

#[tokio::test]
async fn who_comes_after_a_clear_is_not_given_an_older_load_even_if_reads_fail() {
    let backend = Faulty::default();
    backend.set(DEAF, Behaviour::Down);
    let cache = CacheService::new(backend);
    let gate = Arc::new(tokio::sync::Notify::new());
    let old = tokio::spawn({
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        async move {
            let load = || async {
                gate.notified().await;
                Ok::<_, Error>(Some(person(1, "old")))
            };
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    cache.clear_prefix::<Person>().await.unwrap();
    let new = tokio::spawn({
        let cache = cache.clone();
        async move {
            cache
                .get_or_load(&1, || async { Ok::<_, Error>(Some(person(1, "new"))) })
                .await
        }
    });
    settle().await;
    gate.notify_one();
    old.await.unwrap().unwrap();
    assert_eq!(soon(new).await.unwrap().unwrap().unwrap().name, "new");
}

#[tokio::test]
async fn a_put_that_stored_nothing_because_the_store_failed_says_so() {
    let backend = Faulty::default();
    let cache = CacheService::new(backend.clone());
    backend.set(DEAF, Behaviour::Down);
    let put = cache.put(person(1, "Ada")).await;
    backend.set(DEAF, Behaviour::Works);
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
    assert!(matches!(put, Err(Error::BackendError(_))), "{put:?}");
}

#[tokio::test]
async fn nothing_is_not_asked_of_the_store() {
    let backend = Faulty::default();
    let cache = CacheService::new(backend.clone());
    assert!(cache.get_many::<Person>(&[]).await.is_empty());
    cache.invalidate_many::<Person>(&[]).await.unwrap();
    let calls = [Operation::Read, Operation::Invalidate].map(|asked| backend.calls(asked));
    assert_eq!(calls, [0, 0]);
}
