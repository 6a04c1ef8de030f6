//! What is refused, with which status, and that the body says why.

use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test]
async fn what_is_no_id_or_no_year_is_a_bad_request() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();

    for path in ["/borrowers/ada", &format!("{borrower}/employments/last")] {
        let refused = server.client.get(path).await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!("rejected"))
        );
    }
    assert_eq!(server.client.stat("loads").await, 0);
}

#[tokio::test]
async fn every_fault_of_a_draft_is_told() {
    let server = Server::start().await;
    let borrower = server.client.register("Ada").await.path();
    let fields = |body: &Value| -> Vec<String> {
        let faults = body["faults"].as_array().into_iter().flatten();
        faults.map(|fault| fault["field"].to_string()).collect()
    };

    let draft = json!({ "name": "  ", "email": "ada" });
    let refused = server.client.put(&borrower, draft.clone()).await;
    assert_eq!(refused.status, 422);
    assert_eq!(fields(&refused.body), [r#""name""#, r#""email""#]);
    assert_eq!(server.client.post("/borrowers", draft).await, refused);

    let draft = json!({ "employer": "x".repeat(201), "salary_cents": -1 });
    let path = format!("{borrower}/employments/1492");
    let refused = server.client.put(&path, draft).await;
    assert_eq!(refused.status, 422);
    assert_eq!(
        fields(&refused.body),
        [r#""year""#, r#""employer""#, r#""salary_cents""#]
    );
}

#[tokio::test]
async fn a_body_that_is_no_draft_is_refused_in_json() {
    let server = Server::start().await;
    let json = "application/json";
    for (status, media_type, body) in [
        (400, json, "{"),
        (422, json, r#"{ "name": "Ada" }"#),
        (
            422,
            json,
            r#"{ "name": "Ada", "email": "ada@example.org", "id": 7 }"#,
        ),
        (415, "text/plain", "Ada"),
    ] {
        let refused = server
            .client
            .post_text("/borrowers", media_type, body)
            .await;
        assert_eq!(refused.status, status, "{body}");
        assert_eq!(refused.body["error"], "rejected");
    }
}

#[tokio::test]
async fn an_email_address_is_taken_once() {
    let server = Server::start().await;
    server.client.register("Ada").await;

    let draft = json!({ "name": "Another", "email": "ADA@example.org" });
    let refused = server.client.post("/borrowers", draft).await;

    assert_eq!(
        (refused.status, &refused.body["error"]),
        (409, &json!("conflict"))
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let nobody = "/borrowers/018f0000-0000-7000-8000-000000000000";
    let draft = json!({ "name": "Ada", "email": "ada@example.org" });

    assert_eq!(server.client.put(nobody, draft).await.status, 404);
    assert_eq!(server.client.delete(nobody).await.status, 404);
    let elsewhere = server.client.get("/lenders").await;
    assert_eq!(
        (elsewhere.status, &elsewhere.body["error"]),
        (404, &json!("not_found"))
    );
    let refused = server.client.delete("/borrowers").await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (405, &json!("rejected"))
    );
}
