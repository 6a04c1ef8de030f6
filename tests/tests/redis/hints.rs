//! What somebody is told whose Redis is not what the URL says, or does not allow what the cache
//! does: who it is, and what to write instead.

use super::support::{cluster_config, strict_or_not};
use cache_kit::FailurePolicy::Propagate;
use cache_kit::prelude::*;
use cache_kit::{Error, TtlPolicy, backend::RedisTls};
use cache_kit_tests::{Certificates, Cluster, Person, RedisServer, Source, until};
use std::time::Duration;

/// What the docs of `RedisBackend` list.
const COMMANDS: [&str; 13] = [
    "del", "eval", "evalsha", "get", "mget", "persist", "pexpire", "pttl", "set", "setrange",
    "strlen", "time", "unlink",
];

fn backend_at(url: &str) -> RedisBackend {
    let config: RedisConfig = url.parse().expect("a URL");
    RedisBackend::new(config).expect("a config that works")
}

/// What is said to who connects, which is what is said of its health.
async fn refusal(backend: &RedisBackend) -> String {
    let Err(Error::BackendError(refused)) = backend.connect().await else {
        panic!("it connects, or says nothing");
    };
    // While the breaker is open too.
    let health = backend.health().await.expect_err("it is refused");
    let (refused, health) = (refused.to_string(), health.to_string());
    assert!(health.contains(&refused), "{health} is not {refused}");
    refused
}

fn assert_says(said: &str, parts: &[&str]) {
    eprintln!("{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

/// The rules of a user who may do this and nothing else.
fn rules(keys: &str, commands: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    let commands = commands.into_iter().map(|command| format!("+{command}"));
    ["on", ">s3cret", keys]
        .map(str::to_owned)
        .into_iter()
        .chain(commands)
        .collect()
}

async fn set_user(server: &RedisServer, name: &str, rules: &[String]) -> String {
    let mut words = vec!["ACL", "SETUSER", name];
    words.extend(rules.iter().map(String::as_str));
    server.command(&words).await;
    server.url_as(name, "s3cret")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_is_no_server_of_its_own_and_the_other_way_round() {
    let cluster = Cluster::start().await;
    for node in cluster.nodes() {
        let addr = node.addr().to_string();
        let instead = format!("`redis-cluster://{addr}`");
        // Replicas too: that they are is not what matters.
        let refused = refusal(&backend_at(&node.url())).await;
        assert_says(&refused, &[&addr, &instead, "feature `redis-cluster`"]);
    }
    RedisBackend::new(cluster_config(&cluster))
        .unwrap()
        .connect()
        .await
        .unwrap();

    let server = RedisServer::start().await;
    let addr = server.addr().to_string();
    let refused = refusal(&backend_at(&format!("redis-cluster://{addr}"))).await;
    assert_says(&refused, &[&addr, "`redis://`", "cluster support disabled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_cannot_be_asked_is_known_by_what_it_refuses() {
    let node = RedisServer::builder()
        .cluster()
        .option(&["rename-command", "HELLO", ""])
        .start()
        .await;
    node.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])
        .await;
    until("a cluster of one node is ready", async || {
        let state: String = node.query(&["CLUSTER", "INFO"]).await;
        state.contains("cluster_state:ok").then_some(())
    })
    .await;
    let backend = backend_at(&node.url());
    backend.connect().await.unwrap();
    let refused = strict_or_not(&backend, Propagate).get::<Person>(&1).await;
    let refused = refused.unwrap_err().to_string();
    assert_says(&refused, &[&node.addr().to_string(), "`redis-cluster://`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_every_command_of_the_list_and_no_other() {
    let server = RedisServer::start().await;
    let addr = server.addr().to_string();
    let help = [&addr, "`~ck:*`", "\"What Redis has to allow\""];
    for missing in COMMANDS {
        let commands = COMMANDS.into_iter().filter(|command| *command != missing);
        let url = set_user(&server, missing, &rules("~ck:*", commands)).await;
        eprintln!("without `{missing}`");
        assert_says(&refusal(&backend_at(&url)).await, &help);
    }
    for keys in ["~app:*", "%R~ck:*"] {
        let name = format!("user-of-{}", keys.len());
        let url = set_user(&server, &name, &rules(keys, COMMANDS)).await;
        assert_says(&refusal(&backend_at(&url)).await, &help);
    }
    let url = set_user(&server, "app", &rules("~ck:*", COMMANDS)).await;
    backend_at(&url).connect().await.unwrap();
    assert_eq!(server.query::<u64>(&["DBSIZE"]).await, 0);
    use_everything(&backend_at(&url), &server).await;
}

/// Has a cache do whatever it can do.
async fn use_everything(backend: &RedisBackend, server: &RedisServer) {
    for policy in [
        TtlPolicy::Infinite,
        TtlPolicy::Fixed(Duration::from_secs(60)),
    ] {
        let cache = CacheService::builder(backend.clone()).ttl_policy(policy);
        let (cache, source) = (cache.build().unwrap(), Source::default());
        for id in [1, 2] {
            // Filled under what lasts for a while, and for ever, and under what somebody else has
            // put there.
            let load = || source.fetch_by_id(&id);
            let loaded = cache.get_or_load::<Person, _, _>(&id, load).await;
            assert!(loaded.unwrap().is_some());
            let fills = id;
            until("a fill", async || {
                (cache.stats().fills == fills).then_some(())
            })
            .await;
            assert!(cache.get::<Person>(&id).await.unwrap().is_some());
        }
        spoil(server).await;
        let found = cache.load_many::<Person, _>(&[1, 2, 3], &source).await;
        assert!(found.iter().all(|person| matches!(person, Ok(Some(_)))));
        cache.put(Source::row(1)).await.unwrap();
        cache.invalidate::<Person>(&1).await.unwrap();
        cache.invalidate_many::<Person>(&[2, 3]).await.unwrap();
        cache.clear_prefix::<Person>().await.unwrap();
        let stats = cache.stats();
        assert_eq!(stats.failures, 0, "{stats:?}");
    }
    assert_eq!(backend.pending_invalidations(), 0);
    backend.health().await.unwrap();
}

/// Puts what is none of ours under every name that is there.
async fn spoil(server: &RedisServer) {
    let names: Vec<String> = server.query(&["KEYS", "ck:*"]).await;
    let large = "x".repeat(100);
    for name in names {
        server.command(&["SET", &name, &large]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_every_master_is_asked_what_it_allows() {
    let cluster = Cluster::start().await;
    let in_cluster = ["asking", "cluster|slots"];
    let all: Vec<_> = COMMANDS.into_iter().chain(in_cluster).collect();
    let mut url = String::new();
    for node in cluster.nodes() {
        url = set_user(node, "app", &rules("~ck:*", all.clone())).await;
    }
    let url = url.replace("redis://", "redis-cluster://");
    let backend = backend_at(&url);
    backend.connect().await.unwrap();
    for node in cluster.nodes() {
        assert_eq!(node.query::<u64>(&["DBSIZE"]).await, 0);
    }
    for master in &cluster.nodes()[..3] {
        for missing in ["unlink", "asking"] {
            let rule = format!("-{missing}");
            master.command(&["ACL", "SETUSER", "app", &rule]).await;
            let refused = refusal(&backend).await;
            assert_says(&refused, &[&master.addr().to_string(), "`~ck:*`"]);
            let rule = format!("+{missing}");
            master.command(&["ACL", "SETUSER", "app", &rule]).await;
        }
    }
    backend.health().await.unwrap();
}

#[tokio::test]
async fn another_database_needs_one_command_more() {
    let server = RedisServer::start().await;
    let url = set_user(&server, "app", &rules("~ck:*", COMMANDS)).await + "/1";
    assert_says(
        &refusal(&backend_at(&url)).await,
        &[&server.addr().to_string()],
    );
    set_user(&server, "app", &["+select".to_owned()]).await;
    backend_at(&url).connect().await.unwrap();
}

#[tokio::test]
async fn who_speaks_tls_where_nobody_does_is_told_so_and_the_other_way_round() {
    let certificates = Certificates::new();
    let secure = RedisServer::builder().tls(&certificates).start().await;
    let plain = RedisServer::start().await;
    let trusting = RedisTls::new().root_certificate(certificates.authority.as_str());
    for connect_deadline in [Duration::from_millis(200), Duration::from_secs(5)] {
        for (server, tls, help) in [
            (
                &secure,
                None,
                "if it speaks TLS, its URL begins with `rediss`",
            ),
            (
                &plain,
                Some(trusting.clone()),
                "if it speaks no TLS, its URL begins with `redis`, not `rediss`",
            ),
        ] {
            let addr = server.addr().to_string();
            let config = RedisConfig::standalone(&addr).unwrap();
            let config = config.connect_deadline(connect_deadline);
            let config = match tls {
                Some(tls) => config.tls(tls),
                None => config,
            };
            let backend = RedisBackend::new(config).unwrap();
            let refused = backend.connect().await.unwrap_err();
            assert!(matches!(refused, Error::BackendError(_)), "{refused:?}");
            assert_says(&refused.to_string(), &[&addr, help]);
        }
    }
}

#[tokio::test]
async fn who_never_gets_a_connection_is_told_how_long_was_waited_for_whom() {
    let server = RedisServer::start().await;
    let addr = server.addr().to_string();
    server.freeze();
    for (deadline, connect_deadline) in [(100, 200), (200, 100)] {
        let config = RedisConfig::standalone(&addr).unwrap();
        let config = config
            .deadline(Duration::from_millis(deadline))
            .connect_deadline(Duration::from_millis(connect_deadline));
        let backend = RedisBackend::new(config).unwrap();
        let Err(Error::BackendError(refused)) = backend.connect().await else {
            panic!("it is frozen");
        };
        assert_says(&refused.to_string(), &[&addr, "no connection within 100ms"]);
    }
}

#[tokio::test]
async fn what_a_server_refuses_names_it() {
    let server = RedisServer::builder()
        .option(&["maxmemory", "1"])
        .start()
        .await;
    let backend = backend_at(&server.url());
    // Memory that is short is nothing that health is about: what was stored can be read, and
    // dropped.
    backend.connect().await.unwrap();
    let refused = CacheService::new(backend).put(Source::row(1)).await;
    let refused = refused.unwrap_err().to_string();
    assert_says(&refused, &[&server.addr().to_string(), "OOM"]);
}
