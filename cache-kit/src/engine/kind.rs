//! What the engine must know of a cached type, without its type.

use super::definitions::Definition;
use crate::entity::CacheEntity;
use crate::entity::shape::{Erased, Shape};
use crate::error::{Error, Result};
use crate::key::KeyWriter;
use crate::ttl::Lifetime;
use std::any::Any;

/// A value of a type that only its [`Kind`] knows.
type Value = dyn Any + Send + Sync;

/// A cached type, as data. There is one for each type, made by the compiler.
pub(crate) struct Kind {
    pub(crate) shape: &'static Shape,
    /// Whether values know their own key.
    pub(crate) is_keyed: bool,
    /// Whether values carry tags of their own.
    pub(crate) is_tagged: bool,
    prefix: fn() -> &'static str,
    lifetime: fn() -> Lifetime,
    definition: fn() -> Definition,
    validate: fn(&Value) -> Result<()>,
    tags: fn(&Value) -> Vec<String>,
    write_key: fn(&Value, &mut KeyWriter),
}

impl Kind {
    /// Returns the kind of an entity.
    pub(crate) const fn of<T: CacheEntity>() -> &'static Self {
        const {
            &Self {
                shape: Shape::of::<T>(),
                is_keyed: T::KEYED,
                is_tagged: T::TAGGED,
                prefix: T::cache_prefix,
                lifetime: T::lifetime,
                definition: Definition::of::<T>,
                validate: |value| known::<T>(value).map_or(Ok(()), T::validate),
                tags: |value| known::<T>(value).map(T::cache_tags).unwrap_or_default(),
                write_key: |value, key| {
                    if let Some(entity) = known::<T>(value) {
                        T::write_key(&entity.cache_key(), key);
                    }
                },
            }
        }
    }

    pub(crate) fn prefix(&self) -> &'static str {
        (self.prefix)()
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        (self.lifetime)()
    }

    pub(crate) fn definition(&self) -> Definition {
        (self.definition)()
    }

    /// Returns the tags that a value has by itself.
    pub(crate) fn tags(&self, value: &Erased) -> Vec<String> {
        (self.tags)(&**value)
    }

    /// Appends the text of a value's own key.
    pub(crate) fn write_key(&self, value: &Erased, key: &mut KeyWriter) {
        (self.write_key)(&**value, key);
    }

    /// Returns the text of a value's own key.
    pub(crate) fn key_text(&self, value: &Erased) -> String {
        let mut text = KeyWriter::unbounded();
        self.write_key(value, &mut text);
        text.text().into_owned()
    }

    /// Checks a value that was loaded.
    ///
    /// # Errors
    /// [`Error::ValidationError`], if the type refuses it.
    pub(crate) fn check(&self, value: &Erased) -> Result<()> {
        (self.validate)(&**value).map_err(Error::into_validation)
    }
}

fn known<T: CacheEntity>(value: &Value) -> Option<&T> {
    value.downcast_ref()
}
