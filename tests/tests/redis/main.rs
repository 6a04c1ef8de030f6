//! The backend on real servers.

mod conformance;
mod matrix;
mod outages;
mod support;
