use super::RedisServer;
use super::builder::Tls;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates, Value,
};
use std::time::Duration;

/// The user, and its password, by which the harness speaks with every server.
pub(crate) const HARNESS: &str = "harness";

/// How long a server may take to answer the harness.
const ANSWER: Duration = Duration::from_secs(10);

impl RedisServer {
    /// The URL with the password of the default user, if there is one: `redis://`, or `rediss://`
    /// with TLS.
    pub fn url(&self) -> String {
        match self.settings.password() {
            Some(password) => self.url_as("", password),
            None => format!("{}://{}", self.scheme(), self.addr()),
        }
    }

    /// The URL with another user and password.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let user = utf8_percent_encode(user, NON_ALPHANUMERIC);
        let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
        format!("{}://{user}:{password}@{}", self.scheme(), self.addr())
    }

    /// The URL of its Unix socket, with the password of the default user, if there is one.
    pub fn socket_url(&self) -> String {
        let socket = self.socket();
        match self.settings.password() {
            Some(password) => {
                let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
                format!("redis+unix://{socket}?pass={password}")
            }
            None => format!("redis+unix://{socket}"),
        }
    }

    /// Makes a client as a user would, of its network port, with the password of the default user
    /// and with certificates.
    ///
    /// With TLS it makes ring the cryptography of the whole process, unless there is another
    /// already: who tests that somebody else does so has to use another process.
    ///
    /// # Panics
    /// If the certificates are damaged.
    pub fn client(&self) -> Client {
        let client = match self.settings.tls() {
            None => Client::open(self.url()),
            Some(Tls { certificates, .. }) => {
                let _ = rustls::crypto::ring::default_provider().install_default();
                let certificates = TlsCertificates {
                    root_cert: Some(certificates.authority.clone().into()),
                    client_tls: Some(ClientTlsConfig {
                        client_cert: certificates.client.certificate.clone().into(),
                        client_key: certificates.client.key.clone().into(),
                    }),
                };
                Client::build_with_tls(self.url(), certificates)
            }
        };
        client.expect("everything in it is ours")
    }

    /// Connects as `client` does.
    ///
    /// # Panics
    /// If the server does not answer within ten seconds.
    pub async fn connect(&self) -> MultiplexedConnection {
        let connection = self
            .client()
            .get_multiplexed_async_connection_with_config(&bounds())
            .await;
        connection.expect("the server takes its own client")
    }

    /// Does a command as an administrator, whatever passwords and users there are, and past TLS and
    /// every proxy.
    ///
    /// # Panics
    /// If the server refuses it, or does not answer within ten seconds.
    pub async fn command(&self, words: &[&str]) -> Value {
        self.query(words).await
    }

    /// Does a command as `command` does, and reads the answer.
    ///
    /// # Panics
    /// As `command`, or if the answer is none of this type.
    pub async fn query<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let answer = self.try_command(words).await;
        let value = answer.unwrap_or_else(|error| panic!("{words:?}: {error}"));
        redis::from_redis_value(value).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Does a command as `command` does.
    ///
    /// # Errors
    /// What the server refuses it with, or that there is no answer.
    pub async fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        let mut command = Cmd::new();
        command.arg(words);
        self.execute(&command).await
    }

    /// Does a command as `command` does, whose words may be any bytes.
    ///
    /// # Errors
    /// What the server refuses it with, or that there is no answer.
    pub async fn execute(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connection = self.admin().await?;
        command.query_async(&mut connection).await
    }

    /// Reads a field of `INFO`.
    ///
    /// # Panics
    /// If there is none of this name, or no answer.
    pub async fn info(&self, field: &str) -> String {
        let info: String = self.query(&["INFO", "everything"]).await;
        let value = info
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value
            .unwrap_or_else(|| panic!("INFO has no {field}"))
            .to_owned()
    }

    /// Where its Unix socket is.
    pub(super) fn socket(&self) -> String {
        let path = self.directory.path().join("socket");
        path.to_str().expect("a name of ours").to_owned()
    }

    fn scheme(&self) -> &'static str {
        match self.settings.tls() {
            Some(_) => "rediss",
            None => "redis",
        }
    }

    /// Connects by the Unix socket, so that no setting of the network is in the way.
    async fn admin(&self) -> RedisResult<MultiplexedConnection> {
        let harness = RedisConnectionInfo::default()
            .set_username(HARNESS)
            .set_password(HARNESS)
            .set_skip_set_lib_name();
        let info = ConnectionAddr::Unix(self.socket().into())
            .into_connection_info()?
            .set_redis_settings(harness);
        Client::open(info)?
            .get_multiplexed_async_connection_with_config(&bounds())
            .await
    }
}

fn bounds() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER))
        .set_response_timeout(Some(ANSWER))
}
