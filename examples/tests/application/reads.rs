//! Who asks the database, and who does not.

use futures::future::join_all;
use serde_json::json;

use crate::server::Server;

/// An id that nobody has.
const NOBODY: &str = "/borrowers/018f0000-0000-7000-8000-000000000000";

#[tokio::test]
async fn the_second_read_does_not_ask_the_database() {
    let server = Server::start().await;
    let registered = server.client.register("Ada").await;
    let server = server.restart().await;

    for (hits, loads) in [(0, 1), (1, 1), (2, 1)] {
        let read = server.client.get(&registered.path()).await;
        assert_eq!((read.status, &read.body), (200, &registered.body));
        assert_eq!(server.client.stat("hits").await, hits);
        assert_eq!(server.client.stat("loads").await, loads);
    }
}

#[tokio::test]
async fn what_was_registered_is_cached_at_once() {
    let server = Server::start().await;
    let registered = server.client.register("Ada").await;

    let read = server.client.get(&registered.path()).await;

    assert_eq!((read.status, &read.body), (200, &registered.body));
    assert_eq!(server.client.stat("loads").await, 0);
}

#[tokio::test]
async fn that_there_is_nobody_is_remembered() {
    let server = Server::start().await;

    for absent_hits in [0, 1, 2] {
        let read = server.client.get(NOBODY).await;
        assert_eq!(read.status, 404);
        assert_eq!(read.body["error"], "not_found");
        assert_eq!(server.client.stat("absent_hits").await, absent_hits);
        assert_eq!(server.client.stat("loads").await, 1);
    }
}

#[tokio::test]
async fn an_absence_ends_with_the_write_that_ends_it() {
    let server = Server::start().await;
    let path = server.client.register("Ada").await.path() + "/employments/2020";
    let before = server.client.get(&path).await;
    assert_eq!(before.status, 404);

    let draft = json!({ "employer": "Analytical Engines", "salary_cents": 1_000 });
    let saved = server.client.put(&path, draft).await;
    let after = server.client.get(&path).await;

    assert_eq!(saved.status, 200);
    assert_eq!(after, saved);
    assert_eq!(server.client.stat("loads").await, 1);
}

#[tokio::test]
async fn concurrent_reads_of_a_cold_id_ask_the_database_once() {
    const READERS: usize = 16;
    let server = Server::start().await;
    let registered = server.client.register("Ada").await;
    let server = server.restart().await;

    let held = server.hold_connections().await;
    let path = registered.path();
    let reads = join_all((0..READERS).map(|_| server.client.get(&path)));
    let release = async {
        server.client.wait_for_misses(READERS).await;
        drop(held);
    };
    let (reads, ()) = tokio::join!(reads, release);

    for read in reads {
        assert_eq!((read.status, &read.body), (200, &registered.body));
    }
    assert_eq!(server.client.stat("loads").await, 1);
    assert_eq!(server.client.stat("coalesced").await, READERS as u64 - 1);
}
