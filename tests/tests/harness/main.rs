//! The harness of real Redis does what it says: every other test of Redis relies on it.

mod clusters;
mod deaths;
mod proxies;
mod sentinels;
mod servers;
mod tls;

use cache_kit_tests::RedisServer;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a test waits for what must not come.
const NEVER: Duration = Duration::from_millis(300);

/// Connects with a URL, and gives up on each answer after so long.
async fn connect(url: &str, patience: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    Client::open(url)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Does a command on a connection of its own.
async fn ask(url: &str, words: &[&str]) -> RedisResult<String> {
    let mut connection = connect(url, Duration::from_secs(10)).await?;
    redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(&mut connection)
        .await
}

/// Whether nobody listens there.
async fn is_refused(addr: SocketAddr) -> bool {
    let error = TcpStream::connect(addr).await.err();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// A server, and a connection with it that waits ten seconds for each answer.
async fn server_and_connection() -> (RedisServer, MultiplexedConnection) {
    let server = RedisServer::start().await;
    let connection = server.connect().await;
    (server, connection)
}
