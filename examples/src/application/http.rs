//! Routes and handlers: a request becomes a call of a service, its result a response.

mod extract;
mod handlers;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};

use super::Application;
use super::error::{Error, Result};

/// Serves the application.
///
/// | | |
/// | --- | --- |
/// | `POST /borrowers` | registers a borrower |
/// | `GET`, `PUT`, `DELETE /borrowers/{id}` | finds, changes, forgets one |
/// | `GET`, `PUT`, `DELETE /borrowers/{id}/employments/{year}` | the same of what they earned |
/// | `GET /stats` | what the cache has done |
pub fn router(application: Application) -> Router {
    Router::new()
        .route("/borrowers", post(handlers::register))
        .route(
            "/borrowers/{id}",
            get(handlers::borrower)
                .put(handlers::change)
                .delete(handlers::forget),
        )
        .route(
            "/borrowers/{id}/employments/{year}",
            get(handlers::employment)
                .put(handlers::save)
                .delete(handlers::remove),
        )
        .route("/stats", get(handlers::stats))
        .fallback(async || Error::NotFound("page"))
        .method_not_allowed_fallback(async || Error::Rejected {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: "this page does not take that method".to_owned(),
        })
        .layer(from_fn(finish_writes))
        .with_state(application)
}

/// Runs a write as a task of its own, to its end.
///
/// A handler is dropped when its client hangs up. A read may go; a write may have reached the
/// database by then, which nobody can call back, and the eviction has to come after it.
async fn finish_writes(request: Request, next: Next) -> Result<Response> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    Ok(tokio::spawn(next.run(request)).await?)
}
