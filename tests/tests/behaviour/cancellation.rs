//! A call can be cancelled at any of its awaits: followers are answered, later calls are answered
//! correctly, nothing stale is stored, and no flight leaks.
//!
//! The harness polls a call a number of times and then drops it, for every number until the call
//! completes by itself.

mod batches;
mod harness;
mod reads;
mod refreshes;
mod table;
mod writes;
