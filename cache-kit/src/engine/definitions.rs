//! One prefix belongs to one definition. Two would read and drop each other's entries.

use super::Kind;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::check_prefix;
use foldhash::{HashMap, HashSet};
use std::any::type_name;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Where a type is defined, and for what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Definition {
    place: &'static str,
    of: &'static str,
}

impl Definition {
    pub(crate) fn of<T: CacheEntity>() -> Self {
        Self {
            place: definition_of::<T>(),
            of: T::defined_for(),
        }
    }
}

/// The definitions that have been used with a service, by prefix.
pub(crate) struct Definitions {
    by_prefix: RwLock<HashMap<&'static str, Definition>>,
    /// The kinds that have been found right, by their addresses: each call that goes beyond a peek
    /// asks.
    checked: RwLock<HashSet<usize>>,
    /// The types that methods with a prefix are called on.
    owners: RwLock<HashMap<&'static str, &'static str>>,
    /// Tells them apart from those of every other service.
    serial: u64,
}

impl Default for Definitions {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            by_prefix: RwLock::default(),
            checked: RwLock::default(),
            owners: RwLock::default(),
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Definitions {
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Says whether methods with a prefix may be called on a type: the first that they are called
    /// on.
    #[cold]
    pub(crate) fn owns(&self, prefix: &'static str, owner: &'static str) -> bool {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        *owners.entry(prefix).or_insert(owner) == owner
    }

    /// Whether a kind has been found right.
    pub(crate) fn is_checked(&self, kind: &'static Kind) -> bool {
        let checked = self.checked.read().unwrap_or_else(PoisonError::into_inner);
        checked.contains(&address(kind))
    }

    /// Remembers that a kind is right.
    #[cold]
    pub(crate) fn set_checked(&self, kind: &'static Kind) {
        let mut checked = self.checked.write().unwrap_or_else(PoisonError::into_inner);
        checked.insert(address(kind));
    }

    pub(crate) fn check(&self, kind: &Kind) -> Result<()> {
        let (prefix, definition) = (kind.prefix(), kind.definition());
        let known = self
            .by_prefix
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(prefix)
            .copied();
        match known.map_or_else(|| self.enter(prefix, definition), Ok)? {
            first if first == definition => Ok(()),
            Definition { place: first, .. } => {
                let definition = definition.place;
                let clash = format!(
                    "prefix `{prefix}` belongs to `{first}`, and `{definition}` claims it too"
                );
                Err(Error::ConfigError(clash.into()))
            }
        }
    }

    /// Enters a definition, unless another one was faster; returns the one that has the prefix.
    #[cold]
    fn enter(&self, prefix: &'static str, definition: Definition) -> Result<Definition> {
        check_prefix(prefix).map_err(|fault| Error::ConfigError(fault.into()))?;
        Ok(*self
            .by_prefix
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(prefix)
            .or_insert(definition))
    }
}

fn address(kind: &'static Kind) -> usize {
    ptr::from_ref(kind).addr()
}

/// Where a type is defined, without its parameters: `Page<A>` and `Page<B>` are one definition.
fn definition_of<T: CacheEntity>() -> &'static str {
    if !T::DEFINITION.is_empty() {
        return T::DEFINITION;
    }
    without_arguments(type_name::<T>())
}

/// Cuts the type's own arguments off its name, and leaves those of an impl that it is defined in.
fn without_arguments(name: &'static str) -> &'static str {
    if !name.ends_with('>') {
        return name;
    }
    let mut depth = 0_usize;
    let begins = name.char_indices().rev().find(|(_, c)| {
        match c {
            '>' => depth += 1,
            '<' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    begins.map_or(name, |(at, _)| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::without_arguments;

    #[test]
    fn only_the_own_arguments_of_a_type_are_cut() {
        for (name, definition) in [
            ("app::User", "app::User"),
            ("app::Page<app::User>", "app::Page"),
            ("app::Page<app::Pair<u8, u8>>", "app::Page"),
            (
                "<app::Repo<u8> as app::Find>::find::User",
                "<app::Repo<u8> as app::Find>::find::User",
            ),
            (
                "<app::Repo<u8> as app::Find>::find::Page<u8>",
                "<app::Repo<u8> as app::Find>::find::Page",
            ),
        ] {
            assert_eq!(without_arguments(name), definition);
        }
    }
}
