//! The backend on real servers.

mod batches;
mod clusters;
mod configs;
mod conformance;
mod failover;
mod fixtures;
mod hints;
mod hostile;
mod indexes;
mod journal;
mod leases;
mod lifetimes;
mod matrix;
mod outages;
mod processes;
mod round_trips;
mod schema;
mod stale;
mod support;
mod tags;
