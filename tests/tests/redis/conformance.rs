//! The suite that every backend passes, on every kind of Redis.

use crate::support::{cluster_config, sentinel_config};
use cache_kit::testing::conformance;
use cache_kit::{RedisBackend, RedisConfig, backend::RedisTls};
use cache_kit_tests::{Certificates, Cluster, RedisServer, Sentinels};

fn config(url: &str) -> RedisConfig {
    url.parse().expect("a URL")
}

fn tls(certificates: &Certificates) -> RedisTls {
    RedisTls::new().root_certificate(certificates.authority.as_str())
}

async fn passes(config: RedisConfig) {
    let backend = RedisBackend::new(config).expect("a config that works");
    backend.connect().await.expect("a server that answers");
    let report = conformance::run(async || backend.clone()).await;
    report.assert_passed();
    assert_eq!(backend.pending_invalidations(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_conforms() {
    let server = RedisServer::start().await;
    passes(config(&server.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_password_conforms() {
    let server = RedisServer::builder().password("p@ss:w/rd").start().await;
    passes(config(&server.url())).await;
}

/// The rules are those of the backend's documentation.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_do_what_is_documented_and_nothing_else_conforms() {
    let rules = "on >secret resetkeys ~ck:* -@all +auth +del +eval +evalsha +get +mget +persist +pexpire +ping +pttl \
                 +set +setrange +strlen +time +unlink";
    let rules: Vec<_> = rules.split_whitespace().collect();
    let server = RedisServer::builder().user("app", &rules).start().await;
    passes(config(&server.url_as("app", "secret"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_conforms() {
    let server = RedisServer::start().await;
    passes(config(&server.socket_url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_conforms() {
    let certificates = Certificates::new();
    let server = RedisServer::builder().tls(&certificates).start().await;
    passes(config(&server.url()).tls(tls(&certificates))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_certificates_on_both_sides_conforms() {
    let certificates = Certificates::new();
    let server = RedisServer::builder()
        .mutual_tls(&certificates)
        .start()
        .await;
    let client = &certificates.client;
    let tls =
        tls(&certificates).client_certificate(client.certificate.as_str(), client.key.as_str());
    passes(config(&server.url()).tls(tls)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_sentinel_names_conforms() {
    let sentinels = Sentinels::start().await;
    passes(sentinel_config(&sentinels)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_conforms() {
    let cluster = Cluster::start().await;
    passes(cluster_config(&cluster)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_tls_and_a_password_conforms() {
    let certificates = Certificates::new();
    let cluster = Cluster::builder()
        .tls(&certificates)
        .password("secret")
        .start()
        .await;
    passes(
        cluster_config(&cluster)
            .password("secret")
            .tls(tls(&certificates)),
    )
    .await;
}
