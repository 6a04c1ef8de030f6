//! Look-ups by an index: first where the entity is, then the entity.

mod traced;

use super::{Inline, Missed, Reader, Typed, answer, is_early, read_through};
use crate::backend::CacheBackend;
use crate::call::{Call, Sharing};
use crate::entity::CacheEntity as _;
use crate::error::{Error, Result};
use crate::index::{CacheIndex, Hint, Hints, is_of, key_at, key_text};
use crate::key::KeyWriter;
use crate::observe::InvalidationSource;
use crate::outcome::{CachedOutput, EntityOf, Payload, Seen};
use crate::service::CacheService;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use crate::value::{Apart, Kept, May};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use traced::{Failed, Traced};

/// How much longer than an entity it is remembered where it is.
const HINTS_OUTLIVE: u32 = 10;

/// Answers a call at once if both are in reach.
pub(crate) fn peek_by<I, B, O>(
    cache: &CacheService<B>,
    asked: &KeyWriter,
    call: &Call<O>,
) -> Option<O>
where
    I: CacheIndex<Entity = EntityOf<O>>,
    B: CacheBackend,
    O: CachedOutput,
{
    if !matches!(call.strategy, CacheStrategy::Refresh | CacheStrategy::Fresh) {
        return None;
    }
    let hints = Reader::<B, Hint<I>>::new(cache);
    let Typed::Hit(hint, _) = Typed::<Hint<I>>::within(None, hints.peek(asked)?) else {
        return None;
    };
    let reader = Reader::<B, EntityOf<O>>::new(cache);
    let key = key_at::<EntityOf<O>, B>(cache, &hint.value);
    let lookup = Typed::within(call.age_limit, reader.peek(&key)?);
    let is_found = match &lookup {
        Typed::Hit(entity, _) => is_of::<I, B>(cache, entity, asked),
        _ => false,
    };
    if !is_found || is_early(&reader, call, &lookup) {
        return None;
    }
    hints.hit();
    answer(&reader, lookup).ok()
}

/// Runs a call to its end. `body` is polled only if the repository has to be asked.
///
/// What it brings is stored if its key was known before: a value is never stored under a key that was not opened. So the first load by an index tells where the entity is, and the next
/// one, by whichever key, stores it.
pub(crate) fn read_by<I, B, O, F>(
    cache: &CacheService<B>,
    asked: KeyWriter,
    call: Call<O>,
    body: Pin<&mut F>,
) -> Pin<Box<impl Future<Output = O>>>
where
    I: CacheIndex<Entity = EntityOf<O>>,
    B: CacheBackend,
    O: CachedOutput,
    F: Future<Output = O>,
{
    let run = async move {
        if call.strategy == CacheStrategy::Bypass {
            return read_through(cache, asked, call, Inline, body).await;
        }
        let by = ByIndex::<I, B, O> {
            cache,
            asked,
            call,
            loaded: Mutex::new(None),
            index: PhantomData,
        };
        by.run(body).await
    };
    Box::pin(run)
}

/// One call.
struct ByIndex<'c, I, B: CacheBackend, O> {
    cache: &'c CacheService<B>,
    /// The key of the index.
    asked: KeyWriter,
    call: Call<O>,
    /// What the body has brought.
    loaded: Mutex<Option<O>>,
    index: PhantomData<fn() -> I>,
}

/// How far a step has come.
enum Step<O> {
    Done(O),
    /// The entity is not where it should be, or nothing says where.
    Lost,
}

impl<I, B, O> ByIndex<'_, I, B, O>
where
    I: CacheIndex<Entity = EntityOf<O>>,
    B: CacheBackend,
    O: CachedOutput,
{
    async fn run<F: Future<Output = O>>(&self, mut body: Pin<&mut F>) -> O {
        let hint = match self.hint().await {
            Ok(hint) => hint,
            Err(ended) => return ended,
        };
        if let Some(hint) = &hint
            && let Step::Done(output) = self.read_at(hint, body.as_mut()).await
        {
            return output;
        }
        if let Some(miss) = self.call.fresh_miss() {
            return miss();
        }
        match self.locate(hint.is_some(), body.as_mut()).await {
            Ok(Some(hint)) => {
                if let Step::Done(output) = self.read_at(&hint, body.as_mut()).await {
                    return output;
                }
            }
            Ok(None) => {
                if let Some(absent) = O::Payload::absent(Seen::SHARED) {
                    return O::from_payload(absent);
                }
            }
            Err(output) => return output,
        }
        let mut call = self.call.clone();
        call.strategy = CacheStrategy::Bypass;
        read_through(self.cache, self.asked.clone(), call, Inline, body).await
    }

    /// Where the entity was last found. `Invalidate` drops it from there.
    async fn hint(&self) -> std::result::Result<Option<Arc<String>>, O> {
        let reader = Reader::<B, Hint<I>>::new(self.cache);
        let Ok(key) = reader.admit(&self.asked, self.lifetime()) else {
            return Ok(None);
        };
        let found = match reader.read(&key).await {
            Ok(lookup) => reader.count(Typed::from(lookup)),
            Err(error) => match self.call.strict_in(self.cache) {
                Some(carry) => return Err(carry(error)),
                None => Err(Missed::after(&error).into()),
            },
        };
        if found.is_err() {
            reader.miss();
        }
        let hint = found.ok().flatten();
        let hint = hint.map(|hint| Arc::clone(&hint.value));
        if self.call.strategy != CacheStrategy::Invalidate {
            return Ok(hint);
        }
        let source = InvalidationSource::Strategy;
        let mut dropped = self.cache.drop_entries(I::PREFIX, &[key], source).await;
        if let Some(hint) = hint {
            dropped = dropped.and(self.drop_at(&hint).await);
        }
        match (dropped, self.call.strict_in(self.cache)) {
            (Err(error), Some(carry)) => Err(carry(error)),
            _ => Ok(None),
        }
    }

    /// Drops an entity.
    async fn drop_at(&self, hint: &str) -> Result<()> {
        let key = key_at::<EntityOf<O>, B>(self.cache, hint).to_key()?;
        let (prefix, source) = (EntityOf::<O>::cache_prefix(), InvalidationSource::Strategy);
        self.cache.drop_entries(prefix, &[key], source).await
    }

    /// Reads the entity where it should be, or loads it there.
    async fn read_at<F: Future<Output = O>>(&self, hint: &str, mut body: Pin<&mut F>) -> Step<O> {
        let load = pin!(async {
            let output = body.as_mut().await;
            let found = output.payload().map(|payload| {
                let own = payload
                    .entity()
                    .filter(|entity| key_text(&**entity) == hint);
                Traced::<O::Payload>::loaded(own, payload.terms())
            });
            let found = found.ok_or_else(|| self.failed(&output));
            self.keep(output);
            found
        });
        let mut call = self.lifted(self.call.strategy);
        call.lifetime = self.call.lifetime;
        if call.strategy == CacheStrategy::Invalidate {
            call.strategy = CacheStrategy::Refresh;
        }
        let key = key_at::<EntityOf<O>, B>(self.cache, hint);
        let found = read_through(self.cache, key, call, Inline, load).await;
        let is_elsewhere = found.as_ref().is_ok_and(Payload::is_elsewhere);
        let found = match found {
            Ok(found) => Ok(found
                .entity
                .filter(|entity| is_of::<I, B>(self.cache, entity, &self.asked))
                .map(|entity| O::from_payload(O::Payload::from_found(entity, found.seen)))),
            Err(failed) => Err(failed),
        };
        match (self.take(), found) {
            (Some(output), found) => {
                // A load that failed may have left what is stale.
                if output.payload().is_none()
                    && let Ok(Some(stale)) = found
                {
                    return Step::Done(stale);
                }
                if is_elsewhere {
                    self.forget().await;
                }
                Step::Done(self.checked(output))
            }
            (None, Ok(Some(output))) => Step::Done(output),
            (None, Err(failed)) => self.told(failed).map_or(Step::Lost, Step::Done),
            (None, Ok(None)) => Step::Lost,
        }
    }

    /// How a load has failed.
    fn failed(&self, output: &O) -> Failed {
        (self.call.sharing.share)(output).map_or(Failed::Loaded, Failed::Shared)
    }

    /// What this call returns of another's failure, if it can.
    fn told(&self, failed: Failed) -> Option<O> {
        match failed {
            Failed::Loaded => None,
            Failed::Shared(failure) => (self.call.sharing.restore)(&failure),
            Failed::Cache(error) => self.call.carry.map(|carry| carry(error)),
        }
    }

    /// Loads, and remembers where the entity is; who waits for another's load is told that only. `Err` is what this call's own load brought.
    ///
    /// A write of the entity does not know this key, so an absence is not given to a caller that
    /// came after its load began.
    async fn locate<F: Future<Output = O>>(
        &self,
        is_outdated: bool,
        mut body: Pin<&mut F>,
    ) -> std::result::Result<Option<Arc<String>>, O> {
        let load = pin!(async {
            let output = body.as_mut().await;
            let found = output.payload().map(|payload| {
                let entity = payload.entity();
                let hint = entity.map(|entity| Arc::new(key_text(&*entity)));
                // Absence is not remembered: who makes the entity knows its key, and not what was looked for.
                let is_absent = hint.is_none();
                Kept::<String, Hints<I>, Apart, May>::new(hint, is_absent)
            });
            let found = found.ok_or_else(|| self.failed(&output));
            self.keep(output);
            found
        });
        let strategy = if is_outdated {
            CacheStrategy::Invalidate
        } else {
            CacheStrategy::Refresh
        };
        let mut call = self.lifted(strategy).unguarded_absence();
        call.lifetime = self.lifetime();
        let found = read_through(self.cache, self.asked.clone(), call, Inline, load).await;
        match (self.take(), found) {
            (Some(output), _) => {
                // It was not known before what `Invalidate` was about.
                let entity = output.payload().and_then(Payload::entity);
                if let (CacheStrategy::Invalidate, Some(entity)) = (self.call.strategy, entity) {
                    // A store that cannot be told owes it.
                    let _ = self.drop_at(&key_text(&*entity)).await;
                }
                Err(self.checked(output))
            }
            (None, Ok(found)) => Ok(found.value),
            (None, Err(failed)) => self.told(failed).map_or(Ok(None), Err),
        }
    }

    /// The call, of an output that says only how it failed.
    fn lifted<P>(&self, strategy: CacheStrategy) -> Call<std::result::Result<P, Failed>> {
        let carry = |error| Err(Failed::Cache(error));
        let can_carry = self.call.carry.is_some();
        Call::new(strategy)
            .within(self.call.timeouts)
            .tags(self.call.tags.clone())
            .or_miss(|| Err(Failed::Loaded))
            .sharing(Sharing {
                share: |output| match output {
                    Err(Failed::Shared(failure)) => Some(failure.clone()),
                    _ => None,
                },
                restore: |failure| Some(Err(Failed::Shared(failure.clone()))),
            })
            .carrying(can_carry.then_some(carry))
    }

    /// How long it is remembered where the entity is: longer than the entity itself, of which it says nothing else.
    fn lifetime(&self) -> Lifetime {
        let declared = self.cache.declared::<EntityOf<O>>(self.call.lifetime);
        let ttl = declared.ttl();
        ttl.map_or(Lifetime::new(), |ttl| {
            Lifetime::from(ttl.saturating_mul(HINTS_OUTLIVE))
        })
    }

    /// Drops a hint that has led to another entity, or to none.
    async fn forget(&self) {
        if let Ok(key) = self.asked.to_key() {
            let source = InvalidationSource::Call;
            // What is not told to the store is owed by it, and the hint is checked whenever it is used.
            let _ = self.cache.drop_entries(I::PREFIX, &[key], source).await;
        }
    }

    /// What the body has brought; an entity that is not valid is a failure, where that can be said.
    fn checked(&self, output: O) -> O {
        let checked = output.payload().map_or(Ok(()), Payload::check);
        match (checked.map_err(Error::into_validation), self.call.carry) {
            (Err(error), Some(carry)) => carry(error),
            _ => output,
        }
    }

    fn keep(&self, output: O) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *loaded = Some(output);
    }

    fn take(&self) -> Option<O> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.take()
    }
}
