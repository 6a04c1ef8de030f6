use super::{NEVER, connect, is_refused};
use cache_kit_tests::{Proxy, RedisServer, Traffic, until};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, RedisResult};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn server_and_proxy() -> (RedisServer, Proxy) {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    (server, proxy)
}

/// Connects through a proxy with a client that gives up soon.
async fn hasty(proxy: &Proxy) -> RedisResult<MultiplexedConnection> {
    connect(&format!("redis://{}", proxy.addr()), NEVER).await
}

/// Connects through a proxy with a client that waits ten seconds.
async fn patient(proxy: &Proxy) -> MultiplexedConnection {
    let url = format!("redis://{}", proxy.addr());
    let connection = connect(&url, Duration::from_secs(10)).await;
    connection.expect("it passes")
}

async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<String> {
    redis::cmd("PING").query_async(connection).await
}

/// Waits until clients hold so many connections.
async fn until_open(proxy: &Proxy, open: u64) {
    until("connections are open or closed", || async {
        (proxy.counts().open == open).then_some(())
    })
    .await;
}

#[tokio::test]
async fn everything_passes_and_is_counted() {
    let (server, proxy) = server_and_proxy().await;
    assert_eq!(proxy.counts(), cache_kit_tests::Counts::default());
    let mut connection = patient(&proxy).await;
    let before = proxy.counts();
    assert_eq!((before.accepted, before.open), (1, 1));
    let value = "x".repeat(1 << 20);
    let () = connection.set("key", &value).await.unwrap();
    let read: String = connection.get("key").await.unwrap();
    assert_eq!(read, value);
    assert_eq!(server.query::<String>(&["GET", "key"]).await, value);
    let counts = proxy.counts().since(&before);
    assert_eq!(counts.round_trips, 2);
    assert!((1 << 20..(1 << 20) + 200).contains(&counts.request_bytes));
    assert!((1 << 20..(1 << 20) + 200).contains(&counts.reply_bytes));
    drop(connection);
    until_open(&proxy, 0).await;
    assert_eq!(proxy.counts().accepted, 1);
}

#[tokio::test]
async fn a_pipeline_is_one_round_trip_and_what_waits_for_each_other_is_more() {
    let (_server, proxy) = server_and_proxy().await;
    let mut connection = patient(&proxy).await;
    let before = proxy.counts();
    let mut pipeline = redis::pipe();
    for key in 0..10 {
        pipeline.set(key, key).ignore();
    }
    let () = pipeline.query_async(&mut connection).await.unwrap();
    assert_eq!(proxy.counts().since(&before).round_trips, 1);
    for _ in 0..3 {
        ping(&mut connection).await.unwrap();
    }
    assert_eq!(proxy.counts().since(&before).round_trips, 4);
}

#[tokio::test]
async fn delay_is_each_way_and_does_not_add_up_over_requests_at_once() {
    let (_server, proxy) = server_and_proxy().await;
    let mut connection = patient(&proxy).await;
    proxy
        .set(Traffic::Delayed(Duration::from_millis(100)))
        .await;
    let start = Instant::now();
    let pings = (0..20).map(|_| {
        let mut connection = connection.clone();
        tokio::spawn(async move { ping(&mut connection).await })
    });
    for ping in pings.collect::<Vec<_>>() {
        ping.await.unwrap().unwrap();
    }
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(200), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    proxy.set(Traffic::Passes).await;
    ping(&mut connection).await.unwrap();
}

#[tokio::test]
async fn stalled_bytes_arrive_when_traffic_passes_again() {
    let (server, proxy) = server_and_proxy().await;
    let mut connection = hasty(&proxy).await.unwrap();
    proxy.set(Traffic::Stalled).await;
    let stalled: RedisResult<()> = connection.set("key", "late").await;
    assert!(stalled.unwrap_err().is_timeout());
    assert!(hasty(&proxy).await.is_err(), "new ones are stalled too");
    assert_eq!(server.query::<Option<String>>(&["GET", "key"]).await, None);
    proxy.set(Traffic::Passes).await;
    until("the write arrives", || async {
        let value: Option<String> = server.query(&["GET", "key"]).await;
        value.filter(|value| value == "late")
    })
    .await;
    ping(&mut connection)
        .await
        .expect("it is the same connection");
}

#[tokio::test]
async fn swallowed_bytes_are_lost_and_so_is_their_connection() {
    let (server, proxy) = server_and_proxy().await;
    let (mut loser, mut idler) = (hasty(&proxy).await.unwrap(), patient(&proxy).await);
    proxy.set(Traffic::Swallowed).await;
    let lost: RedisResult<()> = loser.set("key", "lost").await;
    assert!(lost.unwrap_err().is_timeout());
    assert_eq!(proxy.counts().open, 2, "it is not closed");
    // A new one is accepted, and gets no answer either.
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    new.write_all(b"PING\r\n").await.unwrap();
    let answer = tokio::time::timeout(NEVER, new.read_u8()).await;
    answer.expect_err("nothing is answered");
    assert_eq!(proxy.counts().open, 3);
    proxy.set(Traffic::Passes).await;
    new.read_u8().await.expect_err("it is closed");
    ping(&mut loser).await.expect_err("it is closed");
    ping(&mut idler).await.expect("it has lost nothing");
    assert_eq!(server.query::<Option<String>>(&["GET", "key"]).await, None);
}

#[tokio::test]
async fn refused_is_as_if_nobody_listened_until_traffic_passes_again() {
    let (_server, proxy) = server_and_proxy().await;
    let mut connection = patient(&proxy).await;
    let port = proxy.port();
    proxy.set(Traffic::Refused).await;
    assert!(is_refused(proxy.addr()).await);
    ping(&mut connection).await.expect_err("it is closed");
    until_open(&proxy, 0).await;
    proxy.set(Traffic::Passes).await;
    assert_eq!(proxy.port(), port);
    ping(&mut patient(&proxy).await).await.unwrap();
}

#[tokio::test]
async fn a_cut_closes_what_is_open_and_nothing_else() {
    let (_server, proxy) = server_and_proxy().await;
    let (mut one, mut other) = (patient(&proxy).await, patient(&proxy).await);
    proxy.cut();
    ping(&mut one).await.expect_err("it is closed");
    ping(&mut other).await.expect_err("it is closed");
    ping(&mut patient(&proxy).await).await.unwrap();
    assert_eq!(proxy.counts().accepted, 3);
}

#[tokio::test]
async fn truncated_answers_end_after_so_many_bytes() {
    let (server, proxy) = server_and_proxy().await;
    server.command(&["SET", "key", "0123456789"]).await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut pong = [0; 7];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"+PONG\r\n");
    // Counted from here.
    proxy.set(Traffic::Truncated(8)).await;
    stream.write_all(b"GET key\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"$10\r\n012");
    // New connections as well: the first answer to a client is longer.
    let cut = async { ping(&mut hasty(&proxy).await?).await };
    cut.await.expect_err("it is closed");
}

#[tokio::test]
async fn a_server_that_is_down_closes_the_connections_of_its_clients() {
    let (server, proxy) = server_and_proxy().await;
    let mut connection = patient(&proxy).await;
    server.kill();
    ping(&mut connection).await.expect_err("it is closed");
    assert!(hasty(&proxy).await.is_err(), "nobody is there");
    server.restart().await;
    ping(&mut patient(&proxy).await).await.unwrap();
}

#[tokio::test]
async fn a_dropped_proxy_refuses_and_closes() {
    let (_server, proxy) = server_and_proxy().await;
    let mut connection = patient(&proxy).await;
    let addr = proxy.addr();
    drop(proxy);
    until("nobody listens", || async {
        is_refused(addr).await.then_some(())
    })
    .await;
    ping(&mut connection).await.expect_err("it is closed");
}
