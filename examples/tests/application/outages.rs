//! A database that fails: what is cached is still answered, and nobody is told more than need be.

use futures::future::join_all;
use serde_json::json;

use crate::server::{Answer, Server};

/// All that a client is told while the database is away.
fn unavailable() -> Answer {
    let body = json!({ "error": "unavailable", "message": "try again later" });
    Answer::new(503, body)
}

#[tokio::test]
async fn cached_reads_are_answered_without_a_database() {
    let server = Server::start().await;
    let ada = server.client.register("Ada").await;
    let known = ada.path();
    let absent = format!("{known}/employments/2020");
    let cold = format!("{known}/employments/2021");
    assert_eq!(server.client.get(&absent).await.status, 404);

    server.db.close().await;

    for _ in 0..2 {
        assert_eq!(
            server.client.get(&known).await,
            Answer::new(200, ada.body.clone())
        );
        assert_eq!(server.client.get(&absent).await.status, 404);
        assert_eq!(server.client.get(&cold).await, unavailable());
    }
    let draft = json!({ "name": "Mary", "email": "mary@example.org" });
    assert_eq!(server.client.post("/borrowers", draft).await, unavailable());
    let draft = json!({ "employer": "Analytical Engines", "salary_cents": 1 });
    assert_eq!(server.client.put(&cold, draft).await, unavailable());
    assert_eq!(server.client.delete(&cold).await, unavailable());
}

#[tokio::test]
async fn those_who_wait_for_a_load_share_its_failure() {
    const READERS: usize = 16;
    let server = Server::start().await;
    let path = server.client.register("Ada").await.path();
    let server = server.restart().await;

    let held = server.hold_connections().await;
    let reads = join_all((0..READERS).map(|_| server.client.get(&path)));
    let outage = async {
        server.client.wait_for_misses(READERS).await;
        let closed = server.db.close();
        drop(held);
        closed.await;
    };
    let (reads, ()) = tokio::join!(reads, outage);

    for read in reads {
        assert_eq!(read, unavailable());
    }
    assert_eq!(server.client.stat("loads").await, 1);
}

#[tokio::test]
async fn a_fault_of_our_own_is_told_without_its_cause() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();
    let dropped = sqlx::query("drop table employment")
        .execute(&server.db)
        .await;
    dropped.expect("there is a table to drop");

    let failed = server
        .client
        .get(&format!("{borrower}/employments/2020"))
        .await;

    let body = json!({ "error": "internal", "message": "something went wrong" });
    assert_eq!(failed, Answer::new(500, body));
}
