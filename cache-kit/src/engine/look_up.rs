//! Looks up what is stored, and does what is decided on what was found.

use super::ask::{Answer, Reload};
use super::freshness::{Circumstances, Decision, Windows, decide};
use super::item::{Fallback, Item, Known, Missed, Pass, Peeked, Purpose, Task};
use super::read::{Read, Stage};
use crate::engine::provenance::{Provenance, Source};
use crate::error::Error;
use crate::flight::Tag;
use crate::key::CacheKey;
use crate::observe::{CacheEvent, Operation, store_span};
use crate::store::{Lookup, Stamp};
use crate::strategy::CacheStrategy;
use smallvec::SmallVec;
use std::mem::take;
use std::sync::Arc;

impl Read<'_> {
    /// Asks the cache. Keys that it cannot answer are counted as misses here.
    pub(crate) async fn look_up(&mut self, reload: Reload<'_>) {
        self.stage = Stage::Plan;
        self.refuse();
        if self.has_failed {
            return;
        }
        if self.ask.strategy != CacheStrategy::Refresh && self.ask.strategy != CacheStrategy::Fresh
        {
            return;
        }
        let is_asked = |item: &Item| matches!(item.known, Known::Peeked(_));
        let is_far = |item: &&Item| matches!(item.known, Known::Peeked(Peeked { found: None, .. }));
        let far = self.items.iter().filter(is_far);
        let keys: SmallVec<[CacheKey; 1]> = far.filter_map(|item| item.key.clone()).collect();
        let near = self.items.iter().filter(|item| is_asked(item)).count() - keys.len();
        if near > 0 {
            drop(store_span(self.prefix(), Operation::Read, near));
        }
        let read = if self.ask.subject.is_many() {
            self.engine.read(self.kind(), &keys).await
        } else {
            // Who asks for one key has peeked.
            self.engine.read_far(self.kind(), &keys).await
        };
        let mut lookups = read.into_iter();
        for at in 0..self.items.len() {
            if self.has_failed {
                return;
            }
            let item = &mut self.items[at];
            // What was refused has its answer, or is loaded beside the cache.
            let Known::Peeked(peeked) = &mut item.known else {
                continue;
            };
            let peeked = take(peeked);
            item.known = Known::Missed;
            let lookup = match peeked.found {
                Some(found) => Ok(found),
                None => lookups.next().unwrap_or(Err(Error::Timeout)),
            };
            match lookup {
                Ok(found) => self.consider(at, found, peeked.is_drawn, reload),
                Err(error) if self.is_strict() => self.answer_with(at, Answer::Broken(error)),
                Err(error) => self.miss(at, Missed::after(&error)),
            }
        }
    }

    /// Refuses what cannot go through the cache, where the output can say so. Else it is loaded
    /// beside the cache, unless a miss is all that is wanted.
    pub(super) fn refuse(&mut self) {
        let mut reported: Option<String> = None;
        for at in 0..self.items.len() {
            let Some(error) = self.items[at].take_refusal() else {
                continue;
            };
            // One declaration is wrong once, however many keys there are.
            let said = error.to_string();
            if reported.as_ref() != Some(&said) {
                self.engine.failed(self.kind(), Operation::Declare, &error);
                reported = Some(said);
            }
            if self.ask.takes.errors {
                self.answer_with(at, Answer::Refused(error));
            } else if self.ask.strategy == CacheStrategy::Fresh {
                self.items[at].known = Known::Answer(Answer::Missed);
            } else {
                self.push_alone(at, Pass::Denied);
            }
        }
    }

    pub(super) fn miss(&mut self, at: usize, missed: Missed) {
        let tier = self.engine.tier();
        self.record(|prefix| CacheEvent::Miss { prefix, tier });
        self.items[at].missed = missed;
    }

    /// Does what is decided on what was found.
    pub(super) fn consider(
        &mut self,
        at: usize,
        found: Lookup,
        is_drawn: bool,
        reload: Reload<'_>,
    ) {
        let (found, Some(key)) = (self.typed(found), self.items[at].key.clone()) else {
            return;
        };
        let is_drawn = is_drawn || self.draws(&found);
        let is_stale = matches!(found, Lookup::Stale(_));
        let decision = decide(
            &found,
            &Circumstances {
                strategy: self.ask.strategy,
                age_limit: self.ask.age_limit(),
                takes_absent: self.ask.takes.absent,
                windows: if is_stale {
                    self.engine.windows(self.kind(), self.ask.lifetime())
                } else {
                    Windows::default()
                },
                is_drawn,
                is_throttled: (is_drawn || is_stale) && self.engine.throttle.holds(&key),
            },
        );
        match (decision, found) {
            (Decision::LoadAhead, Lookup::Hit { value, age }) => {
                let Some(bird) = self.engine.early.begin(&key) else {
                    return self.serve(at, value, age);
                };
                let fallback = Fallback {
                    value: Arc::clone(&value),
                    age,
                    stamp: None,
                    bird: Some(bird),
                };
                match self.load_ahead_by_task(&key, Box::new(fallback), reload) {
                    None => self.serve(at, value, age),
                    fallback => {
                        self.items[at].purpose = Purpose::Ahead;
                        self.items[at].fallback = fallback;
                    }
                }
            }
            (_, Lookup::Hit { value, age }) if decision == Decision::Serve => {
                self.serve(at, value, age);
            }
            (Decision::Serve, Lookup::Absent { age }) => {
                let tier = self.engine.tier();
                self.record_given(|prefix| CacheEvent::AbsentHit { prefix, tier });
                let seen = Provenance::stored(Source::Absent, age);
                self.items[at].known = Known::Answer(Answer::Absent(seen));
            }
            (decision, Lookup::Stale(stale)) => {
                let stamp = stale.stamp;
                if decision != Decision::Load {
                    self.items[at].fallback = Some(Box::new(Fallback {
                        value: stale.value,
                        age: stale.age,
                        stamp: Some(stamp),
                        bird: None,
                    }));
                }
                match decision {
                    Decision::ServeStale => self.serve_stale(at),
                    Decision::Revalidate => self.revalidate(at, &key, stamp, reload),
                    _ => self.miss(at, Missed::At(stamp)),
                }
            }
            (_, Lookup::Miss(Some(stamp))) => self.miss(at, Missed::At(stamp)),
            _ => self.miss(at, Missed::Unstamped),
        }
    }

    /// Draws whether a hit is loaded again before it ends.
    pub(super) fn draws(&self, found: &Lookup) -> bool {
        let Lookup::Hit { age, .. } = found else {
            return false;
        };
        let (kind, strategy, lifetime) = (self.kind(), self.ask.strategy, self.ask.lifetime());
        self.engine.draws_early(kind, strategy, lifetime, *age)
    }

    /// Sees to the next value of one that is stale and serves.
    pub(super) fn revalidate(
        &mut self,
        at: usize,
        key: &CacheKey,
        stamp: Stamp,
        reload: Reload<'_>,
    ) {
        let tag = Tag::of_shape(self.kind().shape, Some(stamp));
        let Some(lead) = self.engine.flights.begin(key, tag) else {
            // Another caller does.
            return self.serve_stale(at);
        };
        self.record(|prefix| CacheEvent::Refresh { prefix });
        match self.load_by_task(at, lead, Purpose::Revalidate, reload) {
            None => self.serve_stale(at),
            Some(lead) => {
                self.items[at].purpose = Purpose::Revalidate;
                self.tasks.push(Task {
                    item: at,
                    lead: Some(lead),
                    pass: Pass::Unopened,
                });
                self.miss(at, Missed::At(stamp));
            }
        }
    }
}
