//! The answer of a key: what was found, what serves in its place, or what another call brought.

use super::ask::Answer;
use super::item::{Fallback, Known, Purpose};
use super::read::Read;
use crate::engine::provenance::{Provenance, Source};
use crate::entity::shape::Erased;
use crate::flight::Landing;
use crate::observe::CacheEvent;
use crate::runtime::clock::Age;
use crate::store::Lookup;
use std::sync::Arc;

impl Read<'_> {
    /// Takes what is of another type than the store was asked for as a miss.
    pub(super) fn typed(&self, found: Lookup) -> Lookup {
        let is_known = |value: &Erased| self.kind().shape.describes(value);
        match found {
            Lookup::Hit { value, .. } if !is_known(&value) => Lookup::Miss(None),
            Lookup::Stale(stale) if !is_known(&stale.value) => Lookup::Miss(Some(stale.stamp)),
            found => found,
        }
    }

    /// Answers with what is fresh.
    pub(super) fn serve(&mut self, at: usize, value: Erased, age: Age) {
        let tier = self.engine.tier();
        self.record_given(|prefix| CacheEvent::Hit { prefix, tier });
        let seen = Provenance::stored(Source::Hit, age);
        self.items[at].known = Known::Answer(Answer::Value(value, seen));
    }

    /// Answers with what is stale, and another caller replaces.
    pub(super) fn serve_stale(&mut self, at: usize) {
        let tier = self.engine.tier();
        self.record_given(|prefix| CacheEvent::StaleHit { prefix, tier });
        if let Some(fallback) = &self.items[at].fallback {
            self.items[at].known = Known::Answer(fallback.stale());
        }
    }

    /// Answers with the fallback, where there is one.
    pub(super) fn fall_back(&mut self, at: usize) -> bool {
        let Some(fallback) = self.items[at].fallback.take() else {
            return false;
        };
        if self.items[at].purpose == Purpose::Ahead {
            self.serve(at, Arc::clone(&fallback.value), fallback.age);
        } else {
            self.record_given(|prefix| CacheEvent::StandIn { prefix });
            self.items[at].known = Known::Answer(fallback.stale());
        }
        true
    }

    /// Answers with the fallback because the load of this call failed.
    pub(super) fn fall_back_after_failure(&mut self, at: usize) -> bool {
        let item = &self.items[at];
        if let (Some(_), Some(key)) = (&item.fallback, &item.key) {
            let windows = self.engine.windows(self.kind(), self.ask.lifetime());
            self.engine.throttle.hold(key, windows.throttle);
        }
        self.fall_back(at)
    }

    /// Returns the answer that a flight's landing is to this call; `None` if it is of no use.
    pub(super) fn answer_of(&self, landing: &Landing) -> Option<Answer> {
        let takes = &self.ask.takes;
        match landing {
            Landing::Value(value) => Some(Answer::Value(Arc::clone(value), Provenance::SHARED)),
            Landing::Found(Some(value), age) => {
                let seen = Provenance::stored(Source::Hit, *age);
                Some(Answer::Value(Arc::clone(value), seen))
            }
            Landing::Invalid(_, error) if takes.errors => Some(Answer::Refused(error.clone())),
            Landing::Invalid(value, _) => {
                Some(Answer::Value(Arc::clone(value), Provenance::SHARED))
            }
            Landing::Absent => takes.absent.then_some(Answer::Absent(Provenance::SHARED)),
            Landing::Found(None, age) => {
                let seen = Provenance::stored(Source::Absent, *age);
                takes.absent.then_some(Answer::Absent(seen))
            }
            Landing::Failed(failure) => {
                let is_taken = takes.failure(failure);
                is_taken.then(|| Answer::Failed(failure.clone()))
            }
            Landing::Broken(error) => {
                let is_taken = self.is_strict();
                is_taken.then(|| Answer::Broken(error.clone()))
            }
        }
    }

    /// Takes what another call brought; `false` if it is of no use here.
    pub(super) fn take(&mut self, at: usize, landing: &Landing) -> bool {
        let Some(answer) = self.answer_of(landing) else {
            return false;
        };
        self.record(|prefix| CacheEvent::Coalesced { prefix });
        self.answer_with(at, answer);
        true
    }

    /// Returns what `open` found, as a flight's landing.
    pub(super) fn landing_of(&self, found: Lookup) -> Option<Landing> {
        let is_too_old = |age: &Age| self.ask.age_limit().is_some_and(|limit| age.get() >= limit);
        match self.typed(found) {
            Lookup::Hit { age, .. } | Lookup::Absent { age } if is_too_old(&age) => None,
            Lookup::Hit { value, age } => Some(Landing::Found(Some(value), age)),
            Lookup::Absent { age } => Some(Landing::Found(None, age)),
            Lookup::Stale(_) | Lookup::Miss(_) => None,
        }
    }
}

impl Fallback {
    pub(super) fn stale(&self) -> Answer {
        let seen = Provenance::stored(Source::Stale, self.age);
        Answer::Value(Arc::clone(&self.value), seen)
    }
}
