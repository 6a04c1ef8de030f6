//! Values that are no entities: what a function with a prefix of its own returns.

mod kept;
mod members;

pub(crate) use kept::{Kept, May, Must};
pub(crate) use members::{Apart, Listed, Members, Within};

use crate::codec::decode_by;
use crate::codec::schema::CacheSchema;
use crate::entity::CacheEntity;
use crate::entity::{Payloads, encode_by_store};
use crate::error::Result;
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Serialize, Serializer};
use std::marker::PhantomData;
use std::sync::Arc;

/// Can be cached.
pub trait Storable: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl<V: Clone + Send + Sync + Serialize + DeserializeOwned + 'static> Storable for V {}

/// A function with a prefix of its own.
pub trait Declared: Send + Sync + 'static {
    /// Its prefix.
    const PREFIX: &'static str;
    /// Where it is defined.
    const DEFINITION: &'static str;
}

/// A value of a function `D`, as an entity; `W` says what is known of what is within it.
pub struct ValueOf<V, D, W> {
    pub(crate) value: Arc<V>,
    of: PhantomData<fn() -> (D, W)>,
}

impl<V, D, W> ValueOf<V, D, W> {
    pub(crate) fn new(value: Arc<V>) -> Self {
        Self {
            value,
            of: PhantomData,
        }
    }
}

impl<V, D, W> Clone for ValueOf<V, D, W> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.value))
    }
}

impl<V: Serialize, D, W> Serialize for ValueOf<V, D, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, V: serde::Deserialize<'de>, D, W> serde::Deserialize<'de> for ValueOf<V, D, W> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> std::result::Result<Self, R::Error> {
        V::deserialize(deserializer).map(|value| Self::new(Arc::new(value)))
    }
}

#[diagnostic::do_not_recommend]
impl<V: Storable, D: Declared, W: Within<V>> CacheEntity for ValueOf<V, D, W> {
    /// The parts are written one by one; none is read back.
    type Key = String;

    const DEFINITION: &'static str = D::DEFINITION;
    const KEYED: bool = false;
    const TAGGED: bool = W::TAGGED;

    fn defined_for() -> &'static str {
        std::any::type_name::<D>()
    }

    fn cache_key(&self) -> String {
        String::new()
    }

    fn cache_prefix() -> &'static str {
        D::PREFIX
    }

    fn cache_tags(&self) -> Vec<String> {
        W::tags(&self.value)
    }

    fn validate(&self) -> Result<()> {
        W::validate(&self.value)
    }

    fn weight(&self) -> usize {
        W::weight(&self.value)
    }

    fn schema() -> CacheSchema {
        W::schema()
    }

    fn payloads() -> Payloads<Self> {
        Payloads::of_inner(
            |value, encoding, out| encode_by_store::<V>(&value.value, encoding, out),
            |codec, bytes| {
                let value = decode_by::<V>(codec, bytes)?;
                Ok(Self::new(Arc::new(value)))
            },
        )
    }
}
