//! A store that is far away: nobody waits for a fill, and nothing is loaded twice for it.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{AnyBackend, Error};
use cache_kit_tests::{Distant, Person, Source, settle, soon};

fn far() -> (Distant, CacheService<Distant>, Source) {
    let store = Distant::new(ByteBackend::default());
    let cache = CacheService::new(store.clone());
    (store, cache, Source::default())
}

async fn find<B: CacheBackend>(cache: &CacheService<B>, source: &Source) -> Option<String> {
    let found = cache.get_or_load::<Person, _, _>(&1, || source.fetch_by_id(&1));
    found.await.unwrap().map(|person| person.name.clone())
}

#[tokio::test]
async fn a_caller_has_what_was_loaded_before_it_is_stored() {
    let (store, cache, source) = far();
    store.hold_next_fill();
    assert_eq!(soon(find(&cache, &source)).await.as_deref(), Some("new"));
    assert_eq!(cache.stats().fills, 0);
    store.release_fill();
    settle().await;
    assert_eq!(cache.stats().fills, 1);
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn who_comes_before_it_is_stored_is_given_the_same_and_loads_nothing() {
    let (store, cache, source) = far();
    store.hold_next_fill();
    find(&cache, &source).await;
    assert_eq!(soon(find(&cache, &source)).await.as_deref(), Some("new"));
    let many = cache.load_many::<Person, _>(&[1], &source).await;
    assert!(matches!(&many[..], [Ok(Some(_))]));
    assert_eq!((source.loads(), cache.stats().coalesced), (1, 2));
    store.release_fill();
    settle().await;
    find(&cache, &source).await;
    assert_eq!((source.loads(), cache.stats().hits), (1, 1));
}

#[tokio::test]
async fn who_comes_after_an_invalidation_is_not_given_what_is_about_to_be_stored() {
    let (store, cache, source) = far();
    store.hold_next_fill();
    find(&cache, &source).await;
    cache.invalidate::<Person>(&1).await.unwrap();
    find(&cache, &source).await;
    assert_eq!(source.loads(), 2);
    store.release_fill();
    settle().await;
    assert_eq!(cache.stats().superseded_fills, 1);
}

/// Where absence is an error of its own.
#[derive(Clone)]
struct Strict(CacheService<Distant>);

impl Strict {
    #[cached(cache = self.0)]
    async fn find(&self, id: u64) -> cache_kit::Result<Person> {
        Ok(Source::row(id))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_use_for_what_is_about_to_be_stored_loads_at_once() {
    let (store, cache, source) = far();
    source.set(cache_kit_tests::Says::HasNot);
    store.hold_next_fill();
    assert_eq!(find(&cache, &source).await, None);
    let person = soon(tokio::spawn(async move { Strict(cache).find(1).await })).await;
    assert_eq!(person.expect("no panic").expect("a row"), Source::row(1));
    store.release_fill();
}

#[tokio::test]
async fn a_batch_does_not_wait_for_its_fill_either() {
    let (store, cache, source) = far();
    store.hold_next_fill();
    let many = soon(cache.load_many::<Person, _>(&[1, 2], &source)).await;
    assert_eq!(many.len(), 2);
    assert_eq!(find(&cache, &source).await.as_deref(), Some("new"));
    assert_eq!((source.loads(), cache.stats().fills), (2, 0));
    store.release_fill();
    settle().await;
    assert_eq!(cache.stats().fills, 2);
}

#[tokio::test]
async fn who_is_to_be_told_of_a_failing_cache_waits_for_the_fill() {
    let (store, cache, source) = far();
    let strict = cache.to_builder().failure_policy(FailurePolicy::Propagate);
    let strict = strict.build().unwrap();
    store.hold_next_fill();
    let mut finding = tokio::spawn({
        let (strict, source) = (strict.clone(), source.clone());
        async move { find(&strict, &source).await }
    });
    settle().await;
    assert!(futures::poll!(&mut finding).is_pending());
    store.release_fill();
    assert!(soon(finding).await.unwrap().is_some());
    assert_eq!(strict.stats().fills, 1);
}

#[tokio::test]
async fn a_backend_that_is_chosen_at_run_time_is_as_far_away_as_it_is() {
    let store = Distant::new(ByteBackend::default());
    let cache = CacheService::new(AnyBackend::new(store.clone()));
    let source = Source::default();
    store.hold_next_fill();
    assert!(soon(find(&cache, &source)).await.is_some());
    store.release_fill();
    assert!(!AnyBackend::new(InMemoryBackend::new()).is_remote());
}

#[tokio::test]
async fn a_load_that_fails_is_not_given_to_who_comes_later() {
    let (_, cache, source) = far();
    source.set(cache_kit_tests::Says::Fails(Error::transient("down")));
    let failed = cache.get_or_load::<Person, _, _>(&1, || source.fetch_by_id(&1));
    assert!(failed.await.is_err());
    source.set(cache_kit_tests::Says::Has);
    assert!(find(&cache, &source).await.is_some());
}
