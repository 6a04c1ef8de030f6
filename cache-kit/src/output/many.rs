//! The return types that a cached function of many keys may have.

use super::batch::Batch;
use super::edge::Edge;
use super::sharing::{Carrying, Saying, Sharing};
use super::{Cached, Payload};
use crate::engine::call::Call;
use crate::engine::provenance::{Overrides, Provenance};
use crate::engine::{Answer, Ask, Kind, Loaded, ManyLanding, Run, Subject, Takes};
use crate::entity::CacheEntity;
use crate::handle::CacheService;
use crate::store::CacheBackend;
use crate::store::Soon;
use foldhash::HashMapExt as _;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The entity of an item.
type Entity<I> = <I as Payload>::Entity;

/// The key of an item's entity.
type KeyOf<I> = <Entity<I> as CacheEntity>::Key;

/// Is what a batch returns for one key: `T`, `Arc<T>`, `Option<T>` or `Option<Arc<T>>` of an entity
/// `T`, or a [`Cached`] of one of these.
#[diagnostic::on_unimplemented(
    message = "a batch cannot return `{Self}` for a key",
    label = "not an entity, nor an `Arc` or `Option` of one",
    note = "return an entity `E`, `Arc<E>`, `Option<E>` or `Option<Arc<E>>` for each key; `E` derives `CacheEntity`, or is a parameter `E: CacheEntity`"
)]
pub trait BatchItem: Payload {}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> BatchItem for T {}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> BatchItem for Arc<T> {}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> BatchItem for Option<T> {}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> BatchItem for Option<Arc<T>> {}

#[diagnostic::do_not_recommend]
impl<I: BatchItem> BatchItem for Cached<I> {}

/// Is what a cached function of many keys returns when it does not fail: a `Vec`, or a `HashMap` or
/// `BTreeMap` from the keys, of a [`BatchItem`].
///
/// A `Vec` is in the order of the keys that were asked for, duplicates kept. What is absent is left
/// out, unless the item can say so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer for many keys",
    label = "not a `Vec` or a map of entities",
    note = "return `Vec<E>`, `Vec<Option<E>>` or `HashMap<Key, E>` (or of `Arc<E>`), or a `Result` of one of these; `E` derives `CacheEntity`, or is a parameter `E: CacheEntity`"
)]
pub trait BatchPayload: Sized + Send {
    /// What is returned for one key.
    type Item: BatchItem;

    /// Takes apart what a body has brought.
    fn into_items(self) -> Vec<Self::Item>;

    /// Puts together what was found for each key.
    fn from_found(found: Vec<Answered<Self::Item>>) -> Self;
}

/// An entity, if there is one.
type Found<I> = Option<Arc<Entity<I>>>;

/// A key, and what was found for it.
type Answered<I> = (KeyOf<I>, Found<I>);

/// What is said of one key, if anything can be.
fn item<I: Payload>(found: Found<I>) -> Option<I> {
    match found {
        Some(entity) => Some(I::from_found(entity, Provenance::SHARED)),
        None => I::absent(Provenance::SHARED),
    }
}

/// Collects what is said of each key, by the keys.
fn by_key<I: Payload, M: FromIterator<(KeyOf<I>, I)>>(found: Vec<Answered<I>>) -> M {
    let found = found.into_iter();
    found
        .filter_map(|(key, found)| Some((key, item(found)?)))
        .collect()
}

#[diagnostic::do_not_recommend]
impl<I: BatchItem> BatchPayload for Vec<I> {
    type Item = I;

    fn into_items(self) -> Self {
        self
    }

    fn from_found(found: Vec<Answered<I>>) -> Self {
        let found = found.into_iter();
        found.filter_map(|(_, found)| item(found)).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<I, S> BatchPayload for HashMap<KeyOf<I>, I, S>
where
    I: BatchItem,
    S: BuildHasher + Default + Send,
{
    type Item = I;

    fn into_items(self) -> Vec<I> {
        self.into_values().collect()
    }

    fn from_found(found: Vec<Answered<I>>) -> Self {
        by_key(found)
    }
}

#[diagnostic::do_not_recommend]
impl<I: BatchItem<Entity: CacheEntity<Key: Ord>>> BatchPayload for BTreeMap<KeyOf<I>, I> {
    type Item = I;

    fn into_items(self) -> Vec<I> {
        self.into_values().collect()
    }

    fn from_found(found: Vec<Answered<I>>) -> Self {
        by_key(found)
    }
}

/// Is what a cached function of many keys returns: a [`BatchPayload`], or a `Result` of one with
/// the user's own error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the return type of a cached function of many keys",
    label = "not a `Vec` or a map of entities, nor a `Result` of one",
    note = "return `Vec<E>`, `Vec<Option<E>>` or `HashMap<Key, E>` (or of `Arc<E>`), or a `Result` of one of these; `E` derives `CacheEntity`, or is a parameter `E: CacheEntity`",
    note = "for a list that is cached as a whole, under a key of its own, write `#[cached(prefix = \"…\")]`"
)]
pub trait BatchOutput: Sized + Send {
    /// What is returned when nothing fails.
    type Payload: BatchPayload;
    /// What is returned when something does.
    type Error: Send + 'static;

    /// Says what came of a call.
    ///
    /// # Errors
    /// The user's own.
    fn into_result(self) -> Result<Self::Payload, Self::Error>;

    /// Wraps what came of a call.
    fn from_result(result: Result<Self::Payload, Self::Error>) -> Self;
}

#[diagnostic::do_not_recommend]
impl<P: BatchPayload> BatchOutput for P {
    type Payload = P;
    type Error = Infallible;

    fn into_result(self) -> Result<P, Infallible> {
        Ok(self)
    }

    fn from_result(result: Result<P, Infallible>) -> P {
        let Ok(payload) = result;
        payload
    }
}

#[diagnostic::do_not_recommend]
impl<P: BatchPayload, E: Send + 'static> BatchOutput for Result<P, E> {
    type Payload = P;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }

    fn from_result(result: Self) -> Self {
        result
    }
}

/// Names what a cached function of many keys returns for one of them.
pub type ItemOf<O> = <<O as BatchOutput>::Payload as BatchPayload>::Item;

/// Names the entities that a cached function of many keys returns.
pub type EntityOfMany<O> = Entity<ItemOf<O>>;

/// Names how a batch of them is loaded.
pub type LoadOf<O> = Result<Vec<EntityOfMany<O>>, <O as BatchOutput>::Error>;

/// Takes apart what a body has brought: the entities, and what they say of themselves.
pub(crate) fn entities<O: BatchOutput>(
    payload: O::Payload,
) -> Vec<(Arc<EntityOfMany<O>>, Overrides)> {
    let items = payload.into_items().into_iter();
    items
        .filter_map(|item| {
            let terms = item.overrides();
            Some((item.into_entity()?, terms))
        })
        .collect()
}

/// What the output of a call of many keys can be made of.
pub(crate) fn batch_takes<P, E, S, C>(sharing: S, carrying: C) -> Takes
where
    S: Sharing<Result<P, E>>,
    C: Carrying<Result<P, E>>,
{
    Takes {
        absent: true,
        errors: carrying.carries(),
        failures: sharing.takes(),
    }
}

/// Returns the error of a call of many keys, one of which has failed so.
pub(crate) fn batch_failure<P, E, S, C>(failure: &Answer, sharing: S, carrying: C) -> E
where
    S: Sharing<Result<P, E>>,
    C: Carrying<Result<P, E>>,
{
    let output = match failure {
        Answer::Failed(failure) => {
            let restored = sharing.restore(failure);
            restored.or_else(|| carrying.carry(failure.own()?.clone()))
        }
        Answer::Refused(error) | Answer::Broken(error) => carrying.carry(error.clone()),
        Answer::Value(..) | Answer::Absent(_) | Answer::Missed => None,
    };
    match output.and_then(Result::err) {
        Some(error) => error,
        None => unreachable!("the engine was told what this output can be made of"),
    }
}

/// Says what a failed load of many keys is to each of them.
pub(crate) fn failed_as<P, E, S, Y>(
    sharing: S,
    saying: Y,
    failed: &Result<P, E>,
    says_why: bool,
) -> impl Fn() -> Loaded + use<P, E, S, Y>
where
    S: Sharing<Result<P, E>>,
    Y: Saying<Result<P, E>>,
{
    let failure = sharing.share(failed);
    let cause = says_why.then(|| saying.say(failed)).flatten();
    move || Loaded::Failed {
        failure: failure.clone(),
        cause: cause.clone(),
    }
}

/// How an output of many keys comes out of the cache and goes into it; `S`, `C` and `Y` say what
/// its error can do.
pub struct ManyEdge<O, S, C, Y> {
    edge: Edge<O, S, C, Y>,
}

impl<O, S: Copy, C: Copy, Y: Copy> Clone for ManyEdge<O, S, C, Y> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, S: Copy, C: Copy, Y: Copy> Copy for ManyEdge<O, S, C, Y> {}

impl<O, S, C, Y> ManyEdge<O, S, C, Y>
where
    O: BatchOutput,
    S: Sharing<LoadOf<O>>,
    C: Carrying<LoadOf<O>>,
    Y: Saying<LoadOf<O>>,
{
    pub(crate) fn new(sharing: S, carrying: C, saying: Y) -> Self {
        Self {
            edge: Edge::new(sharing, carrying, saying),
        }
    }

    /// Begins a call.
    pub fn begin<B: CacheBackend>(
        self,
        cache: &CacheService<B>,
        keys: Vec<KeyOf<ItemOf<O>>>,
        call: Call,
    ) -> Box<ManyRead<'_, O, S, C, Y>> {
        let takes = batch_takes(self.edge.sharing, self.edge.carrying);
        let ask = Ask {
            subject: Subject::Many,
            ..call.into_ask(Kind::of::<EntityOfMany<O>>(), takes, ItemOf::<O>::TAGS)
        };
        Box::new(ManyRead {
            batch: Batch::new(cache.engine(), ask, &keys),
            keys,
            edge: self.edge,
        })
    }
}

/// A call of many keys.
pub struct ManyRead<'e, O: BatchOutput, S, C, Y> {
    batch: Batch<'e, EntityOfMany<O>>,
    keys: Vec<KeyOf<ItemOf<O>>>,
    edge: Edge<O, S, C, Y>,
}

impl<'e, O, S, C, Y> ManyRead<'e, O, S, C, Y>
where
    O: BatchOutput,
    S: Sharing<LoadOf<O>>,
    C: Carrying<LoadOf<O>>,
    Y: Saying<LoadOf<O>>,
{
    /// Goes on until there is something for the body to load; `false` if there is not.
    pub fn has_more(&mut self) -> Soon<'_, bool> {
        self.batch.next()
    }

    /// The keys that the body is to load.
    pub fn missing(&self) -> Vec<KeyOf<ItemOf<O>>> {
        self.batch.missing()
    }

    /// Polls the body as the load of these keys; `None` if it takes longer than it may.
    pub fn run<'t, F>(&'t mut self, body: Pin<&'t mut F>) -> Run<'t, 'e, F>
    where
        F: Future + ?Sized,
    {
        self.batch.run(body)
    }

    /// Stores what came, and tells everyone who waits for it. `Some` is the body's failure, which
    /// ends the call.
    pub fn land(&mut self, output: Option<O>) -> LandMany<'_, O> {
        self.land_unless(output, None)
    }

    /// The same; nothing is stored of entities of which `unless` holds.
    pub fn land_unless(
        &mut self,
        output: Option<O>,
        unless: Option<fn(&EntityOfMany<O>) -> bool>,
    ) -> LandMany<'_, O> {
        let (loaded, failed) = match output.map(BatchOutput::into_result) {
            None => (self.batch.all(|| Loaded::TooLate), None),
            Some(Ok(payload)) => {
                let brought = entities::<O>(payload);
                (
                    self.batch.loaded(brought, foldhash::HashMap::new(), unless),
                    None,
                )
            }
            Some(Err(error)) => {
                let (failed, says_why) = (Err(error), self.batch.has_fallback());
                let loaded = failed_as(self.edge.sharing, self.edge.saying, &failed, says_why);
                (self.batch.all(loaded), failed.err())
            }
        };
        LandMany {
            landing: self.batch.land(loaded),
            failed: failed.map(|error| O::from_result(Err(error))),
        }
    }

    /// Returns what came of all keys.
    pub fn finish(self) -> O {
        if let Some(failure) = self.batch.failure() {
            let (sharing, carrying) = (self.edge.sharing, self.edge.carrying);
            return O::from_result(Err(batch_failure(failure, sharing, carrying)));
        }
        let found = self.batch.entities();
        let found = self.keys.into_iter().zip(found);
        O::from_result(Ok(O::Payload::from_found(found.collect())))
    }
}

/// Waits until a load of many keys has landed.
#[must_use = "a load lands when this is awaited"]
pub struct LandMany<'t, O> {
    landing: Soon<'t, ManyLanding>,
    failed: Option<O>,
}

// Nothing in it is pinned.
impl<O> Unpin for LandMany<'_, O> {}

impl<O> Future for LandMany<'_, O> {
    type Output = Option<O>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<O>> {
        Pin::new(&mut self.landing)
            .poll(context)
            .map(|landing| self.failed.take().filter(|_| landing.has_failed))
    }
}
