//! Facts that did not hold once, or that a hostile reader tried to break: what reviews found, each
//! with the shortest way to see it.

#![allow(
    clippy::items_after_statements,
    reason = "what a test calls stands beside it"
)]

mod batches;
mod declared;
mod earlier;
mod failures;
mod feeders;
mod limits;
mod memory;
mod policies;
