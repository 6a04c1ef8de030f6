//! What handlers take, refused as [`Error`] and so in JSON, where axum refuses in plain text.

use axum::extract::{FromRequest, FromRequestParts};

use crate::application::error::Error;

/// Takes a body of JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub(super) struct Json<T>(pub(super) T);

/// Takes the parameters of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(super) struct Path<T>(pub(super) T);
