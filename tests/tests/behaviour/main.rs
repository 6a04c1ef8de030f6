//! One file per behaviour.

mod assertions;
mod attributes;
mod bad_input;
mod batches;
mod conformance;
mod derive;
mod expander;
mod feeder_faults;
mod feeders;
mod fill_protocol;
mod flights;
mod guide_loops;
mod keys;
mod lifetimes;
mod load_many;
mod memory;
mod metrics;
mod registry;
mod repositories;
mod serialisation;
mod service;
mod strategies;
mod ttl_class;
mod ttl_policy;
mod writes;
