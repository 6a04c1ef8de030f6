//! The return types that a cached function of many keys may have.

use super::{Cached, Payload, Seen, Terms};
use crate::entity::CacheEntity;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The entity of an item.
type Entity<I> = <I as Payload>::Entity;

/// The key of an item's entity.
type KeyOf<I> = <Entity<I> as CacheEntity>::Key;

/// Is what a batch returns for one key: `T`, `Arc<T>`, `Option<T>` or `Option<Arc<T>>` of an entity `T`, or a [`Cached`] of one of these.
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

/// Is what a cached function of many keys returns when it does not fail: a `Vec`, or a `HashMap` or `BTreeMap` from the keys, of a [`BatchItem`].
///
/// A `Vec` is in the order of the keys that were asked for, duplicates kept. What is absent is left out, unless the item can say so.
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
        Some(entity) => Some(I::from_found(entity, Seen::SHARED)),
        None => I::absent(Seen::SHARED),
    }
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
        let found = found.into_iter();
        found
            .filter_map(|(key, found)| Some((key, item(found)?)))
            .collect()
    }
}

#[diagnostic::do_not_recommend]
impl<I: BatchItem<Entity: CacheEntity<Key: Ord>>> BatchPayload for BTreeMap<KeyOf<I>, I> {
    type Item = I;

    fn into_items(self) -> Vec<I> {
        self.into_values().collect()
    }

    fn from_found(found: Vec<Answered<I>>) -> Self {
        let found = found.into_iter();
        found
            .filter_map(|(key, found)| Some((key, item(found)?)))
            .collect()
    }
}

/// Is what a cached function of many keys returns: a [`BatchPayload`], or a `Result` of one with the user's own error.
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
pub(crate) fn entities<O: BatchOutput>(payload: O::Payload) -> Vec<(Arc<EntityOfMany<O>>, Terms)> {
    let items = payload.into_items().into_iter();
    items
        .filter_map(|item| {
            let terms = item.terms();
            Some((item.into_entity()?, terms))
        })
        .collect()
}
