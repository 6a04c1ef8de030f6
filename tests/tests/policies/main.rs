//! Each policy, declared by an attribute and written by hand, in memory under a turned clock and on
//! a real Redis: the same.

mod by_hand;
mod declared;
mod stage;

use cache_kit::Error;
use cache_kit::prelude::*;
use stage::{FRESH, Stage, Ways};
use std::time::Duration;

/// Tests a policy four times.
macro_rules! everywhere {
    ($($policy:ident)*) => {$(
        mod $policy {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn declared_in_memory() {
                let stage = Stage::in_memory();
                super::$policy(&stage, &declared::Shop::on(&stage)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn by_hand_in_memory() {
                let stage = Stage::in_memory();
                super::$policy(&stage, &by_hand::Shop::on(&stage)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn declared_on_redis() {
                let stage = Stage::on_redis().await;
                super::$policy(&stage, &declared::Shop::on(&stage)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn by_hand_on_redis() {
                let stage = Stage::on_redis().await;
                super::$policy(&stage, &by_hand::Shop::on(&stage)).await;
            }
        }
    )*};
}

everywhere! {
    ttl
    negative_ttl
    jitter
    stale_while_revalidate
    stale_if_error
    early_refresh
    value_decided_lifetime
    condition
    unless
    soft_timeout
    hard_timeout
    retry
    tags
    tags_of_the_value
    clearing
}

/// What a call returns, and how often the repository has been asked until then.
macro_rules! assert_found {
    ($stage:ident, $call:expr, $found:expr, $loads:expr) => {
        let found = $call.await;
        $stage.settle().await;
        assert_eq!((found, $stage.loads()), ($found, $loads));
    };
}

async fn ttl<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.plain(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.plain(1), Ok(Some(1)), 1);
    stage.pass(FRESH).await;
    assert_found!(stage, ways.plain(1), Ok(Some(2)), 2);
}

async fn negative_ttl<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    stage.source.set_absent(true);
    assert_found!(stage, ways.plain(1), Ok(None), 1);
    stage.source.set_absent(false);
    assert_found!(stage, ways.plain(1), Ok(None), 1);
    stage.pass(FRESH).await;
    assert_found!(stage, ways.plain(1), Ok(Some(2)), 2);
}

/// Of many that are stored together some have ended before the others.
async fn jitter<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    for id in 0..64 {
        ways.jittered(id).await.unwrap();
    }
    stage.settle().await;
    assert_eq!(stage.loads(), 64);
    stage.pass(stage::LONG / 2).await;
    for id in 0..64 {
        ways.jittered(id).await.unwrap();
    }
    let ended = stage.loads() - 64;
    assert!((1..64).contains(&ended), "{ended} have ended");
}

async fn stale_while_revalidate<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.revalidated(1), Ok(Some(1)), 1);
    stage.pass(FRESH).await;
    assert_found!(stage, ways.revalidated(1), Ok(Some(1)), 2);
    assert_found!(stage, ways.revalidated(1), Ok(Some(2)), 2);
    stage.pass(FRESH).await;
    stage.invalidate_all().await;
    assert_found!(stage, ways.revalidated(1), Ok(Some(3)), 3);
}

async fn stale_if_error<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.forgiven(1), Ok(Some(1)), 1);
    stage.pass(FRESH).await;
    stage.source.set_failing(u64::MAX);
    for _ in 0..3 {
        // It is asked once; then the throttle holds.
        assert_found!(stage, ways.forgiven(1), Ok(Some(1)), 2);
    }
    stage.invalidate_all().await;
    let refused = ways.forgiven(1).await;
    assert_eq!(
        refused,
        Err("repository failed: the database is down".to_owned())
    );
}

async fn early_refresh<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.early(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.early(1), Ok(Some(1)), 2);
    stage.source.set_failing(u64::MAX);
    assert_found!(stage, ways.early(1), Ok(Some(2)), 3);
}

async fn value_decided_lifetime<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.decided(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.decided(1), Ok(Some(1)), 1);
    stage.pass(FRESH).await;
    assert_found!(stage, ways.decided(1), Ok(Some(2)), 2);
}

async fn condition<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.conditional(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.conditional(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.conditional(1000), Ok(Some(2)), 2);
    assert_found!(stage, ways.conditional(1000), Ok(Some(3)), 3);
}

async fn unless<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    // The first version is not wanted, the second is.
    assert_found!(stage, ways.unless_first(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.unless_first(1), Ok(Some(2)), 2);
    assert_found!(stage, ways.unless_first(1), Ok(Some(2)), 2);
}

async fn soft_timeout<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.soft(1), Ok(Some(1)), 1);
    stage.pass(FRESH).await;
    stage.source.set_time(Duration::from_millis(150));
    assert_found!(stage, ways.soft(1), Ok(Some(1)), 2);
    assert_found!(stage, ways.soft(1), Ok(Some(2)), 2);
}

async fn hard_timeout<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    stage.source.set_time(Duration::from_secs(3600));
    let late = ways.hard(1).await;
    assert_eq!(late, Err(Error::Timeout.to_string()));
    stage.source.set_time(Duration::ZERO);
    assert_found!(stage, ways.hard(1), Ok(Some(2)), 2);
}

async fn retry<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    stage.source.set_failing(2);
    assert_found!(stage, ways.retried(1), Ok(Some(3)), 3);
    stage.source.set_failing(3);
    stage.invalidate_all().await;
    assert!(ways.retried(1).await.is_err());
    assert_eq!(stage.loads(), 6);
}

async fn tags<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    for id in [1, 2] {
        ways.tagged(id).await.unwrap();
    }
    assert_found!(stage, ways.tagged(1), Ok(Some(1)), 2);
    stage.cache.invalidate_tag("id:1").await.unwrap();
    assert_found!(stage, ways.tagged(2), Ok(Some(2)), 2);
    assert_found!(stage, ways.tagged(1), Ok(Some(3)), 3);
}

async fn tags_of_the_value<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.labelled(1), Ok(Some(1)), 1);
    assert_found!(stage, ways.labelled(1), Ok(Some(1)), 1);
    stage.cache.invalidate_tag("version:2").await.unwrap();
    assert_found!(stage, ways.labelled(1), Ok(Some(1)), 1);
    stage.cache.invalidate_tag("version:1").await.unwrap();
    assert_found!(stage, ways.labelled(1), Ok(Some(2)), 2);
}

async fn clearing<B: CacheBackend>(stage: &Stage<B>, ways: &impl Ways) {
    assert_found!(stage, ways.plain(1), Ok(Some(1)), 1);
    ways.clear().await;
    assert_found!(stage, ways.plain(1), Ok(Some(2)), 2);
    stage.invalidate_all().await;
    assert_found!(stage, ways.plain(1), Ok(Some(3)), 3);
}
