//! One prefix belongs to one definition. Two would read and drop each other's entries.

use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::check_prefix;
use foldhash::HashMap;
use std::any::type_name;
use std::sync::{PoisonError, RwLock};

/// The definitions that have been used with a service, by prefix.
#[derive(Default)]
pub(super) struct Definitions(RwLock<HashMap<&'static str, &'static str>>);

impl Definitions {
    pub(super) fn check<T: CacheEntity>(&self) -> Result<()> {
        let (prefix, definition) = (T::cache_prefix(), definition_of::<T>());
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(prefix)
            .copied();
        match known.map_or_else(|| self.enter(prefix, definition), Ok)? {
            first if first == definition => Ok(()),
            first => {
                let clash = format!(
                    "prefix `{prefix}` belongs to `{first}`, and `{definition}` claims it too"
                );
                Err(Error::ConfigError(clash.into()))
            }
        }
    }

    /// Enters a definition, unless another one was faster; returns the one that has the prefix.
    #[cold]
    fn enter(&self, prefix: &'static str, definition: &'static str) -> Result<&'static str> {
        check_prefix(prefix).map_err(|fault| Error::ConfigError(fault.into()))?;
        Ok(self
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(prefix)
            .or_insert(definition))
    }
}

/// Where a type is defined, without its parameters: `Page<A>` and `Page<B>` are one definition.
fn definition_of<T: CacheEntity>() -> &'static str {
    if !T::DEFINITION.is_empty() {
        return T::DEFINITION;
    }
    let name = type_name::<T>();
    name.split_once('<')
        .map_or(name, |(definition, _)| definition)
}
