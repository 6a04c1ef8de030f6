//! Loads that no caller waits for: a task runs them.

use super::ask::{DetachedLoad, Reload};
use super::item::{Fallback, Purpose};
use super::read::Read;
use super::tags::Fills;
use super::{Engine, Kind};
use crate::flight::{Landed, Lead};
use crate::key::CacheKey;
use std::sync::Arc;
use tokio::runtime::Handle;
use tracing::{Instrument, Span};

impl Fallback {
    /// The same value for the task and for the caller.
    fn shared(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            age: self.age,
            stamp: self.stamp,
            bird: None,
        }
    }
}

impl Read<'_> {
    /// Gives the duty to load to a task: to replace what is stale and serves, or for callers that
    /// wait for a while. Gives it back where there is no task to run it.
    pub(super) fn load_by_task(
        &self,
        at: usize,
        lead: Lead,
        purpose: Purpose,
        reload: Reload<'_>,
    ) -> Option<Lead> {
        let (Some(reload), Ok(runtime)) = (reload, Handle::try_current()) else {
            return Some(lead);
        };
        let item = &self.items[at];
        let (Some(key), Some(fallback)) = (&item.key, &item.fallback) else {
            return Some(lead);
        };
        let fallback = Box::new(fallback.shared());
        self.spawn(
            &runtime,
            key.clone(),
            purpose,
            fallback,
            Some(lead),
            reload(),
        );
        None
    }

    /// Gives a load that is to be done before a value ends to a task. Gives it back where there is
    /// no task to run it.
    pub(super) fn load_ahead_by_task(
        &self,
        key: &CacheKey,
        fallback: Box<Fallback>,
        reload: Reload<'_>,
    ) -> Option<Box<Fallback>> {
        let (Some(reload), Ok(runtime)) = (reload, Handle::try_current()) else {
            return Some(fallback);
        };
        self.spawn(
            &runtime,
            key.clone(),
            Purpose::Ahead,
            fallback,
            None,
            reload(),
        );
        None
    }

    fn spawn(
        &self,
        runtime: &Handle,
        key: CacheKey,
        purpose: Purpose,
        fallback: Box<Fallback>,
        lead: Option<Lead>,
        mut body: DetachedLoad,
    ) {
        let prefix = self.prefix();
        let span = tracing::debug_span!(parent: None, "cache_refresh", prefix);
        span.follows_from(Span::current());
        let (engine, ask, own) = (Arc::clone(self.engine), self.ask.clone(), span.clone());
        let refresh = async move {
            let mut read = Read::detached(&engine, ask, key, purpose, fallback, lead, own);
            while read.next(None).await {
                let loaded = read.run(body.as_mut()).await;
                // Counted and logged where it happens.
                let _ = read.land_one(loaded).await;
            }
        };
        self.engine
            .background
            .spawn(runtime, refresh.instrument(span));
    }
}

impl Engine {
    /// Stores what was loaded by a task of its own, and keeps the flights that have landed within
    /// reach until that is done: a caller that comes meanwhile finds a flight or an entry.
    pub(super) fn fill_late(
        self: &Arc<Self>,
        runtime: &Handle,
        kind: &'static Kind,
        fills: Fills,
        landed: Vec<Landed>,
    ) {
        let engine = Arc::clone(self);
        self.background.spawn(runtime, async move {
            // Counted and logged where it happens.
            engine.fill(kind, fills).await;
            drop(landed);
        });
    }
}
