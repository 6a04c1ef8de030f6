//! A shard whose master is gone, and whose place nobody takes.

use super::Loss;
use super::fleet::{near_and_far, part};
use crate::support::{
    BOUND, Callers, SLACK, Service, backend, cluster_config, hasty, key_of, named, service, stored,
    strict_or_not,
};
use cache_kit::FailurePolicy::Propagate;
use cache_kit::prelude::*;
use cache_kit::{RedisBackend, RedisConfig};
use cache_kit_tests::{Cluster, Person, RedisServer, Source, until};
use std::sync::Arc;
use std::time::Duration;

/// A cluster of whose people some are at a shard that can be lost.
struct Town {
    cluster: Cluster,
    lost: Vec<u64>,
    others: Vec<u64>,
}

impl Town {
    /// Starts a cluster, and stores everyone by the name of "old".
    async fn found() -> Self {
        let cluster = Cluster::start().await;
        // Without the guard of a prefix none of its keys can be read.
        let (_, far) = near_and_far(&cluster, 0..30).await;
        let shard = cluster.master_of(key_of(far[0]).as_str()).await;
        let (lost, others) = part(&cluster, 0..30, shard).await;
        let town = Self {
            cluster,
            lost,
            others,
        };
        let cache = service(&backend(town.config()));
        for id in town.all() {
            cache.put(named(id, "old")).await.unwrap();
        }
        town
    }

    fn config(&self) -> RedisConfig {
        hasty(cluster_config(&self.cluster))
    }

    fn all(&self) -> Vec<u64> {
        [self.lost.as_slice(), &self.others].concat()
    }

    /// Loses a shard; returns its master and its replica.
    async fn lose(&self, loss: Loss) -> [&RedisServer; 2] {
        let key = key_of(self.lost[0]);
        let master = self.cluster.master_of(key.as_str()).await;
        let replica = self.cluster.replica_of(master).await;
        replica.kill();
        loss.begin(master);
        [master, replica]
    }

    /// Waits until Redis knows of everything, and nobody finds what was invalidated.
    async fn assert_honoured(&self, backend: &RedisBackend, ids: &[u64]) {
        until("Redis knows everything", || async {
            (backend.pending_invalidations() == 0).then_some(())
        })
        .await;
        let elsewhere = self::backend(self.config());
        for id in ids {
            assert_eq!(stored(&elsewhere, *id).await.unwrap(), "nothing");
        }
    }
}

type Found = cache_kit::Result<Option<Arc<Person>>>;

/// What is read of each, by name; "failed" for an error, and "nothing" for a miss.
fn names(found: Vec<Found>) -> Vec<String> {
    let name = |found: Found| match found {
        Ok(Some(person)) => person.name.clone(),
        Ok(None) => "nothing".to_owned(),
        Err(_) => "failed".to_owned(),
    };
    found.into_iter().map(name).collect()
}

/// One thing for each that is lost, and "old" for the others.
fn mixed(town: &Town, lost: &str) -> Vec<String> {
    let lost = town.lost.iter().map(|_| lost.to_owned());
    let others = town.others.iter().map(|_| "old".to_owned());
    lost.chain(others).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_fails_or_loads_only_the_keys_of_a_shard_that_is_gone() {
    let town = Town::found().await;
    let (all, backend) = (town.all(), backend(town.config()));
    let (strict, cache) = (strict_or_not(&backend, Propagate), service(&backend));
    cache.health().await.unwrap();
    for loss in [Loss::Frozen, Loss::Killed] {
        let [master, replica] = town.lose(loss).await;
        let source = Source::default();
        let found = names(strict.get_many(&all).await);
        assert_eq!(found, mixed(&town, "failed"), "{loss:?}");
        let found = names(strict.load_many::<Person, _>(&all, &source).await);
        assert_eq!(found, mixed(&town, "failed"), "{loss:?}");
        assert_eq!(source.loads(), 0);
        let found = names(cache.get_many(&all).await);
        assert_eq!(found, mixed(&town, "nothing"), "{loss:?}");
        let found = names(cache.load_many::<Person, _>(&all, &source).await);
        assert_eq!(found, mixed(&town, "new"), "{loss:?}");
        assert_eq!(source.loads(), town.lost.len());
        if loss == Loss::Frozen {
            master.thaw();
            replica.restart().await;
            town.cluster.wait_until_whole().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_invalidation_is_silently_lost_where_a_shard_is_gone() {
    let town = Town::found().await;
    let (all, backend) = (town.all(), backend(town.config()));
    let cache = service(&backend);
    cache.health().await.unwrap();
    let [master, replica] = town.lose(Loss::Frozen).await;

    let keys: Vec<_> = all.iter().map(|id| key_of(*id)).collect();
    let told = backend.invalidate(&keys).await;
    for (id, told) in all.iter().zip(told) {
        assert_eq!(told.is_err(), town.lost.contains(id), "{id}: {told:?}");
    }
    assert_eq!(backend.pending_invalidations(), town.lost.len());
    // Whom a new one asks first for the cluster's map may be the one that is gone.
    let elsewhere = self::backend(town.config().deadline(Duration::from_secs(10)));
    for id in &town.others {
        assert_eq!(stored(&elsewhere, *id).await.unwrap(), "nothing");
    }

    for id in &all {
        let _ = cache.put(named(*id, "old")).await;
    }
    assert!(cache.invalidate_many::<Person>(&all).await.is_err());
    let mut refused = Vec::new();
    for id in &all {
        let told = cache.invalidate::<Person>(id).await;
        refused.extend(told.is_err().then_some(*id));
        // The row is written all the same.
        let evicting = cache.evict_with::<Person, _, _>(id, || async { true });
        assert!(evicting.await);
        assert_eq!(cache.get::<Person>(id).await.unwrap(), None);
    }
    assert_eq!(refused, town.lost);

    master.thaw();
    replica.restart().await;
    town.assert_honoured(&backend, &all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_shards_are_owed_does_not_wait_for_one_that_is_gone() {
    let town = Town::found().await;
    let shard = town.cluster.master_of(key_of(town.lost[0]).as_str()).await;
    // More than is paid at once.
    let (lost, others) = part(&town.cluster, 0..4500, shard).await;
    assert!(lost.len() > 1000 && others.len() > 1000);
    let backend = backend(town.config());
    service(&backend).health().await.unwrap();
    town.lose(Loss::Frozen).await;
    let keys: Vec<_> = lost.iter().chain(&others).map(|id| key_of(*id)).collect();
    // Whoever called has gone: all of it is owed.
    let gone = tokio::time::timeout(Duration::ZERO, backend.invalidate(&keys)).await;
    assert!(gone.is_err() && backend.pending_invalidations() == keys.len());
    until("the others are told", || async {
        (backend.pending_invalidations() == lost.len()).then_some(())
    })
    .await;
}

/// Does so many reads of each that must be hits.
async fn hit_on(cache: &Service, ids: &[u64], times: usize) {
    for id in ids.iter().cycle().take(times * ids.len()) {
        let found = cache.get::<Person>(id).await.unwrap();
        assert_eq!(found.map(|person| person.id), Some(*id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_the_other_shards_do_not_wait_for_one_that_is_gone() {
    let town = Town::found().await;
    // Whoever waited for it would wait for long.
    let patient = town.config().deadline(10 * SLACK);
    let strict = strict_or_not(&backend(patient), Propagate);
    strict.health().await.unwrap();
    town.lose(Loss::Frozen).await;
    let (waiting, id) = (strict.clone(), town.lost[0]);
    let waiting = tokio::spawn(async move { waiting.get::<Person>(&id).await });
    hit_on(&strict, &town.others, 50).await;
    assert!(!waiting.is_finished());
    waiting.abort();

    let cache = service(&backend(town.config()));
    let callers = Callers::start(&cache, 4, town.others.clone());
    let everyone = Callers::start(&cache, 4, town.all());
    callers.go_on(1000).await;
    everyone.go_on(1000).await;
    callers.stop().await.assert_unharmed(SLACK);
    everyone.stop().await.assert_unharmed(BOUND);
}
