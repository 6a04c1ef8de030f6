//! Services made by `to_builder` share their flights, their throttle of failed loads, and their
//! early refreshes.

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{clocked_cache, settle, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const SECOND: Duration = Duration::from_secs(1);

/// So eager that every read near the end loads, however short a load was.
const EAGER: f64 = 1e15;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "score", ttl = "10s", key = id)]
struct Score {
    id: u64,
    version: u64,
}

/// A repository that counts, can be held back, and can fail. Siblings share it.
#[derive(Clone)]
struct Scores {
    cache: CacheService<InMemoryBackend>,
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    is_held: Arc<watch::Sender<bool>>,
}

impl Scores {
    fn new() -> (Self, ManualClock) {
        let (cache, clock) = clocked_cache();
        let scores = Self {
            cache,
            loads: Arc::default(),
            fails: Arc::default(),
            is_held: Arc::default(),
        };
        (scores, clock)
    }

    /// The same repository behind a service with a setting of its own.
    fn sibling(&self) -> Self {
        let builder = self.cache.to_builder().backend_deadline(SECOND * 7);
        Self {
            cache: builder.build().unwrap(),
            ..self.clone()
        }
    }

    async fn load(&self, id: u64) -> Result<Score, Error> {
        let version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let mut is_held = self.is_held.subscribe();
        let _ = is_held.wait_for(|is_held| !is_held).await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok(Score { id, version })
    }

    #[cached]
    async fn find(&self, id: u64) -> Result<Score, Error> {
        self.load(id).await
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> Result<Vec<Score>, Error> {
        let mut found = Vec::new();
        for id in ids {
            found.push(self.load(*id).await?);
        }
        Ok(found)
    }

    #[cached(prefix = "best", ttl = "10s")]
    async fn best(&self, team: u64) -> Result<u64, Error> {
        Ok(self.load(team).await?.version)
    }

    #[cached(stale_if_error = "1m", error_throttle = "5s")]
    async fn find_at_all(&self, id: u64) -> Result<Score, Error> {
        self.load(id).await
    }

    #[cached(early_refresh = EAGER)]
    async fn find_early(&self, id: u64) -> Result<Score, Error> {
        self.load(id).await
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    fn hold(&self) {
        self.is_held.send_replace(true);
    }

    fn release(&self) {
        self.is_held.send_replace(false);
    }
}

#[tokio::test]
async fn siblings_share_a_flight() {
    let (scores, _) = Scores::new();
    let sibling = scores.sibling();
    scores.hold();
    let leader = tokio::spawn({
        let scores = scores.clone();
        async move { scores.find(1).await.unwrap() }
    });
    settle().await;
    let follower = tokio::spawn({
        let sibling = sibling.clone();
        async move { sibling.find(1).await.unwrap() }
    });
    let batch = tokio::spawn({
        let sibling = sibling.clone();
        async move { sibling.list(&[1]).await.unwrap() }
    });
    settle().await;
    assert!(!follower.is_finished() && !batch.is_finished());
    scores.release();
    let found = soon(leader).await.unwrap();
    assert_eq!(soon(follower).await.unwrap(), found);
    assert_eq!(soon(batch).await.unwrap(), [found]);
    assert_eq!(scores.loads(), 1);
    assert_eq!(scores.cache.stats().coalesced, 0);
    assert_eq!(sibling.cache.stats().coalesced, 2, "each counts its own");
}

#[tokio::test]
async fn siblings_share_the_flight_of_a_value() {
    let (scores, _) = Scores::new();
    let sibling = scores.sibling();
    scores.hold();
    let both = tokio::spawn({
        let (scores, sibling) = (scores.clone(), sibling.clone());
        async move { tokio::join!(scores.best(1), sibling.best(1)) }
    });
    settle().await;
    scores.release();
    let (one, other) = soon(both).await.unwrap();
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert_eq!(scores.loads(), 1);
}

#[tokio::test]
async fn a_sibling_takes_over_from_a_leader_that_is_cancelled() {
    let (scores, _) = Scores::new();
    let sibling = scores.sibling();
    scores.hold();
    let leader = tokio::spawn({
        let scores = scores.clone();
        async move { scores.find(1).await }
    });
    settle().await;
    let follower = tokio::spawn(async move { sibling.find(1).await.unwrap() });
    settle().await;
    leader.abort();
    scores.release();
    assert_eq!(soon(follower).await.unwrap().version, 2);
    assert_eq!(scores.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn siblings_share_the_throttle_of_a_load_that_failed() {
    let (scores, clock) = Scores::new();
    let sibling = scores.sibling();
    assert_eq!(scores.find_at_all(1).await.unwrap().version, 1);
    clock.advance(SECOND * 11);
    scores.fails.store(true, Ordering::SeqCst);
    assert_eq!(scores.find_at_all(1).await.unwrap().version, 1, "stale");
    assert_eq!(scores.loads(), 2);
    for _ in 0..3 {
        assert_eq!(sibling.find_at_all(1).await.unwrap().version, 1);
    }
    assert_eq!(scores.loads(), 2, "the sibling is throttled too");
    scores.fails.store(false, Ordering::SeqCst);
    tokio::time::advance(SECOND * 6).await;
    assert_eq!(sibling.find_at_all(1).await.unwrap().version, 3);
    assert_eq!(scores.loads(), 3);
}

#[tokio::test]
async fn siblings_share_what_early_draws_know_and_load_one_at_a_time() {
    let (scores, clock) = Scores::new();
    let sibling = scores.sibling();
    scores.find_early(1).await.unwrap();
    clock.advance(SECOND * 9);
    scores.hold();
    // The sibling has loaded nothing: it knows the load times of the other service.
    assert_eq!(sibling.find_early(1).await.unwrap().version, 1);
    settle().await;
    assert_eq!(scores.loads(), 2, "the sibling draws");
    for _ in 0..3 {
        assert_eq!(scores.find_early(1).await.unwrap().version, 1);
        settle().await;
    }
    assert_eq!(scores.loads(), 2, "one early load at a time");
    scores.release();
    // Each service waits for the tasks of both.
    scores.cache.run_pending_tasks().await.unwrap();
    assert_eq!(scores.find(1).await.unwrap().version, 2);
    assert_eq!(sibling.cache.stats().refreshes, 1);
    assert_eq!(scores.cache.stats().refreshes, 0);
}

#[tokio::test]
async fn an_invalidation_by_one_takes_the_others_flight_out_of_reach() {
    let (scores, _) = Scores::new();
    let sibling = scores.sibling();
    scores.hold();
    let old = tokio::spawn({
        let scores = scores.clone();
        async move { scores.find(1).await.unwrap() }
    });
    settle().await;
    sibling.cache.invalidate::<Score>(&1).await.unwrap();
    let new = tokio::spawn({
        let scores = scores.clone();
        async move { scores.find(1).await.unwrap() }
    });
    settle().await;
    assert_eq!(scores.loads(), 2, "no caller joins the older load");
    scores.release();
    assert_eq!(soon(old).await.unwrap().version, 1);
    assert_eq!(soon(new).await.unwrap().version, 2);
    assert_eq!(sibling.find(1).await.unwrap().version, 2);
}
