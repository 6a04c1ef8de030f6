//! The stored format: a header of fixed length, the stamps of tags, the payload.
//!
//! | offset | length | |
//! | --: | --: | --- |
//! | 0 | 3 | magic |
//! | 3 | 1 | version of the format |
//! | 4 | 1 | codec of the payload |
//! | 5 | 1 | flags: absent, compressed, encrypted |
//! | 6 | 2 | number of tag stamps |
//! | 8 | 8 | fingerprint of the type's layout |
//! | 16 | 8 | stamp of the key's guard |
//! | 24 | 8 | stamp of the prefix's guard |
//! | 32 | 8 | soft lifetime, in milliseconds; all ones is none |
//! | 40 | 8 | hard lifetime, likewise |
//! | 48 | 4 | length of the payload |
//! | 52 | 4 | CRC-32 of everything else, the next two fields excepted |
//! | 56 | 6 | when it was written, in milliseconds of the server's clock; the server puts it there |
//! | 62 | 6 | its complement |
//! | 68 | 16 × n | tag stamps: which tag, which stamp |
//! | … | | payload |
//!
//! Numbers are little endian. Whatever is not exactly so is [`Damage`], and a miss.

mod buffer;
#[cfg(feature = "compression")]
mod compression;
#[cfg(feature = "encryption")]
mod encryption;
mod seal;
mod wrap;

#[cfg(feature = "encryption")]
pub use encryption::Encryption;
pub(crate) use wrap::Wrap;

use crate::entity::shape::Shape;
use crate::error::{Damage, Error};
#[cfg(feature = "encryption")]
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use std::time::Duration;

const MAGIC: [u8; 3] = [0xC4, b'C', b'K'];
const VERSION: u8 = 1;

/// Where the server puts the time.
const TIME_AT: usize = 56;
/// The largest time, and what a time and its complement add up to: 48 bits, which a script's floats
/// hold exactly.
const TIME_SUM: u64 = (1 << 48) - 1;

const HEADER: usize = 68;
const TAG: usize = 16;
const CHECKSUM_AT: usize = 52;
const ENDLESS: u64 = u64::MAX;

const ABSENT: u8 = 1;
const COMPRESSED: u8 = 2;
const ENCRYPTED: u8 = 4;

/// What an entry says of its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) codec: u8,
    pub(crate) is_absent: bool,
    pub(crate) is_compressed: bool,
    pub(crate) is_encrypted: bool,
    pub(crate) fingerprint: u64,
    pub(crate) stamp: u64,
    pub(crate) prefix_stamp: u64,
    pub(crate) soft: Option<Duration>,
    pub(crate) hard: Option<Duration>,
    /// Which tag (a hash of its name), and its stamp.
    pub(crate) tags: Vec<(u64, u64)>,
}

/// A stored entry, taken apart. Its payload may still be compressed, encrypted, or nonsense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'b> {
    pub(crate) header: Header,
    /// In milliseconds of the server's clock.
    pub(crate) written: u64,
    pub(crate) payload: &'b [u8],
    is_intact: bool,
}

impl Header {
    /// What an encrypted payload is good for: this key, and this header.
    #[cfg(feature = "encryption")]
    fn bound_to(&self, key: &CacheKey) -> Vec<u8> {
        let mut bound = key.as_str().as_bytes().to_vec();
        bound.extend([self.codec, self.flags()]);
        let numbers = [self.fingerprint, self.stamp, self.prefix_stamp];
        let lifetimes = [self.soft, self.hard].map(seal::to_millis);
        let tags = self.tags.iter().flat_map(|(tag, stamp)| [*tag, *stamp]);
        for number in numbers.into_iter().chain(lifetimes).chain(tags) {
            bound.extend(number.to_le_bytes());
        }
        bound
    }

    /// For how long altogether the entry is fresh, in nanoseconds; zero is for ever.
    fn ttl(&self) -> u64 {
        let nanos = self.soft.map(|soft| u64::try_from(soft.as_nanos()));
        nanos.and_then(Result::ok).unwrap_or(0)
    }

    /// Says how long an entry of this age has been stale, if it is. The store ends one that is not
    /// kept any longer than it is fresh.
    fn stale_since(&self, age: Age) -> Option<Duration> {
        let soft = self.soft.filter(|_| self.soft != self.hard)?;
        age.get().checked_sub(soft)
    }

    fn flags(&self) -> u8 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        flag(self.is_absent, ABSENT)
            | flag(self.is_compressed, COMPRESSED)
            | flag(self.is_encrypted, ENCRYPTED)
    }
}

impl<'b> Sealed<'b> {
    /// Takes stored bytes apart. They may be anything; whether they are what was written is for
    /// [`checked`](Self::checked) to say, so that what is out of date need not be whole.
    pub(crate) fn read(bytes: &'b [u8]) -> Result<Self, Damage> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Damage::Magic);
        }
        if bytes.get(MAGIC.len()) != Some(&VERSION) {
            return Err(Damage::Version);
        }
        let (head, rest) = bytes.split_at_checked(HEADER).ok_or(Damage::Length)?;
        let tag_count = usize::from(u16::from_le_bytes([head[6], head[7]]));
        let (tags, payload) = rest
            .split_at_checked(tag_count * TAG)
            .ok_or(Damage::Length)?;
        let declared = u32::from_le_bytes([head[48], head[49], head[50], head[51]]);
        if usize::try_from(declared) != Ok(payload.len()) {
            return Err(Damage::Length);
        }
        let stored = u32::from_le_bytes([head[52], head[53], head[54], head[55]]);
        let written = six_bytes(head, TIME_AT);
        let is_time = written.checked_add(six_bytes(head, TIME_AT + 6)) == Some(TIME_SUM);
        let flags = head[5];
        let is_known = flags <= (ABSENT | COMPRESSED | ENCRYPTED);
        let header = Header {
            codec: head[4],
            is_absent: flags & ABSENT != 0,
            is_compressed: flags & COMPRESSED != 0,
            is_encrypted: flags & ENCRYPTED != 0,
            fingerprint: eight_bytes(head, 8),
            stamp: eight_bytes(head, 16),
            prefix_stamp: eight_bytes(head, 24),
            soft: from_millis(eight_bytes(head, 32)),
            hard: from_millis(eight_bytes(head, 40)),
            tags: tags
                .chunks_exact(TAG)
                .map(|tag| (eight_bytes(tag, 0), eight_bytes(tag, 8)))
                .collect(),
        };
        Ok(Self {
            header,
            written,
            payload,
            is_intact: is_time && is_known && stored == checksum(bytes),
        })
    }

    /// Says whether an entry is what a reader wants who has read these guards: of its type, and not
    /// invalidated.
    pub(crate) fn is_current(&self, guard: u64, prefix_guard: u64, shape: &Shape) -> bool {
        self.header.stamp == guard
            && self.header.prefix_stamp == prefix_guard
            && self.header.fingerprint == shape.fingerprint()
    }

    /// Refuses what is not what was written.
    pub(crate) fn checked(self) -> Result<Self, Damage> {
        if self.is_intact {
            Ok(self)
        } else {
            Err(Damage::Checksum)
        }
    }
}

/// Puts in the time, as the server does it.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn stamp_time(bytes: &mut [u8], written: u64) {
    let written = written.min(TIME_SUM);
    let complement = TIME_SUM - written;
    let times = [written, complement].map(u64::to_le_bytes);
    let times = times.iter().flat_map(|time| &time[..6]);
    for (byte, time) in bytes.iter_mut().skip(TIME_AT).zip(times) {
        *byte = *time;
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Self::damaged(
            damage,
            format!("the entry is damaged: its {damage} is wrong"),
        )
    }
}

/// Of everything but itself and the time, which is not known yet.
fn checksum(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..CHECKSUM_AT]);
    hasher.update(&bytes[HEADER..]);
    hasher.finalize()
}

fn eight_bytes(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

fn six_bytes(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number[..6].copy_from_slice(&bytes[at..at + 6]);
    u64::from_le_bytes(number)
}

fn from_millis(millis: u64) -> Option<Duration> {
    (millis != ENDLESS).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests;
