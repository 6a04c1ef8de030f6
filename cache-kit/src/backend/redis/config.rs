//! Where Redis is, and how it is asked.

mod check;
mod deployment;
mod tls;
mod url;

pub(super) use deployment::{Address, Credentials, Deployment};
pub use tls::RedisTls;

#[cfg(feature = "encryption")]
use crate::backend::envelope::Encryption;
use crate::backend::envelope::Wrap;
use crate::codec::Encoding;
use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Says where Redis is and how it is asked: from a URL, from the environment, or step by step.
///
/// | URL | |
/// | --- | --- |
/// | `redis://user:password@host:6379/0` | one server; each part but the scheme and the host may be left out |
/// | `rediss://…` | the same over TLS (feature `redis-tls`) |
/// | `unix://user:password@/run/redis.sock?db=0` | one server, on this machine |
/// | `redis+sentinel://user:password@host:26379,host2/mymaster/0` | the master that Sentinel names (feature `redis-sentinel`); `?sentinel_password=…` and `?sentinel_user=…` for the sentinels themselves |
/// | `redis-cluster://user:password@host:6379,host2` | a cluster, found from any of its nodes (feature `redis-cluster`) |
/// | `rediss+sentinel://…`, `rediss-cluster://…` | the same over TLS |
///
/// User names and passwords are percent-decoded. They are never shown, nor part of an error.
///
/// `compress_above` is there with the feature `compression`, and `encryption` with the feature
/// `encryption`.
///
/// ```
/// use cache_kit::RedisConfig;
/// use std::time::Duration;
///
/// let config: RedisConfig = "redis://app:s3cret@cache.internal:6380/2".parse()?;
/// let config = config.deadline(Duration::from_millis(200));
/// assert!(!format!("{config:?}").contains("s3cret"));
///
/// let typo = "redis://cache.internal:port".parse::<RedisConfig>().unwrap_err();
/// assert_eq!(typo.to_string(), "cache is misconfigured: the Redis URL has a port that is no number from 1 to 65535");
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisConfig {
    pub(super) deployment: Deployment,
    pub(super) credentials: Credentials,
    pub(super) database: u32,
    pub(super) tls: Option<RedisTls>,
    pub(super) deadline: Duration,
    pub(super) connect_deadline: Duration,
    pub(super) lease: Duration,
    pub(super) clear_lag: Duration,
    pub(super) max_entry: usize,
    pub(super) wrap: Wrap,
}

impl RedisConfig {
    /// How long a call waits for Redis unless the config says otherwise.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(500);

    /// How long a connection may take to be made unless the config says otherwise.
    pub const DEFAULT_CONNECT_DEADLINE: Duration = Duration::from_secs(1);

    /// How long the lease of a load lasts unless the config says otherwise.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(3);

    /// How much later other processes may see a cleared prefix of a cluster unless the config says
    /// otherwise.
    pub const DEFAULT_CLEAR_LAG: Duration = Duration::from_secs(1);

    /// How large an entry may be unless the config says otherwise.
    pub const DEFAULT_MAX_ENTRY: usize = 16 << 20;

    /// Begins with one server, `host` or `host:port`.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if that is no address.
    pub fn standalone(address: &str) -> Result<Self> {
        let address = url::address(address, url::REDIS_PORT)?;
        Ok(Self::of(Deployment::Standalone(address)))
    }

    /// Begins with the master that these sentinels name.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if an address is none, or there is none.
    pub fn sentinel<'a>(
        master: impl Into<String>,
        sentinels: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        Ok(Self::of(Deployment::Sentinel {
            sentinels: url::addresses(sentinels, url::SENTINEL_PORT)?,
            master: master.into(),
            credentials: Credentials::default(),
        }))
    }

    /// Begins with a cluster, found from any of these nodes.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if an address is none, or there is none.
    pub fn cluster<'a>(nodes: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let nodes = url::addresses(nodes, url::REDIS_PORT)?;
        Ok(Self::of(Deployment::Cluster(nodes)))
    }

    /// Reads a URL, as the [type's own documentation](Self) lists them.
    ///
    /// # Errors
    /// [`Error::ConfigError`] that says what is wrong with it; it repeats no password.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    /// Reads the URL in the environment variable `REDIS_URL`.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if it is not set or is no such URL.
    pub fn from_env() -> Result<Self> {
        Self::from_env_var("REDIS_URL")
    }

    /// Reads the URL in an environment variable.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if it is not set or is no such URL.
    pub fn from_env_var(name: &str) -> Result<Self> {
        let url = std::env::var(name).map_err(|_| {
            fault(format!(
                "the environment variable `{name}` is not set, or is not text"
            ))
        })?;
        Self::from_url(&url)
    }

    pub(super) fn of(deployment: Deployment) -> Self {
        Self {
            deployment,
            credentials: Credentials::default(),
            database: 0,
            tls: None,
            deadline: Self::DEFAULT_DEADLINE,
            connect_deadline: Self::DEFAULT_CONNECT_DEADLINE,
            lease: Self::DEFAULT_LEASE,
            clear_lag: Self::DEFAULT_CLEAR_LAG,
            max_entry: Self::DEFAULT_MAX_ENTRY,
            wrap: Wrap::default(),
        }
    }

    /// Names the ACL user; without one a password is that of the default user.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.credentials.username = Some(username.into());
        self
    }

    /// Sets the password. It is never shown.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.credentials.password = Some(password.into());
        self
    }

    /// Signs in to the sentinels as well, which have users of their own. Without Sentinel it is
    /// refused.
    pub fn sentinel_password(mut self, username: Option<&str>, password: &str) -> Self {
        if let Deployment::Sentinel { credentials, .. } = &mut self.deployment {
            *credentials = Credentials {
                username: username.map(str::to_owned),
                password: Some(password.to_owned()),
            };
        }
        self
    }

    /// Selects a database by its number; 0 by default. A cluster has no other.
    pub fn database(mut self, number: u32) -> Self {
        self.database = number;
        self
    }

    /// Encrypts connections. Needs the feature `redis-tls`.
    pub fn tls(mut self, tls: RedisTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Bounds how long a call waits for Redis, from being sent to the answer; 500 ms by default. A
    /// connection that is silent for so long is replaced.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bounds how long a connection may take to be made; 1 s by default. A call waits for it no
    /// longer than its own deadline.
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.connect_deadline = deadline;
        self
    }

    /// Sets how long the lease of a load lasts; 3 s by default. For that long at most other
    /// processes wait for one that has crashed. Loads that take longer are begun elsewhere too:
    /// that costs a load, never staleness.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Bounds how much later than its acknowledgement *other* processes may see that a tag or a
    /// namespace was cleared, in a cluster also a prefix; 1 s by default. For so long they believe
    /// what they know of it, rather than ask at every read. Zero has them ask: one more round trip
    /// for a hit that has tags.
    pub fn clear_lag(mut self, lag: Duration) -> Self {
        self.clear_lag = lag;
        self
    }

    /// Bounds the size of an entry in bytes; 16 MiB by default. A larger one is not stored, and one
    /// that somebody has put there is dropped unread.
    pub fn max_entry(mut self, bytes: usize) -> Self {
        self.max_entry = bytes;
        self
    }

    /// Encodes with another codec the entities that do not choose their own.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.wrap.encoding = encoding;
        self
    }

    /// Compresses payloads of more than so many bytes, where that makes them smaller.
    #[cfg(feature = "compression")]
    pub fn compress_above(mut self, bytes: usize) -> Self {
        self.wrap.compress_above = Some(bytes);
        self
    }

    /// Encrypts payloads, and believes no others.
    #[cfg(feature = "encryption")]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.wrap.encryption = Some(encryption);
        self
    }
}

/// One server on this machine, at its usual port: `redis://127.0.0.1:6379`.
impl Default for RedisConfig {
    fn default() -> Self {
        let address = Address::Tcp("127.0.0.1".to_owned(), url::REDIS_PORT);
        Self::of(Deployment::Standalone(address))
    }
}

impl FromStr for RedisConfig {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        Self::from_url(url)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("deployment", &self.deployment)
            .field("credentials", &self.credentials)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .field("deadline", &self.deadline)
            .field("connect_deadline", &self.connect_deadline)
            .field("lease", &self.lease)
            .field("clear_lag", &self.clear_lag)
            .field("max_entry", &self.max_entry)
            .field("wrap", &self.wrap)
            .finish()
    }
}

pub(super) fn fault(complaint: String) -> Error {
    Error::ConfigError(complaint.into())
}
