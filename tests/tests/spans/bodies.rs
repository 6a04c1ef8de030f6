//! The events of a body lie in the `cache_load` span of its load, before and after an await. That
//! span lies in the `cache_call` span of its call; a batch has none.

use super::traced;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, Retry};
use cache_kit_tests::{clocked_cache, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::yield_now;
use tracing::Level;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "song", ttl = "1s", stale_while_revalidate = "1m", key = id, index(title))]
struct Song {
    id: u64,
    title: String,
}

/// Emits an event before an await and one after it.
async fn sing(what: &str) {
    tracing::info!("{what} begins");
    yield_now().await;
    tracing::info!("{what} ends");
}

fn song(id: u64) -> Song {
    Song {
        id,
        title: format!("title {id}"),
    }
}

#[derive(Clone)]
struct Songs<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
}

impl<B: CacheBackend> Songs<B> {
    fn over(cache: CacheService<B>) -> Self {
        let loads = Arc::default();
        Self { cache, loads }
    }

    #[cached(refresh = inline)]
    async fn find(&self, id: u64) -> Result<Song, Error> {
        sing("find").await;
        Ok(song(id))
    }

    #[cached(refresh = background)]
    async fn find_in_background(&self, id: u64) -> Result<Song, Error> {
        sing("refresh").await;
        Ok(song(id))
    }

    #[cached(prefix = "length", ttl = "1m")]
    async fn length(&self, id: u64) -> u64 {
        sing("length").await;
        id
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> Vec<Song> {
        sing("list").await;
        ids.iter().map(|id| song(*id)).collect()
    }

    #[cached(index = title)]
    async fn find_by_title(&self, title: &str) -> Option<Song> {
        sing("title").await;
        let id = title.strip_prefix("title ")?.parse().ok()?;
        Some(song(id))
    }

    #[cached(strategy = Bypass)]
    async fn find_beside(&self, id: u64) -> Result<Song, Error> {
        sing("beside").await;
        Ok(song(id))
    }

    #[cached(strategy = Invalidate)]
    async fn find_anew(&self, id: u64) -> Result<Song, Error> {
        sing("anew").await;
        Ok(song(id))
    }

    #[cached(hard_timeout = "1m", refresh = inline)]
    async fn find_in_time(&self, id: u64) -> Result<Song, Error> {
        sing("in time").await;
        Ok(song(id))
    }

    #[cached(retry = Retry::new(1).first_delay(Duration::ZERO))]
    async fn find_again(&self, id: u64) -> Result<Song, Error> {
        sing("again").await;
        match self.loads.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::transient("busy")),
            _ => Ok(song(id)),
        }
    }

    #[cached(prefix = "album", ttl = "1m")]
    async fn album(&self, id: u64) -> u64 {
        sing("album").await;
        self.length(id).await
    }
}

/// The events of bodies, each with its spans.
fn said(lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter();
    lines
        .filter_map(|line| line.strip_prefix("INFO ").map(str::to_owned))
        .collect()
}

/// Both events of a body, in these spans.
fn both(spans: &str, what: &str) -> [String; 2] {
    ["begins", "ends"].map(|end| format!("{spans}: {what} {end}"))
}

/// The spans of a call, and of a load in it.
fn call(prefix: &str, strategy: &str) -> String {
    let load = load(prefix);
    format!(r#"cache_call{{prefix="{prefix}" strategy={strategy}}}:{load}"#)
}

fn load(prefix: &str) -> String {
    format!(r#"cache_load{{prefix="{prefix}"}}"#)
}

async fn each_kind_of_body<B: CacheBackend>(songs: Songs<B>) {
    let traced = traced(Level::DEBUG).await;
    let refresh = |prefix: &str| call(prefix, "Refresh");

    songs.find(1).await.unwrap();
    assert_eq!(said(traced.log.take()), both(&refresh("song"), "find"));

    songs.length(1).await;
    assert_eq!(said(traced.log.take()), both(&refresh("length"), "length"));

    songs.list(&[11, 12]).await;
    assert_eq!(said(traced.log.take()), both(&refresh("song"), "list"));

    // The first load stores the key of the entity, the second one the entity.
    for prefix in ["song.title", "song"] {
        songs.find_by_title("title 21").await.unwrap();
        assert_eq!(said(traced.log.take()), both(&refresh(prefix), "title"));
        songs.cache.run_pending_tasks().await.unwrap();
    }

    songs.find_beside(1).await.unwrap();
    let beside = both(&call("song", "Bypass"), "beside");
    assert_eq!(said(traced.log.take()), beside);

    songs.find_anew(1).await.unwrap();
    let anew = both(&call("song", "Invalidate"), "anew");
    assert_eq!(said(traced.log.take()), anew);

    songs.find_in_time(31).await.unwrap();
    assert_eq!(said(traced.log.take()), both(&refresh("song"), "in time"));

    songs.find_again(41).await.unwrap();
    let tries = [
        both(&refresh("song"), "again"),
        both(&refresh("song"), "again"),
    ];
    assert_eq!(said(traced.log.take()), tries.concat());

    songs.album(51).await;
    let outer = refresh("album");
    let inner = format!("{outer}:{}", refresh("length"));
    let both = [both(&outer, "album"), both(&inner, "length")];
    assert_eq!(said(traced.log.take()), both.concat());
}

#[tokio::test]
async fn the_events_of_each_kind_of_body_lie_in_its_load() {
    each_kind_of_body(Songs::over(CacheService::new(InMemoryBackend::new()))).await;
    each_kind_of_body(Songs::over(CacheService::new(ByteBackend::default()))).await;
}

#[tokio::test]
async fn the_events_of_a_load_by_hand_lie_in_its_load() {
    let traced = traced(Level::DEBUG).await;
    let cache = CacheService::new(InMemoryBackend::new());
    let load_one = || async {
        sing("by hand").await;
        Ok::<_, Error>(Some(song(1)))
    };
    cache.get_or_load(&1, load_one).await.unwrap();
    let by_hand = both(&call("song", "Refresh"), "by hand");
    assert_eq!(said(traced.log.take()), by_hand);
    let load_many = |ids: Vec<u64>| async {
        sing("many").await;
        Ok::<_, Error>(ids.into_iter().map(song).collect())
    };
    let found = cache.get_or_load_many::<Song, _, _>(&[2, 3], load_many);
    found.await.unwrap();
    let many = both(&call("song", "Refresh"), "many");
    assert_eq!(said(traced.log.take()), many);
}

#[tokio::test]
async fn the_events_of_a_refresh_by_a_task_lie_in_the_span_of_the_refresh() {
    let traced = traced(Level::DEBUG).await;
    let (cache, clock) = clocked_cache();
    let songs = Songs::over(cache);
    songs.cache.put(song(1)).await.unwrap();
    clock.advance(Duration::from_secs(2));
    songs.find_in_background(1).await.unwrap();
    songs.cache.run_pending_tasks().await.unwrap();
    let spans = format!(r#"cache_refresh{{prefix="song"}}:{}"#, load("song"));
    assert_eq!(said(traced.log.take()), both(&spans, "refresh"));
}

/// The body that a follower runs after a cancelled leader lies in the spans of the follower.
#[tokio::test]
async fn a_body_lies_in_the_spans_of_the_caller_that_runs_it() {
    use tracing::Instrument as _;
    let traced = traced(Level::DEBUG).await;
    let songs = Songs::over(CacheService::new(InMemoryBackend::new()));
    let mut leader = Box::pin(songs.find(1).instrument(tracing::info_span!("one")));
    let mut follower = Box::pin(songs.find(1).instrument(tracing::info_span!("two")));
    assert!(futures::poll!(&mut leader).is_pending());
    assert!(futures::poll!(&mut follower).is_pending());
    drop(leader);
    soon(follower).await.unwrap();
    let spans = |caller: &str| format!("{caller}:{}", call("song", "Refresh"));
    let [cancelled, _] = both(&spans("one"), "find");
    let [begins, ends] = both(&spans("two"), "find");
    let said = said(traced.log.take());
    let said: Vec<_> = said
        .into_iter()
        .filter(|line| !line.ends_with(": new"))
        .collect();
    assert_eq!(said, [cancelled, begins, ends]);
}

struct Sums {
    cache: CacheService<InMemoryBackend>,
}

impl Sums {
    #[cached(prefix = "sum", ttl = "1m")]
    fn sum(&self, of: u64) -> u64 {
        tracing::info!("sum");
        of
    }

    #[cached]
    fn find(&self, id: u64) -> Option<Song> {
        tracing::info!("find");
        Some(song(id))
    }
}

#[tokio::test]
async fn a_synchronous_function_has_the_spans_of_a_call_and_of_its_load() {
    let traced = traced(Level::DEBUG).await;
    let sums = Sums {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    sums.sum(1);
    sums.find(1);
    let lines = traced.log.take();
    for prefix in ["sum", "song"] {
        let load = format!("DEBUG {}: new", call(prefix, "Refresh"));
        let begun = lines.iter().filter(|line| **line == load).count();
        assert_eq!(begun, 1, "{lines:?}");
    }
}

#[tokio::test]
async fn what_a_function_that_does_not_wait_says_lies_in_its_load() {
    let traced = traced(Level::DEBUG).await;
    let sums = Sums {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    sums.sum(1);
    let spans = call("sum", "Refresh");
    assert_eq!(said(traced.log.take()), [format!("{spans}: sum")]);
    sums.find(1);
    let spans = call("song", "Refresh");
    assert_eq!(said(traced.log.take()), [format!("{spans}: find")]);
}
