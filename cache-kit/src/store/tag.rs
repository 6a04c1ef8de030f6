//! What is dropped as a whole: the entries of a prefix, of a namespace, or those that carry a tag.

use crate::codec::schema::first_bytes;
use std::fmt;

/// Names a group of entries that are dropped together, whatever their prefixes. Equal texts below
/// one namespace are one tag.
///
/// ```
/// use cache_kit::store::Tag;
///
/// assert_eq!(Tag::new(None, "employer:Acme"), Tag::new(None, "employer:Acme"));
/// assert_ne!(Tag::new(Some("billing"), "employer:Acme"), Tag::new(None, "employer:Acme"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    namespace: Option<Box<str>>,
    text: Box<str>,
    id: u64,
}

impl Tag {
    /// Builds a tag, below a namespace if there is one. The text may be anything.
    #[must_use]
    pub fn new(namespace: Option<&str>, text: &str) -> Self {
        let mut hash = hmac_sha256::Hash::new();
        hash.update(namespace.unwrap_or_default());
        // No namespace has a colon.
        hash.update(":");
        hash.update(text);
        Self {
            namespace: namespace.map(Into::into),
            text: text.into(),
            id: first_bytes(&hash.finalize()),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns what stands for the tag where there is little room: 64 bits of the SHA-256 of both.
    /// Two tags that share it are dropped together.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// Shows the text.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tag").field(&self.text).finish()
    }
}

/// Says which entries are dropped as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope<'s> {
    /// Those of a prefix, as [`CacheKey::prefix`](crate::CacheKey::prefix) returns it.
    Prefix(&'s str),
    /// Those of a namespace; `None` is those that are in none.
    Namespace(Option<&'s str>),
    /// Those that carry a tag.
    Tag(&'s Tag),
}

/// Splits the namespace off a prefix; empty where there is none. Neither has a colon.
pub(crate) fn namespace_of(prefix: &[u8]) -> &[u8] {
    let end = prefix.iter().position(|byte| *byte == b':');
    end.map_or(b"", |end| &prefix[..end])
}
