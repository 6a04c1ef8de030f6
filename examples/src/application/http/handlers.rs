//! One function for each method of a route.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use cache_kit::observe::CacheStats;
use serde::Serialize;
use uuid::Uuid;

use super::extract::{Json, Path};
use crate::application::Application;
use crate::application::error::Result;
use crate::application::model::{Borrower, BorrowerDraft, Employment, EmploymentDraft};

type Answer<T> = Result<axum::Json<T>>;

pub(super) async fn register(
    State(application): State<Application>,
    Json(draft): Json<BorrowerDraft>,
) -> Result<impl IntoResponse> {
    let borrower = application.borrowers.register(&draft).await?;
    let location = format!("/borrowers/{}", borrower.id);
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        axum::Json(borrower),
    ))
}

pub(super) async fn borrower(
    State(application): State<Application>,
    Path(id): Path<Uuid>,
) -> Answer<Arc<Borrower>> {
    application.borrowers.find(id).await.map(axum::Json)
}

pub(super) async fn change(
    State(application): State<Application>,
    Path(id): Path<Uuid>,
    Json(draft): Json<BorrowerDraft>,
) -> Answer<Borrower> {
    let changed = application.borrowers.change(id, &draft).await;
    changed.map(axum::Json)
}

pub(super) async fn forget(
    State(application): State<Application>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    application.borrowers.remove(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn employment(
    State(application): State<Application>,
    Path((person_id, year)): Path<(Uuid, i32)>,
) -> Answer<Arc<Employment>> {
    let employment = application.employments.find(person_id, year).await;
    employment.map(axum::Json)
}

pub(super) async fn save(
    State(application): State<Application>,
    Path((person_id, year)): Path<(Uuid, i32)>,
    Json(draft): Json<EmploymentDraft>,
) -> Answer<Employment> {
    let saved = application.employments.save(person_id, year, &draft).await;
    saved.map(axum::Json)
}

pub(super) async fn remove(
    State(application): State<Application>,
    Path((person_id, year)): Path<(Uuid, i32)>,
) -> Result<StatusCode> {
    application.employments.remove(person_id, year).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the cache has done, as an operator wants to see it.
#[derive(Serialize)]
pub(super) struct Stats {
    #[serde(flatten)]
    counts: CacheStats,
    hit_ratio: Option<f64>,
}

pub(super) async fn stats(State(application): State<Application>) -> axum::Json<Stats> {
    let counts = application.stats();
    axum::Json(Stats {
        hit_ratio: counts.hit_ratio(),
        counts,
    })
}
