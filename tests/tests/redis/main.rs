//! The backend on real servers.

mod conformance;
mod fixtures;
mod hostile;
