use super::{CacheKey, KeyRef};
use crate::error::{Error, Result};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Keys up to this length need no heap.
const INLINE: usize = 128;
/// The longest key that is stored as written.
const LONGEST: usize = 512;
/// How much of a longer key stays readable. With `~` and 32 hexadecimal digits it comes to 513
/// bytes, a length that no key stored as written has.
const KEPT: usize = 480;

/// Collects the text of a key: on the stack for a usual one, in constant space for a huge one.
///
/// Entities with a hand-written [`write_key`](crate::CacheEntity::write_key) and
/// [`KeyPart`](crate::KeyPart)s write into it.
#[derive(Clone)]
pub struct KeyWriter {
    kept: SmallVec<[u8; INLINE]>,
    prefix_len: usize,
    longest: usize,
    whole: Option<Box<hmac_sha256::Hash>>,
    /// Why the key is unusable, if it is.
    fault: Option<&'static str>,
}

// What a hit runs is inlined into the caller's crate: with the prefix a constant there, writing it
// is a few stores.
impl KeyWriter {
    #[inline]
    pub(crate) fn new(namespace: Option<&str>, prefix: &str) -> Self {
        let mut writer = Self::empty();
        if let Some(namespace) = namespace {
            writer.push(namespace);
            writer.separate();
        }
        writer.push(prefix);
        writer.prefix_len = writer.kept.len();
        writer.separate();
        writer
    }

    #[inline]
    pub(crate) fn empty() -> Self {
        Self {
            kept: SmallVec::new(),
            prefix_len: 0,
            longest: LONGEST,
            whole: None,
            fault: None,
        }
    }

    /// A writer that shortens nothing, for `Display`.
    pub(crate) fn unbounded() -> Self {
        Self {
            longest: usize::MAX,
            ..Self::empty()
        }
    }

    /// Appends text as it is. Whoever calls this owns the key's injectivity.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// Appends one part, percent-encoding `:`, `%`, white space and control characters.
    pub fn push_part(&mut self, part: &str) {
        // All bytes, without stopping at the first that is not: that is done 16 at a time.
        if part
            .bytes()
            .fold(true, |plain, byte| plain & is_plain(byte))
        {
            self.push(part);
        } else {
            self.push_encoded(part);
        }
    }

    #[cold]
    fn push_encoded(&mut self, part: &str) {
        for c in part.chars() {
            let mut utf8 = [0; 4];
            let bytes = c.encode_utf8(&mut utf8).as_bytes();
            if needs_encoding(c) {
                for byte in bytes {
                    self.push_bytes(&percent(*byte));
                }
            } else {
                self.push_bytes(bytes);
            }
        }
    }

    /// Appends the `:` between two parts.
    #[inline]
    pub fn separate(&mut self) {
        self.push_bytes(b":");
    }

    /// Appends what another writer holds; a part that failed fails the whole.
    pub(crate) fn append(&mut self, part: &Self) {
        self.push(&part.text());
        self.fault = self.fault.or(part.fault);
    }

    /// Marks the key as unusable: it is looked up nowhere, and a caller that can be told is told.
    pub(crate) fn fail(&mut self) {
        self.refuse("the `Display` of the key failed");
    }

    /// The same, and why.
    pub(crate) fn refuse(&mut self, fault: &'static str) {
        self.fault = self.fault.or(Some(fault));
    }

    /// Borrows the text written so far for a look-up; `None` if it is unusable.
    #[inline]
    pub(crate) fn with_key<R>(&self, look_up: impl FnOnce(KeyRef<'_>) -> R) -> Option<R> {
        if self.fault.is_some() {
            return None;
        }
        Some(match &self.whole {
            None => look_up(KeyRef::new(&self.kept, self.prefix_len)),
            Some(_) => look_up(KeyRef::new(&self.bytes(), self.prefix_len)),
        })
    }

    /// Builds the owned key.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if a `Display` that was written into it failed, or it was refused.
    pub(crate) fn to_key(&self) -> Result<CacheKey> {
        if let Some(fault) = self.fault {
            return Err(Error::ConfigError(fault.into()));
        }
        let bytes = self.bytes();
        let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
        Ok(CacheKey::new(text, self.prefix_len))
    }

    /// Returns the text written so far, whatever its length.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self.bytes() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn bytes(&self) -> Cow<'_, [u8]> {
        let Some(whole) = &self.whole else {
            return Cow::Borrowed(&self.kept);
        };
        let digest = (**whole).finalize();
        let mut bytes = self.kept.to_vec();
        bytes.push(b'~');
        for byte in &digest[..16] {
            bytes.extend([hex(byte >> 4), hex(byte & 15)]);
        }
        Cow::Owned(bytes)
    }

    #[inline]
    fn push_bytes(&mut self, bytes: &[u8]) {
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        } else if bytes.len() <= self.longest - self.kept.len() {
            self.kept.extend_from_slice(bytes);
        } else {
            self.overflow(bytes);
        }
    }

    #[cold]
    fn overflow(&mut self, bytes: &[u8]) {
        let mut whole = hmac_sha256::Hash::new();
        whole.update(&self.kept);
        whole.update(bytes);
        let room = KEPT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.kept.truncate(KEPT);
        self.kept.truncate(whole_characters(&self.kept));
        // The readable part has one length, whatever the characters at its end.
        self.kept.resize(KEPT, b'~');
        self.whole = Some(Box::new(whole));
    }
}

impl fmt::Write for KeyWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

impl fmt::Debug for KeyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyWriter").field(&self.text()).finish()
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b':' && byte != b'%'
}

pub(super) fn needs_encoding(c: char) -> bool {
    c == ':' || c == '%' || c.is_whitespace() || c.is_control()
}

fn percent(byte: u8) -> [u8; 3] {
    [b'%', hex(byte >> 4), hex(byte & 15)]
}

fn hex(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble & 15)]
}

/// How many of these bytes are whole characters; the last one may have been cut.
fn whole_characters(bytes: &[u8]) -> usize {
    std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len)
}
