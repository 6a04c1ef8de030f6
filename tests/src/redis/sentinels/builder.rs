use super::{MASTER, Sentinels};
use crate::redis::{Certificates, RedisServer, RedisServerBuilder};

/// Describes Sentinels, and what they watch, to start.
#[derive(Clone, Default)]
pub struct SentinelsBuilder {
    password: Option<String>,
    sentinel_password: Option<String>,
    certificates: Option<Certificates>,
}

impl SentinelsBuilder {
    /// Demands a password of clients of the master and its replicas.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Demands a password of clients of the Sentinels.
    #[must_use]
    pub fn sentinel_password(mut self, password: &str) -> Self {
        self.sentinel_password = Some(password.to_owned());
        self
    }

    /// Makes all of them speak only TLS; clients need not show certificates.
    #[must_use]
    pub fn tls(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self
    }

    /// Starts them, and waits until all know each other.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start(self) -> Sentinels {
        let master = self.server().start().await;
        let port = master.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            let replica = self.server().option(&["replicaof", "127.0.0.1", &port]);
            servers.push(replica.start().await);
        }
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let sentinel = self.sentinel(&port).start().await;
            sentinel
                .command(&[&["SENTINEL", "DEBUG"], HURRY].concat())
                .await;
            sentinels.push(sentinel);
        }
        let sentinels = Sentinels { servers, sentinels };
        sentinels.wait_until_whole().await;
        sentinels
    }

    fn server(&self) -> RedisServerBuilder {
        let server = self.any(self.password.as_deref());
        match &self.password {
            Some(password) => server.option(&["masterauth", password]),
            None => server,
        }
    }

    fn sentinel(&self, master: &str) -> RedisServerBuilder {
        let sentinel = self
            .any(self.sentinel_password.as_deref())
            .sentinel()
            .option(&["sentinel", "monitor", MASTER, "127.0.0.1", master, "2"])
            .option(&["sentinel", "down-after-milliseconds", MASTER, "500"])
            .option(&["sentinel", "failover-timeout", MASTER, "3000"])
            .option(&["sentinel", "parallel-syncs", MASTER, "2"]);
        match &self.password {
            Some(password) => sentinel.option(&["sentinel", "auth-pass", MASTER, password]),
            None => sentinel,
        }
    }

    fn any(&self, password: Option<&str>) -> RedisServerBuilder {
        let mut builder = RedisServer::builder();
        if let Some(password) = password {
            builder = builder.password(password);
        }
        if let Some(certificates) = &self.certificates {
            builder = builder.tls(certificates);
        }
        builder
    }
}

/// What Sentinels do every ten seconds or two by themselves, and how long they distrust a clock
/// that jumped, as it does on a busy machine. There are no options for these.
const HURRY: &[&str] = &[
    "info-period",
    "300",
    "publish-period",
    "300",
    "ask-period",
    "300",
    "tilt-period",
    "1000",
    "min-link-reconnect-period",
    "1000",
];
