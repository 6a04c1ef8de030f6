//! Making a connection.

use super::config::{Address, Credentials, RedisConfig, RedisTls, fault};
use super::wire::{ServerClock, refused, unexpected};
use crate::error::{Error, Result};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, Value,
};

/// How connections are made, whoever they are to.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    credentials: Credentials,
    database: u32,
    tls: Option<RedisTls>,
}

/// A connection that was answered on.
pub(super) struct Dialled {
    pub(super) connection: MultiplexedConnection,
    pub(super) clock: ServerClock,
}

impl Dialer {
    /// Takes what a config says of connections.
    ///
    /// # Errors
    /// [`Error::ConfigError`] for certificates that are none.
    pub(super) fn of(config: &RedisConfig) -> Result<Self> {
        let dialer = Self {
            credentials: config.credentials.clone(),
            database: config.database,
            tls: config.tls.clone(),
        };
        if dialer.tls.is_some() {
            dialer.client(&Address::Tcp("localhost".to_owned(), 1))?;
        }
        Ok(dialer)
    }

    /// The same, for servers with other users, which know no databases.
    #[cfg(feature = "redis-sentinel")]
    pub(super) fn signed_in_as(&self, credentials: Credentials) -> Self {
        Self {
            credentials,
            database: 0,
            tls: self.tls.clone(),
        }
    }

    /// Connects, signs in, and asks what time it is there. Takes as long as it takes.
    pub(super) async fn dial(&self, address: &Address) -> Result<Dialled> {
        let mut connection = self.connect(address).await?;
        let time = connection.send_packed_command(&redis::cmd("TIME")).await;
        let time = time
            .and_then(Value::extract_error)
            .map_err(|error| refused(address, &error))?;
        let clock = ServerClock::read(&time).ok_or_else(|| unexpected("`TIME`"))?;
        Ok(Dialled { connection, clock })
    }

    /// The same, to a server of its own that takes writes: a replica's answers are old, and it
    /// cannot be told to forget. Who may not ask takes it for one.
    pub(super) async fn dial_master(&self, address: &Address) -> Result<Dialled> {
        let mut dialled = self.dial(address).await?;
        let hello = dialled
            .connection
            .send_packed_command(&redis::cmd("HELLO"))
            .await;
        let hello = hello.map_err(|error| refused(address, &error))?;
        let secure = if self.tls.is_some() { "s" } else { "" };
        let complaint = if says(&hello, "mode", "cluster") {
            format!(
                "is a node of a cluster; write `redis{secure}-cluster://{address}` (feature `redis-cluster`)"
            )
        } else if says(&hello, "role", "replica") {
            "is a replica, and takes no writes".to_owned()
        } else {
            return Ok(dialled);
        };
        let complaint = format!("Redis at {address} {complaint}");
        Err(Error::BackendError(complaint.into()))
    }

    /// Connects and signs in. What redis-rs says of a refused sign-in repeats neither name nor
    /// password.
    pub(super) async fn connect(&self, address: &Address) -> Result<MultiplexedConnection> {
        // The deadlines are whoever's who waits.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(BUFFERED);
        let client = self.client(address)?;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        connecting
            .await
            .map_err(|error| self.unconnected(address, &error))
    }

    fn unconnected(&self, address: &Address, error: &RedisError) -> Error {
        let is_garbled = error.kind() == ErrorKind::Parse
            || (error.is_connection_dropped() && !error.is_connection_refusal())
            || error.to_string().contains("corrupt message");
        if !is_garbled || matches!(address, Address::Unix(_)) {
            return refused(address, error);
        }
        failed(address, error, self.tls_help())
    }

    /// Says what may be wrong where nobody is understood.
    pub(super) fn tls_help(&self) -> &'static str {
        if self.tls.is_some() {
            "; if it speaks no TLS, its URL begins with `redis`, not `rediss`"
        } else {
            "; if it speaks TLS, its URL begins with `rediss`"
        }
    }

    fn client(&self, address: &Address) -> Result<Client> {
        let mut settings = RedisConnectionInfo::default()
            .set_db(i64::from(self.database))
            .set_lib_name("cache-kit", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &self.credentials.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.credentials.password {
            settings = settings.set_password(password);
        }
        let wrong = |error: RedisError| fault(format!("Redis at {address}: {error}"));
        let info = self
            .location(address)
            .into_connection_info()
            .map_err(wrong)?
            .set_tcp_settings(TcpSettings::default().set_nodelay(true))
            .set_redis_settings(settings);
        match &self.tls {
            None => Client::open(info).map_err(wrong),
            #[cfg(feature = "redis-tls")]
            Some(tls) => encrypted(info, tls).map_err(wrong),
            #[cfg(not(feature = "redis-tls"))]
            Some(_) => Err(fault("TLS needs the feature `redis-tls`".to_owned())),
        }
    }

    fn location(&self, address: &Address) -> ConnectionAddr {
        match address {
            Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
            Address::Tcp(host, port) if self.tls.is_some() => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            },
            Address::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
        }
    }
}

/// Asks a sentinel one thing.
#[cfg(feature = "redis-sentinel")]
pub(super) async fn ask(
    connection: &mut MultiplexedConnection,
    address: &Address,
    cmd: &redis::Cmd,
) -> Result<Value> {
    let answer = connection.send_packed_command(cmd).await;
    answer
        .and_then(Value::extract_error)
        .map_err(|error| failed(address, &error, ""))
}

fn failed(address: &Address, error: &RedisError, help: &str) -> Error {
    Error::BackendError(format!("Redis at {address}: {error}{help}").into())
}

/// Says whether a server greets with this.
fn says(hello: &Value, name: &str, what: &str) -> bool {
    let is = |value: &Value, text: &str| matches!(value, Value::BulkString(bytes) if bytes == text.as_bytes());
    let mut said = hello.as_map_iter().into_iter().flatten();
    said.any(|(key, value)| is(key, name) && is(value, what))
}

/// So many calls may be on their way to the connection's task before the next one waits.
const BUFFERED: usize = 1024;

#[cfg(feature = "redis-tls")]
fn encrypted(info: redis::ConnectionInfo, tls: &RedisTls) -> redis::RedisResult<Client> {
    // Somebody has to say which cryptography rustls is to use. If the program has, that stays.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let client_tls = tls.client.clone();
    let certificates = redis::TlsCertificates {
        client_tls: client_tls.map(|(client_cert, client_key)| redis::ClientTlsConfig {
            client_cert,
            client_key,
        }),
        root_cert: tls.root.clone(),
    };
    Client::build_with_tls(info, certificates)
}
