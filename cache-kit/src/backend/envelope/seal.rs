//! Writes an entry in front of and around its payload.

use super::{CHECKSUM_AT, ENDLESS, HEADER, Header, MAGIC, TAG, TIME_AT, VERSION};
use crate::error::Error;
use std::time::Duration;

impl Header {
    /// Makes room for what the checksum covers of a header, in front of a payload that is still to
    /// come.
    pub(super) fn reserve(&self, bytes: &mut Vec<u8>) {
        bytes.extend(MAGIC);
        bytes.resize(CHECKSUM_AT + self.tags.len() * TAG, 0);
    }

    /// Completes an entry whose payload is in place behind the room that was made. The time is the
    /// server's to put in.
    pub(super) fn finish(&self, bytes: &mut [u8]) -> Result<Vec<u8>, Error> {
        let before = CHECKSUM_AT + self.tags.len() * TAG;
        // What does not append takes the place of what was there.
        if bytes.len() < before || !bytes.starts_with(&MAGIC) {
            return Err(refused("its codec does not append to what is there"));
        }
        let (Ok(tags), Ok(len)) = (
            u16::try_from(self.tags.len()),
            u32::try_from(bytes.len() - before),
        ) else {
            return Err(refused("it has over 4 GiB, or too many tags"));
        };
        let (head, rest) = bytes.split_at_mut(CHECKSUM_AT);
        head[3..6].copy_from_slice(&[VERSION, self.codec, self.flags()]);
        head[6..8].copy_from_slice(&tags.to_le_bytes());
        let numbers = [
            self.fingerprint,
            self.stamp,
            self.prefix_stamp,
            to_millis(self.soft),
            to_millis(self.hard),
        ];
        put_numbers(&mut head[8..48], numbers);
        head[48..].copy_from_slice(&len.to_le_bytes());
        let stamps = self.tags.iter().flat_map(|(tag, stamp)| [*tag, *stamp]);
        put_numbers(rest, stamps);
        Ok(with_checksum(bytes))
    }
}

/// Copies what the checksum covers, with the checksum and room for the time between the head and
/// the rest of it.
fn with_checksum(covered: &[u8]) -> Vec<u8> {
    const ROOM: usize = HEADER - CHECKSUM_AT;
    let mut bytes = Vec::with_capacity(ROOM + covered.len());
    bytes.extend_from_slice(&[0; ROOM]);
    bytes.extend_from_slice(covered);
    // Of the copy: the codec's many small writes are not yet in memory, and reading across them
    // waits for that. And in one go, before the head is moved away from the rest.
    let checksum = crc32fast::hash(&bytes[ROOM..]).to_le_bytes();
    bytes.copy_within(ROOM..HEADER, 0);
    bytes[CHECKSUM_AT..TIME_AT].copy_from_slice(&checksum);
    bytes[TIME_AT..HEADER].fill(0);
    bytes
}

fn put_numbers(bytes: &mut [u8], numbers: impl IntoIterator<Item = u64>) {
    for (bytes, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
}

fn refused(fault: &str) -> Error {
    Error::SerializationError(format!("an entity cannot be stored: {fault}").into())
}

/// Rounds up: an entry must not end before its time, and none lasts for no time at all.
pub(super) fn to_millis(lifetime: Option<Duration>) -> u64 {
    lifetime.map_or(ENDLESS, |lifetime| {
        let millis = lifetime.as_nanos().div_ceil(1_000_000);
        u64::try_from(millis).unwrap_or(ENDLESS)
    })
}
