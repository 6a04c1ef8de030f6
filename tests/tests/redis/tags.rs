//! What carries a tag is dropped in all processes, and so is what they load meanwhile.

use super::fixtures::Store;
use super::support::{Service, backend, cluster_config, config, hasty};
use cache_kit::prelude::*;
use cache_kit::{Cached, Error, RedisConfig};
use cache_kit_tests::{Cluster, Proxy, RedisServer, Traffic, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

/// How long others may believe what they know.
const LAG: Duration = Duration::from_millis(300);

/// Tagged by what is known only when it is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "job", ttl = "1h", key = id, tags = ["employer:{employer}", "jobs"])]
struct Job {
    id: u64,
    employer: u64,
}

/// One process.
#[derive(Clone)]
struct Jobs {
    cache: Service,
    loads: Arc<AtomicU64>,
    is_held: Arc<watch::Sender<bool>>,
}

impl Jobs {
    fn new(config: RedisConfig) -> Self {
        let cache = CacheService::builder(backend(config.clear_lag(LAG)))
            .namespace("billing")
            .lease_deadline(Duration::ZERO);
        Self {
            cache: cache.build().expect("settings that work"),
            loads: Arc::default(),
            is_held: Arc::default(),
        }
    }

    async fn load(&self, id: u64) -> Result<Option<Job>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let mut is_held = self.is_held.subscribe();
        let _ = is_held.wait_for(|is_held| !is_held).await;
        Ok(Some(Job {
            id,
            employer: id % 10,
        }))
    }

    #[cached(tags = ["id:{id}"])]
    async fn find(&self, id: u64) -> Result<Option<Job>, Error> {
        self.load(id).await
    }

    /// Loads what is not there, and waits until it is stored.
    async fn fill(&self, id: u64) {
        self.find(id).await.unwrap();
        self.cache.run_pending_tasks().await.unwrap();
    }

    async fn has(&self, id: u64) -> bool {
        self.cache.get::<Job>(&id).await.unwrap().is_some()
    }

    async fn until_gone(&self, id: u64) -> Duration {
        let begun = Instant::now();
        until("an entry is gone", || async {
            (!self.has(id).await).then_some(())
        })
        .await;
        begun.elapsed()
    }
}

async fn check_tags(make: impl Fn() -> RedisConfig) {
    let (a, b) = (Jobs::new(make()), Jobs::new(make()));
    for id in [1, 2, 11] {
        a.fill(id).await;
        assert!(b.has(id).await);
    }
    a.cache.invalidate_tag("employer:1").await.unwrap();
    assert!(!a.has(1).await && !a.has(11).await && a.has(2).await);
    b.until_gone(1).await;
    b.until_gone(11).await;
    assert!(b.has(2).await);
    b.cache.invalidate_tag("id:2").await.unwrap();
    assert!(!b.has(2).await);
    a.until_gone(2).await;
    a.fill(1).await;
    assert!(a.has(1).await && b.has(1).await);
    // What is loaded in one process while another one drops its tag.
    for tag in ["employer:3", "id:3", "jobs"] {
        b.is_held.send_replace(true);
        let loads = b.loads.load(Ordering::SeqCst);
        let loading = tokio::spawn({
            let b = b.clone();
            async move { b.find(3).await }
        });
        until("it is being loaded", || async {
            (b.loads.load(Ordering::SeqCst) > loads).then_some(())
        })
        .await;
        a.cache.invalidate_tag(tag).await.unwrap();
        b.is_held.send_replace(false);
        assert!(loading.await.unwrap().unwrap().is_some());
        b.cache.run_pending_tasks().await.unwrap();
        a.until_gone(3).await;
        b.until_gone(3).await;
    }
}

#[tokio::test]
async fn a_tag_is_dropped_in_all_processes() {
    let server = RedisServer::start().await;
    check_tags(|| config(server.addr())).await;
}

#[tokio::test]
async fn a_tag_is_dropped_in_a_cluster() {
    let cluster = Cluster::start().await;
    check_tags(|| hasty(cluster_config(&cluster)).deadline(LONG)).await;
}

#[tokio::test]
async fn a_namespace_is_cleared_in_all_processes() {
    let server = RedisServer::start().await;
    check_namespaces(|| config(server.addr())).await;
}

#[tokio::test]
async fn a_namespace_is_cleared_in_a_cluster() {
    let cluster = Cluster::start().await;
    check_namespaces(|| hasty(cluster_config(&cluster)).deadline(LONG)).await;
}

async fn check_namespaces(config: impl Fn() -> RedisConfig) {
    let (a, b) = (Jobs::new(config()), Jobs::new(config()));
    let other = a.cache.to_builder().namespace("shop").build().unwrap();
    other.put(Job { id: 1, employer: 1 }).await.unwrap();
    a.fill(1).await;
    assert!(b.has(1).await);
    a.cache.clear_namespace().await.unwrap();
    assert!(!a.has(1).await);
    assert!(b.until_gone(1).await < LAG + Duration::from_secs(5));
    assert!(other.get::<Job>(&1).await.unwrap().is_some());
    b.fill(1).await;
    assert!(a.has(1).await && b.has(1).await);
}

#[tokio::test]
async fn a_tag_that_redis_cannot_be_told_of_is_dropped_here_at_once_and_everywhere_in_the_end() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let (a, b) = (
        Jobs::new(config(proxy.addr())),
        Jobs::new(config(server.addr())),
    );
    a.fill(1).await;
    assert!(a.has(1).await && b.has(1).await);
    proxy.set(Traffic::Refused).await;
    assert!(a.cache.invalidate_tag("employer:1").await.is_err());
    assert_eq!(a.cache.backend().pending_invalidations(), 1);
    assert!(b.has(1).await, "nobody was told");
    proxy.set(Traffic::Passes).await;
    until("Redis is told", || async {
        (a.cache.backend().pending_invalidations() == 0).then_some(())
    })
    .await;
    assert!(!a.has(1).await);
    b.until_gone(1).await;
}

#[tokio::test]
async fn the_guard_of_a_tag_outlives_what_carries_it_and_does_not_stay() {
    let store = Store::start().await;
    let jobs = Jobs::new(config(store.server.addr()));
    jobs.fill(1).await;
    let hour = 3_600_000;
    let names = store.names("ck:g:{billing::*").await;
    assert_eq!(names.len(), 4, "three tags and an epoch: {names:?}");
    for name in names {
        let left: i64 = store.ask(redis::cmd("PTTL").arg(&name)).await;
        if name == "ck:g:{billing::}:all" {
            assert_eq!(left, -1, "{name}");
        } else {
            assert!(left > hour && left <= 2 * hour, "{name}: {left}");
        }
    }
    // A lost guard is a miss.
    store.run(&["FLUSHALL"]).await;
    tokio::time::sleep(LAG).await;
    assert!(!jobs.has(1).await);
}

#[tokio::test]
async fn what_is_known_of_tags_costs_no_round_trip() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let make = |lag| {
        let backend = backend(config(proxy.addr()).clear_lag(lag));
        let builder = CacheService::builder(backend).namespace("billing");
        builder.build().expect("settings that work")
    };
    let (known, asked) = (make(LONG), make(Duration::ZERO));
    known.put(Job { id: 1, employer: 1 }).await.unwrap();
    for (cache, trips) in [(known, 1), (asked, 2)] {
        for _ in 0..2 {
            assert!(cache.get::<Job>(&1).await.unwrap().is_some());
        }
        let before = proxy.counts();
        assert!(cache.get::<Job>(&1).await.unwrap().is_some());
        assert_eq!(proxy.counts().since(&before).round_trips, trips);
    }
}

/// The guard was made for as long as the entity declares, and the entry lived longer by a policy.
#[tokio::test]
async fn the_guard_of_a_tag_lasts_as_long_as_an_entry_does_by_a_policy_or_by_itself() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "brief", ttl = "1m", key = id)]
    struct Brief {
        id: u64,
    }
    #[cached(tags = ["brief:{id}"])]
    async fn find(cache: &Service, id: u64) -> Result<Option<Brief>, Error> {
        Ok(Some(Brief { id }))
    }
    #[cached(tags = ["lasting:{id}"])]
    async fn find_lasting(cache: &Service, id: u64) -> Result<Cached<Option<Brief>>, Error> {
        Ok(Cached::new(Some(Brief { id })).ttl(DAY))
    }
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let store = Store::start().await;
    let plain = CacheService::new(backend(config(store.server.addr())));
    let decided = plain
        .to_builder()
        .ttl_policy(TtlPolicy::Fixed(DAY))
        .build()
        .unwrap();
    find(&decided, 1).await.unwrap();
    decided.run_pending_tasks().await.unwrap();
    find_lasting(&plain, 2).await.unwrap();
    plain.run_pending_tasks().await.unwrap();
    let names = store.names("ck:g:{::*").await;
    let mut lasting = 0;
    for name in names {
        let left: i64 = store.ask(redis::cmd("PTTL").arg(&name)).await;
        if left >= 0 {
            lasting += 1;
            assert!(left > 24 * 3_600_000, "{name}: {left}");
        }
    }
    assert_eq!(lasting, 2);
    for id in [1, 2] {
        assert!(plain.get::<Brief>(&id).await.unwrap().is_some());
    }
    plain.invalidate_tag("lasting:2").await.unwrap();
    assert!(plain.get::<Brief>(&2).await.unwrap().is_none());
}

/// What could not be told to one node was told to the others over and over, and who opened a key
/// there kept its lease.
#[tokio::test]
async fn a_clear_that_one_node_cannot_be_told_of_leaves_what_the_others_have() {
    let cluster = Cluster::start().await;
    let make = || Jobs::new(hasty(cluster_config(&cluster)).deadline(LONG));
    let (a, b) = (make(), make());
    // Another node than that of the prefix' guard, on which all keys depend.
    let own = cluster.master_of("ck:g:{billing:job}:all").await.addr();
    let mut masters = Vec::new();
    for slot in [0, 8000, 16_383] {
        masters.push(cluster.master_of_slot(slot).await);
    }
    let dead = masters.into_iter().find(|node| node.addr() != own).unwrap();
    cluster.replica_of(dead).await.kill();
    let mut spared = Vec::new();
    for id in 0..60 {
        let node = cluster
            .master_of(&format!("ck:g:{{billing:job:{id}}}"))
            .await;
        if node.addr() != dead.addr() {
            spared.push(id);
        }
    }
    // Without tags of its own, whose guards may be on any node.
    let fill = async |jobs: &Jobs, id: u64| {
        let load = || async { Ok::<_, Error>(Some(Plain { id })) };
        jobs.cache.get_or_load(&id, load).await.unwrap();
    };
    dead.kill();
    until("the clear is not told to all", || async {
        a.cache.clear_namespace().await.is_err().then_some(())
    })
    .await;
    for id in &spared {
        fill(&b, *id).await;
    }
    b.cache.run_pending_tasks().await.unwrap();
    tokio::time::sleep(4 * LAG).await;
    for id in &spared {
        fill(&b, *id).await;
    }
    b.cache.run_pending_tasks().await.unwrap();
    let before = b.cache.stats().loads;
    tokio::time::sleep(4 * LAG).await;
    for id in &spared {
        fill(&a, *id).await;
        fill(&b, *id).await;
    }
    let loads = b.cache.stats().loads - before;
    assert!(loads <= 2, "{loads} of {}", spared.len());
    assert!(a.cache.backend().pending_invalidations() > 0);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "job", ttl = "1h", key = id)]
struct Plain {
    id: u64,
}
