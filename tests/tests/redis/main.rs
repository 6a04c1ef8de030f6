//! The backend on real servers.

mod clusters;
mod configs;
mod conformance;
mod fixtures;
mod hostile;
mod round_trips;
