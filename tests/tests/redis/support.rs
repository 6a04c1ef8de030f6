//! What the tests of outages share: backends with short deadlines, and a look at what a server
//! holds.

use cache_kit::prelude::*;
use cache_kit::{
    FailurePolicy, RedisBackend, RedisConfig,
    store::{Lookup, Shape},
};
use cache_kit_tests::{Cluster, Person, RedisServer, Sentinels, Source, until};
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long a backend waits for an answer.
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);

/// How long it may take until hits come back: the longest pause of the breaker, an attempt that is
/// under way, and as much again.
pub(crate) const RECOVERY: Duration = Duration::from_secs(3);

/// How long a machine may be busy with other things.
pub(crate) const SLACK: Duration = Duration::from_millis(1500);

/// How long a call may take: a look-up and a permit, each behind another one of the same key.
pub(crate) const BOUND: Duration = DEADLINE.saturating_mul(4).saturating_add(SLACK);

pub(crate) type Service = CacheService<RedisBackend>;

/// What finds a server, or a proxy, at an address.
pub(crate) fn config(addr: impl Display) -> RedisConfig {
    let config: RedisConfig = format!("redis://{addr}").parse().expect("a URL");
    hasty(config)
}

pub(crate) fn sentinel_config(sentinels: &Sentinels) -> RedisConfig {
    let addresses = addresses(sentinels.sentinels());
    let addresses = addresses.iter().map(String::as_str);
    RedisConfig::sentinel(sentinels.master_name(), addresses).expect("addresses")
}

pub(crate) fn cluster_config(cluster: &Cluster) -> RedisConfig {
    let addresses = addresses(cluster.nodes());
    RedisConfig::cluster(addresses.iter().map(String::as_str)).expect("addresses")
}

fn addresses(servers: &[RedisServer]) -> Vec<String> {
    let addresses = servers.iter().map(|server| server.addr().to_string());
    addresses.collect()
}

pub(crate) fn hasty(config: RedisConfig) -> RedisConfig {
    config.deadline(DEADLINE).connect_deadline(2 * DEADLINE)
}

pub(crate) fn backend(config: RedisConfig) -> RedisBackend {
    RedisBackend::new(config).expect("a config that works")
}

pub(crate) fn service(backend: &RedisBackend) -> Service {
    CacheService::new(backend.clone())
}

pub(crate) fn strict_or_not(backend: &RedisBackend, policy: FailurePolicy) -> Service {
    let builder = CacheService::builder(backend.clone()).failure_policy(policy);
    builder.build().expect("settings that work")
}

pub(crate) fn named(id: u64, name: &str) -> Person {
    Person {
        id,
        name: name.to_owned(),
    }
}

pub(crate) fn key_of(id: u64) -> CacheKey {
    CacheKey::of::<Person>(None, &id).expect("a key that can be")
}

/// What a backend finds under a key, by name; "absent" for the word that there is nobody, and
/// "nothing" for a miss.
pub(crate) async fn stored(backend: &RedisBackend, id: u64) -> cache_kit::Result<String> {
    let mut found = backend.read(&[key_of(id)], Shape::of::<Person>()).await;
    Ok(match found.pop().expect("one key, one answer")? {
        Lookup::Hit { value, .. } => {
            let person: &Person = value.downcast_ref().expect("a person");
            person.name.clone()
        }
        Lookup::Absent { .. } => "absent".to_owned(),
        _ => "nothing".to_owned(),
    })
}

/// Callers who ask for `Refresh` over and over, each the next of some ids.
pub(crate) struct Callers {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Tally>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    calls: AtomicU64,
}

/// What callers have come across.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) errors: Vec<String>,
    pub(crate) slowest: Duration,
}

impl Callers {
    pub(crate) fn start(cache: &Service, count: u64, ids: impl IntoIterator<Item = u64>) -> Self {
        let shared = Arc::new(Shared::default());
        let ids: Vec<_> = ids.into_iter().collect();
        let call = |number| {
            let ids = ids
                .clone()
                .into_iter()
                .cycle()
                .skip(usize::try_from(number).unwrap_or(0));
            tokio::spawn(keep_calling(cache.clone(), ids, Arc::clone(&shared)))
        };
        let tasks = (0..count).map(call).collect();
        Self { shared, tasks }
    }

    /// Waits until there have been so many calls more.
    pub(crate) async fn go_on(&self, more: u64) {
        let wanted = self.shared.calls.load(Ordering::SeqCst) + more;
        until("callers have come further", || async {
            (self.shared.calls.load(Ordering::SeqCst) >= wanted).then_some(())
        })
        .await;
    }

    pub(crate) async fn stop(self) -> Tally {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let mut all = Tally::default();
        for task in self.tasks {
            let tally = task.await.expect("no panic");
            all.calls += tally.calls;
            all.errors.extend(tally.errors);
            all.slowest = all.slowest.max(tally.slowest);
        }
        all
    }
}

impl Tally {
    /// Nobody has got an error, or waited for too long.
    pub(crate) fn assert_unharmed(&self, bound: Duration) {
        eprintln!("{} calls, the slowest took {:?}", self.calls, self.slowest);
        assert!(self.errors.is_empty(), "{:?}", self.errors);
        assert!(self.slowest < bound, "a call took {:?}", self.slowest);
    }
}

async fn keep_calling(
    cache: Service,
    ids: impl Iterator<Item = u64>,
    shared: Arc<Shared>,
) -> Tally {
    let (source, mut tally) = (Source::default(), Tally::default());
    for id in ids {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let begun = Instant::now();
        let load = || source.fetch_by_id(&id);
        let found: cache_kit::Result<Option<Arc<Person>>> = cache.get_or_load(&id, load).await;
        tally.slowest = tally.slowest.max(begun.elapsed());
        tally.calls += 1;
        match found {
            Ok(Some(person)) if person.id == id => {}
            other => tally.errors.push(format!("{other:?}")),
        }
        shared.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tally
}

/// Waits for the first hit from Redis, and says how long that took.
pub(crate) async fn recovery(what: &str, cache: &Service, id: u64) -> Duration {
    let begun = Instant::now();
    until("hits come back", || async {
        let found = cache.get::<Person>(&id).await;
        matches!(found, Ok(Some(_))).then_some(())
    })
    .await;
    let took = begun.elapsed();
    eprintln!("{what}: hits came back after {took:?}");
    took
}

/// Waits until replicas have everything that their master has now.
pub(crate) async fn wait_until_replicated(master: &RedisServer, replicas: &[&RedisServer]) {
    let wanted: u64 = master.info("master_repl_offset").await.parse().unwrap();
    for replica in replicas {
        until("a replica has what its master has", || async {
            let offset: u64 = replica.info("slave_repl_offset").await.parse().ok()?;
            (offset >= wanted).then_some(())
        })
        .await;
    }
}
