//! A hit that hands out an `Arc` takes nothing from the heap.

use allocation_counter::measure;
use cache_kit::prelude::*;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Enough for the store to do its own housekeeping many times over (it does so every few dozen
/// reads).
const HITS: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "station", ttl = "1h", key = code, negative_ttl = "1m")]
struct Station {
    code: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "train", ttl = "1h", key = number)]
struct Train {
    number: u64,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "stop", ttl = "1h", key = (code, number))]
struct Stop {
    code: String,
    number: u64,
    platform: String,
}

#[derive(Debug, PartialEq)]
struct NotCached;

/// Repositories that have nothing: what is found was cached.
struct Timetable {
    cache: CacheService<InMemoryBackend>,
}

impl Timetable {
    fn cached() -> Self {
        let cache = CacheService::new(InMemoryBackend::new());
        let (code, name) = ("ZUE".to_owned(), "Zürich".to_owned());
        ready(cache.put(Station { code, name })).expect("stored");
        let (number, name) = (714, "a name that is longer than a word".to_owned());
        ready(cache.put(Train { number, name })).expect("stored");
        let (code, platform) = ("ZUE".to_owned(), "31".to_owned());
        ready(cache.put(Stop {
            code,
            number,
            platform,
        }))
        .expect("stored");
        let load = || async { Ok::<_, NotCached>(None) };
        let unknown = "XXX".to_owned();
        let absent = ready(cache.get_or_load::<Station, _, _>(&unknown, load));
        assert_eq!(absent, Ok(None));
        Self { cache }
    }

    #[cached(strategy = Refresh)]
    async fn station(&self, code: &str) -> Result<Option<Arc<Station>>, NotCached> {
        Err(NotCached)
    }

    #[cached(strategy = Refresh)]
    async fn train(&self, number: u64) -> Result<Arc<Train>, NotCached> {
        Err(NotCached)
    }

    #[cached(strategy = Refresh)]
    async fn stop(&self, code: &str, number: u64) -> Result<Option<Arc<Stop>>, NotCached> {
        Err(NotCached)
    }

    #[cached(strategy = Fresh)]
    async fn fresh_train(&self, number: u64) -> Option<Arc<Train>> {
        None
    }

    #[cached(strategy = Refresh)]
    async fn train_by_value(&self, number: u64) -> Result<Train, NotCached> {
        Err(NotCached)
    }
}

/// Polls once: a hit does not wait, and the test must not count a runtime's allocations.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waited"),
    }
}

/// Counts the allocations of a hit. moka tidies up after every 64th read or so, and where something
/// was written before, its reclamation then takes a node for its queue. No other hit may differ.
fn allocations_of<T>(mut hit: impl FnMut() -> T) -> u64 {
    let mut counts: Vec<_> = (0..HITS)
        .map(|_| measure(|| drop(hit())).count_total)
        .collect();
    counts.sort_unstable();
    let typical = counts[counts.len() / 2];
    let others = counts.iter().filter(|count| **count != typical).count();
    assert!(others <= counts.len() / 64, "{others} hits differ");
    typical
}

#[test]
fn annotated_method_with_a_str_key() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| {
        let station = ready(timetable.station("ZUE"));
        assert!(matches!(station, Ok(Some(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn annotated_method_with_a_number_as_key() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| assert!(ready(timetable.train(714)).is_ok()));
    assert_eq!(count, 0);
}

#[test]
fn annotated_method_with_a_composite_key() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| {
        let stop = ready(timetable.stop("ZUE", 714));
        assert!(matches!(stop, Ok(Some(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn annotated_method_that_never_loads() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| assert!(ready(timetable.fresh_train(714)).is_some()));
    assert_eq!(count, 0);
}

#[test]
fn get_by_hand() {
    let timetable = Timetable::cached();
    let key = StopKey::new("ZUE", 714);
    let count = allocations_of(|| {
        let stop = ready(timetable.cache.get::<Stop>(&key));
        assert!(matches!(stop, Ok(Some(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn get_or_load_by_hand() {
    let timetable = Timetable::cached();
    let code = "ZUE".to_owned();
    let count = allocations_of(|| {
        let load = || async { Err(NotCached) };
        let station = ready(timetable.cache.get_or_load::<Station, _, _>(&code, load));
        assert!(matches!(station, Ok(Some(_))));
    });
    assert_eq!(count, 0);
}

#[test]
fn absent_entry() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| assert_eq!(ready(timetable.station("XXX")), Ok(None)));
    assert_eq!(count, 0);
}

/// Shows that the counter counts.
#[test]
fn a_hit_by_value_is_one_clone() {
    let timetable = Timetable::cached();
    let count = allocations_of(|| assert!(ready(timetable.train_by_value(714)).is_ok()));
    assert_eq!(count, 1);
}
