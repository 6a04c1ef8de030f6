//! One error for all layers, and what a client is told of it.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::task::JoinError;

use super::validation::Fault;

/// Abbreviates a result of this application.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Is why something failed, for the log; never told to a client.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Says what failed. `Clone`, so that everyone who waited for one load is told of its failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not there.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What was sent contradicts what is there.
    #[error("{0}")]
    Conflict(&'static str),
    /// What was sent is well formed, and breaks rules.
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// What was sent is no request that a handler takes.
    #[error("{message}")]
    Rejected {
        /// How HTTP calls it.
        status: StatusCode,
        /// What is wrong with it.
        message: String,
    },
    /// The database cannot be reached now.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// Anything else, which is not the client's fault.
    #[error("internal error: {0}")]
    Internal(#[source] Cause),
}

/// What a client gets with the status: a code for programs, a message for people.
#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Rejected { status, .. } => *status,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn body(self) -> Body {
        let (error, message) = match &self {
            Self::NotFound(_) => ("not_found", self.to_string()),
            Self::Conflict(_) => ("conflict", self.to_string()),
            Self::Invalid(_) => ("invalid", self.to_string()),
            Self::Rejected { .. } => ("rejected", self.to_string()),
            Self::Unavailable(_) => ("unavailable", "try again later".to_owned()),
            Self::Internal(_) => ("internal", "something went wrong".to_owned()),
        };
        let faults = match self {
            Self::Invalid(faults) => faults,
            _ => Vec::new(),
        };
        Body {
            error,
            message,
            faults,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %self, "a request failed");
        }
        (status, Json(self.body())).into_response()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => Self::Unavailable(Arc::new(error)),
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<cache_kit::Error> for Error {
    fn from(error: cache_kit::Error) -> Self {
        match error {
            // another caller's load, which this one waited for, took too long
            cache_kit::Error::Timeout => Self::Unavailable(Arc::new(error)),
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Rejected {
            status: rejection.status(),
            message: rejection.body_text(),
        }
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::Rejected {
            status: rejection.status(),
            message: rejection.body_text(),
        }
    }
}
