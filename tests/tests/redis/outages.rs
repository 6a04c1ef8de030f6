//! Redis goes away under load and comes back.

use super::support::{
    BOUND, Callers, DEADLINE, RECOVERY, SLACK, backend, config, recovery, service, stored,
};
use cache_kit::RedisBackend;
use cache_kit::prelude::*;
use cache_kit_tests::{Person, Proxy, RedisServer, Source, Traffic, until};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug)]
enum Outage {
    Killed,
    Frozen,
    Refused,
    BlackHole,
    Stalled,
}

impl Outage {
    async fn begin(self, server: &RedisServer, proxy: &Proxy) {
        match self {
            Self::Killed => server.kill(),
            Self::Frozen => server.freeze(),
            Self::Refused => proxy.set(Traffic::Refused).await,
            Self::BlackHole => proxy.set(Traffic::Swallowed).await,
            Self::Stalled => proxy.set(Traffic::Stalled).await,
        }
    }

    async fn end(self, server: &RedisServer, proxy: &Proxy) {
        match self {
            Self::Killed => server.restart().await,
            Self::Frozen => server.thaw(),
            _ => proxy.set(Traffic::Passes).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refreshes_never_notices_that_redis_is_away() {
    use Outage::{BlackHole, Frozen, Killed, Refused, Stalled};
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let cache = service(&backend(config(proxy.addr())));
    let callers = Callers::start(&cache, 4, 0..20);
    for outage in [Killed, Frozen, Refused, BlackHole, Stalled] {
        callers.go_on(100).await;
        outage.begin(&server, &proxy).await;
        until("Redis is away", || async {
            cache.health().await.is_err().then_some(())
        })
        .await;
        callers.go_on(500).await;
        outage.end(&server, &proxy).await;
        let took = recovery(&format!("{outage:?}"), &cache, 1).await;
        assert!(took < RECOVERY, "{outage:?}: {took:?}");
    }
    callers.stop().await.assert_unharmed(BOUND);
}

/// Writes down what is told of servers.
#[derive(Clone, Default)]
struct Servers(Arc<Mutex<Vec<String>>>);

impl CacheMetrics for Servers {
    fn record(&self, event: &CacheEvent<'_>) {
        if let CacheEvent::Up { server, .. } | CacheEvent::Down { server, .. } = event {
            let told = format!("{} {server}", event.name());
            self.0.lock().expect("no panic").push(told);
        }
    }
}

impl Servers {
    fn watch(backend: &RedisBackend) -> (CacheService<RedisBackend>, Self) {
        let servers = Self::default();
        let builder = CacheService::builder(backend.clone()).metrics(servers.clone());
        (builder.build().expect("settings that work"), servers)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_when_a_server_goes_away_and_when_it_is_back() {
    let server = RedisServer::start().await;
    let backend = backend(config(server.addr()));
    let (cache, servers) = Servers::watch(&backend);
    assert_eq!(servers.take(), [""; 0], "it has not been asked");
    cache.health().await.unwrap();
    let (up, down) = (
        format!("up {}", server.addr()),
        format!("down {}", server.addr()),
    );
    assert_eq!(servers.take(), [up.as_str()]);
    let (_late, told) = Servers::watch(&backend);
    assert_eq!(
        told.take(),
        [up.as_str()],
        "who comes later is told at once"
    );
    cache.health().await.unwrap();
    assert_eq!(servers.take(), [""; 0], "nothing has changed");
    for _ in 0..2 {
        server.kill();
        until("Redis is away", || async {
            let told = servers.take();
            let _ = cache.health().await;
            (!told.is_empty()).then_some(told)
        })
        .await;
        server.restart().await;
        until("it is back", || async { cache.health().await.ok() }).await;
    }
    assert_eq!(
        told.take(),
        [&*down, &up, &down, &up],
        "to everyone, and in order"
    );
}

/// A relay whose connections fall silent for ever, without being closed; those that are made later
/// are served.
struct Relay {
    addr: SocketAddr,
    silenced: watch::Sender<u64>,
}

impl Relay {
    async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("it is bound");
        let (silenced, word) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut word = word.clone();
                word.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await.expect("it listens");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = word.changed() => {
                            // Both sockets stay open.
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        Self { addr, silenced }
    }

    fn silence(&self) {
        self.silenced.send_modify(|count| *count += 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_replaced_also_where_callers_give_up_first() {
    let server = RedisServer::start().await;
    for patience in [DEADLINE / 4, 2 * DEADLINE] {
        let relay = Relay::start(server.addr()).await;
        let cache = CacheService::builder(backend(config(relay.addr)))
            .backend_deadline(patience)
            .build()
            .unwrap();
        let callers = Callers::start(&cache, 4, 0..20);
        recovery("at first", &cache, 1).await;
        for _ in 0..2 {
            relay.silence();
            let what = format!("silent, with callers who wait for {patience:?}");
            let took = recovery(&what, &cache, 1).await;
            assert!(took < RECOVERY, "{what}: {took:?}");
            callers.go_on(100).await;
        }
        callers.stop().await.assert_unharmed(BOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_calls_fail_fast() {
    let server = RedisServer::start().await;
    for traffic in [Traffic::Refused, Traffic::Swallowed] {
        let proxy = Proxy::start(server.addr()).await;
        let cache = service(&backend(config(proxy.addr())));
        cache.health().await.unwrap();
        proxy.set(traffic).await;
        let begun = Instant::now();
        for id in 0..5000 {
            assert_eq!(cache.get::<Person>(&id).await.unwrap(), None);
        }
        let took = begun.elapsed();
        eprintln!("{traffic:?}: 5000 calls took {took:?}");
        assert!(took < 20 * DEADLINE + SLACK, "{traffic:?}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_come_back_together_share_one_new_connection() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let cache = service(&backend(config(proxy.addr())));
    let callers = Callers::start(&cache, 50, 0..200);
    for traffic in [Traffic::Refused, Traffic::Swallowed] {
        callers.go_on(200).await;
        proxy.set(traffic).await;
        until("Redis is away", || async {
            cache.health().await.is_err().then_some(())
        })
        .await;
        let before = proxy.counts();
        proxy.set(Traffic::Passes).await;
        recovery(&format!("{traffic:?}"), &cache, 1).await;
        callers.go_on(500).await;
        let counts = proxy.counts().since(&before);
        // An attempt that was under way has failed.
        assert!(
            counts.accepted <= 2 && counts.open == 1,
            "{traffic:?}: {counts:?}"
        );
    }
    callers.stop().await.assert_unharmed(BOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_writes_is_not_connected_to_at_every_call() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let backend = backend(config(proxy.addr()));
    let (cache, source) = (service(&backend), Source::default());
    assert_eq!(stored(&backend, 1).await.unwrap(), "nothing");
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let before = proxy.counts();
    for id in 0..200 {
        let found = cache.get_or_load::<Person, _, _>(&id, || source.fetch_by_id(&id));
        assert!(found.await.unwrap().is_some());
    }
    let accepted = proxy.counts().since(&before).accepted;
    assert!(accepted < 20, "it was connected to {accepted} times");
}
