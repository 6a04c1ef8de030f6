//! The backend on real servers.

mod conformance;
