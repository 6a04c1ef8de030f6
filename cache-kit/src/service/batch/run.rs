//! One batch: look up, join or lead a flight for each miss, load in one call, fill, land.

use super::outcome_of;
use crate::backend::{CacheBackend, Entry, Intent, Lookup, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Arrival, Flights, Frame, Joined, Landing, Leader, Tag};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, Operation};
use crate::read_through::{Missed, Pass, Reader, Typed, Waiting, into_validation_error};
use crate::service::Found;
use crate::shape::Erased;
use crate::ttl::Lifetime;
use foldhash::{HashMap, HashMapExt};
use std::any::TypeId;
use std::future::Future;
use std::sync::Arc;
use tokio::time::Instant;

type Lead = Leader<CacheKey, Tag, Landing>;

/// One batch, its keys each once.
pub(super) struct Batch<'c, B: CacheBackend, T: CacheEntity, E, L> {
    pub(super) reader: Reader<'c, B, T>,
    pub(super) lifetime: Lifetime,
    pub(super) call: Call<Result<Vec<T>, E>>,
    pub(super) load: L,
    pub(super) items: Vec<Item<T>>,
}

pub(super) struct Item<T: CacheEntity> {
    /// What the user calls it, and what the cache does; the latter is `None` for a key that cannot be.
    id: T::Key,
    key: Option<CacheKey>,
    /// A miss until it is answered.
    pub(super) answer: Found<T>,
}

/// A miss, the state that says who may share its load, and its permit if that is how the state was found.
type Stamped<P> = (usize, Option<Stamp>, Pass<P>);

/// What this batch loads, and what it waits for.
type Joins<P> = (Vec<Task<P>>, Vec<(usize, Waiting)>);

/// An item that this batch loads: on a flight of its own, or beside all flights.
struct Task<P> {
    item: usize,
    leader: Option<Lead>,
    pass: Pass<P>,
}

impl<B, T, E, F, L> Batch<'_, B, T, E, L>
where
    B: CacheBackend,
    T: CacheEntity,
    E: Send + 'static,
    F: Future<Output = Result<Vec<T>, E>>,
    L: FnMut(Vec<T::Key>) -> F,
{
    /// Takes each key once; returns for each key that was asked for which item it is.
    pub(super) fn enter(&mut self, keys: &[T::Key]) -> Vec<usize> {
        let mut known: HashMap<&T::Key, usize> = HashMap::with_capacity(keys.len());
        let mut order = Vec::with_capacity(keys.len());
        for id in keys {
            let index = *known.entry(id).or_insert(self.items.len());
            if index == self.items.len() {
                let key = self.reader.cache.writer_for::<T>(id).to_key();
                let key = self.reader.counted(Operation::Declare, key);
                self.items.push(Item {
                    id: id.clone(),
                    key,
                    answer: Found::Miss,
                });
            }
            order.push(index);
        }
        order
    }

    pub(super) async fn run(&mut self) -> Result<(), E> {
        let misses = self.look_up().await;
        let stamped = self.stamp(misses).await;
        let (tasks, waits) = self.join(stamped);
        // What this batch leads comes first: two batches that wait for each other's keys have then loaded their own.
        self.load(tasks).await?;
        self.follow(waits).await
    }

    /// Reads everything; returns the misses.
    async fn look_up(&mut self) -> Vec<(usize, Missed)> {
        let (indices, keys): (Vec<_>, Vec<_>) = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((index, item.key.clone()?)))
            .unzip();
        let lookups = if keys.is_empty() {
            Vec::new()
        } else {
            self.reader.read_many(&keys).await
        };
        let keyless = self
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.key.is_none());
        let mut wanted: Vec<_> = keyless
            .map(|(index, _)| (index, Missed::Unreachable))
            .collect();
        for (index, lookup) in indices.into_iter().zip(lookups) {
            match self.reader.count(lookup) {
                Ok(answer) => self.items[index].answer = Found::known(answer),
                Err(missed) => wanted.push((index, missed)),
            }
        }
        wanted
    }

    /// Finds out which flight each miss belongs to, asking for a permit where only that can tell.
    async fn stamp(&mut self, misses: Vec<(usize, Missed)>) -> Vec<Stamped<B::Permit>> {
        let unstamped = misses
            .iter()
            .filter(|(_, missed)| matches!(missed, Missed::Unstamped));
        let keys: Vec<_> = unstamped
            .filter_map(|(item, _)| self.items[*item].key.clone())
            .collect();
        let mut opened = self.reader.open_many(&keys, Intent::Load).await.into_iter();
        let mut stamped = Vec::with_capacity(misses.len());
        for (item, missed) in misses {
            stamped.extend(match missed {
                Missed::At(stamp) => Some((item, Some(stamp), Pass::Unopened)),
                Missed::Unreachable => Some((item, None, Pass::Denied)),
                Missed::Unstamped => match opened.next().flatten() {
                    None => Some((item, None, Pass::Denied)),
                    Some(opened) => match landing_of::<T>(opened.found) {
                        None => Some((item, Some(opened.stamp), Pass::Opened(opened.permit))),
                        Some((_, answer)) => {
                            self.answer(item, answer);
                            None
                        }
                    },
                },
            });
        }
        stamped
    }

    /// Leads or joins a flight for each miss.
    fn join(&self, misses: Vec<Stamped<B::Permit>>) -> Joins<B::Permit> {
        let (mut tasks, mut waits) = (Vec::new(), Vec::new());
        let flights: &Flights = &self.reader.cache.inner().flights;
        for (item, stamp, pass) in misses {
            let key = self.items[item]
                .key
                .as_ref()
                .filter(|key| !Frame::is_loading(self.reader.cache.id(), key));
            let Some(key) = key else {
                tasks.push(Task {
                    item,
                    leader: None,
                    pass,
                });
                continue;
            };
            match flights.join(
                key,
                Tag {
                    stamp,
                    type_id: TypeId::of::<T>(),
                },
            ) {
                Joined::Lead(leader) => tasks.push(Task {
                    item,
                    leader: Some(leader),
                    pass,
                }),
                Joined::Follow(follower) => waits.push((item, follower)),
            }
        }
        (tasks, waits)
    }

    /// Waits for what others load, all of it until one deadline; what does not come, or is of no use, is loaded in one call.
    async fn follow(&mut self, waits: Vec<(usize, Waiting)>) -> Result<(), E> {
        let begun = Instant::now();
        let mut left = Vec::new();
        for (item, mut follower) in waits {
            match self.reader.wait_until(begun, 1, &mut follower).await {
                Some(Arrival::Landed(landing)) => {
                    if self.take(item, landing)? {
                        continue;
                    }
                }
                Some(Arrival::Lead(leader)) => {
                    // Others wait for this one: it is not kept until the rest has come.
                    let task = Task {
                        item,
                        leader: Some(leader),
                        pass: Pass::Unopened,
                    };
                    self.load(vec![task]).await?;
                    continue;
                }
                None => {
                    self.reader
                        .cache
                        .failed::<T>(Operation::Wait, &Error::Timeout);
                    follower.widen();
                }
            }
            left.push(Task {
                item,
                leader: None,
                pass: Pass::Unopened,
            });
        }
        self.load(left).await
    }

    /// Takes what another caller's load brought; `false` if it is of no use here.
    fn take(&mut self, item: usize, landing: Landing) -> Result<bool, E> {
        let answer = match landing {
            Landing::Value(value) => match value.downcast() {
                Ok(entity) => Some(entity),
                Err(_) => return Ok(false),
            },
            Landing::Absent => None,
            Landing::Invalid(value, error) => match (value.downcast(), self.call.carry) {
                (_, Some(carry)) => return carry(error).map(|_| false),
                (Ok(entity), None) => Some(entity),
                (Err(_), None) => return Ok(false),
            },
            Landing::Failed(failure) => match (self.call.sharing.restore)(&failure) {
                Some(failed) => return failed.map(|_| false),
                None => return Ok(false),
            },
        };
        self.answer(item, answer);
        Ok(true)
    }

    /// Takes what another caller's load brought.
    fn answer(&mut self, item: usize, answer: Option<Arc<T>>) {
        self.reader.cache.record(&CacheEvent::Coalesced {
            prefix: T::cache_prefix(),
        });
        self.items[item].answer = Found::known(answer);
    }

    /// Loads in one call what is still missing once the permits are there, and fills it.
    async fn load(&mut self, tasks: Vec<Task<B::Permit>>) -> Result<(), E> {
        let (tasks, permits) = self.open(tasks).await;
        if tasks.is_empty() {
            return Ok(());
        }
        let ids = tasks
            .iter()
            .map(|task| self.items[task.item].id.clone())
            .collect();
        let keys = tasks
            .iter()
            .filter_map(|task| self.items[task.item].key.clone())
            .collect();
        let loaded = self.reader.load(keys, (self.load)(ids), outcome_of).await;
        match loaded {
            Ok(entities) => self.settle(tasks, permits, entities).await,
            Err(error) => Err(self.fail(tasks, error)),
        }
    }

    /// Asks for the permits that are wanting; tasks whose entry has come in the meantime are done.
    async fn open(
        &mut self,
        tasks: Vec<Task<B::Permit>>,
    ) -> (Vec<Task<B::Permit>>, Vec<Option<B::Permit>>) {
        let unopened = tasks
            .iter()
            .filter(|task| matches!(task.pass, Pass::Unopened));
        let keys: Vec<_> = unopened
            .filter_map(|task| self.items[task.item].key.clone())
            .collect();
        let mut opened = self.reader.open_many(&keys, Intent::Load).await.into_iter();
        let (mut left, mut permits) = (Vec::new(), Vec::new());
        for Task { item, leader, pass } in tasks {
            let (permit, landing) = match pass {
                Pass::Opened(permit) => (Some(permit), None),
                Pass::Denied => (None, None),
                Pass::Unopened => match opened.next().flatten() {
                    Some(opened) => (Some(opened.permit), landing_of::<T>(opened.found)),
                    None => (None, None),
                },
            };
            match (leader, landing) {
                (Some(leader), Some((landing, answer))) => {
                    self.answer(item, answer);
                    leader.land(landing);
                }
                (leader, _) => {
                    left.push(Task {
                        item,
                        leader,
                        pass: Pass::Denied,
                    });
                    permits.push(permit);
                }
            }
        }
        (left, permits)
    }

    /// Stores what was loaded and lands the flights. An entity that is not valid is not stored; it is the call's error where `E` can
    /// say so, else it is returned as it was loaded.
    async fn settle(
        &mut self,
        tasks: Vec<Task<B::Permit>>,
        permits: Vec<Option<B::Permit>>,
        entities: Vec<T>,
    ) -> Result<(), E> {
        let mut loaded: HashMap<T::Key, T> = entities
            .into_iter()
            .map(|entity| (entity.cache_key(), entity))
            .collect();
        let (mut fills, mut landings, mut outcome) = (Vec::new(), Vec::new(), Ok(()));
        for (task, permit) in tasks.into_iter().zip(permits) {
            let item = &mut self.items[task.item];
            let entity = loaded.remove(&item.id).map(Arc::new);
            item.answer = Found::known(entity.clone());
            let (entry, landing) = match entity {
                Some(entity) => match entity.validate() {
                    Ok(()) => (Some(Entry::Value(entity.clone())), Landing::Value(entity)),
                    Err(error) => (None, self.reject(entity, error, &mut outcome)),
                },
                None => (Some(Entry::Absent), Landing::Absent),
            };
            fills.extend(entry.map(|entry| (permit, entry)));
            landings.extend(task.leader.map(|leader| (leader, landing)));
        }
        self.reader.fill(fills, &self.lifetime).await;
        for (leader, landing) in landings {
            leader.land(landing);
        }
        outcome
    }

    fn reject(&self, entity: Arc<T>, error: Error, outcome: &mut Result<(), E>) -> Landing {
        let error = into_validation_error(error);
        self.reader.cache.failed::<T>(Operation::Load, &error);
        if let (Ok(()), Some(carry)) = (&outcome, self.call.carry) {
            *outcome = carry(error.clone()).map(drop);
        }
        Landing::Invalid(entity, error)
    }

    /// Tells those who wait for a key of this batch that its load failed, if they can be told.
    fn fail(&self, tasks: Vec<Task<B::Permit>>, error: E) -> E {
        let failed = Err(error);
        let failure = (self.call.sharing.share)(&failed);
        for leader in tasks.into_iter().filter_map(|task| task.leader) {
            match &failure {
                Some(failure) => leader.land(Landing::Failed(failure.clone())),
                None => leader.scatter(),
            }
        }
        match failed {
            Err(error) => error,
            Ok(_) => unreachable!("it was made three lines above"),
        }
    }
}

fn landing_of<T: CacheEntity>(found: Lookup) -> Option<(Landing, Option<Arc<T>>)> {
    match found.into() {
        Typed::Hit(entity) => Some((Landing::Value(Arc::clone(&entity) as Erased), Some(entity))),
        Typed::Absent => Some((Landing::Absent, None)),
        Typed::Miss(_) => None,
    }
}
