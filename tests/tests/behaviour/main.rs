//! One file per behaviour.

mod assertions;
mod attributes;
mod bad_input;
mod batches;
mod conformance;
mod deadlines;
mod derive;
mod errors;
mod failures;
mod fill_protocol;
mod flights;
mod keys;
mod lifetimes;
mod memory;
mod metrics;
mod retries;
mod service;
mod strategies;
mod writes;
