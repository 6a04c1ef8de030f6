//! For authors of backends: the suite that every backend passes, and a byte store to see it work on.

mod bytes;
pub mod conformance;

pub use bytes::ByteBackend;
