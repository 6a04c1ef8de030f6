//! Fields that a fingerprint does not look into.

use super::{CacheSchema, explore};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};
use std::fmt;

/// Stands for a field with `#[cache(opaque)]`: it asks for nothing.
#[derive(Default)]
pub struct Opaque;

/// No type of Rust has such a name.
const NAME: &str = "#[cache(opaque)]";

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Unseen)
    }
}

struct Unseen;

impl<'de> Visitor<'de> for Unseen {
    type Value = Opaque;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field that is not looked into")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Opaque, D::Error> {
        Ok(Opaque)
    }
}

/// Takes the fingerprint of an entity by its twin, which is declared like it with [`Opaque`] in
/// some places.
///
/// An entity whose `Deserialize` was written by hand, and asks for something else from the outset,
/// is not described by its declaration: then nothing is kept out.
pub fn schema_of<T: DeserializeOwned, L: DeserializeOwned>() -> CacheSchema {
    let declared = explore::outset::<L>();
    let is_hidden = declared
        .as_deref()
        .is_some_and(|name| name.starts_with(NAME));
    if is_hidden || declared == explore::outset::<T>() {
        CacheSchema::of::<L>()
    } else {
        CacheSchema::of::<T>()
    }
}
