//! A program that ends: what it waits for before it does.

use super::Stage;
use crate::support::{backend, config, hasty, service};
use cache_kit::prelude::*;
use cache_kit::{Error, RedisConfig};
use cache_kit_tests::{Person, Proxy, RedisServer, Source, Traffic, soon, until};
use std::time::Duration;

/// Runs a program of its own to its end: a runtime, a backend, a service.
async fn run_to_the_end<F>(
    config: RedisConfig,
    program: impl FnOnce(super::Service) -> F + Send + 'static,
) where
    F: Future<Output = ()>,
{
    let running = tokio::task::spawn_blocking(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async { program(service(&backend(config))).await });
    });
    soon(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_waits_has_stored_what_it_loaded_and_leaves_no_lease() {
    let server = RedisServer::start().await;
    let slow = Proxy::start(server.addr()).await;
    slow.set(Traffic::Delayed(Duration::from_millis(30))).await;
    let patient = config(slow.addr()).deadline(Duration::from_secs(60));
    run_to_the_end(
        patient.connect_deadline(Duration::from_secs(60)),
        async |cache| {
            let source = Source::default();
            let found = cache.get_or_load(&1, || source.fetch_by_id(&1)).await;
            assert!(found.unwrap().is_some());
            assert_eq!(cache.stats().fills, 0);
            cache.run_pending_tasks().await.unwrap();
            assert_eq!(cache.stats().fills, 1);
            let down = || async { Err(Error::RepositoryError("down".into())) };
            cache
                .get_or_load::<Person, _, _>(&2, down)
                .await
                .unwrap_err();
            cache.run_pending_tasks().await.unwrap();
        },
    )
    .await;
    let next = service(&backend(hasty(config(server.addr()))));
    assert_eq!(next.get::<Person>(&1).await.unwrap().unwrap().id, 1);
    let leases: Vec<String> = server.query(&["KEYS", "ck:l:*"]).await;
    assert!(leases.is_empty(), "{leases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_what_it_leaves_owing_and_can_try_again() {
    let stage = Stage::with(&[1]).await;
    stage.cut_off().await;
    stage.cache.invalidate::<Person>(&1).await.unwrap_err();
    let owing = stage.cache.run_pending_tasks().await;
    assert!(matches!(owing, Err(Error::BackendError(_))), "{owing:?}");
    assert_eq!(stage.pending(), 1);
    stage.proxy.set(Traffic::Passes).await;
    until("it is told", || async {
        stage.cache.run_pending_tasks().await.ok()
    })
    .await;
    assert_eq!(stage.pending(), 0);
    stage.assert_other_has(1, "nothing").await;
}
