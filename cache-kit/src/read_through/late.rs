//! Fills that nobody waits for: a caller has what was loaded before a store far away has it.

use super::{Filling, Reader};
use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::error::Result;
use crate::service::CacheService;
use std::marker::PhantomData;
use tokio::runtime::Handle;

/// What is still to be stored.
pub(crate) struct LateFill<B: CacheBackend, T> {
    cache: CacheService<B>,
    fills: Vec<Filling<B::Permit>>,
    runtime: Handle,
    entity: PhantomData<fn() -> T>,
}

impl<B: CacheBackend, T: CacheEntity> LateFill<B, T> {
    /// Stores it by a task of its own, and drops `kept` when that is done.
    pub(crate) fn fill(self, kept: impl Send + 'static) {
        let Self {
            cache,
            fills,
            runtime,
            ..
        } = self;
        let background = cache.inner().background.clone();
        background.spawn(&runtime, async move {
            // Counted and logged where it happens.
            Reader::<B, T>::new(&cache).fill(fills).await;
            drop(kept);
        });
    }
}

impl<B: CacheBackend, T: CacheEntity> Reader<'_, B, T> {
    /// Takes over fills whose end nobody has to know: of a store far away, where there is a runtime to go on with.
    ///
    /// # Errors
    /// Gives them back, to be waited for.
    pub(crate) fn postpone(
        &self,
        fills: Vec<Filling<B::Permit>>,
        is_strict: bool,
    ) -> Result<LateFill<B, T>, Vec<Filling<B::Permit>>> {
        let is_postponed = !fills.is_empty() && !is_strict && self.cache.backend().is_remote();
        match Handle::try_current() {
            Ok(runtime) if is_postponed => Ok(LateFill {
                cache: self.cache.clone(),
                fills,
                runtime,
                entity: PhantomData,
            }),
            _ => Err(fills),
        }
    }

    /// Stores what was loaded now, or says what is to be stored later.
    ///
    /// # Errors
    /// What the store failed with.
    pub(super) async fn fill_in_time(
        &self,
        fills: Vec<Filling<B::Permit>>,
        is_strict: bool,
    ) -> Result<Option<LateFill<B, T>>> {
        match self.postpone(fills, is_strict) {
            Ok(late) => Ok(Some(late)),
            Err(fills) => {
                let filled = self.fill(fills).await.into_iter();
                filled.collect::<Result<Vec<()>>>().map(|_| None)
            }
        }
    }
}
