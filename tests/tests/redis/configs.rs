//! What a config is refused for, and when: at once where that can be known, else by whoever
//! connects.

use cache_kit::prelude::*;
use cache_kit::{Error, backend::RedisTls};
use cache_kit_tests::{Certificates, Person, RedisServer, Source, until};
use std::time::Duration;

fn refusal(config: RedisConfig) -> String {
    match RedisBackend::new(config) {
        Err(Error::ConfigError(cause)) => cause.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_config_that_cannot_work_is_refused_when_the_backend_is_made() {
    let config = RedisConfig::default;
    for (config, part) in [
        (config().deadline(Duration::ZERO), "`deadline`"),
        (
            config().connect_deadline(Duration::ZERO),
            "`connect_deadline`",
        ),
        (config().lease(Duration::from_micros(1)), "`lease`"),
        (config().max_entry(0), "`max_entry`"),
        (config().username("app"), "without a password"),
        (
            RedisConfig::cluster(["localhost"]).unwrap().database(1),
            "no database",
        ),
        (RedisConfig::sentinel("", ["localhost"]).unwrap(), "by name"),
        (
            "unix:///s"
                .parse::<RedisConfig>()
                .unwrap()
                .tls(RedisTls::new()),
            "no TLS",
        ),
        (
            config().tls(RedisTls::new().root_certificate("no certificate")),
            "root certificate",
        ),
    ] {
        let refusal = refusal(config);
        assert!(refusal.contains(part), "{refusal}");
    }
    assert!(RedisConfig::cluster([]).is_err());
    assert!(RedisConfig::standalone("").is_err());
}

#[tokio::test]
async fn the_environment_is_read_and_its_absence_said() {
    let missing = RedisConfig::from_env_var("CACHE_KIT_TESTS_HAVE_NO_SUCH_VARIABLE");
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.contains("CACHE_KIT_TESTS_HAVE_NO_SUCH_VARIABLE"),
        "{missing}"
    );
    // Whatever is set there is not a URL of Redis, and not repeated.
    let wrong = RedisConfig::from_env_var("PATH").unwrap_err().to_string();
    assert!(wrong.contains("no scheme"), "{wrong}");
}

#[tokio::test]
async fn a_config_may_be_as_patient_as_it_likes() {
    let server = RedisServer::start().await;
    let config: RedisConfig = server.url().parse().unwrap();
    let config = config
        .deadline(Duration::MAX)
        .connect_deadline(Duration::MAX)
        .lease(Duration::MAX);
    let cache = CacheService::new(RedisBackend::new(config).unwrap());
    let found = cache.get_or_load::<Person, Error, _>(&1, async || Ok(Some(Source::row(1))));
    assert!(found.await.unwrap().is_some());
    until("a fill", async || (cache.stats().fills == 1).then_some(())).await;
}

#[tokio::test]
async fn nothing_connects_before_it_has_to() {
    let backend = RedisBackend::new("redis://127.0.0.1:1".parse().unwrap()).unwrap();
    let refused = backend.connect().await.unwrap_err().to_string();
    assert!(refused.contains("127.0.0.1:1"), "{refused}");
}

#[tokio::test]
async fn a_wrong_password_is_told_to_who_connects_and_never_shown() {
    let server = RedisServer::builder().password("right").start().await;
    for url in [
        server.url_as("", "s3cret"),
        server.url_as("s3cret-user", "s3cret"),
    ] {
        let config: RedisConfig = url.parse().unwrap();
        let backend = RedisBackend::new(config.clone()).unwrap();
        let refused = backend.connect().await.unwrap_err();
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
        assert!(!format!("{refused:?}").contains("s3cret"), "{refused:?}");
        assert!(!format!("{backend:?}").contains("s3cret"), "{backend:?}");
        assert!(!format!("{config:?}").contains("\"s3cret\""), "{config:?}");
    }
    let backend = RedisBackend::new(server.url().parse().unwrap()).unwrap();
    backend.connect().await.unwrap();
}

#[tokio::test]
async fn who_shows_the_wrong_certificate_or_trusts_the_wrong_authority_is_refused() {
    let (ours, others) = (Certificates::new(), Certificates::new());
    let server = RedisServer::builder().mutual_tls(&ours).start().await;
    let connect = async |tls: RedisTls| {
        let config: RedisConfig = server.url().parse().unwrap();
        RedisBackend::new(config.tls(tls)).unwrap().connect().await
    };
    let trusting =
        |authority: &Certificates| RedisTls::new().root_certificate(authority.authority.as_str());
    let showing = |tls: RedisTls, who: &Certificates| {
        tls.client_certificate(who.client.certificate.as_str(), who.client.key.as_str())
    };
    assert!(connect(showing(trusting(&ours), &ours)).await.is_ok());
    assert!(connect(showing(trusting(&others), &ours)).await.is_err());
    assert!(connect(showing(trusting(&ours), &others)).await.is_err());
    assert!(connect(trusting(&ours)).await.is_err());
    // And without TLS, to a server that speaks nothing else.
    let plain = RedisConfig::standalone(&server.addr().to_string()).unwrap();
    assert!(RedisBackend::new(plain).unwrap().connect().await.is_err());
}

#[tokio::test]
async fn a_sentinel_that_knows_no_such_master_says_so() {
    // A server is no sentinel, and answers as one that is misconfigured.
    let server = RedisServer::start().await;
    let address = server.addr().to_string();
    let config = RedisConfig::sentinel("main", [address.as_str()]).unwrap();
    let refused = RedisBackend::new(config).unwrap().connect().await;
    assert!(refused.unwrap_err().to_string().contains(&address));
}

#[tokio::test]
async fn a_server_that_is_in_no_cluster_says_so() {
    let server = RedisServer::start().await;
    let address = server.addr().to_string();
    let config = RedisConfig::cluster([address.as_str()]).unwrap();
    let refused = RedisBackend::new(config)
        .unwrap()
        .connect()
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("cluster support disabled"),
        "{refused}"
    );
}
