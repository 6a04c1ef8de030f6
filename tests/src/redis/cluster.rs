mod builder;
mod slot_move;
mod view;

pub use builder::ClusterBuilder;
pub use slot_move::SlotMove;

use super::{RedisServer, until};
use view::View;

/// How many slots there are.
const SLOTS: u16 = 16_384;

/// A cluster of three masters with one replica each, on loopback; they end as a `RedisServer` does.
///
/// A master that does not answer for a second is replaced by its replica. Until then, and without
/// one, the other slots are served.
pub struct Cluster {
    nodes: Vec<RedisServer>,
}

impl Cluster {
    /// Starts a cluster without a password, and waits until all nodes agree on it.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Describes a cluster to start.
    #[must_use]
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The URLs of all nodes, of the first masters first.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// All nodes, the first masters first. They are killed, frozen, thawed and restarted each on
    /// its own.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The slot of a key.
    ///
    /// # Panics
    /// If no node is awake.
    pub async fn slot_of(&self, key: &str) -> u16 {
        let node = self.awake().next().expect("a node is awake");
        node.query(&["CLUSTER", "KEYSLOT", key]).await
    }

    /// The master of a key.
    ///
    /// # Panics
    /// As `master_of_slot`.
    pub async fn master_of(&self, key: &str) -> &RedisServer {
        self.master_of_slot(self.slot_of(key).await).await
    }

    /// The master of a slot, as soon as there is one that is awake.
    ///
    /// # Panics
    /// After a minute.
    pub async fn master_of_slot(&self, slot: u16) -> &RedisServer {
        until("a slot has a master that is awake", || {
            self.owner_of_slot(slot)
        })
        .await
    }

    /// The replica of a master, as soon as it knows that it is one, and is in step.
    ///
    /// # Panics
    /// If there is none for a minute.
    pub async fn replica_of(&self, master: &RedisServer) -> &RedisServer {
        until("a master has a replica", || async {
            for node in self.awake() {
                let is_replica = node.info("role").await == "slave"
                    && node.info("master_port").await == master.port().to_string()
                    && node.info("master_link_status").await == "up";
                if is_replica {
                    return Some(node);
                }
            }
            None
        })
        .await
    }

    /// Has the replica of a master take its place, and returns it once it has.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub async fn failover(&self, master: &RedisServer) -> &RedisServer {
        let replica = self.replica_of(master).await;
        until("a replica takes the place of its master", || async {
            // An attempt that comes to nothing is over after five seconds; then it is told again.
            let _ = replica.try_command(&["CLUSTER", "FAILOVER"]).await;
            (replica.info("role").await == "master").then_some(replica)
        })
        .await
    }

    /// Waits until another node than this serves a slot.
    ///
    /// # Panics
    /// After a minute.
    pub async fn wait_for_new_master(&self, slot: u16, old: &RedisServer) -> &RedisServer {
        until("a slot has a new master", || async {
            let master = self.owner_of_slot(slot).await?;
            (master.port() != old.port()).then_some(master)
        })
        .await
    }

    /// Begins to move a slot to another master: it has the keys that are there, and asks for others
    /// at the new one.
    ///
    /// # Panics
    /// If the nodes refuse, for one if it is there already.
    pub async fn begin_move<'a>(&'a self, slot: u16, to: &'a RedisServer) -> SlotMove<'a> {
        SlotMove::begin(self, slot, to).await
    }

    /// Moves a slot to another master with all its keys.
    ///
    /// # Panics
    /// As `begin_move`.
    pub async fn move_slot(&self, slot: u16, to: &RedisServer) {
        let slot_move = self.begin_move(slot, to).await;
        slot_move.move_keys().await;
        slot_move.finish().await;
    }

    /// Waits until every node is there and agrees with the others on who has which slots, and every
    /// master has a replica that follows it.
    ///
    /// # Panics
    /// After a minute.
    pub async fn wait_until_whole(&self) {
        until("a cluster is whole", || async {
            self.is_whole().await.then_some(())
        })
        .await;
    }

    async fn is_whole(&self) -> bool {
        let first = View::of(&self.nodes[0]).await;
        for node in &self.nodes {
            let view = View::of(node).await;
            if !view.is_whole() || view.owners() != first.owners() {
                return false;
            }
            let state: String = node.query(&["CLUSTER", "INFO"]).await;
            let info: String = node.query(&["INFO", "replication"]).await;
            let is_in_step = info.contains("role:master") || info.contains("link_status:up");
            if !state.contains("cluster_state:ok") || !is_in_step {
                return false;
            }
        }
        true
    }

    /// The node that says it has a slot; of several the last that was given it.
    async fn owner_of_slot(&self, slot: u16) -> Option<&RedisServer> {
        let mut owner = None;
        for node in self.awake() {
            let view = View::of(node).await;
            let itself = view.itself();
            if itself.has_slot(slot) && owner.is_none_or(|(epoch, _)| epoch < itself.epoch) {
                owner = Some((itself.epoch, node));
            }
        }
        owner.map(|(_, node)| node)
    }

    fn awake(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_awake())
    }
}
