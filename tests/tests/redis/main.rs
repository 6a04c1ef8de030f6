//! The backend on real servers.

mod clusters;
mod configs;
mod conformance;
mod round_trips;
