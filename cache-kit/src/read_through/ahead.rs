//! Loading the next value before this one ends.

use super::load::Told;
use super::lookup::Found;
use super::read::Read;
use super::stale::Refresh;
use super::{Miss, Missed, Typed, answer, is_early};
use crate::backend::{CacheBackend, Intent, Lease, Lookup};
use crate::flight::{Landing, Tag};
use crate::observe::CacheEvent;
use crate::outcome::{CachedOutput, EntityOf, Payload, Seen, Source};
use crate::timer;
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

/// Of what a store counts time in: an entry that is younger by more is another one.
const TICK: Duration = Duration::from_millis(2);

impl<B: CacheBackend, O: CachedOutput> Read<'_, B, O> {
    /// Takes a look-up's answer, and sees to the next value where that is drawn; `Err` is a miss, or a hit whose next value the caller is to load.
    pub(super) fn take(
        &self,
        lookup: Typed<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
    ) -> Result<O, Miss<EntityOf<O>>> {
        let inner = self.reader.cache.inner();
        if !is_early(&self.reader, &self.call, &lookup) || self.reader.is_throttled(&self.key) {
            return answer(&self.reader, lookup);
        }
        let (Typed::Hit(entity, age), Some(bird)) = (&lookup, inner.early.begin(&self.key)) else {
            return answer(&self.reader, lookup);
        };
        let found = Found {
            entity: entity.clone(),
            age: *age,
            bird,
        };
        match refresh.take_ahead(self, found) {
            Ok(()) => answer(&self.reader, lookup),
            Err(found) => Err(Miss {
                early: Some(Box::new(found)),
                ..Missed::Unstamped.into()
            }),
        }
    }

    /// Loads the next value for a caller that waits for it. Where that cannot be, or fails, this one has not ended.
    pub(super) async fn ask_ahead<F: Future<Output = O>>(
        &self,
        found: Found<EntityOf<O>>,
        body: Pin<&mut F>,
    ) -> O {
        let (entity, age) = (found.entity.clone(), found.age);
        let timeouts = self.reader.cache.timeouts(self.call.timeouts);
        let limit = [timeouts.soft, timeouts.hard].into_iter().flatten().min();
        let mut loading = pin!(self.load_ahead(found, body));
        let loaded = match limit {
            None => loading.await,
            // Whatever the output can say: there is something fresh to return.
            Some(limit) => timer::within(limit, loading.as_mut()).await.flatten(),
        };
        if let Some(output) = loaded {
            self.reader.miss();
            return output;
        }
        self.reader.hit();
        let seen = Seen::stored(Source::Hit, age);
        O::from_payload(O::Payload::from_found(entity, seen))
    }

    /// Loads the next value, unless somebody else does, or has; `None` if there is none.
    pub(super) async fn load_ahead<F: Future<Output = O>>(
        &self,
        found: Found<EntityOf<O>>,
        body: Pin<&mut F>,
    ) -> Option<O> {
        let opened = self.reader.open(&self.key, Intent::Load).await.ok()?;
        let is_newer = match &opened.found {
            Lookup::Hit { age, .. } | Lookup::Absent { age } => age.get() + TICK < found.age.get(),
            _ => false,
        };
        if is_newer || matches!(opened.lease, Lease::Taken) {
            return None;
        }
        let tag = Tag::of::<EntityOf<O>>(Some(opened.stamp));
        let leader = self.reader.cache.inner().flights.begin(&self.key, tag)?;
        self.reader.record(|prefix| CacheEvent::Refresh { prefix });
        let told = self.load(Some(opened.permit), None, body).await;
        let has_failed = matches!(
            told.landing,
            None | Some(Landing::Failed(_) | Landing::Invalid(..) | Landing::Broken(_))
        );
        if has_failed {
            self.reader.throttle(&self.key, self.call.lifetime);
        }
        let output = Told::land(told, leader);
        drop(found.bird);
        output.ok().filter(|_| !has_failed)
    }
}
