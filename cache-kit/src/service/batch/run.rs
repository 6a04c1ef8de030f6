//! One batch: look up, join or lead a flight for each miss, load in one call, fill, land.

use super::items::{Answer, Item, Lead};
use super::{Loaded, outcome_of};
use crate::backend::{CacheBackend, Entry, Fill, Intent, Lookup, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Arrival, Flights, Frame, Joined, Landing, Tag};
use crate::observe::Operation;
use crate::read_through::{Missed, Pass, Reader, Typed, Waiting, to_fill};
use foldhash::HashMap;
use std::any::TypeId;
use std::future::Future;
use tokio::time::Instant;

/// One batch, its keys each once.
pub(super) struct Batch<'c, B: CacheBackend, T: CacheEntity, E, L> {
    pub(super) reader: Reader<'c, B, T>,
    pub(super) call: Call<Result<Vec<T>, E>>,
    /// Whose failure one key's is: `Err` ends the call with it, `Ok` leaves it to the key alone.
    pub(super) spare: fn(E) -> Result<Error, E>,
    pub(super) load: L,
    pub(super) items: Vec<Item<T>>,
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

/// What is to be stored, and for which of those that are done.
type OwnFill<P> = (usize, Fill<P>);

/// An item whose load is over, and how.
struct Done<E> {
    item: usize,
    leader: Option<Lead>,
    landing: Result<Landing, E>,
}

impl<B, T, E, F, L> Batch<'_, B, T, E, L>
where
    B: CacheBackend,
    T: CacheEntity,
    E: Send + 'static,
    F: Future<Output = Result<Loaded<T, E>, E>>,
    L: FnMut(Vec<T::Key>) -> F,
{
    pub(super) async fn run(&mut self) -> Result<(), E> {
        let misses = self.look_up().await?;
        let stamped = self.stamp(misses).await?;
        let (tasks, waits) = self.join(stamped);
        // What this batch leads comes first: two batches that wait for each other's keys have then loaded their own.
        self.load(tasks).await?;
        self.follow(waits).await
    }

    /// Reads everything; returns the misses.
    async fn look_up(&mut self) -> Result<Vec<(usize, Missed)>, E> {
        let (keyed, keyless): (Vec<_>, Vec<_>) =
            (0..self.items.len()).partition(|item| self.items[*item].key.is_some());
        let keys = self.items.iter().filter_map(|item| item.key.clone());
        let keys: Vec<_> = keys.collect();
        let lookups = self.reader.read_many(&keys).await;
        let beside = |item| (item, Missed::Unreachable);
        let mut misses: Vec<_> = keyless.into_iter().map(beside).collect();
        for (item, lookup) in keyed.into_iter().zip(lookups) {
            let typed = match lookup {
                Ok(lookup) => Typed::from(lookup),
                Err(error) => {
                    let miss = Typed::Miss(Missed::after(&error));
                    if let Some(failed) = self.propagated(error) {
                        self.refuse(item, failed)?;
                        continue;
                    }
                    miss
                }
            };
            match self.reader.count(typed) {
                Ok(entity) => self.items[item].answer = Answer::Known(entity),
                Err(miss) => misses.push((item, miss)),
            }
        }
        Ok(misses)
    }

    /// Finds out which flight each miss belongs to, asking for a permit where only that can tell.
    async fn stamp(&mut self, misses: Vec<(usize, Missed)>) -> Result<Vec<Stamped<B::Permit>>, E> {
        let unstamped = misses
            .iter()
            .filter(|(_, missed)| matches!(missed, Missed::Unstamped));
        let keys: Vec<_> = unstamped
            .filter_map(|(item, _)| self.items[*item].key.clone())
            .collect();
        let mut opened = self.reader.open_many(&keys, Intent::Load).await.into_iter();
        let mut stamped = Vec::with_capacity(misses.len());
        for (item, missed) in misses {
            let (stamp, pass) = match missed {
                Missed::At(stamp) => (Some(stamp), Pass::Unopened),
                Missed::Unreachable => (None, Pass::Denied),
                Missed::Unstamped => match opened.next().unwrap_or(Err(Error::Timeout)) {
                    Ok(opened) => match landing_of::<T>(opened.found) {
                        Some(landing) => {
                            self.take(item, &landing)?;
                            continue;
                        }
                        None => (Some(opened.stamp), Pass::Opened(opened.permit)),
                    },
                    Err(error) => match self.propagated(error) {
                        Some(failed) => {
                            self.refuse(item, failed)?;
                            continue;
                        }
                        None => (None, Pass::Denied),
                    },
                },
            };
            stamped.push((item, stamp, pass));
        }
        Ok(stamped)
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
            let task = |leader| Task {
                item,
                leader,
                pass: Pass::Unopened,
            };
            match self.reader.wait_until(begun, 1, &mut follower).await {
                Some(Arrival::Landed(landing)) => {
                    if !self.take(item, &landing)? {
                        left.push(task(None));
                    }
                }
                // Others wait for this one: it is not kept until the rest has come.
                Some(Arrival::Lead(leader)) => self.load(vec![task(Some(leader))]).await?,
                None => {
                    self.reader.failed(Operation::Wait, &Error::Timeout);
                    follower.widen();
                    left.push(task(None));
                }
            }
        }
        self.load(left).await
    }

    /// Loads in one call what is still missing once the permits are there, and fills it.
    async fn load(&mut self, tasks: Vec<Task<B::Permit>>) -> Result<(), E> {
        let tasks = self.open(tasks).await?;
        if tasks.is_empty() {
            return Ok(());
        }
        let items = || tasks.iter().map(|task| &self.items[task.item]);
        let ids = items().map(|item| item.id.clone()).collect();
        let keys = items().filter_map(|item| item.key.clone()).collect();
        match self.reader.load(keys, (self.load)(ids), outcome_of).await {
            Ok(loaded) => {
                let (done, fills) = self.settle(tasks, loaded);
                self.land(done, fills).await
            }
            Err(error) => {
                let failed = Err(error);
                for task in tasks {
                    self.tell(task.leader, &failed);
                }
                failed.map(|_| ())
            }
        }
    }

    /// Asks for the permits that are wanting; tasks whose entry has come in the meantime are done.
    async fn open(&mut self, tasks: Vec<Task<B::Permit>>) -> Result<Vec<Task<B::Permit>>, E> {
        let unopened = tasks
            .iter()
            .filter(|task| matches!(task.pass, Pass::Unopened));
        let keys: Vec<_> = unopened
            .filter_map(|task| self.items[task.item].key.clone())
            .collect();
        let mut opened = self.reader.open_many(&keys, Intent::Load).await.into_iter();
        let mut left = Vec::with_capacity(tasks.len());
        for Task { item, leader, pass } in tasks {
            if !matches!(pass, Pass::Unopened) {
                left.push(Task { item, leader, pass });
                continue;
            }
            let pass = match opened.next().unwrap_or(Err(Error::Timeout)) {
                Ok(opened) => match (&leader, landing_of::<T>(opened.found)) {
                    (Some(_), Some(landing)) => {
                        self.take(item, &landing)?;
                        if let Some(leader) = leader {
                            leader.land(landing);
                        }
                        continue;
                    }
                    _ => Pass::Opened(opened.permit),
                },
                Err(error) => match self.propagated(error) {
                    Some(failed) => {
                        self.fail(item, leader, failed)?;
                        continue;
                    }
                    None => Pass::Denied,
                },
            };
            left.push(Task { item, leader, pass });
        }
        Ok(left)
    }

    /// Gives each task its own of what was loaded; says what of it is to be stored, and whose that is. An entity that is not valid is not
    /// stored, nor one that nobody asked for.
    fn settle(
        &self,
        tasks: Vec<Task<B::Permit>>,
        loaded: Loaded<T, E>,
    ) -> (Vec<Done<E>>, Vec<OwnFill<B::Permit>>) {
        let entities = loaded.entities.into_iter();
        let mut found: HashMap<_, _> = entities
            .map(|entity| (entity.cache_key(), entity))
            .collect();
        let mut failed: HashMap<_, _> = loaded.failures.into_iter().collect();
        let lifetime = self.call.lifetime_in::<B, T>(self.reader.cache);
        let (mut done, mut fills) = (Vec::with_capacity(tasks.len()), Vec::new());
        for Task { item, leader, pass } in tasks {
            let id = &self.items[item].id;
            let landing = match (failed.remove(id), found.remove(id)) {
                (Some(error), _) => Err(error),
                (None, Some(entity)) => Ok(self.checked(entity)),
                (None, None) => Ok(Landing::Absent),
            };
            let entry = match &landing {
                Ok(Landing::Value(value)) => Some(Entry::Value(value.clone())),
                Ok(Landing::Absent) => Some(Entry::Absent),
                _ => None,
            };
            if let (Pass::Opened(permit), Some(entry), Some(lifetime)) = (pass, entry, &lifetime) {
                let fill = to_fill(permit, entry, lifetime);
                fills.extend(fill.map(|fill| (done.len(), fill)));
            }
            done.push(Done {
                item,
                leader,
                landing,
            });
        }
        (done, fills)
    }

    fn checked(&self, entity: T) -> Landing {
        let validity = entity.validate().map_err(Error::into_validation);
        let entity = std::sync::Arc::new(entity);
        match validity {
            Ok(()) => Landing::Value(entity),
            Err(error) => {
                self.reader.failed(Operation::Load, &error);
                Landing::Invalid(entity, error)
            }
        }
    }

    /// Stores what is to be stored, then lands the flights: nobody finds neither a flight nor an entry. The first failure that is the
    /// call's is returned when all have landed.
    async fn land(
        &mut self,
        mut done: Vec<Done<E>>,
        fills: Vec<OwnFill<B::Permit>>,
    ) -> Result<(), E> {
        let (whose, fills): (Vec<_>, Vec<_>) = fills.into_iter().unzip();
        for (index, filled) in whose.into_iter().zip(self.reader.fill(fills).await) {
            let failed = filled.err().and_then(|error| self.propagated(error));
            if let Some(Err(error)) = failed {
                done[index].landing = Err(error);
            }
        }
        let mut outcome = Ok(());
        for Done {
            item,
            leader,
            landing,
        } in done
        {
            let ended = match landing {
                Ok(landing) => {
                    let accepted = self.accept(item, &landing).map(drop);
                    if let Some(leader) = leader {
                        leader.land(landing);
                    }
                    accepted
                }
                Err(error) => self.fail(item, leader, Err(error)),
            };
            outcome = outcome.and(ended);
        }
        outcome
    }
}

fn landing_of<T: CacheEntity>(found: Lookup) -> Option<Landing> {
    match Typed::<T>::from(found) {
        Typed::Hit(entity) => Some(Landing::Found(Some(entity))),
        Typed::Absent => Some(Landing::Found(None)),
        Typed::Miss(_) => None,
    }
}
