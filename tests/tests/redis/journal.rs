//! Invalidations that cannot reach Redis: who is told, what is believed meanwhile, and that Redis
//! is told in the end.

mod drops;
mod ends;
mod history;

use super::support::{DEADLINE, Service, backend, config, named, service, stored};
use cache_kit::prelude::*;
use cache_kit::{Error, RedisBackend};
use cache_kit_tests::{Person, Proxy, RedisServer, Source, Traffic, until};
use std::time::Duration;
use tokio::sync::Notify;

/// A cache whose way to Redis can be cut off, and another process with a way of its own.
struct Stage {
    proxy: Proxy,
    backend: RedisBackend,
    cache: Service,
    other: RedisBackend,
    source: Source,
    _server: RedisServer,
}

impl Stage {
    /// Both have "old" of some people, and the database has "new".
    async fn with(ids: &[u64]) -> Self {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.addr()).await;
        let backend = backend(config(proxy.addr()));
        let stage = Self {
            cache: service(&backend),
            other: super::support::backend(config(server.addr())),
            source: Source::default(),
            backend,
            proxy,
            _server: server,
        };
        for id in ids {
            stage.cache.put(named(*id, "old")).await.unwrap();
            stage.assert_other_has(*id, "old").await;
        }
        stage
    }

    async fn cut_off(&self) {
        self.proxy.set(Traffic::Refused).await;
    }

    /// Lets Redis be reached again, and waits until it has been told: nobody calls.
    async fn reconnect(&self) {
        self.proxy.set(Traffic::Passes).await;
        until("Redis has been told", || async {
            (self.pending() == 0).then_some(())
        })
        .await;
    }

    fn pending(&self) -> usize {
        self.backend.pending_invalidations()
    }

    /// What a caller is given here.
    async fn find(&self, id: u64) -> String {
        let found = self.cache.get_or_load(&id, || self.source.fetch_by_id(&id));
        let found = found.await.unwrap().expect("it is there");
        found.name.clone()
    }

    async fn assert_other_has(&self, id: u64, what: &str) {
        assert_eq!(stored(&self.other, id).await.unwrap(), what, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_said_and_is_told_later_without_a_call() {
    let stage = Stage::with(&[1, 2]).await;
    stage.cut_off().await;
    let told = stage.cache.invalidate::<Person>(&1).await;
    assert!(matches!(told, Err(Error::BackendError(_))), "{told:?}");
    assert_eq!(stage.pending(), 1);
    stage.reconnect().await;
    stage.assert_other_has(1, "nothing").await;
    stage.assert_other_has(2, "old").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_owed_once_and_each_of_many_by_itself() {
    let stage = Stage::with(&[1, 2, 3]).await;
    stage.cut_off().await;
    for _ in 0..3 {
        stage.cache.invalidate::<Person>(&1).await.unwrap_err();
    }
    assert_eq!(stage.pending(), 1);
    let told = stage.cache.invalidate_many::<Person>(&[1, 2, 3]).await;
    assert!(told.is_err());
    assert_eq!(stage.pending(), 3);
    stage.reconnect().await;
    for id in 1..=3 {
        stage.assert_other_has(id, "nothing").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_has_of_it_is_not_believed_meanwhile() {
    let stage = Stage::with(&[1, 2]).await;
    // What is sent arrives, and is answered too late to be known of.
    stage.proxy.set(Traffic::Delayed(DEADLINE)).await;
    stage.cache.invalidate::<Person>(&1).await.unwrap_err();
    for _ in 0..10 {
        assert_eq!(stage.cache.get::<Person>(&1).await.unwrap(), None);
        assert_eq!(stage.find(1).await, "new");
    }
    stage.reconnect().await;
    assert_eq!(stage.find(1).await, "new");
    assert_eq!(stage.find(2).await, "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_prefix_is_told_later_too() {
    let stage = Stage::with(&[1, 2]).await;
    stage.cut_off().await;
    let told = stage.cache.clear_prefix::<Person>().await;
    assert!(matches!(told, Err(Error::BackendError(_))), "{told:?}");
    assert_eq!(stage.pending(), 1);
    assert_eq!(stage.find(1).await, "new");
    stage.reconnect().await;
    for id in [1, 2] {
        stage.assert_other_has(id, "nothing").await;
        assert_eq!(stage.find(id).await, "new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_gone_has_been_promised_the_same() {
    let stage = Stage::with(&[1, 2, 3]).await;
    stage.proxy.set(Traffic::Swallowed).await;
    let patience = DEADLINE / 10;
    let one = tokio::time::timeout(patience, stage.cache.invalidate::<Person>(&1)).await;
    let many = stage.cache.invalidate_many::<Person>(&[1, 2]);
    let many = tokio::time::timeout(patience, many).await;
    assert!(one.is_err() && many.is_err(), "Redis answered");
    assert_eq!(stage.pending(), 2);
    assert_eq!(stage.find(1).await, "new");
    let clear = stage.cache.clear_prefix::<Person>();
    drop(tokio::time::timeout(Duration::ZERO, clear).await);
    assert_eq!(stage.find(3).await, "new");
    stage.reconnect().await;
    for id in 1..=3 {
        stage.assert_other_has(id, "nothing").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loading_meanwhile_is_not_stored_afterwards() {
    for is_told_first in [true, false] {
        let stage = Stage::with(&[]).await;
        let (begun, end) = (Notify::new(), Notify::new());
        let load = || async {
            begun.notify_one();
            end.notified().await;
            Ok::<_, Error>(Some(named(1, "old")))
        };
        let write = async {
            begun.notified().await;
            stage.cut_off().await;
            stage.cache.invalidate::<Person>(&1).await.unwrap_err();
            if is_told_first {
                stage.reconnect().await;
            } else {
                stage.proxy.set(Traffic::Passes).await;
            }
            end.notify_one();
        };
        let (found, ()) = tokio::join!(stage.cache.get_or_load(&1, load), write);
        assert_eq!(found.unwrap().unwrap().name, "old", "it came before");
        stage.reconnect().await;
        assert_eq!(stage.find(1).await, "new");
        until("what is loaded now is stored", || async {
            let stored = stored(&stage.other, 1).await.unwrap();
            assert_ne!(stored, "old");
            (stored == "new").then_some(())
        })
        .await;
    }
}

/// Methods that write a row and have the cache told.
struct Writers<'s>(&'s Service);

impl Writers<'_> {
    #[cache_put(cache = self.0)]
    async fn save(&self, person: Person) -> cache_kit::Result<Person> {
        Ok(person)
    }

    #[cache_evict(entity = Person, cache = self.0)]
    async fn remove(&self, id: u64) -> cache_kit::Result<u64> {
        Ok(id)
    }

    #[cache_evict(entity = Person, cache = self.0, on_unreachable = propagate)]
    async fn remove_or_say(&self, id: u64) -> cache_kit::Result<u64> {
        Ok(id)
    }

    #[cache_evict(entity = Person, cache = self.0)]
    async fn fail(&self, id: u64) -> cache_kit::Result<u64> {
        Err(Error::RepositoryError(format!("no {id}").into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_has_what_was_written_and_redis_is_told_later() {
    let stage = Stage::with(&[1, 2, 3, 4]).await;
    let writers = Writers(&stage.cache);
    stage.cut_off().await;
    assert_eq!(writers.save(named(1, "new")).await.unwrap().name, "new");
    assert_eq!(writers.remove(2).await.unwrap(), 2);
    assert!(writers.remove_or_say(3).await.is_err());
    let failed = writers.fail(4).await;
    assert!(matches!(failed, Err(Error::RepositoryError(_))));
    assert_eq!(stage.pending(), 4);
    stage.reconnect().await;
    for id in 1..=4 {
        stage.assert_other_has(id, "nothing").await;
    }
}

#[test]
fn what_is_owed_outlives_the_runtime_that_was_to_pay() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.enable_all().build().unwrap()
    };
    let (first, second, servers) = (runtime(), runtime(), runtime());
    let stage = servers.block_on(Stage::with(&[1, 2]));
    let far = backend(config(stage.proxy.addr()));
    let cache = service(&far);
    first.block_on(async {
        cache.health().await.unwrap();
        stage.cut_off().await;
        cache.invalidate::<Person>(&1).await.unwrap_err();
    });
    drop(first);
    servers.block_on(stage.proxy.set(Traffic::Passes));
    assert_eq!(far.pending_invalidations(), 1);
    second.block_on(async {
        until("Redis has been told", || async {
            // Whoever asks for it finds that it is owed.
            assert_eq!(cache.get::<Person>(&1).await.unwrap(), None);
            (far.pending_invalidations() == 0).then_some(())
        })
        .await;
    });
    servers.block_on(stage.assert_other_has(1, "nothing"));
}
