//! How often Redis is asked, as a proxy in front of it counts.

use cache_kit::prelude::*;
use cache_kit::{RedisBackend, RedisConfig};
use cache_kit_tests::{Counts, Person, Proxy, RedisServer, Source, Traffic, until};
use futures::future::join_all;
use std::time::{Duration, Instant};

/// A service behind a proxy, its connection made and its scripts known to the server.
struct Line {
    server: RedisServer,
    proxy: Proxy,
    cache: CacheService<RedisBackend>,
    source: Source,
}

impl Line {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.addr()).await;
        let cache = cache_at(&format!("redis://{}", proxy.addr()));
        let line = Self {
            server,
            proxy,
            cache,
            source: Source::default(),
        };
        line.find(1000).await;
        line.until_stored(1000).await;
        line.cache.put(Source::row(1001)).await.unwrap();
        line
    }

    async fn find(&self, id: u64) -> Option<String> {
        let load = || self.source.fetch_by_id(&id);
        let found = self.cache.get_or_load::<Person, _, _>(&id, load).await;
        found.unwrap().map(|person| person.name.clone())
    }

    async fn find_many(&self, ids: &[u64]) -> usize {
        let found = self.cache.load_many::<Person, _>(ids, &self.source).await;
        found
            .into_iter()
            .filter(|person| matches!(person, Ok(Some(_))))
            .count()
    }

    /// Waits for a fill, past the proxy.
    async fn until_stored(&self, id: u64) {
        let near = cache_at(&self.server.url());
        until("a fill", async || {
            near.get::<Person>(&id).await.unwrap().map(drop)
        })
        .await;
    }

    /// What something costs.
    async fn cost<T>(&self, work: impl AsyncFnOnce() -> T) -> (T, Counts) {
        let before = self.proxy.counts();
        let output = work().await;
        (output, self.proxy.counts().since(&before))
    }
}

fn cache_at(url: &str) -> CacheService<RedisBackend> {
    let config: RedisConfig = url.parse().expect("a URL");
    let config = config.deadline(Duration::from_secs(5));
    let backend = RedisBackend::new(config).expect("a config that works");
    let cache = CacheService::builder(backend).backend_deadline(Duration::from_secs(10));
    cache.build().expect("settings that work")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_one_round_trip() {
    let line = Line::new().await;
    let (found, cost) = line.cost(async || line.find(1000).await).await;
    assert_eq!((found.as_deref(), cost.round_trips), (Some("new"), 1));
    assert_eq!(line.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_two_round_trips_and_one_that_nobody_waits_for() {
    let line = Line::new().await;
    let leg = Duration::from_millis(100);
    line.proxy.set(Traffic::Delayed(leg)).await;
    let begun = Instant::now();
    let (found, cost) = line.cost(async || line.find(1).await).await;
    let took = begun.elapsed();
    assert_eq!((found.as_deref(), cost.round_trips), (Some("new"), 2));
    assert!(took >= leg * 4 && took < leg * 6, "{took:?}");
    line.until_stored(1).await;
    until("the answer to the fill", async || {
        (line.proxy.counts().open > 0 && line.cache.stats().fills == 2).then_some(())
    })
    .await;
    line.proxy.set(Traffic::Passes).await;
    let (_, cost) = line.cost(async || line.find(1).await).await;
    assert_eq!((line.source.loads(), cost.round_trips), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_and_a_clear_are_one_round_trip_and_a_put_is_two() {
    let line = Line::new().await;
    let cache = &line.cache;
    let (told, cost) = line
        .cost(async || cache.invalidate::<Person>(&1000).await)
        .await;
    assert_eq!((told.is_ok(), cost.round_trips), (true, 1));
    let (told, cost) = line
        .cost(async || cache.clear_prefix::<Person>().await)
        .await;
    assert_eq!((told.is_ok(), cost.round_trips), (true, 1));
    let (told, cost) = line.cost(async || cache.put(Source::row(7)).await).await;
    assert_eq!((told.is_ok(), cost.round_trips), (true, 2));
    let ids: Vec<u64> = (0..900).collect();
    let (told, cost) = line
        .cost(async || cache.invalidate_many::<Person>(&ids).await)
        .await;
    assert_eq!((told.is_ok(), cost.round_trips), (true, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_costs_what_a_single_key_costs() {
    let line = Line::new().await;
    let ids: Vec<u64> = (0..200).collect();
    let (found, cost) = line.cost(async || line.find_many(&ids).await).await;
    // The fill may or may not be seen yet: nobody waits for it.
    assert_eq!(found, 200);
    assert!((2..=5).contains(&cost.round_trips), "{cost:?}");
    line.until_stored(199).await;
    let (found, cost) = line.cost(async || line.find_many(&ids).await).await;
    assert_eq!((found, cost.round_trips), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_read_a_piece_at_a_time() {
    let line = Line::new().await;
    let ids: Vec<u64> = (0..1400).collect();
    line.find_many(&ids).await;
    line.until_stored(1399).await;
    let (found, cost) = line.cost(async || line.find_many(&ids).await).await;
    assert_eq!((found, line.source.loads()), (1400, 1399));
    assert!((3..=6).contains(&cost.round_trips), "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_a_hot_key_share_what_is_on_the_wire() {
    let line = Line::new().await;
    line.proxy
        .set(Traffic::Delayed(Duration::from_millis(20)))
        .await;
    let (found, cost) = line
        .cost(async || join_all((0..1000).map(|_| line.find(1000))).await)
        .await;
    assert!(found.iter().all(Option::is_some));
    // Two reads and two permits at most, and a fill; on a busy machine each by itself.
    assert!(cost.round_trips <= 6, "{cost:?}");
    assert_eq!(line.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stampede_on_a_cold_key_opens_and_loads_once() {
    let line = Line::new().await;
    line.source.set_time(Duration::from_millis(50));
    let (found, cost) = line
        .cost(async || join_all((0..1000).map(|_| line.find(5))).await)
        .await;
    assert!(found.iter().all(Option::is_some));
    assert_eq!(line.source.loads(), 2);
    // As many as fit into the time that a thousand callers take to come, and nowhere near one each.
    assert!(cost.round_trips <= 250, "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_an_invalidation_is_not_given_a_read_from_before_it() {
    let line = Line::new().await;
    let near = cache_at(&line.server.url());
    for round in 0..10 {
        near.put(Source::row(1000)).await.unwrap();
        line.proxy
            .set(Traffic::Delayed(Duration::from_millis(30)))
            .await;
        let mut early = Box::pin(line.cache.get::<Person>(&1000));
        // On its way back, with the old value.
        let in_time = tokio::time::timeout(Duration::from_millis(45), early.as_mut()).await;
        near.invalidate::<Person>(&1000).await.unwrap();
        let late = line.cache.get::<Person>(&1000).await.unwrap();
        assert_eq!(late, None, "round {round}");
        if in_time.is_err() {
            let _ = early.await;
        }
        line.proxy.set(Traffic::Passes).await;
    }
}

/// Annotated functions over the same line.
struct Declared {
    cache: CacheService<RedisBackend>,
    source: Source,
}

impl Declared {
    #[cached]
    async fn many(&self, ids: &[u64]) -> cache_kit::Result<Vec<Person>> {
        self.source.fetch_by_ids(ids).await
    }

    #[cached(prefix = "names", ttl = "1m")]
    async fn names(&self, first: u64, count: u64) -> cache_kit::Result<Vec<String>> {
        let ids: Vec<_> = (first..first + count).collect();
        let people = self.source.fetch_by_ids(&ids).await?;
        Ok(people.into_iter().map(|person| person.name).collect())
    }

    #[cached(index = name)]
    async fn by_name(&self, name: &str) -> cache_kit::Result<Option<Member>> {
        let _ = self.source.fetch_by_id(&7).await?;
        Ok(Some(Member {
            id: 7,
            name: name.to_owned(),
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "member", ttl = "1m", key = id, index(name))]
struct Member {
    id: u64,
    name: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_a_list_are_one_round_trip_and_an_index_is_two() {
    let line = Line::new().await;
    let declared = Declared {
        cache: line.cache.clone(),
        source: line.source.clone(),
    };
    let (found, cost) = line
        .cost(async || declared.many(&[1, 2, 1]).await.unwrap().len())
        .await;
    assert_eq!((found, cost.round_trips), (3, 2), "a miss of many");
    line.cache.run_pending_tasks().await.unwrap();
    let (_, cost) = line
        .cost(async || declared.names(1, 2).await.unwrap())
        .await;
    assert_eq!(cost.round_trips, 2, "a miss of a value");
    for _ in 0..2 {
        declared.by_name("ada").await.unwrap();
        line.cache.run_pending_tasks().await.unwrap();
    }
    let loads = line.source.loads();
    let (found, cost) = line
        .cost(async || declared.many(&[2, 1]).await.unwrap().len())
        .await;
    assert_eq!((found, cost.round_trips), (2, 1));
    let (found, cost) = line
        .cost(async || declared.names(1, 2).await.unwrap())
        .await;
    assert_eq!((found.len(), cost.round_trips), (2, 1));
    let (found, cost) = line
        .cost(async || declared.by_name("ada").await.unwrap())
        .await;
    assert_eq!(
        (found.unwrap().id, cost.round_trips),
        (7, 2),
        "where it is, and what it is"
    );
    assert_eq!(line.source.loads(), loads);
    // Another process, which has loaded nothing.
    let other = Declared {
        cache: cache_at(&line.server.url()),
        source: Source::default(),
    };
    assert_eq!(other.by_name("ada").await.unwrap().unwrap().id, 7);
    assert_eq!(other.names(1, 2).await.unwrap().len(), 2);
    assert_eq!(other.source.loads(), 0);
    // A write by one is seen by the other at once.
    other
        .cache
        .put(Member {
            id: 7,
            name: "bob".into(),
        })
        .await
        .unwrap();
    let found = declared.by_name("ada").await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), line.source.loads()),
        ("ada", loads + 1),
        "it asked"
    );
}
