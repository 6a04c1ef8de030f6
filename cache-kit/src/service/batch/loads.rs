//! What a batch loads itself: one open, one call, one fill, and a landing for each flight.

use super::run::Batch;
use super::{Loaded, outcome_of};
use crate::backend::{CacheBackend, Entry, Intent, Lease};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Landing, Lead};
use crate::observe::Operation;
use crate::outcome::Terms;
use crate::read_through::{Filling, Foretold, Pass, Turn, fill_of, landing_of};
use foldhash::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

/// An item that this batch loads: on a flight of its own, or beside all flights.
pub(super) struct Task<P> {
    pub(super) item: usize,
    pub(super) leader: Option<Lead>,
    pub(super) pass: Pass<P>,
}

impl<P> Task<P> {
    pub(super) fn unopened(item: usize, leader: Option<Lead>) -> Self {
        Self {
            item,
            leader,
            pass: Pass::Unopened,
        }
    }

    /// Says whether another process is loading it. Who leads no flight has waited for long enough.
    fn is_taken(&self) -> bool {
        self.leader.is_some() && matches!(self.pass, Pass::Opened(_, Lease::Taken))
    }
}

/// What is to be stored, and for which of those that are done.
type OwnFill<P> = (usize, Filling<P>);

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
    /// Loads in one call what is still missing once the permits are there. What another process is loading is waited for, and loaded if it does not come.
    ///
    /// Nothing is held meanwhile: two batches that wait for each other's keys have then loaded their own.
    pub(super) async fn load(&mut self, tasks: Vec<Task<B::Permit>>) -> Result<(), E> {
        let deadline = self.reader.cache.inner().settings.lease_deadline;
        let (mut tasks, mut turn, mut is_patient) = (tasks, None, !deadline.is_zero());
        loop {
            let opened = self.open(tasks).await?;
            let (taken, own): (Vec<_>, Vec<_>) = opened
                .into_iter()
                .partition(|task| is_patient && task.is_taken());
            let (served, taken): (Vec<_>, Vec<_>) = taken
                .into_iter()
                .partition(|task| self.items[task.item].serves);
            for task in served {
                self.serve_stale(task.item);
            }
            self.load_opened(own).await?;
            if taken.is_empty() {
                return Ok(());
            }
            let turn = turn.get_or_insert_with(|| Turn::new(deadline));
            is_patient = turn.wait().await;
            let taken = taken.into_iter();
            tasks = taken
                .map(|task| Task::unopened(task.item, task.leader))
                .collect();
        }
    }

    /// Loads in one call, and fills.
    async fn load_opened(&mut self, tasks: Vec<Task<B::Permit>>) -> Result<(), E> {
        if tasks.is_empty() {
            return Ok(());
        }
        let (tasks, foretold) = self.foretell(tasks).await?;
        if tasks.is_empty() {
            return Ok(());
        }
        let items = || tasks.iter().map(|task| &self.items[task.item]);
        let ids = items().map(|item| item.id.clone()).collect();
        let keys: Vec<_> = items().filter_map(|item| item.key.clone()).collect();
        let timeouts = self.reader.cache.timeouts(self.call.timeouts);
        let limit = timeouts.hard.filter(|_| self.call.carry.is_some());
        let load = &mut self.load;
        // The closure is called inside the load: it may ask the repository, or the cache, before
        // it returns its future.
        let loading = async { load(ids).await };
        let loading = self
            .reader
            .load_within(limit, keys.clone(), loading, outcome_of);
        let loaded = self.reader.lead_for_a_while(&keys, pin!(loading)).await;
        let loaded = match (loaded, self.call.carry) {
            (Some(loaded), _) => loaded,
            (None, Some(carry)) => carry(Error::Timeout).map(|_| Loaded::nothing()),
            (None, None) => unreachable!("there was no limit"),
        };
        match loaded {
            Ok(loaded) => {
                let (done, fills) = self.settle(tasks, loaded, &foretold);
                self.land(done, fills).await
            }
            Err(error) => {
                let failed = Err(error);
                let mut is_served = true;
                for task in tasks {
                    self.tell(task.leader, &failed);
                    is_served &= self.make_do(task.item);
                }
                if is_served {
                    Ok(())
                } else {
                    failed.map(|_| ())
                }
            }
        }
    }

    /// Asks about the tags of what will be loaded. Without an answer nothing is stored.
    async fn foretell(
        &mut self,
        mut tasks: Vec<Task<B::Permit>>,
    ) -> Result<(Vec<Task<B::Permit>>, Foretold), E> {
        if tasks
            .iter()
            .all(|task| !matches!(task.pass, Pass::Opened(..)))
        {
            return Ok((tasks, Foretold::default()));
        }
        let kept = || self.call.kept_in::<B, T>(self.reader.cache);
        let foretelling = self.reader.foretell(&self.call.tags, self.says_tags, kept);
        let error = match foretelling.await {
            Ok(foretold) => return Ok((tasks, foretold)),
            Err(error) => error,
        };
        if !self.is_strict() {
            for task in &mut tasks {
                task.pass = Pass::Denied;
            }
            return Ok((tasks, Foretold::default()));
        }
        let mut outcome = Ok(());
        for Task { item, leader, .. } in tasks {
            let broken = Landing::Broken(error.clone());
            outcome = outcome.and(self.accept(item, &broken).map(drop));
            if let Some(leader) = leader {
                leader.land(broken);
            }
        }
        outcome.map(|()| (Vec::new(), Foretold::default()))
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
                Ok(opened) => match (&leader, landing_of::<T>(None, opened.found)) {
                    (Some(_), Some(landing)) => {
                        self.take(item, &landing)?;
                        if let Some(leader) = leader {
                            leader.land(landing);
                        }
                        continue;
                    }
                    _ => Pass::Opened(opened.permit, opened.lease),
                },
                Err(error) if self.is_strict() => {
                    let broken = Landing::Broken(error);
                    let ended = self.accept(item, &broken);
                    if let Some(leader) = leader {
                        leader.land(broken);
                    }
                    ended?;
                    continue;
                }
                Err(_) => Pass::Denied,
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
        foretold: &Foretold,
    ) -> (Vec<Done<E>>, Vec<OwnFill<B::Permit>>) {
        let entities = loaded.entities.into_iter();
        let mut found: HashMap<_, _> = entities
            .map(|(entity, terms)| (entity.cache_key(), (entity, terms)))
            .collect();
        let mut failed: HashMap<_, _> = loaded.failures.into_iter().collect();
        let lifetime = self.call.lifetime_in::<B, T>(self.reader.cache);
        let (mut done, mut fills) = (Vec::with_capacity(tasks.len()), Vec::new());
        for Task { item, leader, pass } in tasks {
            let id = &self.items[item].id;
            let (landing, terms) = match (failed.remove(id), found.remove(id)) {
                (Some(error), _) => (Err(error), Terms::default()),
                (None, Some((entity, terms))) => (Ok(self.checked(entity)), terms),
                (None, None) => (Ok(Landing::Absent), Terms::default()),
            };
            let entry = match &landing {
                Ok(Landing::Value(value)) => Some(Entry::Value(value.clone())),
                Ok(Landing::Absent) => Some(Entry::Absent),
                _ => None,
            };
            let entity = match &entry {
                Some(Entry::Value(value)) => value.downcast_ref::<T>(),
                _ => None,
            };
            let tags = self.reader.tags_of(entity, &terms);
            let is_unwanted = entity
                .zip(self.unless)
                .is_some_and(|(entity, unless)| unless(entity));
            if let (Pass::Opened(permit, _), Some(entry)) = (pass, entry) {
                let entry = if is_unwanted { Entry::Gone } else { entry };
                let is_stale = self.items[item].spare.is_some();
                let fill = fill_of(permit, entry, lifetime, &terms, is_stale);
                let fill = fill.map(|fill| Filling::new(fill, foretold, tags));
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

    fn checked(&self, entity: Arc<T>) -> Landing {
        let validity = entity.validate().map_err(Error::into_validation);
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
        let late = match self.reader.postpone(fills, self.is_strict()) {
            Ok(late) => Some(late),
            Err(fills) => {
                for (index, filled) in whose.into_iter().zip(self.reader.fill(fills).await) {
                    if let Err(error) = filled
                        && self.is_strict()
                    {
                        done[index].landing = Ok(Landing::Broken(error));
                    }
                }
                None
            }
        };
        let mut landed = Vec::new();
        let mut outcome = Ok(());
        for Done {
            item,
            leader,
            landing,
        } in done
        {
            let ended = match landing {
                Ok(landing) => {
                    let is_refused = matches!(landing, Landing::Invalid(..));
                    let accepted = if is_refused && self.make_do(item) {
                        Ok(())
                    } else {
                        self.accept(item, &landing).map(drop)
                    };
                    if let Some(leader) = leader {
                        landed.push(leader.share(landing));
                    }
                    accepted
                }
                Err(error) => self.fail(item, leader, Err(error)),
            };
            outcome = outcome.and(ended);
        }
        if let Some(late) = late {
            late.fill(landed);
        }
        outcome
    }
}
