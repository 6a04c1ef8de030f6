//! What a batch knows of each of its keys, and whose failure one key's is.

use super::run::Batch;
use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Landing, Leader, Tag};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, Operation};
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

pub(super) type Lead = Leader<CacheKey, Tag, Landing>;

/// One key of a batch.
pub(super) struct Item<T: CacheEntity> {
    /// What the user calls it, and what the cache does; the latter is `None` for a key that cannot be.
    pub(super) id: T::Key,
    pub(super) key: Option<CacheKey>,
    pub(super) answer: Answer<T>,
}

/// What has been found out about a key.
#[derive(Clone)]
pub(super) enum Answer<T> {
    Wanted,
    Known(Option<Arc<T>>),
    Failed(Error),
}

impl<B, T, E, L> Batch<'_, B, T, E, L>
where
    B: CacheBackend,
    T: CacheEntity,
{
    /// Takes each key once; returns for each key that was asked for which item it is. A key that cannot be is refused where that can be said,
    /// else it is loaded beside the cache.
    pub(super) fn enter(&mut self, keys: &[T::Key]) -> Result<Vec<usize>, E> {
        let mut known: HashMap<&T::Key, usize> = HashMap::with_capacity(keys.len());
        let mut order = Vec::with_capacity(keys.len());
        for id in keys {
            let index = *known.entry(id).or_insert(self.items.len());
            if index == self.items.len() {
                let key = self.reader.cache.writer_for::<T>(id).to_key();
                let refusal = key.as_ref().err().cloned();
                self.items.push(Item {
                    id: id.clone(),
                    key: self.reader.counted(Operation::Declare, key),
                    answer: Answer::Wanted,
                });
                if let (Some(error), Some(carry)) = (refusal, self.call.carry) {
                    self.refuse(index, carry(error))?;
                }
            }
            order.push(index);
        }
        Ok(order)
    }

    /// Takes what another caller's load brought; `false` if it is of no use here.
    pub(super) fn take(&mut self, item: usize, landing: &Landing) -> Result<bool, E> {
        let is_taken = self.accept(item, landing)?;
        if is_taken {
            self.reader
                .record(|prefix| CacheEvent::Coalesced { prefix });
        }
        Ok(is_taken)
    }

    /// Takes what a load brought; `false` if it is of no use here.
    pub(super) fn accept(&mut self, item: usize, landing: &Landing) -> Result<bool, E> {
        let entity = match landing {
            Landing::Absent | Landing::Found(None) => None,
            Landing::Value(value) | Landing::Found(Some(value)) => Some(value),
            Landing::Invalid(value, error) => match self.call.carry {
                Some(carry) => return self.refuse(item, carry(error.clone())).map(|()| true),
                None => Some(value),
            },
            Landing::Failed(failure) => match (self.call.sharing.restore)(failure) {
                Some(failed) => return self.refuse(item, failed).map(|()| true),
                None => return Ok(false),
            },
            Landing::Broken(error) => match self.propagated(error.clone()) {
                Some(failed) => return self.refuse(item, failed).map(|()| true),
                None => return Ok(false),
            },
        };
        let entity = entity.map(|value| Arc::clone(value).downcast()).transpose();
        let is_taken = entity.is_ok();
        if let Ok(entity) = entity {
            self.items[item].answer = Answer::Known(entity);
        }
        Ok(is_taken)
    }

    /// Ends an item with a failure: the item alone, or the whole call.
    pub(super) fn refuse(&mut self, item: usize, failed: Result<Vec<T>, E>) -> Result<(), E> {
        if let Err(error) = failed {
            self.items[item].answer = Answer::Failed((self.spare)(error)?);
        }
        Ok(())
    }

    /// Ends an item with a failure, and the flight that it leads.
    pub(super) fn fail(
        &mut self,
        item: usize,
        leader: Option<Lead>,
        failed: Result<Vec<T>, E>,
    ) -> Result<(), E> {
        self.tell(leader, &failed);
        self.refuse(item, failed)
    }

    /// Tells those who wait for an item that its load failed, if they can be told.
    pub(super) fn tell(&self, leader: Option<Lead>, failed: &Result<Vec<T>, E>) {
        let Some(leader) = leader else { return };
        match (self.call.sharing.share)(failed) {
            Some(failure) => leader.land(Landing::Failed(failure)),
            None => leader.scatter(),
        }
    }

    /// Says whether a failure of the cache is one of the call.
    pub(super) fn is_strict(&self) -> bool {
        self.call.strict_in(self.reader.cache).is_some()
    }

    /// Makes a failure of the cache one of the call, where it is to be.
    pub(super) fn propagated(&self, error: Error) -> Option<Result<Vec<T>, E>> {
        let carry = self.call.strict_in(self.reader.cache)?;
        Some(carry(error))
    }
}
