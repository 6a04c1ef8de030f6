//! Puts and evictions: the key is known before the body, and the entry does not survive a write
//! whose end is unknown.

use super::storing::to_fill;
use super::tags::{PendingFill, TagSnapshot};
use super::{Engine, Kind};
use crate::engine::provenance::Overrides;
use crate::entity::shape::Erased;
use crate::error::Result;
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{CacheEvent, InvalidationSource, Operation, store_span};
use crate::runtime::background::Background;
use crate::runtime::timer::all;
use crate::store::AnyPermit;
use crate::store::{Entry, Filled, Intent, only};
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tracing::Instrument;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What was written, and what the write says of it.
pub(crate) type Written = (Erased, Overrides);

/// The permission to store what is about to be written.
struct Permission {
    permit: AnyPermit,
    /// How long what is written lives.
    lifetime: Lifetime,
    snapshot: TagSnapshot,
}

/// Entries that a write makes untrue as a whole.
#[derive(Clone, Debug)]
pub enum Scopes {
    /// Those that carry a tag.
    Tag(String),
    /// All of the write's entity.
    All,
}

/// Accompanies one write to the repository. Dropped before it is finished, it invalidates the
/// entry: the write may have been committed, and its acknowledgement lost.
pub struct Write<'c> {
    engine: &'c Arc<Engine>,
    prefix: &'static str,
    /// `None` if the key is known only afterwards, or once everything is done.
    key: Option<CacheKey>,
    permission: Option<Permission>,
    /// What else the write makes untrue.
    scopes: Vec<Scopes>,
}

impl Engine {
    /// Says how long what is written lives; `None` if the service's policy does not want it stored.
    pub(crate) fn put_lifetime(&self, kind: &Kind) -> Option<Lifetime> {
        self.lifetime(kind, Lifetime::new(), CacheStrategy::Refresh, None)
    }

    /// Stores what the repository has now.
    ///
    /// # Errors
    /// Why it is not stored. Nothing may have changed then.
    pub(crate) async fn store_now(
        &self,
        kind: &'static Kind,
        key: Result<CacheKey>,
        written: Written,
        brings_tags: bool,
    ) -> Result<()> {
        kind.check(&written.0)?;
        self.declare(kind, Lifetime::new())?;
        let key = key?;
        let lifetime = self.put_lifetime(kind);
        let lifetime = lifetime.filter(|lifetime| written.1.applied(*lifetime).is_some());
        let Some(lifetime) = lifetime else {
            return self.forget(kind, &key).await;
        };
        let permission = self.permission(kind, &key, lifetime, brings_tags).await?;
        let stored = self.put(kind, &key, permission, written).await;
        self.flights.detach(&key);
        if stored.is_err() {
            // Whatever the store has now may be neither the old nor the new one.
            let _ = self.forget(kind, &key).await;
        }
        stored
    }

    /// Asks for the permission to store what is about to be written under a key.
    ///
    /// # Errors
    /// What the store failed with.
    async fn permission(
        &self,
        kind: &'static Kind,
        key: &CacheKey,
        lifetime: Lifetime,
        brings_tags: bool,
    ) -> Result<Permission> {
        let opened = self.open_one(kind, key, Intent::Write).await?;
        let snapshot = self.tag_snapshot(kind, &[], brings_tags, || None).await?;
        Ok(Permission {
            permit: opened.permit,
            lifetime,
            snapshot,
        })
    }

    /// Puts a value under the permission that was taken before it was written.
    async fn put(
        &self,
        kind: &'static Kind,
        key: &CacheKey,
        permission: Permission,
        written: Written,
    ) -> Result<()> {
        let (value, terms) = written;
        let Some(lifetime) = terms.applied(permission.lifetime) else {
            return self.forget(kind, key).await;
        };
        let tags = self.tags_of(kind, Some(&value), &terms);
        let put = to_fill(permission.permit, Entry::Value(value), &lifetime);
        let put = PendingFill::new(put, Some(&permission.snapshot), tags);
        let prefix = kind.prefix();
        let answer = match self.stamp_fills(kind, vec![put]).await.pop() {
            Some(Ok(put)) => {
                let span = store_span(prefix, Operation::Put, 1);
                only(self.store.put(vec![put], kind.shape).instrument(span).await)
            }
            // A tag may have been dropped while this was written. What is stored is older.
            Some(Err(Ok(_))) | None => return self.forget(kind, key).await,
            Some(Err(Err(error))) => Err(error),
        };
        let answer = answer.inspect_err(|error| self.failed(kind, Operation::Put, error))?;
        self.record(&match answer {
            Filled::Stored => CacheEvent::Put { prefix },
            Filled::Superseded => CacheEvent::Invalidation {
                prefix,
                source: InvalidationSource::Put,
            },
        });
        Ok(())
    }

    /// Drops the entry that a put does not replace.
    pub(crate) async fn forget(&self, kind: &Kind, key: &CacheKey) -> Result<()> {
        let (keys, source) = (std::slice::from_ref(key), InvalidationSource::Put);
        self.drop_entries(kind.prefix(), keys, source).await
    }

    /// Tells the store what is untrue, all of it at once, and returns the first failure.
    ///
    /// All of it is begun at the first poll: a store far away remembers what it is owed from then
    /// on, also where this is dropped right after.
    async fn tell(
        &self,
        prefix: &'static str,
        keys: &[CacheKey],
        scopes: &[Scopes],
        source: InvalidationSource,
    ) -> Result<()> {
        let mut told: Vec<BoxFuture<'_, Result<()>>> = Vec::with_capacity(1 + scopes.len());
        if !keys.is_empty() {
            told.push(Box::pin(self.drop_entries(prefix, keys, source)));
        }
        for scope in scopes {
            told.push(match scope {
                Scopes::Tag(tag) => Box::pin(self.invalidate_tag(tag)),
                Scopes::All => Box::pin(self.clear_prefix(prefix)),
            });
        }
        let mut told = all(told).await.into_iter();
        told.find(Result::is_err).unwrap_or(Ok(()))
    }
}

impl<'c> Write<'c> {
    /// Begins a write whose result is to replace the entry. One round trip, none without a key.
    pub(crate) fn put(
        engine: &'c Arc<Engine>,
        kind: &'static Kind,
        key: Option<Result<CacheKey>>,
        brings_tags: bool,
    ) -> BoxFuture<'c, Self> {
        Box::pin(async move {
            let key = key.and_then(|key| engine.counted(kind, Operation::Declare, key));
            let declared = key.as_ref().map(|_| engine.declare(kind, Lifetime::new()));
            let declared =
                declared.and_then(|declared| engine.counted(kind, Operation::Declare, declared));
            let lifetime = declared.and_then(|()| engine.put_lifetime(kind));
            let permission = match (&key, lifetime) {
                (Some(key), Some(lifetime)) => {
                    let asked = engine.permission(kind, key, lifetime, brings_tags);
                    asked.await.ok()
                }
                _ => None,
            };
            Self {
                engine,
                prefix: kind.prefix(),
                key,
                permission,
                scopes: Vec::new(),
            }
        })
    }

    /// Begins a write that makes an entry and whole scopes untrue.
    pub(crate) fn evict(
        engine: &'c Arc<Engine>,
        prefix: &'static str,
        key: Option<&KeyWriter>,
        scopes: Vec<Scopes>,
    ) -> Self {
        let key = key.and_then(|key| {
            let key = key.to_key();
            let key = key.inspect_err(|error| engine.fault(prefix, Operation::Declare, error));
            key.ok()
        });
        Self {
            engine,
            prefix,
            key,
            permission: None,
            scopes,
        }
    }

    /// Makes whole scopes untrue, too.
    pub(crate) fn and_scopes(&mut self, scopes: Vec<Scopes>) {
        self.scopes.extend(scopes);
    }

    /// Replaces the entry with what was written, or drops it if nothing was.
    pub(crate) fn finish_put(
        mut self,
        kind: &'static Kind,
        written: Option<Written>,
    ) -> BoxFuture<'c, Result<()>> {
        Box::pin(async move {
            let source = InvalidationSource::Put;
            let Some((value, terms)) = written else {
                return self.conclude(source, None).await;
            };
            let mut actual = self.engine.writer(kind.prefix());
            kind.write_key(&value, &mut actual);
            let actual = actual.to_key()?;
            if self.key.as_ref() != Some(&actual) {
                // The key was not known before, or is another now: what is stored under either may
                // be untrue.
                return self.conclude(source, Some(actual)).await;
            }
            let checked = self
                .engine
                .counted(kind, Operation::Put, kind.check(&value));
            let permission = self.permission.take().filter(|_| checked.is_some());
            let permission =
                permission.filter(|permission| terms.applied(permission.lifetime).is_some());
            let Some(permission) = permission else {
                return self.conclude(source, None).await;
            };
            let put = self.engine.put(kind, &actual, permission, (value, terms));
            if put.await.is_err() {
                // The store must be told to forget the old entry; if it can be, a write has all
                // that it needs.
                return self.conclude(source, None).await;
            }
            if let Some(key) = self.key.take() {
                self.engine.flights.detach(&key);
            }
            self.conclude(source, None).await
        })
    }

    /// Drops the entry.
    pub(crate) fn finish(self) -> BoxFuture<'c, Result<()>> {
        Box::pin(self.conclude(InvalidationSource::Evict, None))
    }

    /// Drops the entry, another one if the entity turned out to have that key, and whole scopes.
    async fn conclude(mut self, source: InvalidationSource, other: Option<CacheKey>) -> Result<()> {
        let keys: Vec<_> = self.key.iter().cloned().chain(other).collect();
        let told = self
            .engine
            .tell(self.prefix, &keys, &self.scopes, source)
            .await;
        // Only now: while the store is being told this may be dropped, and must tell it again.
        self.key = None;
        self.scopes.clear();
        told
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let (key, scopes) = (self.key.take(), std::mem::take(&mut self.scopes));
        if key.is_none() && scopes.is_empty() {
            return;
        }
        let (engine, prefix) = (Arc::clone(self.engine), self.prefix);
        let work = Box::pin(async move {
            let keys: Vec<_> = key.into_iter().collect();
            let source = InvalidationSource::Abandoned;
            let _ = engine.tell(prefix, &keys, &scopes, source).await;
        });
        finish_in_background(&self.engine.background, work);
    }
}

impl std::fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write")
            .field("prefix", &self.prefix)
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

/// Runs what a drop cannot await: to its end if that is now, as for memory; else as a task of its
/// own.
fn finish_in_background(background: &Background, mut work: BoxFuture<'static, ()>) {
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
