//! The examples in Redis, each on real servers.

use cache_kit::RedisConfig;
use cache_kit_examples::redis::{cluster, quickstart, rolling_deploy, tls};
use cache_kit_tests::{Certificates, Cluster, RedisServer};
use std::time::Duration;

/// On a busy machine too: who does not hear from Redis in time asks the table.
fn patient(config: RedisConfig) -> RedisConfig {
    let deadline = Duration::from_secs(20);
    config.deadline(deadline).connect_deadline(deadline)
}

fn config(url: &str) -> RedisConfig {
    patient(url.parse().expect("a URL"))
}

fn assert_told(out: Vec<u8>, told: &[&str]) {
    let out = String::from_utf8(out).expect("text");
    for told in told {
        assert!(out.contains(told), "no `{told}` in:\n{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_what_one_has_loaded() {
    let server = RedisServer::start().await;
    let mut out = Vec::new();
    // Also when an earlier run has left something.
    for _ in 0..2 {
        let ran = quickstart::run(config(&server.url()), &mut out).await;
        ran.expect("every claim holds");
    }
    assert_told(
        out,
        &["100 callers in two processes wanted it at once: one query"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_from_a_cluster_is_one_to_its_caller() {
    let nodes = Cluster::start().await;
    let mut out = Vec::new();
    let addresses: Vec<_> = nodes
        .nodes()
        .iter()
        .map(|node| node.addr().to_string())
        .collect();
    let config = RedisConfig::cluster(addresses.iter().map(String::as_str));
    let config = patient(config.expect("addresses"));
    let ran = cluster::run(config, &mut out).await;
    ran.expect("every claim holds");
    assert_told(out, &["100 rows from all nodes, and no query", "one query"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_little_is_enough_over_tls() {
    let certificates = Certificates::new();
    let server = RedisServer::builder()
        .mutual_tls(&certificates)
        .user("app", &[&["on", ">s3cret"][..], &tls::RULES].concat())
        .start()
        .await;
    let url = config(&server.url_as("app", "s3cret"));
    let mut out = Vec::new();
    let refused = tls::run(url.clone(), &mut out).await;
    assert!(refused.is_err(), "nobody here trusts that authority yet");
    let own = (&*certificates.client.certificate, &*certificates.client.key);
    let trusting = tls::trust(url, &certificates.authority, Some(own));
    let ran = tls::run(trusting, &mut out).await;
    ran.expect("every claim holds");
    assert!(!String::from_utf8_lossy(&out).contains("s3cret"));
    assert_told(out, &["written and read over TLS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_of_a_struct_live_side_by_side() {
    let server = RedisServer::start().await;
    let mut out = Vec::new();
    let ran = rolling_deploy::run(config(&server.url()), &mut out).await;
    ran.expect("every claim holds");
    assert_told(out, &["an invalidation by either reached both"]);
}
