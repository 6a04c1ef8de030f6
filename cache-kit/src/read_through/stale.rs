//! What has ended and is kept: returned while the next is loaded, or where it cannot be.

use super::lookup::Found;
use super::read::Read;
use super::{Miss, Pass, Reader, Stale};
use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::flight::{Lead, Tag};
use crate::key::CacheKey;
use crate::observe::CacheEvent;
use crate::outcome::{CachedOutput, EntityOf, Payload, Seen, Source};
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Instrument;

/// A load that needs nothing of its caller's any more.
pub type Detached<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// For how long a value serves after its end.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    revalidate: Duration,
    error: Duration,
    throttle: Duration,
}

impl From<Lifetime> for Windows {
    fn from(lifetime: Lifetime) -> Self {
        let throttle = lifetime.error_throttle();
        Self {
            revalidate: lifetime.stale_while_revalidate().unwrap_or_default(),
            error: lifetime.stale_if_error().unwrap_or_default(),
            throttle: throttle.unwrap_or(Lifetime::DEFAULT_ERROR_THROTTLE),
        }
    }
}

/// What becomes of a stale value that a look-up found.
pub(crate) enum Verdict {
    /// It serves; somebody else refreshes it, or it has failed to be not long ago.
    Serves,
    /// It serves, and is the caller's to refresh.
    Refresh(Lead),
    /// The next one is wanted.
    Ended,
}

impl<B: CacheBackend, T: CacheEntity> Reader<'_, B, T> {
    /// Says what becomes of a stale value.
    pub(crate) fn judge(&self, key: &CacheKey, operation: Lifetime, stale: &Stale<T>) -> Verdict {
        let inner = self.cache.inner();
        if stale.since >= self.windows(operation).revalidate {
            return Verdict::Ended;
        }
        if self.is_throttled(key) {
            return Verdict::Serves;
        }
        let tag = Tag::of::<T>(Some(stale.stamp));
        match inner.flights.begin(key, tag) {
            Some(lead) => {
                self.record(|prefix| CacheEvent::Refresh { prefix });
                Verdict::Refresh(lead)
            }
            None => Verdict::Serves,
        }
    }

    /// Leaves a stale value that may be returned where the load of the next one fails.
    pub(crate) fn spare(
        &self,
        operation: Lifetime,
        stale: Option<Box<Stale<T>>>,
    ) -> Option<Box<Stale<T>>> {
        let stale = stale?;
        let windows = self.windows(operation);
        (stale.since < windows.revalidate.max(windows.error)).then_some(stale)
    }

    /// Says whether the load of a key has failed not long ago.
    pub(crate) fn is_throttled(&self, key: &CacheKey) -> bool {
        self.cache.inner().throttle.holds(key)
    }

    /// Notes that the load of a key has failed, where there was a spare.
    pub(crate) fn throttle(&self, key: &CacheKey, operation: Lifetime) {
        let interval = self.windows(operation).throttle;
        self.cache.inner().throttle.hold(key, interval);
    }

    fn windows(&self, operation: Lifetime) -> Windows {
        self.cache.declared::<T>(operation).into()
    }
}

/// Why a load is wanted, and what there is instead.
pub(super) enum Errand<'s, T> {
    /// Nothing fresh was found.
    Miss(Option<&'s Stale<T>>),
    /// What is stale, and serves, is to be replaced.
    Refresh(&'s Stale<T>),
}

impl<'s, T> Errand<'s, T> {
    pub(super) fn spare(&self) -> Option<&'s Stale<T>> {
        match self {
            Self::Miss(spare) => *spare,
            Self::Refresh(stale) => Some(stale),
        }
    }

    /// What to return where another process is loading.
    pub(super) fn in_turn(&self) -> Option<&'s Stale<T>> {
        match self {
            Self::Miss(_) => None,
            Self::Refresh(stale) => Some(stale),
        }
    }
}

/// Whether a load by a task waits where another process is loading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Somebody waits for the task, and for what that process brings.
    ForOthers,
    /// What is stale serves until that process is done.
    ForNobody,
}

/// Runs a refresh for a caller who does not wait for it.
pub(crate) trait Refresh<B: CacheBackend, O: CachedOutput> {
    /// Takes the duty to refresh from a call.
    ///
    /// # Errors
    /// Gives it back, where the call has to do it itself.
    fn take_over(
        &self,
        read: &Read<'_, B, O>,
        lead: Lead,
        stale: &Stale<EntityOf<O>>,
        wait: Wait,
    ) -> Result<(), Lead>;

    /// Takes from a call what is to be loaded before a value ends.
    ///
    /// # Errors
    /// Gives it back, where the call has to do it itself.
    fn take_ahead(
        &self,
        read: &Read<'_, B, O>,
        found: Found<EntityOf<O>>,
    ) -> Result<(), Found<EntityOf<O>>>;
}

/// Leaves refreshes to the callers.
pub(crate) struct Inline;

impl<B: CacheBackend, O: CachedOutput> Refresh<B, O> for Inline {
    fn take_over(
        &self,
        _: &Read<'_, B, O>,
        lead: Lead,
        _: &Stale<EntityOf<O>>,
        _: Wait,
    ) -> Result<(), Lead> {
        Err(lead)
    }

    fn take_ahead(
        &self,
        _: &Read<'_, B, O>,
        found: Found<EntityOf<O>>,
    ) -> Result<(), Found<EntityOf<O>>> {
        Err(found)
    }
}

/// Runs refreshes by tasks of their own; the function begins a load.
pub(crate) struct InBackground<F>(pub(crate) F);

impl<B, O, F> Refresh<B, O> for InBackground<F>
where
    B: CacheBackend,
    O: CachedOutput + 'static,
    F: Fn() -> Detached<O>,
{
    fn take_over(
        &self,
        read: &Read<'_, B, O>,
        lead: Lead,
        stale: &Stale<EntityOf<O>>,
        wait: Wait,
    ) -> Result<(), Lead> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(lead);
        };
        let (cache, key) = (read.reader.cache.clone(), read.key.clone());
        let (call, stale) = (read.call.clone(), stale.clone());
        let mut body = (self.0)();
        let background = cache.inner().background.clone();
        let refreshing = async move {
            let read = Read::detached(Reader::new(&cache), key, call);
            let body = Pin::new(&mut body);
            // Counted and logged where it happens.
            let _ = match wait {
                Wait::ForOthers => {
                    let errand = Errand::Miss(Some(&stale));
                    read.lead(lead, Pass::Unopened, errand, body).await
                }
                Wait::ForNobody => read.refresh(lead, &stale, body).await,
            };
        };
        background.spawn(&runtime, refreshing.instrument(refresh_span::<O>()));
        Ok(())
    }

    fn take_ahead(
        &self,
        read: &Read<'_, B, O>,
        found: Found<EntityOf<O>>,
    ) -> Result<(), Found<EntityOf<O>>> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(found);
        };
        let cache = read.reader.cache.clone();
        let (key, call) = (read.key.clone(), read.call.clone());
        let mut body = (self.0)();
        let background = cache.inner().background.clone();
        let refreshing = async move {
            let read = Read::detached(Reader::new(&cache), key, call);
            let _ = read.load_ahead(found, Pin::new(&mut body)).await;
        };
        background.spawn(&runtime, refreshing.instrument(refresh_span::<O>()));
        Ok(())
    }
}

/// The span of a refresh that no caller waits for.
fn refresh_span<O: CachedOutput>() -> tracing::Span {
    let span =
        tracing::debug_span!(parent: None, "cache_refresh", prefix = EntityOf::<O>::cache_prefix());
    span.follows_from(tracing::Span::current());
    span
}

impl<B: CacheBackend, O: CachedOutput> Read<'_, B, O> {
    /// Serves what a look-up found stale, if that may be, and sees to its refresh. `Err` is a miss, which is counted here.
    pub(super) fn revalidate(
        &self,
        miss: Miss<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
    ) -> Result<O, Miss<EntityOf<O>>> {
        let mut miss = miss;
        let is_served = self.call.strategy == CacheStrategy::Refresh;
        if let Some(stale) = miss.stale.as_ref().filter(|_| is_served) {
            match self.reader.judge(&self.key, self.call.lifetime, stale) {
                Verdict::Serves => return Ok(self.stale_hit(stale)),
                Verdict::Refresh(lead) => {
                    match refresh.take_over(self, lead, stale, Wait::ForNobody) {
                        Ok(()) => return Ok(self.stale_hit(stale)),
                        Err(lead) => miss.lead = Some(Box::new(lead)),
                    }
                }
                Verdict::Ended => {}
            }
        }
        self.reader.miss();
        Err(miss)
    }

    /// Returns what is stale: the next is being loaded.
    pub(super) fn stale_hit(&self, stale: &Stale<EntityOf<O>>) -> O {
        if !self.is_detached {
            self.reader.stale_hit();
        }
        output_of(stale)
    }

    /// Returns what is stale: the next could not be loaded.
    pub(super) fn stand_in(&self, spare: &Stale<EntityOf<O>>) -> O {
        if !self.is_detached {
            self.reader.record(|prefix| CacheEvent::StandIn { prefix });
        }
        output_of(spare)
    }
}

fn output_of<O: CachedOutput>(stale: &Stale<EntityOf<O>>) -> O {
    let seen = Seen::stored(Source::Stale, stale.age);
    O::from_payload(O::Payload::from_found(stale.entity.clone(), seen))
}
