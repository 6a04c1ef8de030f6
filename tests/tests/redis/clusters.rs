//! What is different in a cluster: prefixes have nodes of their own, and what is known of them here
//! may lag behind.

use crate::support::cluster_config;
use cache_kit::RedisBackend;
use cache_kit::prelude::*;
use cache_kit_tests::{Cluster, Person, Source, soon, until};
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

const LAG: Duration = Duration::from_millis(500);

fn cache_in(cluster: &Cluster) -> CacheService<RedisBackend> {
    let config = cluster_config(cluster)
        .clear_lag(LAG)
        .deadline(Duration::from_secs(5));
    CacheService::new(RedisBackend::new(config).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_that_was_cleared_elsewhere_is_seen_so_within_the_lag_however_often_it_is_read() {
    let cluster = Cluster::start().await;
    let (here, elsewhere) = (cache_in(&cluster), cache_in(&cluster));
    here.put(Source::row(1)).await.unwrap();
    assert!(elsewhere.get::<Person>(&1).await.unwrap().is_some());
    assert!(here.get::<Person>(&1).await.unwrap().is_some());
    elsewhere.clear_prefix::<Person>().await.unwrap();
    // Whoever clears sees it at once.
    assert!(elsewhere.get::<Person>(&1).await.unwrap().is_none());
    let cleared = Instant::now();
    until("the clear to be seen", async || {
        here.get::<Person>(&1)
            .await
            .unwrap()
            .is_none()
            .then_some(())
    })
    .await;
    assert!(
        cleared.elapsed() < LAG + Duration::from_secs(1),
        "{:?}",
        cleared.elapsed()
    );
    // And what is loaded from then on is stored for both.
    let source = Source::default();
    let load = || source.fetch_by_id(&1);
    here.get_or_load::<Person, _, _>(&1, load).await.unwrap();
    until("the fill", async || {
        elsewhere.get::<Person>(&1).await.unwrap().map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_asked_of_all_nodes_at_once_and_answered_in_order() {
    let cluster = Cluster::start().await;
    let cache = cache_in(&cluster);
    let source = Source::default();
    let ids: Vec<u64> = (0..300).rev().chain([7, 7, 300]).collect();
    let found = cache.load_many::<Person, _>(&ids, &source).await;
    let found: Vec<_> = found
        .into_iter()
        .map(|person| person.unwrap().unwrap().id)
        .collect();
    assert_eq!((found, source.loads()), (ids.clone(), 301));
    until("the fills", async || {
        (cache.stats().fills == 301).then_some(())
    })
    .await;
    let found = cache.get_many::<Person>(&ids).await;
    assert!(found.iter().all(|person| matches!(person, Ok(Some(_)))));
    cache.invalidate_many::<Person>(&ids).await.unwrap();
    let found = cache.get_many::<Person>(&ids).await;
    assert!(found.iter().all(|person| matches!(person, Ok(None))));
}

/// The first call finds out who has which slot, for all others too.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_polled_no_more_holds_nobody_up() {
    let cluster = Cluster::start().await;
    let cache = cache_in(&cluster);
    let mut held = Box::pin(cache.get::<Person>(&1));
    let is_pending = poll_fn(|context| Poll::Ready(held.as_mut().poll(context).is_pending()));
    assert!(is_pending.await);
    soon(cache.put(Source::row(2))).await.unwrap();
    assert!(soon(cache.get::<Person>(&2)).await.unwrap().is_some());
    assert!(soon(held).await.unwrap().is_none());
}
