use super::view::View;
use super::{Cluster, RedisServer, until};
use crate::redis::server::HARNESS;

/// A slot on its way from one master to another. It stays on its way if this is dropped.
pub struct SlotMove<'a> {
    cluster: &'a Cluster,
    slot: String,
    from: &'a RedisServer,
    to: &'a RedisServer,
    /// What the cluster calls the new master.
    id: String,
}

impl<'a> SlotMove<'a> {
    pub(super) async fn begin(cluster: &'a Cluster, slot: u16, to: &'a RedisServer) -> Self {
        let from = cluster.master_of_slot(slot).await;
        let (from_id, id) = (id_of(from).await, id_of(to).await);
        let slot = slot.to_string();
        to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id])
            .await;
        from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id])
            .await;
        Self {
            cluster,
            slot,
            from,
            to,
            id,
        }
    }

    /// The master that has the slot until the move is finished.
    pub fn from(&self) -> &'a RedisServer {
        self.from
    }

    /// The master that is to have it.
    pub fn to(&self) -> &'a RedisServer {
        self.to
    }

    /// Moves the keys that are there: the old master answers `ASK` for them from now on.
    ///
    /// # Panics
    /// If the nodes refuse.
    pub async fn move_keys(&self) {
        loop {
            let words = ["CLUSTER", "GETKEYSINSLOT", &self.slot, "100"];
            let keys: Vec<Vec<u8>> = self.from.query(&words).await;
            if keys.is_empty() {
                return;
            }
            let mut migrate = redis::cmd("MIGRATE");
            migrate
                .arg(&["127.0.0.1", &self.to.port().to_string(), "", "0", "5000"])
                .arg(&["AUTH2", HARNESS, HARNESS, "KEYS"])
                .arg(keys);
            let moved = self.from.execute(&migrate).await;
            moved.expect("the new master takes the keys");
        }
    }

    /// Gives the slot to the new master, and waits until every node that is awake knows: the old
    /// one answers `MOVED` from now on.
    ///
    /// # Panics
    /// If the nodes refuse, as the old one does while it has keys of the slot.
    pub async fn finish(self) {
        for node in [self.to, self.from] {
            node.command(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.id])
                .await;
        }
        let slot = self.slot.parse().expect("it was a number");
        until("every node knows who has a slot", || async {
            for node in self.cluster.awake() {
                if View::of(node).await.owner(slot) != Some(&self.id) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

async fn id_of(node: &RedisServer) -> String {
    node.query(&["CLUSTER", "MYID"]).await
}
