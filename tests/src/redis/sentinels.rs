mod builder;

pub use builder::SentinelsBuilder;

use super::{RedisServer, until};
use std::collections::HashMap;
use std::time::Duration;

/// What the Sentinels call their master.
const MASTER: &str = "main";

/// A master with two replicas, and three Sentinels of which two must agree that it is down. All on
/// loopback; they end as a `RedisServer` does.
///
/// A master that does not answer for half a second (or as long as `set_patience` says) is replaced,
/// and that takes one or two seconds. A machine that is busy for so long looks the same: ask for
/// the master, rather than remember it.
pub struct Sentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl Sentinels {
    /// Starts them without passwords, and waits until all know each other.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Describes Sentinels to start.
    #[must_use]
    pub fn builder() -> SentinelsBuilder {
        SentinelsBuilder::default()
    }

    /// The name by which a client asks for the master.
    pub fn master_name(&self) -> &'static str {
        MASTER
    }

    /// The URLs of the Sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(RedisServer::url).collect()
    }

    /// The Sentinels.
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The servers with data, whichever of them is the master.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The master, as soon as all Sentinels that are awake agree on it; it may have ended a moment
    /// ago.
    ///
    /// # Panics
    /// If they do not agree within a minute.
    pub async fn master(&self) -> &RedisServer {
        until("the Sentinels agree on a master", || self.agreed_master()).await
    }

    /// The servers that are not the master.
    ///
    /// # Panics
    /// As `master`.
    pub async fn replicas(&self) -> Vec<&RedisServer> {
        let master = self.master().await.port();
        let replicas = self.servers.iter();
        replicas.filter(|server| server.port() != master).collect()
    }

    /// Kills the master, and returns it: `restart` brings it back, at first as another master.
    ///
    /// # Panics
    /// As `master`.
    pub async fn kill_master(&self) -> &RedisServer {
        let master = self.master().await;
        master.kill();
        master
    }

    /// Has the Sentinels replace a master that is well, and returns it: that it is being replaced,
    /// not that it has been.
    ///
    /// # Panics
    /// If no Sentinel is ready for it within a minute.
    pub async fn failover(&self) -> &RedisServer {
        let master = self.master().await;
        let sentinel = self.awake().next().expect("a Sentinel is awake");
        until("Sentinel begins a failover", || async {
            // It refuses during another, and until it knows how the replicas are.
            let begun = sentinel.try_command(&["SENTINEL", "FAILOVER", MASTER]);
            begun.await.is_ok().then_some(())
        })
        .await;
        master
    }

    /// Sets how long a master may be silent before it is replaced: half a second at first.
    ///
    /// # Panics
    /// If a Sentinel is not awake.
    pub async fn set_patience(&self, patience: Duration) {
        let millis = patience.as_millis().to_string();
        for sentinel in &self.sentinels {
            let words = [
                "SENTINEL",
                "SET",
                MASTER,
                "down-after-milliseconds",
                &millis,
            ];
            sentinel.command(&words).await;
        }
    }

    /// Waits until all Sentinels that are awake name another master than this, and it takes writes.
    ///
    /// # Panics
    /// After a minute.
    pub async fn wait_for_new_master(&self, old: &RedisServer) -> &RedisServer {
        until("there is a new master", || async {
            let master = self.agreed_master().await?;
            let is_new = master.port() != old.port() && is_master(master).await;
            is_new.then_some(master)
        })
        .await
    }

    /// Waits until everything is as after the start: all Sentinels know each other, and a master
    /// with two replicas that follow it.
    ///
    /// # Panics
    /// After a minute.
    pub async fn wait_until_whole(&self) {
        for sentinel in &self.sentinels {
            until("a Sentinel knows two replicas and the others", || async {
                knows_everyone(sentinel).await.then_some(())
            })
            .await;
        }
    }

    async fn agreed_master(&self) -> Option<&RedisServer> {
        let mut agreed = None;
        for sentinel in self.awake() {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
            let (_, port): (String, u16) = sentinel.query(&words).await;
            if *agreed.get_or_insert(port) != port {
                return None;
            }
        }
        self.servers
            .iter()
            .find(|server| Some(server.port()) == agreed)
    }

    fn awake(&self) -> impl Iterator<Item = &RedisServer> {
        self.sentinels.iter().filter(|sentinel| sentinel.is_awake())
    }
}

async fn is_master(server: &RedisServer) -> bool {
    server.is_awake() && server.info("role").await == "master"
}

async fn knows_everyone(sentinel: &RedisServer) -> bool {
    let master: HashMap<String, String> = sentinel.query(&["SENTINEL", "MASTER", MASTER]).await;
    let replicas: Vec<HashMap<String, String>> =
        sentinel.query(&["SENTINEL", "REPLICAS", MASTER]).await;
    let follows = |replica: &HashMap<String, String>| {
        replica["flags"] == "slave"
            && replica["master-link-status"] == "ok"
            && replica["master-port"] == master["port"]
    };
    master["flags"] == "master"
        && master["num-other-sentinels"] == "2"
        && replicas.len() == 2
        && replicas.iter().all(follows)
}
