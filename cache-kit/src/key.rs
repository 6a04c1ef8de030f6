//! How an entry is named: `namespace:prefix:part:part`, readable and injective.
//!
//! A part is percent-encoded where it holds a `:`, a `%`, white space or a control character, so
//! that `("a:b", "c")` and `("a", "b:c")` are two keys. A key of over 512 bytes keeps its first
//! 480; the rest is replaced by 128 bits of the whole key's SHA-256, which nobody can make collide
//! on purpose.

mod part;
mod writer;

pub use part::{KeyPart, ParseKeyError};
pub(crate) use part::{join_fmt, split};
pub use writer::KeyWriter;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Names one entry of a backend; cheap to clone.
///
/// ```
/// use cache_kit::prelude::*;
///
/// #[derive(Clone, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "rate", key = (from, to))]
/// struct Rate { from: String, to: String, value: f64 }
///
/// let key = CacheKey::of::<Rate>(None, &RateKey::new("EUR", "CH:F"))?;
/// assert_eq!(key.as_str(), "rate:EUR:CH%3AF");
/// assert_eq!(key.prefix(), "rate");
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[derive(Clone)]
pub struct CacheKey {
    text: Arc<str>,
    prefix_len: usize,
}

impl CacheKey {
    pub(crate) fn new(text: Arc<str>, prefix_len: usize) -> Self {
        // A prefix so long that the key was shortened within it is refused when it is declared;
        // until then it may be asked for.
        let prefix_len = prefix_len.min(text.len());
        Self { text, prefix_len }
    }

    /// Returns the whole key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the prefix, with the namespace where there is one: what a clear names.
    pub fn prefix(&self) -> &str {
        &self.text[..self.prefix_len]
    }

    /// Borrows the key as look-ups take it.
    pub fn borrowed(&self) -> KeyRef<'_> {
        KeyRef {
            bytes: self.text.as_bytes(),
            prefix_len: self.prefix_len,
        }
    }
}

impl Borrow<[u8]> for CacheKey {
    fn borrow(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Hash for CacheKey {
    // As the borrowed bytes hash: the store is asked with those.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.as_bytes().hash(state);
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CacheKey {}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheKey").field(&self.as_str()).finish()
    }
}

/// Borrows a key for a look-up: bytes on the caller's stack, no allocation.
#[derive(Clone, Copy, Debug)]
pub struct KeyRef<'a> {
    bytes: &'a [u8],
    prefix_len: usize,
}

impl<'a> KeyRef<'a> {
    pub(crate) fn new(bytes: &'a [u8], prefix_len: usize) -> Self {
        Self { bytes, prefix_len }
    }

    /// Returns the key's bytes, which are UTF-8.
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the bytes of the prefix, with the namespace where there is one.
    pub fn prefix(self) -> &'a [u8] {
        &self.bytes[..self.prefix_len]
    }
}

/// The longest prefix and the longest namespace: both stay readable in a key that is shortened.
const LONGEST_PREFIX: usize = 200;

/// Says why `prefix` cannot name entries: it is empty, too long, or holds a `:`, `%`, `{`, `}`,
/// white space or a control character. (Braces decide where a cluster keeps an entry.)
pub(crate) fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.is_empty() {
        return Err("a prefix must not be empty".to_owned());
    }
    if prefix.len() > LONGEST_PREFIX {
        return Err(format!(
            "a prefix must not be longer than {LONGEST_PREFIX} bytes; this one has {}",
            prefix.len()
        ));
    }
    match prefix
        .chars()
        .find(|c| ":%{}".contains(*c) || c.is_whitespace() || c.is_control())
    {
        Some(c) => Err(format!("prefix {prefix:?} must not contain {c:?}")),
        None => Ok(()),
    }
}
