//! Sentinels that do not say the same.

use crate::support::{backend, named, service};
use cache_kit::RedisConfig;
use cache_kit_tests::{Proxy, RedisServer, Traffic, soon};
use std::time::Duration;

async fn sentinel_for(master: u16) -> RedisServer {
    let master = master.to_string();
    let monitor = ["sentinel", "monitor", "main", "127.0.0.1", &master, "1"];
    let sentinel = RedisServer::builder().sentinel().option(&monitor);
    sentinel.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_that_names_a_server_that_never_answers_does_not_keep_the_others_from_naming_theirs()
 {
    let server = RedisServer::start().await;
    let nowhere = Proxy::start(server.addr()).await;
    nowhere.set(Traffic::Swallowed).await;
    let (wrong, right) = (
        sentinel_for(nowhere.port()).await,
        sentinel_for(server.port()).await,
    );
    // The wrong one answers first.
    let slow = Proxy::start(right.addr()).await;
    slow.set(Traffic::Delayed(Duration::from_millis(100))).await;
    let sentinels = [wrong.addr().to_string(), slow.addr().to_string()];
    let config = RedisConfig::sentinel("main", sentinels.iter().map(String::as_str)).unwrap();
    let long = Duration::from_secs(60);
    let cache = service(&backend(config.deadline(long).connect_deadline(long)));
    soon(cache.put(named(1, "new"))).await.unwrap();
    assert!(nowhere.counts().accepted > 0);
}
