use crate::support::{cluster_config, hasty, key_of, sentinel_config, wait_until_replicated};
use cache_kit::RedisConfig;
use cache_kit_tests::{Cluster, RedisServer, Sentinels};
use std::ops::Range;
use std::time::Duration;

const NO_FAILOVER: &[&str] = &["CONFIG", "SET", "cluster-replica-no-failover"];

/// Several servers, of which some can take the place of others.
pub(super) enum Fleet {
    Sentinels(Sentinels),
    Cluster(Cluster),
}

/// Parts ids into those of the shard that has the guard of their prefix, which every read needs,
/// and the others.
pub(super) async fn near_and_far(cluster: &Cluster, ids: Range<u64>) -> (Vec<u64>, Vec<u64>) {
    let prefix = cluster.master_of(key_of(0).prefix()).await;
    part(cluster, ids, prefix).await
}

/// Parts ids into those of one shard and the others.
pub(super) async fn part(
    cluster: &Cluster,
    ids: Range<u64>,
    master: &RedisServer,
) -> (Vec<u64>, Vec<u64>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for id in ids {
        let has = cluster.master_of(key_of(id).as_str()).await;
        let share = if has.port() == master.port() {
            &mut own
        } else {
            &mut others
        };
        share.push(id);
    }
    (own, others)
}

impl Fleet {
    pub(super) fn config(&self) -> RedisConfig {
        hasty(match self {
            Self::Sentinels(sentinels) => sentinel_config(sentinels),
            Self::Cluster(cluster) => cluster_config(cluster),
        })
    }

    pub(super) async fn master_of(&self, id: u64) -> &RedisServer {
        match self {
            Self::Sentinels(sentinels) => sentinels.master().await,
            Self::Cluster(cluster) => cluster.master_of(key_of(id).as_str()).await,
        }
    }

    /// An id that nobody else asks for, of the same master.
    pub(super) async fn sibling_of(&self, master: &RedisServer) -> u64 {
        let mut id = 100;
        while self.master_of(id).await.port() != master.port() {
            id += 1;
        }
        id
    }

    /// Waits until every replica has what its master has of an id.
    pub(super) async fn wait_until_replicated(&self, id: u64) {
        let master = self.master_of(id).await;
        let replicas = match self {
            Self::Sentinels(sentinels) => sentinels.replicas().await,
            Self::Cluster(cluster) => vec![cluster.replica_of(master).await],
        };
        wait_until_replicated(master, &replicas).await;
    }

    /// Keeps everybody from taking the place of a master until they are told to.
    pub(super) async fn hold(&self, master: &RedisServer) {
        match self {
            // Nor may two Sentinels promote a replica each: it happens, and what the one is told is
            // then lost with it.
            Self::Sentinels(sentinels) => sentinels.set_patience(Duration::from_secs(60)).await,
            Self::Cluster(cluster) => {
                let replica = cluster.replica_of(master).await;
                replica.command(&[NO_FAILOVER, &["yes"]].concat()).await;
            }
        }
    }

    /// Has the place of a master taken, away or not.
    pub(super) async fn replace(&self, master: &RedisServer) {
        match self {
            Self::Sentinels(sentinels) => drop(sentinels.failover().await),
            Self::Cluster(cluster) if master.is_awake() => drop(cluster.failover(master).await),
            Self::Cluster(cluster) => {
                for node in cluster.nodes().iter().filter(|node| node.is_awake()) {
                    node.command(&[NO_FAILOVER, &["no"]].concat()).await;
                }
            }
        }
    }

    pub(super) async fn wait_for_successor(&self, old: &RedisServer, id: u64) {
        match self {
            Self::Sentinels(sentinels) => {
                sentinels.wait_for_new_master(old).await;
            }
            Self::Cluster(cluster) => {
                let slot = cluster.slot_of(key_of(id).as_str()).await;
                cluster.wait_for_new_master(slot, old).await;
            }
        }
    }

    pub(super) async fn wait_until_whole(&self) {
        match self {
            Self::Sentinels(sentinels) => sentinels.wait_until_whole().await,
            Self::Cluster(cluster) => cluster.wait_until_whole().await,
        }
    }
}
