use super::ask;
use cache_kit_tests::{Certificates, RedisServer, Sentinels, until};

/// Writes at the master, and waits until its replicas have it.
async fn write(sentinels: &Sentinels, value: &str) {
    let master = sentinels.master().await;
    ask(&master.url(), &["SET", "key", value]).await.unwrap();
    for replica in sentinels.replicas().await {
        until("a replica has what was written", || async {
            let read: Option<String> = replica.query(&["GET", "key"]).await;
            (read.as_deref() == Some(value)).then_some(())
        })
        .await;
    }
}

/// Asks a Sentinel for the master as a client does.
async fn named_by(sentinels: &Sentinels, url: &str) -> u16 {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (host, port): (String, u16) = redis::cmd("SENTINEL")
        .arg(&["GET-MASTER-ADDR-BY-NAME", sentinels.master_name()])
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(host, "127.0.0.1");
    port
}

#[tokio::test]
async fn a_killed_master_is_replaced_and_comes_back_as_a_replica() {
    let sentinels = Sentinels::start().await;
    for url in sentinels.urls() {
        assert_eq!(
            named_by(&sentinels, &url).await,
            sentinels.servers()[0].port()
        );
    }
    write(&sentinels, "before").await;
    let old = sentinels.kill_master().await;
    let new = sentinels.wait_for_new_master(old).await;
    assert_ne!(new.port(), old.port());
    let value = ask(&new.url(), &["GET", "key"]).await;
    assert_eq!(value.unwrap(), "before");
    ask(&new.url(), &["SET", "key", "after"]).await.unwrap();
    old.restart().await;
    sentinels.wait_until_whole().await;
    assert_eq!(old.info("role").await, "slave");
    write(&sentinels, "whole").await;
}

#[tokio::test]
async fn a_master_that_is_well_can_be_replaced_even_with_passwords() {
    let sentinels = Sentinels::builder()
        .password("secret")
        .sentinel_password("guarded")
        .start()
        .await;
    let nobody = format!("redis://{}", sentinels.sentinels()[0].addr());
    ask(&nobody, &["PING"]).await.expect_err("no password");
    for url in sentinels.urls() {
        assert_eq!(ask(&url, &["PING"]).await.unwrap(), "PONG");
    }
    write(&sentinels, "before").await;
    let old = sentinels.failover().await;
    let new = sentinels.wait_for_new_master(old).await;
    let value = ask(&new.url(), &["GET", "key"]).await;
    assert_eq!(value.unwrap(), "before");
    sentinels.wait_until_whole().await;
    assert!(old.is_running());
    assert_eq!(old.info("role").await, "slave");
}

#[tokio::test]
async fn a_frozen_master_is_replaced_though_one_sentinel_is_dead() {
    let sentinels = Sentinels::builder().tls(&Certificates::new()).start().await;
    sentinels.sentinels()[0].kill();
    let old = sentinels.master().await;
    old.freeze();
    let new = sentinels.wait_for_new_master(old).await;
    let pong: String = redis::cmd("PING")
        .query_async(&mut new.connect().await)
        .await
        .unwrap();
    assert_eq!(pong, "PONG");
    assert!(sentinels.servers().iter().all(RedisServer::is_running));
}
