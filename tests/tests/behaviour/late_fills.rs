//! The order of a fill and of the landing of its flight. In memory the fill comes first: a caller
//! that finds no flight finds the entry. Where the store is far away the landing comes first: no
//! caller waits for a fill, and a caller that comes before its end joins the flight.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{Distant, Paced, RecordingMetrics, settle, soon};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::yield_now;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "film", ttl = "1h", negative_ttl = "1h", key = id, index(title))]
struct Film {
    id: u64,
    title: String,
}

fn film(id: u64) -> Film {
    Film {
        id,
        title: format!("title {id}"),
    }
}

#[derive(Clone)]
struct Films<B: CacheBackend> {
    cache: CacheService<B>,
    metrics: RecordingMetrics,
    loads: Arc<AtomicU64>,
}

impl<B: CacheBackend + Debug> Films<B> {
    fn new(backend: B) -> Self {
        let metrics = RecordingMetrics::default();
        let builder = CacheService::builder(backend).metrics(metrics.clone());
        Self {
            cache: builder.build().unwrap(),
            metrics,
            loads: Arc::default(),
        }
    }

    async fn load(&self, id: u64) -> Result<Option<Film>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        for _ in 0..20 {
            yield_now().await;
        }
        Ok((id < 100).then(|| film(id)))
    }

    #[cached]
    async fn find(&self, id: u64) -> Result<Option<Film>, Error> {
        self.load(id).await
    }

    #[cached(prefix = "length", ttl = "1h")]
    async fn length(&self, id: u64) -> Result<u64, Error> {
        self.load(id).await.map(|_| id)
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> Result<Vec<Film>, Error> {
        let mut films = Vec::new();
        for id in ids {
            films.extend(self.load(*id).await?);
        }
        Ok(films)
    }

    #[cached(index = title)]
    async fn find_by_title(&self, title: &str) -> Result<Option<Film>, Error> {
        let id = title.strip_prefix("title ").and_then(|id| id.parse().ok());
        self.load(id.unwrap_or(100)).await
    }

    fn loads(&self) -> u64 {
        self.loads.swap(0, Ordering::SeqCst)
    }

    /// How many keys have a flight.
    fn flights(&self) -> usize {
        let shown = format!("{:?}", self.cache);
        let (_, rest) = shown.split_once("flights: ").unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }

    /// The loads, the fills, and the answers by another caller's load, in order.
    fn steps(&self) -> Vec<String> {
        let mut steps = self.metrics.take();
        steps.retain(|step| ["load:found", "fill", "coalesced"].contains(&step.as_str()));
        steps
    }
}

fn far() -> (Distant, Films<Distant>) {
    let store = Distant::new(ByteBackend::default());
    (store.clone(), Films::new(store))
}

#[tokio::test]
async fn far_away_a_finder_and_its_followers_are_answered_before_the_fill() {
    let (store, films) = far();
    store.hold_next_fill();
    let (one, two, three) =
        soon(async { tokio::join!(films.find(1), films.find(1), films.list(&[1])) }).await;
    assert_eq!((one.unwrap(), two.unwrap()), (Some(film(1)), Some(film(1))));
    assert_eq!(three.unwrap(), [film(1)]);
    assert_eq!(films.loads(), 1);
    assert_eq!(films.steps(), ["load:found", "coalesced", "coalesced"]);
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!(films.steps(), ["fill"]);
}

#[tokio::test]
async fn far_away_a_caller_before_the_end_of_a_fill_joins_the_flight() {
    let (store, films) = far();
    store.hold_next_fill();
    films.find(1).await.unwrap();
    assert_eq!(films.flights(), 1, "callers can still join it");
    assert_eq!(soon(films.find(1)).await.unwrap(), Some(film(1)));
    assert_eq!(soon(films.list(&[1])).await.unwrap(), [film(1)]);
    let load = || async { films.load(1).await };
    let by_hand = soon(films.cache.get_or_load(&1, load)).await.unwrap();
    assert_eq!(by_hand.as_deref(), Some(&film(1)));
    assert_eq!((films.loads(), films.cache.stats().fills), (1, 0));
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!(films.flights(), 0);
    films.find(1).await.unwrap();
    assert_eq!((films.loads(), films.cache.stats().hits), (0, 1));
}

#[tokio::test]
async fn far_away_a_caller_before_the_end_of_the_fill_of_a_value_joins_the_flight() {
    let (store, films) = far();
    store.hold_next_fill();
    for _ in 0..3 {
        assert_eq!(soon(films.length(1)).await.unwrap(), 1);
        assert_eq!(films.flights(), 1);
    }
    assert_eq!((films.loads(), films.cache.stats().fills), (1, 0));
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 1));
}

#[tokio::test]
async fn far_away_a_caller_before_the_end_of_the_fill_of_an_absence_joins_the_flight() {
    let (store, films) = far();
    store.hold_next_fill();
    for _ in 0..3 {
        assert_eq!(soon(films.find(500)).await.unwrap(), None);
    }
    assert_eq!((films.loads(), films.cache.stats().fills), (1, 0));
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 1));
}

#[tokio::test]
async fn far_away_a_caller_before_the_end_of_the_fill_of_a_batch_joins_its_flights() {
    let (store, films) = far();
    store.hold_next_fill();
    assert_eq!(soon(films.list(&[1, 2])).await.unwrap().len(), 2);
    assert_eq!(films.flights(), 2);
    assert_eq!(soon(films.find(1)).await.unwrap(), Some(film(1)));
    assert_eq!(soon(films.list(&[2, 1])).await.unwrap().len(), 2);
    assert_eq!((films.loads(), films.cache.stats().fills), (2, 0));
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 2));
}

#[tokio::test]
async fn far_away_a_caller_before_the_end_of_the_fill_of_an_index_look_up_joins_the_flight() {
    let (store, films) = far();
    films.find_by_title("title 1").await.unwrap();
    films.cache.run_pending_tasks().await.unwrap();
    films.loads();
    store.hold_next_fill();
    for _ in 0..3 {
        let found = soon(films.find_by_title("title 1")).await.unwrap();
        assert_eq!(found, Some(film(1)));
        assert_eq!(soon(films.find(1)).await.unwrap(), Some(film(1)));
    }
    assert_eq!((films.loads(), films.cache.stats().fills), (1, 1));
    store.release_fill();
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 2));
}

#[tokio::test]
async fn far_away_a_caller_after_an_invalidation_does_not_join_a_flight_whose_fill_is_pending() {
    let (store, films) = far();
    store.hold_next_fill();
    films.list(&[1, 2]).await.unwrap();
    films.cache.invalidate::<Film>(&1).await.unwrap();
    soon(films.list(&[1, 2])).await.unwrap();
    assert_eq!(films.loads(), 3, "of 2 the flight was joined");
    store.release_fill();
    settle().await;
    films.cache.run_pending_tasks().await.unwrap();
    assert_eq!(films.cache.stats().superseded_fills, 1);
    assert_eq!(films.flights(), 0);
}

/// A leader and followers over a store whose fill takes two awaits.
async fn together<B: CacheBackend + Debug + Clone>(films: &Films<B>) -> Vec<String> {
    let (one, two, three) =
        soon(async { tokio::join!(films.find(1), films.find(1), films.list(&[1])) }).await;
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(three.unwrap().len(), 1);
    films.steps()
}

#[tokio::test]
async fn in_memory_the_fill_comes_before_the_landing() {
    let films = Films::new(Paced::in_memory(&ManualClock::new()));
    let steps = together(&films).await;
    assert_eq!(steps, ["load:found", "fill", "coalesced", "coalesced"]);
    let films = Films::new(Paced::near(&ManualClock::new()));
    let steps = together(&films).await;
    assert_eq!(steps, ["load:found", "fill", "coalesced", "coalesced"]);
}

#[tokio::test]
async fn far_away_the_landing_comes_before_the_fill() {
    let films = Films::new(Paced::far(&ManualClock::new()));
    let mut steps = together(&films).await;
    films.cache.run_pending_tasks().await.unwrap();
    steps.extend(films.steps());
    assert_eq!(steps, ["load:found", "coalesced", "coalesced", "fill"]);
}

#[tokio::test]
async fn in_memory_the_fills_of_a_batch_come_before_its_landings() {
    let films = Films::new(Paced::in_memory(&ManualClock::new()));
    let (all, one, other) =
        soon(async { tokio::join!(films.list(&[1, 2]), films.find(1), films.find(2)) }).await;
    assert_eq!(
        all.unwrap(),
        [one.unwrap().unwrap(), other.unwrap().unwrap()]
    );
    let wanted = ["load:found", "fill", "fill", "coalesced", "coalesced"];
    assert_eq!(films.steps(), wanted);
}

#[tokio::test]
async fn in_memory_the_flight_is_over_when_its_caller_is_answered() {
    let films = Films::new(Paced::in_memory(&ManualClock::new()));
    films.find(1).await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 1));
    films.list(&[2, 3]).await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 3));
    films.length(1).await.unwrap();
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 4));
}

#[tokio::test]
async fn without_a_runtime_to_go_on_with_the_fill_is_waited_for() {
    let films = Films::new(Paced::far(&ManualClock::new()));
    let load = films.clone();
    let thread = std::thread::spawn(move || futures::executor::block_on(load.find(1)));
    assert_eq!(thread.join().unwrap().unwrap(), Some(film(1)));
    assert_eq!((films.flights(), films.cache.stats().fills), (0, 1));
}
