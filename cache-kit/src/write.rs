//! Puts and removals: the key is known before the body, and the entry does not survive a write whose end is unknown.

use crate::backend::{CacheBackend, Intent};
use crate::background::Background;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{InvalidationSource, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload, Terms};
use crate::read_through::Reader;
use crate::service::CacheService;
use crate::ttl::Lifetime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Accompanies one write to the repository. Dropped before it is finished, it invalidates the entry: the write may have
/// been committed, and its acknowledgement lost.
pub struct Write<'c, B: CacheBackend> {
    cache: &'c CacheService<B>,
    prefix: &'static str,
    /// `None` if the key is known only afterwards, or once everything is done.
    key: Option<CacheKey>,
    /// And how long what is put under it lives.
    permit: Option<(B::Permit, Lifetime)>,
}

impl<'c, B: CacheBackend> Write<'c, B> {
    /// Begins a write whose result is to replace the entry. One round trip, none without a key.
    pub async fn put<T: CacheEntity>(cache: &'c CacheService<B>, key: Option<KeyWriter>) -> Self {
        let reader = Reader::<B, T>::new(cache);
        let key = key.and_then(|key| reader.counted(Operation::Declare, key.to_key()));
        let declared = key.as_ref().map(|_| cache.declare::<T>(Lifetime::new()));
        let declared = declared.and_then(|declared| reader.counted(Operation::Declare, declared));
        let lifetime = declared.and_then(|()| cache.put_lifetime::<T>());
        let permit = match (&key, lifetime) {
            (Some(key), Some(lifetime)) => {
                let opened = reader.open(key, Intent::Write).await.ok();
                opened.map(|opened| (opened.permit, lifetime))
            }
            _ => None,
        };
        Self {
            cache,
            prefix: T::cache_prefix(),
            key,
            permit,
        }
    }

    /// Begins a write that makes the entry of `key` untrue.
    pub fn evict<T: CacheEntity>(cache: &'c CacheService<B>, key: &KeyWriter) -> Self {
        let key = Reader::<B, T>::new(cache).counted(Operation::Declare, key.to_key());
        Self {
            cache,
            prefix: T::cache_prefix(),
            key,
            permit: None,
        }
    }

    /// Replaces the entry with what was written; returns the body's result whatever the cache did.
    pub async fn finish_put<O: CachedOutput>(self, output: O) -> O {
        // Counted and logged where it happened.
        let _ = self.conclude_put(written_by(&output)).await;
        output
    }

    /// Replaces the entry with what was written; returns a failure of the cache in place of the body's result.
    pub async fn finish_put_or<O: CachedOutput>(self, output: O, carry: fn(Error) -> O) -> O {
        match self.conclude_put(written_by(&output)).await {
            Ok(()) => output,
            Err(error) => carry(error),
        }
    }

    /// Invalidates the entry; returns the body's result whatever the cache did.
    pub async fn finish<O>(self, output: O) -> O {
        let _ = self.conclude(InvalidationSource::Evict, None).await;
        output
    }

    /// Invalidates the entry; returns a failure of the cache in place of the body's result.
    pub async fn finish_or<O>(self, output: O, carry: fn(Error) -> O) -> O {
        match self.conclude(InvalidationSource::Evict, None).await {
            Ok(()) => output,
            Err(error) => carry(error),
        }
    }

    async fn conclude_put<T: CacheEntity>(
        mut self,
        written: Option<(Arc<T>, Terms)>,
    ) -> Result<()> {
        let source = InvalidationSource::Put;
        let Some((entity, terms)) = written else {
            return self.conclude(source, None).await;
        };
        let actual = self.cache.writer_for::<T>(&entity.cache_key()).to_key()?;
        if self.key.as_ref() != Some(&actual) {
            // The key was not known before, or is another now: what is stored under either may be untrue.
            return self.conclude(source, Some(actual)).await;
        }
        let reader = Reader::<B, T>::new(self.cache);
        let validity = entity.validate().map_err(Error::into_validation);
        let is_valid = reader.counted(Operation::Put, validity).is_some();
        let permit = self.permit.take().filter(|_| is_valid);
        let permit = permit.and_then(|(permit, lifetime)| Some((permit, terms.applied(lifetime)?)));
        let Some((permit, lifetime)) = permit else {
            return self.conclude(source, None).await;
        };
        match self.replace(permit, entity, &lifetime).await {
            Ok(()) => Ok(()),
            // The store must be told to forget the old one; if it can be, a write has all it needs.
            Err(_) => self.conclude(source, None).await,
        }
    }

    async fn replace<T: CacheEntity>(
        &mut self,
        permit: B::Permit,
        entity: Arc<T>,
        lifetime: &Lifetime,
    ) -> Result<()> {
        self.cache.put_under(permit, entity, lifetime).await?;
        if let Some(key) = self.key.take() {
            self.cache.inner().flights.detach(&key);
        }
        Ok(())
    }

    /// Drops the entry, and another one if the entity turned out to have that key.
    async fn conclude(mut self, source: InvalidationSource, other: Option<CacheKey>) -> Result<()> {
        let keys: Vec<_> = self.key.iter().cloned().chain(other).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let told = self.cache.drop_entries(self.prefix, &keys, source).await;
        // Only now: while the store is being told this may be dropped, and must tell it again.
        self.key = None;
        told
    }
}

impl<B: CacheBackend> Drop for Write<'_, B> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let (cache, prefix) = (self.cache.clone(), self.prefix);
        let work = Box::pin(async move {
            let _ = cache
                .drop_entries(prefix, &[key], InvalidationSource::Abandoned)
                .await;
        });
        finish_in_background(&self.cache.inner().background, work);
    }
}

impl<B: CacheBackend> std::fmt::Debug for Write<'_, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write")
            .field("prefix", &self.prefix)
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

fn written_by<O: CachedOutput>(output: &O) -> Option<(Arc<EntityOf<O>>, Terms)> {
    let payload = output.payload()?;
    Some((payload.entity()?, payload.terms()))
}

/// Runs what a drop cannot await: to its end if that is now, as for memory; else as a task of its own.
fn finish_in_background(
    background: &Background,
    mut work: Pin<Box<dyn Future<Output = ()> + Send>>,
) {
    if let Poll::Ready(()) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        background.spawn(&runtime, work);
    } else {
        tracing::error!(
            "a write was dropped outside of a runtime: its entry could not be invalidated"
        );
    }
}
