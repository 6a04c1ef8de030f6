//! For authors of backends: the suite that every backend passes, and a byte store to see it work on.

mod bytes;
pub mod conformance;

pub use bytes::ByteBackend;

use crate::backend::Entry;
use crate::envelope::{Header, Wrap};
use crate::error::Result;
use crate::key::CacheKey;
use crate::shape::Shape;

/// Builds the bytes of an entry as byte stores have them: for benches.
///
/// # Errors
/// [`Error::SerializationError`](crate::Error::SerializationError) if the value cannot be encoded.
#[doc(hidden)]
pub fn encode_entry(key: &CacheKey, entry: &Entry, shape: &'static Shape) -> Result<Vec<u8>> {
    let header = Header {
        fingerprint: shape.fingerprint(),
        stamp: 1,
        prefix_stamp: 2,
        ..Header::default()
    };
    Wrap::default().seal(key, header, entry, shape)
}
