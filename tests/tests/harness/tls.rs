use cache_kit_tests::{Certificates, Identity, RedisServer};
use redis::{Client, ClientTlsConfig, RedisResult, TlsCertificates};

/// Says PING to a server, trusting an authority, and saying who it is.
async fn ping(
    server: &RedisServer,
    authority: &str,
    identity: Option<&Identity>,
) -> RedisResult<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = TlsCertificates {
        root_cert: Some(authority.as_bytes().to_vec()),
        client_tls: identity.map(|identity| ClientTlsConfig {
            client_cert: identity.certificate.clone().into(),
            client_key: identity.key.clone().into(),
        }),
    };
    let client = Client::build_with_tls(server.url(), certificates)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async(&mut connection).await
}

#[tokio::test]
async fn a_tls_server_shows_what_its_authority_certified() {
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let server = RedisServer::builder().tls(&ours).start().await;
    assert!(server.url().starts_with("rediss://"));
    let pong = ping(&server, &ours.authority, None).await;
    assert_eq!(pong.unwrap(), "PONG");
    let stranger = ping(&server, &theirs.authority, None).await;
    let error = stranger.expect_err("another authority").to_string();
    assert!(error.contains("certificate"), "{error}");
    // Without TLS there is no talking to it.
    let plain = format!("redis://{}", server.addr());
    super::ask(&plain, &["PING"]).await.expect_err("no TLS");
    // And the harness's own ways.
    let pong: String = redis::cmd("PING")
        .query_async(&mut server.connect().await)
        .await
        .unwrap();
    assert_eq!(pong, "PONG");
    let pong: String = server.query(&["PING"]).await;
    assert_eq!(pong, "PONG");
}

#[tokio::test]
async fn mutual_tls_takes_only_clients_of_the_same_authority() {
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let server = RedisServer::builder().mutual_tls(&ours).start().await;
    let known = ping(&server, &ours.authority, Some(&ours.client)).await;
    assert_eq!(known.unwrap(), "PONG");
    let nobody = ping(&server, &ours.authority, None).await;
    nobody.expect_err("it does not say who it is");
    let stranger = ping(&server, &ours.authority, Some(&theirs.client)).await;
    stranger.expect_err("it is somebody else's client");
}

#[tokio::test]
async fn a_server_of_another_name_is_seen_through() {
    let elsewhere = Certificates::for_hosts(&["elsewhere.test"]);
    let server = RedisServer::builder().tls(&elsewhere).start().await;
    let error = ping(&server, &elsewhere.authority, None).await;
    let error = error.expect_err("the name is wrong").to_string();
    assert!(error.contains("not valid for name"), "{error}");
}
