//! A master is replaced, a shard is gone, a slot moves: callers go on, and nothing stale comes of
//! it.

mod fleet;
mod moves;
mod sentinels;
mod shards;

use super::support::{
    BOUND, Callers, RECOVERY, Service, backend, named, recovery, service, stored,
};
use cache_kit::RedisBackend;
use cache_kit::prelude::*;
use cache_kit_tests::{Cluster, Person, RedisServer, Sentinels, Source, until};
use fleet::{Fleet, near_and_far};
use std::time::Instant;

/// How a master is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    Killed,
    Frozen,
    /// Nothing is wrong with it; it is told to make way.
    Demoted,
}

impl Loss {
    fn begin(self, master: &RedisServer) {
        match self {
            Self::Killed => master.kill(),
            Self::Frozen => master.freeze(),
            Self::Demoted => {}
        }
    }

    async fn end(self, fleet: &Fleet, old: &RedisServer) {
        match self {
            Self::Killed => old.restart().await,
            Self::Frozen => old.thaw(),
            Self::Demoted => {}
        }
        fleet.wait_until_whole().await;
        assert_eq!(old.info("role").await, "slave");
    }
}

/// Two processes that share a cache.
struct Pair {
    backend: RedisBackend,
    cache: Service,
    elsewhere: RedisBackend,
}

impl Pair {
    fn of(fleet: &Fleet) -> Self {
        let backend = backend(fleet.config());
        Self {
            cache: service(&backend),
            backend,
            elsewhere: self::backend(fleet.config()),
        }
    }

    /// Stores what will be out of date, and waits until the replicas have it too.
    async fn store(&self, fleet: &Fleet, id: u64) {
        self.cache.put(named(id, "old")).await.expect("it works");
        assert_eq!(stored(&self.elsewhere, id).await.unwrap(), "old");
        fleet.wait_until_replicated(id).await;
    }

    /// Evicts what no Redis can be told of. The caller is told that it is done, so this process
    /// must not believe what Redis has from now on.
    async fn evict(&self, id: u64) {
        let evicting = self
            .cache
            .evict_with::<Person, _, _>(&id, || async { true });
        assert!(evicting.await);
        assert_eq!(self.backend.pending_invalidations(), 1);
        assert_eq!(self.cache.get::<Person>(&id).await.unwrap(), None);
        let source = Source::default();
        let load = || source.fetch_by_id(&id);
        let loaded = self.cache.get_or_load::<Person, _, _>(&id, load).await;
        assert_eq!(loaded.unwrap().as_deref(), Some(&Source::row(id)));
    }

    /// What was evicted reaches the new master, which had it, and so everybody.
    async fn assert_evicted(&self, id: u64) {
        until("Redis knows everything", || async {
            (self.backend.pending_invalidations() == 0).then_some(())
        })
        .await;
        let left = until("the other process has come back", || async {
            stored(&self.elsewhere, id).await.ok()
        })
        .await;
        assert_eq!(left, "nothing");
    }
}

/// Loses the master of an id under load, and gets it back.
async fn endure(fleet: &Fleet, loss: Loss, id: u64) {
    let pair = Pair::of(fleet);
    let callers = Callers::start(&pair.cache, 4, 0..20);
    callers.go_on(100).await;
    let old = fleet.master_of(id).await;
    let evicted = fleet.sibling_of(old).await;
    pair.store(fleet, evicted).await;

    fleet.hold(old).await;
    if loss != Loss::Demoted {
        loss.begin(old);
        until("Redis is away", || async {
            pair.cache.health().await.is_err().then_some(())
        })
        .await;
        pair.evict(evicted).await;
        callers.go_on(500).await;
    }
    let told = Instant::now();
    fleet.replace(old).await;
    fleet.wait_for_successor(old, id).await;
    eprintln!("{loss:?}: replaced after {:?}", told.elapsed());
    let took = recovery(&format!("{loss:?}"), &pair.cache, id).await;
    assert!(took < RECOVERY, "{loss:?}: {took:?}");
    if loss != Loss::Demoted {
        pair.assert_evicted(evicted).await;
    }

    loss.end(fleet, old).await;
    old.command(&["CONFIG", "RESETSTAT"]).await;
    callers.go_on(200).await;
    assert_not_asked(old).await;
    let took = recovery("whole again", &pair.cache, id).await;
    assert!(took < RECOVERY, "{loss:?}: {took:?}");
    callers.stop().await.assert_unharmed(BOUND);
}

/// A replica's answers may be old.
async fn assert_not_asked(replica: &RedisServer) {
    let stats: String = replica.query(&["INFO", "commandstats"]).await;
    for asked in ["cmdstat_mget:", "cmdstat_evalsha:", "cmdstat_eval:"] {
        let mut lines = stats.lines();
        let done = lines.find_map(|line| line.strip_prefix(asked));
        // In a cluster it may have sent us on.
        assert!(
            done.is_none_or(|done| done.starts_with("calls=0,")),
            "{stats}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refreshes_never_notices_that_sentinel_replaces_a_master() {
    let fleet = Fleet::Sentinels(Sentinels::start().await);
    for loss in [Loss::Killed, Loss::Frozen, Loss::Demoted] {
        endure(&fleet, loss, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refreshes_never_notices_that_a_replica_takes_over_a_shard() {
    let cluster = Cluster::start().await;
    let (near, far) = near_and_far(&cluster, 0..20).await;
    let fleet = Fleet::Cluster(cluster);
    for (loss, id) in [
        (Loss::Killed, far[0]),
        (Loss::Frozen, near[0]),
        (Loss::Demoted, far[0]),
    ] {
        endure(&fleet, loss, id).await;
    }
}
