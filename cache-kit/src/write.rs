//! Puts and removals: the key is known before the body, and the entry does not survive a write whose end is unknown.

use crate::backend::{CacheBackend, Entry, Intent};
use crate::background::Background;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{InvalidationSource, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload, Terms};
use crate::read_through::{Filling, Foretold, Reader, to_fill};
use crate::service::CacheService;
use crate::ttl::Lifetime;
use std::future::{Future, poll_fn};
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
    /// And how long what is put under it lives, and what is known of its tags.
    permit: Option<(B::Permit, Lifetime, Foretold)>,
    /// What else the write makes untrue.
    scopes: Vec<Scopes>,
}

/// Entries that a write makes untrue as a whole.
#[derive(Clone, Debug)]
pub enum Scopes {
    /// Those that carry a tag.
    Tag(String),
    /// All of the write's entity.
    All,
}

impl<'c, B: CacheBackend> Write<'c, B> {
    /// Begins a write whose result is to replace the entry. One round trip, none without a key.
    pub async fn put<O: CachedOutput>(cache: &'c CacheService<B>, key: Option<KeyWriter>) -> Self {
        let reader = Reader::<B, EntityOf<O>>::new(cache);
        let key = key.and_then(|key| reader.counted(Operation::Declare, key.to_key()));
        let declared = key
            .as_ref()
            .map(|_| cache.declare::<EntityOf<O>>(Lifetime::new()));
        let declared = declared.and_then(|declared| reader.counted(Operation::Declare, declared));
        let lifetime = declared.and_then(|()| cache.put_lifetime::<EntityOf<O>>());
        let permit = match (&key, lifetime) {
            (Some(key), Some(lifetime)) => {
                let opened = reader.open(key, Intent::Write).await.ok();
                let foretold = reader.foretell(&[], O::Payload::TAGS, || None).await.ok();
                let permit = opened.zip(foretold);
                permit.map(|(opened, foretold)| (opened.permit, lifetime, foretold))
            }
            _ => None,
        };
        Self {
            cache,
            prefix: EntityOf::<O>::cache_prefix(),
            key,
            permit,
            scopes: Vec::new(),
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
            scopes: Vec::new(),
        }
    }

    /// Begins a write that makes a value of a function untrue.
    pub fn evict_value(cache: &'c CacheService<B>, prefix: &'static str, key: &KeyWriter) -> Self {
        let key = key.to_key();
        if let Err(error) = &key {
            cache.fault(prefix, Operation::Declare, error);
        }
        Self {
            cache,
            prefix,
            key: key.ok(),
            permit: None,
            scopes: Vec::new(),
        }
    }

    /// Begins a write that makes entries untrue as a whole, of an entity where there is one.
    pub fn evict_scopes(
        cache: &'c CacheService<B>,
        prefix: Option<&'static str>,
        scopes: Vec<Scopes>,
    ) -> Self {
        Self {
            cache,
            prefix: prefix.unwrap_or_default(),
            key: None,
            permit: None,
            scopes,
        }
    }

    /// Makes entries untrue as a whole, too.
    #[must_use]
    pub fn and_scopes(mut self, scopes: Vec<Scopes>) -> Self {
        self.scopes.extend(scopes);
        self
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
        let permit = permit.and_then(|(permit, lifetime, foretold)| {
            Some((permit, terms.applied(lifetime)?, foretold))
        });
        let Some((permit, lifetime, foretold)) = permit else {
            return self.conclude(source, None).await;
        };
        let tags = reader.tags_of(Some(&entity), &terms);
        let put = to_fill(permit, Entry::Value(entity), &lifetime);
        let put = Filling::new(put, &foretold, tags);
        match self.replace::<T>(&actual, put).await {
            Ok(()) => Ok(()),
            // The store must be told to forget the old one; if it can be, a write has all it needs.
            Err(_) => self.conclude(source, None).await,
        }
    }

    async fn replace<T: CacheEntity>(
        &mut self,
        key: &CacheKey,
        put: Filling<B::Permit>,
    ) -> Result<()> {
        self.cache.put_under::<T>(key, put).await?;
        if let Some(key) = self.key.take() {
            self.cache.inner().flights.detach(&key);
        }
        Ok(())
    }

    /// Drops the entry, another one if the entity turned out to have that key, and whole scopes.
    async fn conclude(mut self, source: InvalidationSource, other: Option<CacheKey>) -> Result<()> {
        let keys: Vec<_> = self.key.iter().cloned().chain(other).collect();
        let told = tell(self.cache, self.prefix, &keys, &self.scopes, source).await;
        // Only now: while the store is being told this may be dropped, and must tell it again.
        self.key = None;
        self.scopes.clear();
        told
    }
}

/// Tells the store what is untrue, all of it, and returns the first failure.
///
/// All of it is begun at the first poll: a store that promises to be told promises it then, and
/// this future may be dropped at any later one.
async fn tell<B: CacheBackend>(
    cache: &CacheService<B>,
    prefix: &'static str,
    keys: &[CacheKey],
    scopes: &[Scopes],
    source: InvalidationSource,
) -> Result<()> {
    let of_keys = cache.drop_entries(prefix, keys, source);
    if scopes.is_empty() {
        return of_keys.await;
    }
    let mut telling: Vec<Telling<'_>> = vec![Box::pin(of_keys)];
    for scope in scopes {
        telling.push(match scope {
            Scopes::Tag(tag) => Box::pin(cache.invalidate_tag(tag)),
            Scopes::All => Box::pin(cache.clear_entities(prefix)),
        });
    }
    all_at_once(telling).await
}

/// One of the things that a store is told.
type Telling<'t> = Pin<Box<dyn Future<Output = Result<()>> + Send + 't>>;

/// Runs everything at the same time, and returns the first failure of the list.
async fn all_at_once(mut telling: Vec<Telling<'_>>) -> Result<()> {
    let mut told: Vec<Option<Result<()>>> = telling.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (work, told) in telling.iter_mut().zip(&mut told) {
            if told.is_none()
                && let Poll::Ready(answer) = work.as_mut().poll(context)
            {
                *told = Some(answer);
            }
        }
        if told.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    told.into_iter().flatten().collect()
}

impl<B: CacheBackend> Drop for Write<'_, B> {
    fn drop(&mut self) {
        let (key, scopes) = (self.key.take(), std::mem::take(&mut self.scopes));
        if key.is_none() && scopes.is_empty() {
            return;
        }
        let (cache, prefix) = (self.cache.clone(), self.prefix);
        let work = Box::pin(async move {
            let keys: Vec<_> = key.into_iter().collect();
            let source = InvalidationSource::Abandoned;
            let _ = tell(&cache, prefix, &keys, &scopes, source).await;
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
