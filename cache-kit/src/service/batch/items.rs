//! What a batch knows of each of its keys, and whose failure one key's is.

use super::run::Batch;
use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Landing, Lead};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, Operation};
use crate::read_through::{Stale, Verdict};
use crate::strategy::CacheStrategy;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// One key of a batch.
pub(super) struct Item<T: CacheEntity> {
    /// What the user calls it, and what the cache does; the latter is `None` for a key that cannot be.
    pub(super) id: T::Key,
    pub(super) key: Option<CacheKey>,
    pub(super) answer: Answer<T>,
    /// A stale value, which the answer is if the load fails.
    pub(super) spare: Option<Arc<T>>,
    /// Whether that is the answer also where another process is loading.
    pub(super) serves: bool,
}

/// What a stale value comes to.
pub(super) enum Serving {
    /// It is the answer.
    Done,
    /// The next one is wanted, and may be this batch's to load.
    Miss(Option<Lead>),
}

/// What has been found out about a key.
#[derive(Clone)]
pub(super) enum Answer<T> {
    Wanted,
    Known(Option<Arc<T>>),
    Failed(Error),
}

impl<T> Answer<T> {
    /// The entity, if one is known.
    pub(super) fn known(self) -> Option<Arc<T>> {
        match self {
            Self::Known(entity) => entity,
            Self::Wanted | Self::Failed(_) => None,
        }
    }

    pub(super) fn into_result(self) -> Result<Option<Arc<T>>> {
        match self {
            Self::Failed(error) => Err(error),
            other => Ok(other.known()),
        }
    }
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
                let key = match self.call.strategy {
                    CacheStrategy::Bypass => Ok(None),
                    _ => self.reader.cache.writer_for::<T>(id).to_key().map(Some),
                };
                let refusal = key.as_ref().err().cloned();
                self.items.push(Item {
                    id: id.clone(),
                    key: self.reader.counted(Operation::Declare, key).flatten(),
                    answer: Answer::Wanted,
                    spare: None,
                    serves: false,
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
            Landing::Absent | Landing::Found(None, _) => None,
            Landing::Value(value) | Landing::Found(Some(value), _) => Some(value),
            Landing::Invalid(..) | Landing::Failed(_) if self.stand_in(item) => return Ok(true),
            Landing::Invalid(value, error) => match self.call.carry {
                Some(carry) => return self.refuse(item, carry(error.clone())).map(|()| true),
                None => Some(value),
            },
            Landing::Failed(failure) => {
                let carried = || Some(self.call.carry?(failure.own()?.clone()));
                return match (self.call.sharing.restore)(failure).or_else(carried) {
                    Some(failed) => self.refuse(item, failed).map(|()| true),
                    None => Ok(false),
                };
            }
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

    /// Answers with what is stale, if that serves; says what else is to be done.
    pub(super) fn serve(&mut self, item: usize, stale: Option<Box<Stale<T>>>) -> Serving {
        let (Some(stale), Some(key)) = (stale, &self.items[item].key) else {
            return Serving::Miss(None);
        };
        let lead = match self.reader.judge(key, self.call.lifetime, &stale) {
            Verdict::Serves => {
                self.items[item].spare = Some(stale.entity);
                self.serve_stale(item);
                return Serving::Done;
            }
            Verdict::Refresh(lead) => Some(lead),
            Verdict::Ended => None,
        };
        let is_throttled = self.reader.is_throttled(key);
        let spare = self.reader.spare(self.call.lifetime, Some(stale));
        self.items[item].spare = spare.map(|spare| spare.entity);
        self.items[item].serves = lead.is_some();
        if is_throttled && self.stand_in(item) {
            return Serving::Done;
        }
        Serving::Miss(lead)
    }

    /// Answers with what is stale, and that somebody else replaces.
    pub(super) fn serve_stale(&mut self, item: usize) {
        if let Some(entity) = self.items[item].spare.clone() {
            self.reader.stale_hit();
            self.items[item].answer = Answer::Known(Some(entity));
        }
    }

    /// Answers with what is stale, where there is anything; `false` if there is nothing.
    pub(super) fn stand_in(&mut self, item: usize) -> bool {
        let Some(spare) = self.items[item].spare.clone() else {
            return false;
        };
        self.reader.record(|prefix| CacheEvent::StandIn { prefix });
        self.items[item].answer = Answer::Known(Some(spare));
        true
    }

    /// Answers with what is stale because the item's own load failed.
    pub(super) fn make_do(&mut self, item: usize) -> bool {
        let is_served = self.stand_in(item);
        if let (true, Some(key)) = (is_served, &self.items[item].key) {
            self.reader.throttle(key, self.call.lifetime);
        }
        is_served
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
        if self.make_do(item) {
            return Ok(());
        }
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
