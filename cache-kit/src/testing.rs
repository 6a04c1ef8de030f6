//! For tests: of services, a backend that fails when it is told to, and a repository that counts (a
//! clock to turn is [`ManualClock`](crate::ManualClock)); of backends, the suite that every one
//! passes, and a byte store to see it work on.

mod bytes;
pub mod conformance;
mod counting;
mod faults;

pub use bytes::ByteBackend;
pub use counting::CountingRepository;
pub use faults::{Fault, FaultyBackend};

use crate::backend::envelope::{Header, Sealed, stamp_time};
use crate::entity::shape::Shape;
use crate::error::Result;
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use crate::store::{Entry, Lookup, Stamp};
use std::time::Duration;

/// The guards that entries are built under here.
const GUARDS: (u64, u64) = (1, 2);

/// Builds the bytes of an entry as a byte store has them: for benches and fuzzing.
///
/// # Errors
/// [`Error::SerializationError`](crate::Error::SerializationError) if the value cannot be encoded.
#[doc(hidden)]
pub fn encode_entry(
    store: &ByteBackend,
    key: &CacheKey,
    entry: &Entry,
    shape: &'static Shape,
) -> Result<Vec<u8>> {
    let header = Header {
        fingerprint: shape.fingerprint(),
        stamp: GUARDS.0,
        prefix_stamp: GUARDS.1,
        ..Header::default()
    };
    let mut bytes = store.wrap.seal(key, header, entry, shape)?;
    stamp_time(&mut bytes, 0);
    Ok(bytes)
}

/// Says what bytes mean that a byte store has under a key, and that may be anything; `None` if they
/// are no entry that [`encode_entry`] built of this type: for fuzzing.
///
/// # Errors
/// [`Error::DeserializationError`](crate::Error::DeserializationError) if they are damaged.
#[doc(hidden)]
pub fn read_entry(
    store: &ByteBackend,
    key: &CacheKey,
    bytes: &[u8],
    shape: &'static Shape,
) -> Result<Option<Lookup>> {
    let sealed = Sealed::read(bytes)?;
    if !sealed.is_current(GUARDS.0, GUARDS.1, shape) {
        return Ok(None);
    }
    store.wrap.look_up(
        key,
        sealed,
        (Age::new(Duration::ZERO), Stamp::new(0)),
        shape,
    )
}
