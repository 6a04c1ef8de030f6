use super::{NEVER, ask, connect, is_refused, server_and_connection};
use cache_kit_tests::RedisServer;
use redis::{AsyncCommands, ErrorKind, RedisResult};
use std::net::TcpListener;

#[tokio::test]
async fn a_server_answers_and_keeps_nothing_on_disk() {
    let (server, mut connection) = server_and_connection().await;
    let () = connection.set("key", "value").await.expect("it takes it");
    let value: String = server.query(&["GET", "key"]).await;
    assert_eq!(value, "value");
    let save: Vec<String> = server.query(&["CONFIG", "GET", "save"]).await;
    assert_eq!(save, ["save", ""]);
    assert_eq!(server.info("aof_enabled").await, "0");
}

#[tokio::test]
async fn servers_have_ports_and_data_of_their_own() {
    let (one, other) = tokio::join!(RedisServer::start(), RedisServer::start());
    assert_ne!(one.port(), other.port());
    one.command(&["SET", "key", "one"]).await;
    let value: Option<String> = other.query(&["GET", "key"]).await;
    assert_eq!(value, None);
}

#[tokio::test]
async fn a_restart_is_at_the_same_place_and_loses_the_data() {
    let (server, mut connection) = server_and_connection().await;
    server.command(&["SET", "key", "value"]).await;
    let before = (server.port(), server.url(), server.process_id());
    server.restart().await;
    assert_eq!((server.port(), server.url()), (before.0, before.1));
    assert_ne!(server.process_id(), before.2);
    let value: Option<String> = server.query(&["GET", "key"]).await;
    assert_eq!(value, None);
    let broken: RedisResult<String> = connection.get("key").await;
    broken.expect_err("connections are lost");
}

#[tokio::test]
async fn a_killed_server_refuses_connections_until_it_is_restarted() {
    let server = RedisServer::start().await;
    assert!(server.is_running());
    server.kill();
    assert!(!server.is_running());
    assert!(is_refused(server.addr()).await);
    server.restart().await;
    assert!(server.is_running());
    assert_eq!(ask(&server.url(), &["PING"]).await.unwrap(), "PONG");
}

#[tokio::test]
async fn a_restart_waits_for_its_port() {
    let server = RedisServer::start().await;
    server.kill();
    let squatter = TcpListener::bind(server.addr()).expect("it is free now");
    let blocked = tokio::time::timeout(NEVER, server.restart()).await;
    blocked.expect_err("somebody else has the port");
    drop(squatter);
    server.restart().await;
    assert_eq!(ask(&server.url(), &["PING"]).await.unwrap(), "PONG");
}

#[tokio::test]
async fn a_frozen_server_times_out_and_goes_on_when_it_is_thawed() {
    let server = RedisServer::start().await;
    let mut connection = connect(&server.url(), NEVER).await.expect("it runs");
    server.freeze();
    let frozen: RedisResult<()> = connection.set("key", "late").await;
    assert!(frozen.expect_err("it is frozen").is_timeout());
    let new = connect(&server.url(), NEVER).await;
    assert!(new.is_err_and(|error| error.is_timeout()));
    assert!(server.is_running());
    server.thaw();
    // What it was asked while it was frozen is done.
    let value: String = server.query(&["GET", "key"]).await;
    assert_eq!(value, "late");
}

#[tokio::test]
async fn a_frozen_server_can_be_killed_and_restarted() {
    let server = RedisServer::start().await;
    server.freeze();
    server.restart().await;
    assert_eq!(ask(&server.url(), &["PING"]).await.unwrap(), "PONG");
}

#[tokio::test]
async fn a_password_is_demanded_and_part_of_the_url() {
    let password = "p@ss/wörd:\"%\\ x";
    let server = RedisServer::builder().password(password).start().await;
    assert_eq!(ask(&server.url(), &["PING"]).await.unwrap(), "PONG");
    assert_eq!(ask(&server.socket_url(), &["PING"]).await.unwrap(), "PONG");
    let without = format!("redis://{}", server.addr());
    let refused = ask(&without, &["PING"]).await.expect_err("no password");
    assert_eq!(refused.code(), Some("NOAUTH"));
    let wrong = ask(&server.url_as("default", "wrong"), &["PING"]).await;
    let wrong = wrong.expect_err("the wrong password");
    assert_eq!(wrong.kind(), ErrorKind::AuthenticationFailed);
}

#[tokio::test]
async fn users_may_what_their_rules_say() {
    let server = RedisServer::builder()
        .user("reader", &["on", ">secret", "~app:*", "+get", "+ping"])
        .start()
        .await;
    let url = server.url_as("reader", "secret");
    assert_eq!(ask(&url, &["PING"]).await.unwrap(), "PONG");
    for words in [&["SET", "app:1", "x"][..], &["GET", "other:1"]] {
        let refused = ask(&url, words).await.expect_err("not in the rules");
        assert_eq!(refused.code(), Some("NOPERM"));
    }
}

#[tokio::test]
async fn options_are_set_and_the_last_of_two_counts() {
    let server = RedisServer::builder()
        .max_memory("10mb", "allkeys-lru")
        .option(&["client-output-buffer-limit", "normal", "1mb", "0", "0"])
        .option(&["appendonly", "yes"])
        .start()
        .await;
    assert_eq!(server.info("maxmemory").await, "10485760");
    assert_eq!(server.info("maxmemory_policy").await, "allkeys-lru");
    let limit: Vec<String> = server
        .query(&["CONFIG", "GET", "client-output-buffer-limit"])
        .await;
    assert!(limit[1].starts_with("normal 1048576 0 0"), "{limit:?}");
    // And what it kept on disk is there after a restart.
    server.command(&["SET", "key", "value"]).await;
    server
        .command(&["CONFIG", "SET", "appendfsync", "always"])
        .await;
    server.command(&["SET", "other", "value"]).await;
    server.restart().await;
    let count: u64 = server.query(&["DBSIZE"]).await;
    assert_eq!(count, 2);
}

#[tokio::test]
async fn the_administrator_is_let_in_when_nobody_else_is() {
    let server = RedisServer::start().await;
    server.command(&["ACL", "SETUSER", "default", "off"]).await;
    ask(&server.url(), &["PING"]).await.expect_err("it is off");
    let pong: String = server.query(&["PING"]).await;
    assert_eq!(pong, "PONG");
    let refused = server.try_command(&["NONSENSE"]).await;
    refused.expect_err("there is no such command");
}

#[tokio::test]
#[should_panic(expected = "apt-get install redis-server")]
async fn a_missing_program_fails_with_how_to_install_it() {
    let builder = RedisServer::builder().program("redis-server-that-is-not-there");
    builder.start().await;
}

#[tokio::test]
#[should_panic(expected = "Bad directive or wrong number of arguments")]
async fn a_server_that_does_not_start_fails_with_what_it_says() {
    let builder = RedisServer::builder().option(&["no-such-option", "yes"]);
    builder.start().await;
}
