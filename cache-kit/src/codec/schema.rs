//! What stored bytes of a type look like, as a number: bytes of another layout are not decoded.

mod explore;
mod opaque;
mod probe;

pub use opaque::{Opaque, schema_of};

use serde::de::DeserializeOwned;
use std::fmt;

/// Names the layout of a stored type: its fingerprint. Entries that were stored under another one
/// are misses.
///
/// It is found by asking the type itself: its `Deserialize` is run on made-up input, and what it
/// asks for is noted: names, order, types, nesting, variants. No annotation is needed, of nested or
/// foreign types neither. A type that takes no input that can be made up (it wants a checksum that
/// is right, say) is **opaque** from that point on: a change of it, and of what comes after it, is
/// not seen. Where it is a field of an entity, say so with `#[cache(opaque)]`: what comes after it
/// is then seen. Else raise [`VERSION`](crate::CacheEntity::VERSION), or name the layout by hand:
///
/// ```
/// use cache_kit::CacheSchema;
///
/// assert_eq!(CacheSchema::of::<(u32, String)>(), CacheSchema::of::<(u32, String)>());
/// assert_ne!(CacheSchema::of::<(u32, String)>(), CacheSchema::of::<(u64, String)>());
/// assert_ne!(CacheSchema::named("invoice-1"), CacheSchema::named("invoice-2"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheSchema(u64);

impl CacheSchema {
    /// Finds out what a type looks like to serde: runs its `Deserialize`, once for each of its
    /// variants and more. An entity's schema is asked for once in a process.
    pub fn of<T: DeserializeOwned>() -> Self {
        Self::named(&explore::describe::<T>())
    }

    /// Names a layout by hand.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(first_bytes(&hmac_sha256::Hash::hash(name.as_bytes())))
    }

    /// Combines two layouts, in this order.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut both = [0; 16];
        both[..8].copy_from_slice(&self.0.to_le_bytes());
        both[8..].copy_from_slice(&other.0.to_le_bytes());
        Self(first_bytes(&hmac_sha256::Hash::hash(&both)))
    }

    /// Tells the versions of one layout apart.
    pub(crate) const fn version(self, version: u32) -> Self {
        // Odd, so that no two versions come to the same; 0 changes nothing.
        Self(self.0 ^ (version as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Returns the fingerprint. It is the same on every machine and in every build.
    pub const fn fingerprint(self) -> u64 {
        self.0
    }
}

pub(crate) fn first_bytes(digest: &[u8; 32]) -> u64 {
    let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 8], &[]));
    u64::from_le_bytes(*first)
}

impl fmt::Debug for CacheSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheSchema({:016x})", self.0)
    }
}
