//! After the look-up: which flight each miss belongs to.

use super::ask::{Answer, Reload};
use super::item::{Known, Missed, Pass, Purpose};
use super::read::Read;
use crate::error::Error;
use crate::key::CacheKey;
use crate::observe::InvalidationSource;
use crate::store::{Intent, Lease};
use crate::strategy::CacheStrategy;
use smallvec::SmallVec;

impl Read<'_> {
    /// Decides for each key without an answer how it is loaded.
    pub(super) async fn plan(&mut self, reload: Reload<'_>) {
        match self.ask.strategy {
            CacheStrategy::Bypass => {
                for at in self.unanswered() {
                    self.push_alone(at, Pass::Denied);
                }
            }
            CacheStrategy::Fresh => {
                for at in self.unanswered() {
                    self.items[at].known = Known::Answer(Answer::Missed);
                }
            }
            CacheStrategy::Invalidate => Box::pin(self.plan_replacement()).await,
            CacheStrategy::Refresh => self.plan_loads(reload).await,
        }
    }

    /// The keys that have no answer, and no task yet.
    fn unanswered(&self) -> SmallVec<[usize; 4]> {
        let items = self.items.iter().enumerate();
        let unanswered = items.filter(|(_, item)| !item.is_answered());
        let unanswered = unanswered.map(|(at, _)| at);
        if self.tasks.is_empty() {
            return unanswered.collect();
        }
        let mut has_task = vec![false; self.items.len()];
        for task in &self.tasks {
            has_task[task.item] = true;
        }
        unanswered.filter(|at| !has_task[*at]).collect()
    }

    fn keys(&self, items: &[usize]) -> Vec<CacheKey> {
        let keys = items.iter().map(|at| self.items[*at].key.clone());
        keys.flatten().collect()
    }

    /// `Invalidate`: whatever is stored or loading is dropped first.
    async fn plan_replacement(&mut self) {
        let items = self.unanswered();
        let (keyed, keyless): (Vec<_>, Vec<_>) = items
            .into_iter()
            .partition(|at| self.items[*at].key.is_some());
        for at in keyless {
            self.push_alone(at, Pass::Denied);
        }
        let (keys, source) = (self.keys(&keyed), InvalidationSource::Strategy);
        let dropped = self.engine.drop_entries(self.prefix(), &keys, source).await;
        if let Err(error) = dropped
            && self.is_strict()
        {
            for at in keyed {
                self.answer_with(at, Answer::Broken(error.clone()));
            }
            return;
        }
        let opened = self.engine.open(self.kind(), &keys, Intent::Load).await;
        for (at, opened) in keyed.into_iter().zip(opened) {
            match opened {
                // What another caller has stored since is newer than the invalidation, but this
                // caller asked for a load.
                Ok(opened) => {
                    self.stamp(at, opened.stamp);
                    self.join(at, Pass::Opened(opened.permit, Lease::Held));
                }
                Err(error) => self.go_on_without(at, error),
            }
        }
    }

    async fn plan_loads(&mut self, reload: Reload<'_>) {
        let soft = self.engine.timeouts(self.ask.timeouts()).soft;
        let mut unstamped = Vec::new();
        for at in self.unanswered() {
            let item = &self.items[at];
            let Some(key) = &item.key else {
                self.push_alone(at, Pass::Denied);
                continue;
            };
            if item.purpose == Purpose::Ahead {
                self.push_alone(at, Pass::Unopened);
            } else if item.fallback.is_some() && self.engine.throttle.holds(key) {
                self.fall_back(at);
            } else if item.fallback.is_some() && soft.is_some() {
                self.items[at].is_impatient = true;
                self.join_for_a_while(at, reload);
            } else {
                match self.missed(at) {
                    Missed::At(_) => self.join(at, Pass::Unopened),
                    Missed::Unreachable => self.join_unguarded(at),
                    Missed::Unstamped => unstamped.push(at),
                }
            }
        }
        if !unstamped.is_empty() {
            Box::pin(self.plan_unstamped(unstamped)).await;
        }
    }

    /// Asks for a permit where only that tells the key's state.
    async fn plan_unstamped(&mut self, items: Vec<usize>) {
        let keys = self.keys(&items);
        let opened = self.engine.open(self.kind(), &keys, Intent::Load).await;
        for (at, opened) in items.into_iter().zip(opened) {
            let opened = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    self.go_on_without(at, error);
                    continue;
                }
            };
            let landing = self.landing_of(opened.found);
            if landing.is_some_and(|landing| self.take(at, &landing)) {
                continue;
            }
            self.stamp(at, opened.stamp);
            self.join(at, Pass::kept(opened.permit, opened.lease));
        }
    }

    /// Goes on without what the store could not give, or ends the call.
    fn go_on_without(&mut self, at: usize, error: Error) {
        if self.is_strict() {
            self.answer_with(at, Answer::Broken(error));
        } else {
            self.unreachable(at);
            self.join_unguarded(at);
        }
    }

    /// Joins a flight that no guard names: nobody knows what others have invalidated since it
    /// began. A caller that comes to it waits until it has landed, and shares the next.
    fn join_unguarded(&mut self, at: usize) {
        self.items[at].takes_next = false;
        self.join(at, Pass::Denied);
    }
}
