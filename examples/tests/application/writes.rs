//! A write is seen by the next read, and is finished once it was begun.

use axum::body::Body;
use axum::http::Request;
use cache_kit_examples::application::router;
use futures::FutureExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::server::{Answer, Server};

#[tokio::test]
async fn a_change_is_seen_by_the_next_read() {
    let server = Server::start().await;
    let registered = server.client.register("Ada").await;
    let path = registered.path();

    let draft = json!({ "name": "Augusta", "email": "augusta@example.org" });
    let changed = server.client.put(&path, draft).await;
    let read = server.client.get(&path).await;

    assert_eq!(changed.status, 200);
    assert_eq!(read, changed);
    assert_eq!(read.body["name"], "Augusta");
    assert_eq!(read.body["created_at"], registered.body["created_at"]);
    assert_ne!(read.body["updated_at"], registered.body["updated_at"]);
    assert_eq!(
        server.restart().await.client.get(&path).await,
        read,
        "the entry was not what the database has"
    );
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let server = Server::start().await;
    let ada = server.client.register("Ada").await;
    server.client.register("Mary").await;

    let draft = json!({ "name": "Ada", "email": "MARY@example.org" });
    let refused = server.client.put(&ada.path(), draft).await;

    assert_eq!(refused.status, 409);
    assert_eq!(server.client.get(&ada.path()).await.body, ada.body);
}

#[tokio::test]
async fn a_removal_takes_one_year_and_leaves_the_others() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();
    let [first, second] = [2020, 2021].map(|year| format!("{borrower}/employments/{year}"));
    let draft = json!({ "employer": "Analytical Engines", "salary_cents": 1_000 });
    server.client.put(&first, draft.clone()).await;
    let kept = server.client.put(&second, draft).await;

    assert_eq!(server.client.delete(&first).await.status, 204);

    assert_eq!(server.client.get(&first).await.status, 404);
    assert_eq!(server.client.get(&second).await, kept);
    assert_eq!(server.client.delete(&first).await.status, 404);
}

#[tokio::test]
async fn a_borrower_who_is_forgotten_takes_their_employments_along() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();
    let employments = [2020, 2021].map(|year| format!("{borrower}/employments/{year}"));
    let draft = json!({ "employer": "Analytical Engines", "salary_cents": 1_000 });
    for employment in &employments {
        server.client.put(employment, draft.clone()).await;
        assert_eq!(server.client.get(employment).await.status, 200);
    }

    assert_eq!(server.client.delete(&borrower).await.status, 204);

    assert_eq!(server.client.get(&borrower).await.status, 404);
    for employment in &employments {
        assert_eq!(server.client.get(employment).await.status, 404);
        assert_eq!(
            server.client.put(employment, draft.clone()).await.status,
            404
        );
    }
    assert_eq!(server.client.delete(&borrower).await.status, 404);
}

#[tokio::test]
async fn a_write_goes_on_when_its_client_hangs_up() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();
    let employment = format!("{borrower}/employments/2020");
    let draft = json!({ "employer": "Analytical Engines", "salary_cents": 1_000 });
    server.client.put(&employment, draft).await;

    let request = Request::delete(&borrower).body(Body::empty());
    let request = request.expect("the path is one");
    let response = router(server.application.clone()).oneshot(request);
    // Asked once, and dropped: what a handler is when its connection closes.
    assert!(response.now_or_never().is_none());

    let is_gone = |read: &Answer| read.status == 404;
    server.client.wait_for(&borrower, is_gone).await;
    assert_eq!(server.client.get(&employment).await.status, 404);
}
