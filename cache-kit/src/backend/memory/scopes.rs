//! Clearing a scope in constant time: each clear begins an epoch, and an entry of the scope that is
//! older is dead.

use crate::store::tag::{Scope, namespace_of};
use foldhash::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[derive(Default)]
pub(super) struct Scopes {
    /// Raised by every clear; what is at least this young needs no further check.
    epoch: AtomicU64,
    cleared: RwLock<Cleared>,
}

/// The epoch that began with the last clear of each scope.
#[derive(Default)]
struct Cleared {
    prefixes: HashMap<Box<[u8]>, u64>,
    namespaces: HashMap<Box<[u8]>, u64>,
    /// By the tags' ids, of which there is no end.
    tags: HashMap<u64, u64>,
    /// Who has a tag, and is older than this, is dead: it is not known any more which tags were
    /// cleared then.
    forgotten: u64,
}

impl Scopes {
    /// So many cleared tags are remembered.
    const MOST_TAGS: usize = 65_536;

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The epoch that began with the last clear of this prefix, or its namespace; 0 if there was
    /// none.
    pub(super) fn cleared_at(&self, prefix: &[u8]) -> u64 {
        if self.epoch() == 0 {
            return 0;
        }
        self.cleared().prefix(prefix)
    }

    /// Says whether what was loaded in an epoch has not been cleared since.
    pub(super) fn is_live(&self, prefix: &[u8], tags: &[u64], epoch: u64) -> bool {
        if epoch >= self.epoch() {
            return true;
        }
        let cleared = self.cleared();
        let is_tag_live = |tag: &u64| epoch >= cleared.tag(*tag);
        epoch >= cleared.prefix(prefix) && tags.iter().all(is_tag_live)
    }

    pub(super) fn clear(&self, scope: Scope<'_>) {
        let mut cleared = self.cleared.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch() + 1;
        match scope {
            Scope::Prefix(prefix) => cleared.prefixes.insert(prefix.as_bytes().into(), epoch),
            Scope::Namespace(namespace) => {
                let namespace = namespace.unwrap_or_default().as_bytes();
                cleared.namespaces.insert(namespace.into(), epoch)
            }
            Scope::Tag(tag) => {
                if cleared.tags.len() >= Self::MOST_TAGS {
                    cleared.tags.clear();
                    cleared.forgotten = self.epoch();
                }
                cleared.tags.insert(tag.id(), epoch)
            }
        };
        // After the scope: who sees the new epoch finds it.
        self.epoch.store(epoch, Ordering::Release);
    }

    fn cleared(&self) -> RwLockReadGuard<'_, Cleared> {
        self.cleared.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cleared {
    fn prefix(&self, prefix: &[u8]) -> u64 {
        let own = self.prefixes.get(prefix);
        let namespace = self.namespaces.get(namespace_of(prefix));
        own.max(namespace).copied().unwrap_or(0)
    }

    fn tag(&self, tag: u64) -> u64 {
        self.tags.get(&tag).copied().unwrap_or(self.forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tag::Tag;

    #[test]
    fn a_clear_reaches_its_own_scope_and_no_other() {
        let scopes = Scopes::default();
        let tag = Tag::new(None, "a");
        let is_live = |prefix: &str, tags: &[u64]| scopes.is_live(prefix.as_bytes(), tags, 0);
        scopes.clear(Scope::Tag(&tag));
        assert!(is_live("user", &[]) && is_live("user", &[7]) && !is_live("user", &[7, tag.id()]));
        scopes.clear(Scope::Namespace(Some("billing")));
        assert!(is_live("user", &[]) && is_live("shop:user", &[]) && !is_live("billing:user", &[]));
        scopes.clear(Scope::Namespace(None));
        assert!(is_live("shop:user", &[]) && !is_live("user", &[]));
        scopes.clear(Scope::Prefix("shop:user"));
        assert!(is_live("shop:order", &[]) && !is_live("shop:user", &[]));
        assert!(scopes.is_live(b"shop:user", &[tag.id()], scopes.epoch()));
    }

    #[test]
    fn a_clear_that_is_forgotten_still_counts() {
        let scopes = Scopes::default();
        let tag = |number: usize| Tag::new(None, &number.to_string());
        for number in 0..=Scopes::MOST_TAGS {
            scopes.clear(Scope::Tag(&tag(number)));
        }
        assert!(!scopes.is_live(b"user", &[tag(1).id()], 0));
        assert!(scopes.is_live(b"user", &[], 0), "it has no tags");
        let later = scopes.epoch() - 1;
        assert!(scopes.is_live(b"user", &[tag(1).id()], later));
    }
}
