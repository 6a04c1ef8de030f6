//! What a store does to payloads between an entity and its bytes.

#[cfg(feature = "encryption")]
use super::Encryption;
use super::buffer::Buffer;
#[cfg(feature = "compression")]
use super::compression;
use super::{Header, Sealed};
use crate::codec::Encoding;
use crate::entity::shape::{Erased, Shape};
use crate::error::{Damage, Error, Result};
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use crate::store::{Entry, Lookup, Stale, Stamp};
use std::borrow::Cow;

/// How a store writes entries. It reads what any other setting wrote, but for this: with
/// encryption, nothing that is not encrypted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrap {
    pub(crate) encoding: Encoding,
    #[cfg(feature = "compression")]
    pub(crate) compress_above: Option<usize>,
    #[cfg(feature = "encryption")]
    pub(crate) encryption: Option<Encryption>,
}

impl Wrap {
    /// Builds the bytes of an entry: encoded, then compressed, then encrypted.
    pub(crate) fn seal(
        &self,
        key: &CacheKey,
        mut header: Header,
        entry: &Entry,
        shape: &'static Shape,
    ) -> Result<Vec<u8>> {
        let mut buffer = Buffer::lend();
        let bytes = &mut *buffer;
        header.reserve(bytes);
        self.reserve(bytes);
        let start = bytes.len();
        match entry {
            Entry::Value(value) => header.codec = shape.encode(value, self.encoding, bytes)?,
            Entry::Absent | Entry::Gone => header.is_absent = true,
        }
        self.compress(bytes, start, &mut header);
        self.encrypt(key, bytes, start, &mut header)?;
        header.finish(bytes)
    }

    /// Says what an entry that is current means; `None` if it is not valid any more, which is no
    /// damage.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] if it is damaged.
    pub(crate) fn look_up(
        &self,
        key: &CacheKey,
        sealed: Sealed<'_>,
        (age, stamp): (Age, Stamp),
        shape: &'static Shape,
    ) -> Result<Option<Lookup>> {
        let sealed = sealed.checked()?;
        let age = age.lasting(sealed.header.ttl());
        let since = sealed.header.stale_since(age);
        match (self.open(key, &sealed, shape), since) {
            (Ok(Some(value)), None) => Ok(Some(Lookup::Hit { value, age })),
            (Ok(Some(value)), Some(since)) => Ok(Some(Lookup::Stale(Stale {
                value,
                age,
                since,
                stamp,
            }))),
            (Ok(None), _) => Ok(Some(Lookup::Absent { age })),
            (Err(Error::ValidationError(_)), _) => Ok(None),
            (Err(error), _) => Err(error),
        }
    }

    /// Gives back what was sealed; `None` if it is an absence.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] or [`Error::ValidationError`], as [`Shape::decode`].
    fn open(
        &self,
        key: &CacheKey,
        sealed: &Sealed<'_>,
        shape: &'static Shape,
    ) -> Result<Option<Erased>> {
        let payload = self.decrypted(key, sealed)?;
        let payload = decompressed(&sealed.header, payload)?;
        if !sealed.header.is_absent {
            return shape.decode(sealed.header.codec, &payload).map(Some);
        }
        if payload.is_empty() {
            Ok(None)
        } else {
            Err(refused(Damage::Payload, "an absence has a payload"))
        }
    }

    /// Makes room for what goes in front of an encrypted payload.
    #[cfg(feature = "encryption")]
    fn reserve(&self, bytes: &mut Vec<u8>) {
        if self.encryption.is_some() {
            bytes.resize(bytes.len() + Encryption::BEFORE, 0);
        }
    }

    #[cfg(not(feature = "encryption"))]
    #[expect(clippy::unused_self, reason = "the feature needs it")]
    fn reserve(&self, _: &mut Vec<u8>) {}

    /// Compresses the payload that starts here, if that makes it smaller.
    #[cfg(feature = "compression")]
    fn compress(&self, bytes: &mut Vec<u8>, start: usize, header: &mut Header) {
        let payload = bytes.get(start..).unwrap_or_default();
        let is_large = self
            .compress_above
            .is_some_and(|above| payload.len() > above);
        let smaller = is_large.then(|| compression::compress(payload)).flatten();
        if let Some(smaller) = smaller {
            header.is_compressed = true;
            bytes.truncate(start);
            bytes.extend(smaller);
        }
    }

    #[cfg(not(feature = "compression"))]
    #[expect(clippy::unused_self, reason = "the feature needs it")]
    fn compress(&self, _: &mut Vec<u8>, _: usize, _: &mut Header) {}

    /// Encrypts the payload that starts here, behind the room that was made.
    #[cfg(feature = "encryption")]
    fn encrypt(
        &self,
        key: &CacheKey,
        bytes: &mut Vec<u8>,
        start: usize,
        header: &mut Header,
    ) -> Result<()> {
        let Some(encryption) = &self.encryption else {
            return Ok(());
        };
        header.is_encrypted = true;
        encryption.encrypt(bytes, start, &header.bound_to(key))
    }

    #[cfg(not(feature = "encryption"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the feature needs it"
    )]
    fn encrypt(&self, _: &CacheKey, _: &mut Vec<u8>, _: usize, _: &mut Header) -> Result<()> {
        Ok(())
    }

    #[cfg(feature = "encryption")]
    fn decrypted<'b>(&self, key: &CacheKey, sealed: &Sealed<'b>) -> Result<Cow<'b, [u8]>> {
        match (&self.encryption, sealed.header.is_encrypted) {
            (None, false) => Ok(Cow::Borrowed(sealed.payload)),
            (Some(encryption), true) => encryption
                .decrypt(sealed.payload, &sealed.header.bound_to(key))
                .map(Cow::Owned),
            (None, true) => Err(refused(
                Damage::Encryption,
                "an entry is encrypted, and there is no key here",
            )),
            // Whoever can write the store could else write what is then believed.
            (Some(_), false) => Err(refused(
                Damage::Encryption,
                "an entry is not encrypted, and has to be",
            )),
        }
    }

    #[cfg(not(feature = "encryption"))]
    #[expect(clippy::unused_self, reason = "the feature needs it")]
    fn decrypted<'b>(&self, _: &CacheKey, sealed: &Sealed<'b>) -> Result<Cow<'b, [u8]>> {
        if sealed.header.is_encrypted {
            return Err(refused(
                Damage::Encryption,
                "an entry is encrypted, and encryption is not compiled in",
            ));
        }
        Ok(Cow::Borrowed(sealed.payload))
    }
}

#[cfg(feature = "compression")]
fn decompressed<'b>(header: &Header, payload: Cow<'b, [u8]>) -> Result<Cow<'b, [u8]>> {
    if header.is_compressed {
        compression::decompress(&payload).map(Cow::Owned)
    } else {
        Ok(payload)
    }
}

#[cfg(not(feature = "compression"))]
fn decompressed<'b>(header: &Header, payload: Cow<'b, [u8]>) -> Result<Cow<'b, [u8]>> {
    if header.is_compressed {
        return Err(refused(
            Damage::Compression,
            "an entry is compressed, and compression is not compiled in",
        ));
    }
    Ok(payload)
}

fn refused(damage: Damage, fault: &str) -> Error {
    Error::damaged(damage, fault.to_owned())
}
