//! The backend on real servers.

mod configs;
mod conformance;
mod round_trips;
