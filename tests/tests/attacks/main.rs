//! What a hostile reader tried on feeders, policies, retries and batches; each test is the shortest way to see it.

#![allow(
    clippy::items_after_statements,
    reason = "what a test calls stands beside it"
)]

mod batches;
mod failures;
mod feeders;
mod limits;
mod memory;
