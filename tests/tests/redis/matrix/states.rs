//! Each way to fail, entered once and left once.

use super::{Class, Stage};
use cache_kit::prelude::*;
use cache_kit_tests::{RedisServer, Traffic, until};

async fn stage() -> Stage {
    Stage::set(RedisServer::start().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_well() {
    let stage = stage().await;
    stage.play(Class::Well).await;
    stage.conclude(Class::Well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_has_forgotten_the_scripts_and_closed_all_connections() {
    let stage = stage().await;
    stage.server.command(&["SCRIPT", "FLUSH"]).await;
    stage.proxy.cut();
    stage.play(Class::Well).await;
    stage.conclude(Class::Well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_connections() {
    let stage = stage().await;
    stage.proxy.set(Traffic::Refused).await;
    stage.play(Class::Out).await;
    stage.proxy.set(Traffic::Passes).await;
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_frozen() {
    let stage = stage().await;
    stage.server.freeze();
    stage.play(Class::Out).await;
    stage.server.thaw();
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_behind_a_black_hole() {
    let stage = stage().await;
    stage.proxy.set(Traffic::Swallowed).await;
    stage.play(Class::Out).await;
    stage.proxy.set(Traffic::Passes).await;
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_wants_another_password() {
    let stage = stage().await;
    let set = |password| ["CONFIG", "SET", "requirepass", password];
    stage.server.command(&set("secret")).await;
    let kill = ["CLIENT", "KILL", "USER", "default"];
    stage.server.command(&kill).await;
    stage.play(Class::Out).await;
    stage.server.command(&set("")).await;
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_out_of_memory() {
    let stage = stage().await;
    let limit = |bytes| ["CONFIG", "SET", "maxmemory", bytes];
    stage.server.command(&limit("1")).await;
    stage.play(Class::Unwritable).await;
    stage.server.command(&limit("0")).await;
    stage.conclude(Class::Unwritable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_read_only() {
    let stage = stage().await;
    // Of a master that nobody has ever met, so that it keeps what it has.
    let dead = ["REPLICAOF", "127.0.0.1", "1"];
    stage.server.command(&dead).await;
    // Whoever connects is told so, and does not read what may be old.
    stage.proxy.cut();
    stage.play(Class::Out).await;
    stage.server.command(&["REPLICAOF", "NO", "ONE"]).await;
    stage.conclude(Class::Out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_loading() {
    // It answers between any two of the keys that it takes its time to load.
    let server = RedisServer::builder()
        .option(&["rdbcompression", "no"])
        .option(&["key-load-delay", "10000"])
        .option(&["loading-process-events-interval-bytes", "1024"]);
    let stage = Stage::set(server.start().await).await;
    stage
        .server
        .command(&["DEBUG", "POPULATE", "400", "other", "1100"])
        .await;
    stage.server.command(&["SAVE"]).await;
    let playing = async {
        until("Redis says that it is loading", || async {
            let health = stage.backend.health().await;
            let error = health.err()?.to_string();
            error.contains("is loading").then_some(())
        })
        .await;
        stage.play(Class::Out).await;
        assert_eq!(
            stage.server.info("loading").await,
            "1",
            "it was loading all the time"
        );
    };
    tokio::join!(stage.server.restart(), playing);
    stage.conclude(Class::Out).await;
}
