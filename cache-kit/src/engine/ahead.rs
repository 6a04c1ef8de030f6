//! Loading the next value before this one ends (`XFetch`).

use super::item::{Pass, Task};
use super::read::Read;
use super::{Engine, Kind};
use crate::error::Result;
use crate::flight::Tag;
use crate::observe::CacheEvent;
use crate::runtime::clock::Age;
use crate::store::AnyPermit;
use crate::store::{Lease, Lookup, Opened};
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::time::Duration;

/// What a store counts time in: an entry that is younger by more is another one.
const TICK: Duration = Duration::from_millis(2);

impl Engine {
    /// Draws whether a hit of this age is loaded again before it ends.
    pub(crate) fn draws_early(
        &self,
        kind: &Kind,
        strategy: CacheStrategy,
        operation: Lifetime,
        age: Age,
    ) -> bool {
        let beta = self.early_refresh(kind, operation);
        let Some(beta) = beta.filter(|_| strategy == CacheStrategy::Refresh) else {
            return false;
        };
        self.draws(kind.prefix(), beta, age)
    }

    /// Draws whether a hit of this age is loaded again before it ends, as early as `beta` says.
    pub(crate) fn draws(&self, prefix: &str, beta: f64, age: Age) -> bool {
        let left = age.left().filter(|_| beta > 0.0);
        left.is_some_and(|left| self.early.draw(prefix, beta, left))
    }
}

impl Read<'_> {
    /// Begins the flight of a load ahead, unless another caller loads the key or has loaded it:
    /// then what is fresh is the answer.
    pub(super) fn opened_ahead(
        &mut self,
        task: &Task,
        opened: Result<Opened<AnyPermit>>,
    ) -> Option<Task> {
        let at = task.item;
        let led = opened.ok().and_then(|opened| self.lead_ahead(at, opened));
        if led.is_none() {
            self.fall_back(at);
        }
        led
    }

    fn lead_ahead(&mut self, at: usize, opened: Opened<AnyPermit>) -> Option<Task> {
        let item = &self.items[at];
        let (key, known) = (item.key.as_ref()?, item.fallback.as_ref()?);
        let is_newer = match &opened.found {
            Lookup::Hit { age, .. } | Lookup::Absent { age } => age.get() + TICK < known.age.get(),
            Lookup::Stale(_) | Lookup::Miss(_) => false,
        };
        if is_newer || opened.lease == Lease::Taken {
            return None;
        }
        let tag = Tag::of_shape(self.kind().shape, Some(opened.stamp));
        let lead = self.engine.flights.begin(key, tag)?;
        self.record(|prefix| CacheEvent::Refresh { prefix });
        Some(Task {
            item: at,
            lead: Some(lead),
            pass: Pass::Opened(opened.permit, opened.lease),
        })
    }
}
