//! What is cached.

mod key_arg;
mod payloads;
pub(crate) mod shape;

pub use key_arg::KeyArg;
pub use payloads::Payloads;
pub(crate) use payloads::encode_by_store;

use crate::codec::schema::CacheSchema;
use crate::codec::{Bincode, Codec as _};
use crate::error::Result;
use crate::key::{CacheKey, KeyWriter};
use crate::ttl::Lifetime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Display, Write as _};
use std::hash::Hash;

/// Declares a domain type as cached: under which prefix and key, and for how long.
///
/// The store drops entities when it pleases, with its own locks held: an entity's `Drop` must not
/// call the cache.
///
/// [`#[derive(CacheEntity)]`](derive@crate::CacheEntity) writes this; by hand three items are
/// enough:
///
/// ```
/// use cache_kit::prelude::*;
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Borrower { id: String, name: String }
///
/// impl CacheEntity for Borrower {
///     type Key = String;
///     fn cache_key(&self) -> String { self.id.clone() }
///     fn cache_prefix() -> &'static str { "borrower" }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cached entity",
    label = "`CacheEntity` is not implemented for this type",
    note = "derive `Clone`, `Serialize`, `Deserialize` and `CacheEntity` on a struct of your own, with `#[cache(prefix = \"…\", key = …)]`"
)]
pub trait CacheEntity: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// What names one entity. The `Display` of a hand-written key is used as it is, so its author
    /// owns its injectivity.
    type Key: Clone + Eq + Hash + Display + Send + Sync + 'static;

    /// Where the type is defined; two definitions under one prefix are refused.
    #[doc(hidden)]
    const DEFINITION: &'static str = "";

    /// How many fields the key has; 0 for a hand-written one.
    #[doc(hidden)]
    const KEY_LEN: usize = 0;

    /// Whether entities know their key. One that does not is stored under whatever key it was asked
    /// for by.
    #[doc(hidden)]
    const KEYED: bool = true;

    /// Tells stored layouts apart where the type's shape does not: raise it when the meaning of a
    /// field changes.
    const VERSION: u32 = 0;

    /// Whether entities carry [tags](Self::cache_tags). Set it beside them: what has tags is loaded
    /// with more care.
    const TAGGED: bool = false;

    /// Tells apart what a macro of the user's has defined in one place for several types.
    #[doc(hidden)]
    fn defined_for() -> &'static str {
        ""
    }

    /// Returns this entity's own key.
    fn cache_key(&self) -> Self::Key;

    /// Returns the namespace that all entities of this type share: not empty, without `:` and white
    /// space.
    fn cache_prefix() -> &'static str;

    /// Returns how long entries live; the service's default if nothing is set.
    fn lifetime() -> Lifetime {
        Lifetime::new()
    }

    /// Returns the tags that this entity can be dropped by, beside its key and its prefix. They may
    /// depend on any of its fields.
    fn cache_tags(&self) -> Vec<String> {
        Vec::new()
    }

    /// Appends the text of a key: for the derive, which writes it part by part. A key written by
    /// hand has its `Display`.
    #[doc(hidden)]
    fn write_key(key: &Self::Key, out: &mut KeyWriter) {
        if write!(out, "{key}").is_err() {
            out.fail();
        }
    }

    /// Appends a key that is a string, borrowed: the text that `write_key` appends for it.
    #[doc(hidden)]
    fn write_str_key(key: &str, out: &mut KeyWriter) {
        out.push(key);
    }

    /// Checks an entity that was loaded or decoded. One that fails is never stored: a decoded one
    /// is a miss, a loaded one is the caller's [`ValidationError`](crate::Error::ValidationError).
    ///
    /// # Errors
    /// Whatever the implementation finds wrong.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Returns about how many bytes the entity occupies, for caches that are bounded by weight. The
    /// default knows the struct itself, not what it points to.
    fn weight(&self) -> usize {
        size_of::<Self>()
    }

    /// Encodes the entity for a byte store; bincode unless overridden.
    ///
    /// # Errors
    /// [`SerializationError`](crate::Error::SerializationError) if the entity cannot be encoded.
    fn serialize_for_cache(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Bincode::encode(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Decodes what [`serialize_for_cache`](Self::serialize_for_cache) made. The bytes may be
    /// anything.
    ///
    /// # Errors
    /// [`DeserializationError`](crate::Error::DeserializationError) if the bytes are not such an
    /// entity.
    fn deserialize_from_cache(bytes: &[u8]) -> Result<Self> {
        Bincode::decode(bytes)
    }

    /// Names the layout of the stored bytes: found out from the type itself, unless it is named by
    /// hand.
    fn schema() -> CacheSchema {
        CacheSchema::of::<Self>()
    }

    /// Says how payloads are made: for the derive. By hand an entity encodes itself.
    #[doc(hidden)]
    fn payloads() -> Payloads<Self> {
        Payloads::own()
    }
}

impl CacheKey {
    /// Builds the key of an entity, below a namespace if there is one.
    ///
    /// # Errors
    /// [`Error::ConfigError`](crate::Error::ConfigError) if the key type's `Display` fails.
    pub fn of<T: CacheEntity>(namespace: Option<&str>, key: &T::Key) -> Result<Self> {
        let mut writer = KeyWriter::new(namespace, T::cache_prefix());
        T::write_key(key, &mut writer);
        writer.to_key()
    }
}
