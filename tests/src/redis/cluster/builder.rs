use super::view::View;
use super::{Cluster, SLOTS};
use crate::redis::{Certificates, RedisServer, RedisServerBuilder, until};

const MASTERS: u16 = 3;

/// Describes a cluster to start.
#[derive(Clone, Default)]
pub struct ClusterBuilder {
    password: Option<String>,
    certificates: Option<Certificates>,
}

impl ClusterBuilder {
    /// Demands a password of clients.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Makes the nodes speak only TLS, also with each other; clients need not show certificates.
    #[must_use]
    pub fn tls(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self
    }

    /// Starts the cluster, and waits until all nodes agree on it.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start(self) -> Cluster {
        let mut nodes = Vec::new();
        for _ in 0..2 * MASTERS {
            nodes.push(self.node().start().await);
        }
        let (masters, replicas) = nodes.split_at(usize::from(MASTERS));
        hand_out_slots(masters).await;
        introduce(&nodes).await;
        for (replica, master) in replicas.iter().zip(masters) {
            let id: String = master.query(&["CLUSTER", "MYID"]).await;
            replica.command(&["CLUSTER", "REPLICATE", &id]).await;
        }
        let cluster = Cluster { nodes };
        cluster.wait_until_whole().await;
        cluster
    }

    fn node(&self) -> RedisServerBuilder {
        let mut node = RedisServer::builder()
            .cluster()
            .option(&["cluster-node-timeout", "1000"])
            .option(&["cluster-require-full-coverage", "no"])
            .option(&["cluster-replica-validity-factor", "0"])
            .option(&["cluster-allow-replica-migration", "no"]);
        if let Some(password) = &self.password {
            node = node.password(password).option(&["masterauth", password]);
        }
        if let Some(certificates) = &self.certificates {
            node = node.tls(certificates);
        }
        node
    }
}

/// Gives each master an equal part, and an epoch of its own, so that they need not agree on one
/// later.
async fn hand_out_slots(masters: &[RedisServer]) {
    let mut start = 0;
    for (number, master) in (1..).zip(masters) {
        let end = SLOTS / MASTERS * number
            + if number == MASTERS {
                SLOTS % MASTERS
            } else {
                0
            };
        let (first, last) = (start.to_string(), (end - 1).to_string());
        master
            .command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
            .await;
        master
            .command(&["CLUSTER", "SET-CONFIG-EPOCH", &number.to_string()])
            .await;
        start = end;
    }
}

/// Introduces every node to every other: by gossip alone it would take longer.
async fn introduce(nodes: &[RedisServer]) {
    for (number, node) in nodes.iter().enumerate() {
        for other in &nodes[number + 1..] {
            let (port, bus_port) = (other.port().to_string(), other.bus_port().to_string());
            node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])
                .await;
        }
    }
    for node in nodes {
        until("the nodes of a cluster know each other", || async {
            (View::of(node).await.acquaintances() == nodes.len()).then_some(())
        })
        .await;
    }
}
