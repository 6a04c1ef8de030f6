//! Each way to fail, entered once and left once.

use super::{Class, Stage};
use crate::support::{config, hasty, sentinel_config, wait_until_replicated};
use cache_kit::prelude::*;
use cache_kit_tests::{Proxy, RedisServer, Sentinels, Traffic, until};
use std::time::Duration;

/// One server, behind a proxy.
struct Single {
    server: RedisServer,
    proxy: Proxy,
    stage: Stage,
}

impl Single {
    async fn start() -> Self {
        Self::of(RedisServer::start().await).await
    }

    async fn of(server: RedisServer) -> Self {
        let proxy = Proxy::start(server.addr()).await;
        Self {
            stage: Stage::set(config(proxy.addr()), config(server.addr())).await,
            server,
            proxy,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_well() {
    let redis = Single::start().await;
    redis.stage.play(Class::Well).await;
    redis.stage.conclude(Class::Well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_has_forgotten_the_scripts_and_closed_all_connections() {
    let redis = Single::start().await;
    redis.server.command(&["SCRIPT", "FLUSH"]).await;
    redis.proxy.cut();
    redis.stage.play(Class::Well).await;
    redis.stage.conclude(Class::Well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_connections() {
    let redis = Single::start().await;
    redis.proxy.set(Traffic::Refused).await;
    redis.stage.play(Class::Out).await;
    redis.proxy.set(Traffic::Passes).await;
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_frozen() {
    let redis = Single::start().await;
    redis.server.freeze();
    redis.stage.play(Class::Out).await;
    redis.server.thaw();
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_behind_a_black_hole() {
    let redis = Single::start().await;
    redis.proxy.set(Traffic::Swallowed).await;
    redis.stage.play(Class::Out).await;
    redis.proxy.set(Traffic::Passes).await;
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_wants_another_password() {
    let redis = Single::start().await;
    let set = |password| ["CONFIG", "SET", "requirepass", password];
    redis.server.command(&set("secret")).await;
    let kill = ["CLIENT", "KILL", "USER", "default"];
    redis.server.command(&kill).await;
    redis.stage.play(Class::Out).await;
    redis.server.command(&set("")).await;
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_restarts() {
    let server = RedisServer::builder().option(&["appendonly", "yes"]);
    let redis = Single::of(server.start().await).await;
    redis.server.kill();
    redis.stage.play(Class::Out).await;
    redis.server.restart().await;
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_fails_over() {
    let sentinels = Sentinels::start().await;
    // Until they are told to, nobody takes the master's place.
    sentinels.set_patience(Duration::from_secs(60)).await;
    let config = || hasty(sentinel_config(&sentinels));
    let stage = Stage::set(config(), config()).await;
    let replicas = sentinels.replicas().await;
    wait_until_replicated(sentinels.master().await, &replicas).await;
    let old = sentinels.kill_master().await;
    stage.play(Class::Out).await;
    sentinels.failover().await;
    sentinels.wait_for_new_master(old).await;
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_out_of_memory() {
    let redis = Single::start().await;
    let limit = |bytes| ["CONFIG", "SET", "maxmemory", bytes];
    redis.server.command(&limit("1")).await;
    redis.stage.play(Class::Unwritable).await;
    redis.server.command(&limit("0")).await;
    redis.stage.conclude(Class::Unwritable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_read_only() {
    let redis = Single::start().await;
    // Of a master that nobody has ever met, so that it keeps what it has.
    let dead = ["REPLICAOF", "127.0.0.1", "1"];
    redis.server.command(&dead).await;
    // Whoever connects is told so, and does not read what may be old.
    redis.proxy.cut();
    redis.stage.play(Class::Out).await;
    redis.server.command(&["REPLICAOF", "NO", "ONE"]).await;
    redis.stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_loading() {
    // It answers between any two of the keys that it takes its time to load.
    let server = RedisServer::builder()
        .option(&["rdbcompression", "no"])
        .option(&["key-load-delay", "10000"])
        .option(&["loading-process-events-interval-bytes", "1024"]);
    let redis = Single::of(server.start().await).await;
    redis
        .server
        .command(&["DEBUG", "POPULATE", "400", "other", "1100"])
        .await;
    redis.server.command(&["SAVE"]).await;
    let playing = async {
        until("Redis says that it is loading", || async {
            let health = redis.stage.backend.health().await;
            let error = health.err()?.to_string();
            error.contains("is loading").then_some(())
        })
        .await;
        redis.stage.play(Class::Out).await;
        assert_eq!(
            redis.server.info("loading").await,
            "1",
            "it was loading all the time"
        );
    };
    tokio::join!(redis.server.restart(), playing);
    redis.stage.conclude(Class::Out).await;
}
