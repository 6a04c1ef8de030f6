//! What a store does to payloads between an entity and its bytes.

#[cfg(feature = "encryption")]
use super::Encryption;
#[cfg(feature = "compression")]
use super::compression;
use super::{Header, Sealed};
use crate::backend::{Age, Entry, Lookup};
use crate::codec::Encoding;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::shape::{Erased, Shape};
use std::borrow::Cow;

/// How a store writes entries. It reads what any other setting wrote, but for this: with encryption, nothing that is not encrypted.
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
        let mut payload = Vec::new();
        match entry {
            Entry::Value(value) => {
                header.codec = shape.encode(value, self.encoding, &mut payload)?;
            }
            Entry::Absent | Entry::Gone => header.is_absent = true,
        }
        let payload = self.compressed(payload, &mut header);
        let payload = self.encrypted(key, payload, &mut header)?;
        header.seal(&payload)
    }

    /// Says what an entry that is current means; `None` if it is not valid any more, which is no damage.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] if it is damaged.
    pub(crate) fn look_up(
        &self,
        key: &CacheKey,
        sealed: Sealed<'_>,
        age: Age,
        shape: &'static Shape,
    ) -> Result<Option<Lookup>> {
        match self.open(key, &sealed.checked()?, shape) {
            Ok(Some(value)) => Ok(Some(Lookup::Hit { value, age })),
            Ok(None) => Ok(Some(Lookup::Absent { age })),
            Err(Error::ValidationError(_)) => Ok(None),
            Err(error) => Err(error),
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
            Err(refused("an absence has a payload"))
        }
    }

    #[cfg(feature = "compression")]
    fn compressed(&self, payload: Vec<u8>, header: &mut Header) -> Vec<u8> {
        let is_large = self
            .compress_above
            .is_some_and(|above| payload.len() > above);
        let smaller = is_large.then(|| compression::compress(&payload)).flatten();
        header.is_compressed = smaller.is_some();
        smaller.unwrap_or(payload)
    }

    #[cfg(not(feature = "compression"))]
    #[expect(clippy::unused_self, reason = "the feature needs it")]
    fn compressed(&self, payload: Vec<u8>, _: &mut Header) -> Vec<u8> {
        payload
    }

    #[cfg(feature = "encryption")]
    fn encrypted(&self, key: &CacheKey, payload: Vec<u8>, header: &mut Header) -> Result<Vec<u8>> {
        let Some(encryption) = &self.encryption else {
            return Ok(payload);
        };
        header.is_encrypted = true;
        encryption.encrypt(&payload, &header.bound_to(key))
    }

    #[cfg(not(feature = "encryption"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the feature needs it"
    )]
    fn encrypted(&self, _: &CacheKey, payload: Vec<u8>, _: &mut Header) -> Result<Vec<u8>> {
        Ok(payload)
    }

    #[cfg(feature = "encryption")]
    fn decrypted<'b>(&self, key: &CacheKey, sealed: &Sealed<'b>) -> Result<Cow<'b, [u8]>> {
        match (&self.encryption, sealed.header.is_encrypted) {
            (None, false) => Ok(Cow::Borrowed(sealed.payload)),
            (Some(encryption), true) => encryption
                .decrypt(sealed.payload, &sealed.header.bound_to(key))
                .map(Cow::Owned),
            (None, true) => Err(refused("an entry is encrypted, and there is no key here")),
            // Whoever can write the store could else write what is then believed.
            (Some(_), false) => Err(refused("an entry is not encrypted, and has to be")),
        }
    }

    #[cfg(not(feature = "encryption"))]
    #[expect(clippy::unused_self, reason = "the feature needs it")]
    fn decrypted<'b>(&self, _: &CacheKey, sealed: &Sealed<'b>) -> Result<Cow<'b, [u8]>> {
        if sealed.header.is_encrypted {
            return Err(refused(
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
            "an entry is compressed, and compression is not compiled in",
        ));
    }
    Ok(payload)
}

fn refused(fault: &str) -> Error {
    Error::DeserializationError(fault.to_owned().into())
}
