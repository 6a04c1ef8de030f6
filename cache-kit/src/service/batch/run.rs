//! One batch: look up, join or lead a flight for each miss, load what it leads, follow the others.

use super::items::{Answer, Item, Serving};
use super::loads::Task;
use super::{CacheService, Loaded};
use crate::backend::{CacheBackend, Intent, Lease, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::{Arrival, Flights, Frame, Joined, Lead, Tag};
use crate::observe::{InvalidationSource, Operation};
use crate::read_through::{Miss, Missed, Pass, Reader, Typed, Waiting, landing_of};
use crate::strategy::CacheStrategy;
use std::collections::VecDeque;
use std::future::Future;
use tokio::time::Instant;

/// One batch, its keys each once.
pub(super) struct Batch<'c, B: CacheBackend, T: CacheEntity, E, L> {
    pub(super) reader: Reader<'c, B, T>,
    pub(super) call: Call<Result<Vec<T>, E>>,
    /// Whose failure one key's is: `Err` ends the call with it, `Ok` leaves it to the key alone.
    pub(super) spare: fn(E) -> Result<Error, E>,
    /// Whether what is loaded may say tags that its entity does not have by itself.
    pub(super) says_tags: bool,
    /// Says of which entities nothing is stored.
    pub(super) unless: Option<fn(&T) -> bool>,
    pub(super) load: L,
    pub(super) items: Vec<Item<T>>,
}

/// A miss, the state that says who may share its load, and its permit if that is how the state was found.
type Stamped<P> = (usize, Option<Stamp>, Pass<P>);

/// A stale value that is this batch's to refresh.
type Refreshing = (usize, Lead);

/// A miss that somebody else loads, and by which state.
type Wait = (usize, Option<Stamp>, Waiting);

/// What this batch loads, and what it waits for.
type Joins<P> = (Vec<Task<P>>, Vec<Wait>);

impl<'c, B, T, E, F, L> Batch<'c, B, T, E, L>
where
    B: CacheBackend,
    T: CacheEntity,
    E: Send + 'static,
    F: Future<Output = Result<Loaded<T, E>, E>>,
    L: FnMut(Vec<T::Key>) -> F,
{
    pub(super) fn new(
        cache: &'c CacheService<B>,
        call: Call<Result<Vec<T>, E>>,
        spare: fn(E) -> Result<Error, E>,
        load: L,
    ) -> Self {
        Self {
            reader: Reader::new(cache),
            call,
            spare,
            says_tags: false,
            unless: None,
            load,
            items: Vec::new(),
        }
    }

    /// Says of each key what came of it. A type that cannot be cached is refused where that can be said, else loaded beside the cache.
    pub(super) async fn answers(mut self, keys: &[T::Key]) -> Result<Vec<Answer<T>>, E> {
        if let Err(error) = self.reader.cache.declare::<T>(self.call.lifetime) {
            self.reader.failed(Operation::Declare, &error);
            if let Some(carry) = self.call.carry {
                return match carry(error).map_err(self.spare) {
                    Err(Ok(error)) => Ok(vec![Answer::Failed(error); keys.len()]),
                    Err(Err(error)) => Err(error),
                    Ok(_) => Ok(Vec::new()),
                };
            }
            self.call.strategy = CacheStrategy::Bypass;
        }
        let order = self.enter(keys)?;
        self.run().await?;
        let answer = |index: usize| self.items[index].answer.clone();
        Ok(order.into_iter().map(answer).collect())
    }

    async fn run(&mut self) -> Result<(), E> {
        let (misses, stale) = match self.call.strategy {
            CacheStrategy::Invalidate => (self.drop_all().await?, Vec::new()),
            _ => self.look_up().await?,
        };
        if self.call.strategy == CacheStrategy::Fresh {
            return Ok(());
        }
        let stamped = self.stamp(misses).await?;
        let late = self.share(stamped, stale, false).await?;
        self.share(late, Vec::new(), true).await?;
        Ok(())
    }

    /// Leads or joins a flight for each miss. Returns those that came too late for theirs, and are to share the next.
    async fn share(
        &mut self,
        misses: Vec<Stamped<B::Permit>>,
        stale: Vec<Refreshing>,
        is_next: bool,
    ) -> Result<Vec<Stamped<B::Permit>>, E> {
        let (mut tasks, waits) = self.join(misses);
        let refreshes = stale
            .into_iter()
            .map(|(item, lead)| Task::unopened(item, Some(lead)));
        tasks.extend(refreshes);
        // What this batch leads comes first: two batches that wait for each other's keys have then loaded their own.
        self.load(tasks).await?;
        self.follow(waits, is_next).await
    }

    /// Reads everything; returns the misses, and what is stale and to be refreshed.
    async fn look_up(&mut self) -> Result<(Vec<(usize, Missed)>, Vec<Refreshing>), E> {
        let (keyed, keyless): (Vec<_>, Vec<_>) = (0..self.items.len())
            .filter(|item| matches!(self.items[*item].answer, Answer::Wanted))
            .partition(|item| self.items[*item].key.is_some());
        let keys = self.items.iter().filter_map(|item| item.key.clone());
        let keys: Vec<_> = keys.collect();
        let lookups = self.reader.read_many(&keys).await;
        let beside = |item| (item, Missed::Unreachable);
        let mut misses: Vec<_> = keyless.into_iter().map(beside).collect();
        let mut refreshes = Vec::new();
        for (item, lookup) in keyed.into_iter().zip(lookups) {
            let typed = match lookup {
                Ok(lookup) => Typed::from(lookup),
                Err(error) => {
                    let miss = Typed::Miss(Missed::after(&error).into());
                    if let Some(failed) = self.propagated(error) {
                        self.refuse(item, failed)?;
                        continue;
                    }
                    miss
                }
            };
            match self.reader.count(typed) {
                Ok(entity) => self.items[item].answer = Answer::Known(entity),
                Err(_) if self.call.strategy == CacheStrategy::Fresh => self.reader.miss(),
                Err(Miss { missed, stale, .. }) => match self.serve(item, stale) {
                    Serving::Done => {}
                    Serving::Miss(lead) => {
                        self.reader.miss();
                        match lead {
                            Some(lead) => refreshes.push((item, lead)),
                            None => misses.push((item, missed)),
                        }
                    }
                },
            }
        }
        Ok((misses, refreshes))
    }

    /// Drops whatever is stored or loading. Everything is a miss then.
    async fn drop_all(&mut self) -> Result<Vec<(usize, Missed)>, E> {
        let keys = self.items.iter().filter_map(|item| item.key.clone());
        let keys: Vec<_> = keys.collect();
        let (prefix, source) = (T::cache_prefix(), InvalidationSource::Strategy);
        let dropped = self.reader.cache.drop_entries(prefix, &keys, source).await;
        if let Err(error) = dropped
            && let Some(failed) = self.propagated(error)
        {
            failed?;
        }
        let wanted = self.items.iter().enumerate();
        let wanted = wanted.filter(|(_, item)| matches!(item.answer, Answer::Wanted));
        Ok(wanted
            .map(|(index, item)| match item.key {
                Some(_) => (index, Missed::Unstamped),
                None => (index, Missed::Unreachable),
            })
            .collect())
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
                    // What another caller has stored since is newer than the invalidation, but this caller asked for a load.
                    Ok(opened) if self.call.strategy == CacheStrategy::Invalidate => {
                        (Some(opened.stamp), Pass::Opened(opened.permit, Lease::Held))
                    }
                    Ok(opened) => match landing_of::<T>(None, opened.found) {
                        Some(landing) => {
                            self.take(item, &landing)?;
                            continue;
                        }
                        None => (Some(opened.stamp), Pass::kept(opened.permit, opened.lease)),
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
            match flights.join(key, Tag::of::<T>(stamp)) {
                Joined::Lead(leader) => tasks.push(Task {
                    item,
                    leader: Some(leader),
                    pass,
                }),
                Joined::Follow(follower) => waits.push((item, stamp, follower)),
            }
        }
        (tasks, waits)
    }

    /// Waits for what others load, all of it until one deadline; what does not come, or is of no use, is loaded in one call.
    async fn follow(
        &mut self,
        waits: Vec<Wait>,
        is_next: bool,
    ) -> Result<Vec<Stamped<B::Permit>>, E> {
        let begun = Instant::now();
        let (mut left, mut late) = (Vec::new(), Vec::new());
        let mut waits = VecDeque::from(waits);
        while let Some((item, stamp, mut follower)) = waits.pop_front() {
            match self.reader.wait_until(begun, 1, &mut follower).await {
                Some(Arrival::Landed(_)) if stamp.is_none() && !is_next => {
                    follower.pass_over();
                    late.push((item, None, Pass::Denied));
                }
                Some(Arrival::Landed(landing)) => {
                    if !self.take(item, &landing)? {
                        left.push(Task::unopened(item, None));
                    }
                }
                // Others wait for this one: it is not kept until the rest has come, but taken with what else is to be had now, as when
                // another batch was cancelled.
                Some(Arrival::Lead(leader)) => {
                    let mut tasks = vec![Task::unopened(item, Some(leader))];
                    waits.retain(|(item, _, follower)| match follower.take_over() {
                        None => true,
                        leader => {
                            tasks.push(Task::unopened(*item, leader));
                            false
                        }
                    });
                    self.load(tasks).await?;
                }
                None => {
                    self.reader.failed(Operation::Wait, &Error::Timeout);
                    follower.widen();
                    left.push(Task::unopened(item, None));
                }
            }
        }
        self.load(left).await?;
        Ok(late)
    }
}
