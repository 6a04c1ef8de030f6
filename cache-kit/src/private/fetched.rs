//! What `#[cache_repository]` makes of a finder's output and of its arguments.

use crate::entity::CacheEntity;
use crate::error::{Cause, Error, Result};
use crate::output::{BatchOutput, CachedOutput, EntityOf, EntityOfMany, Payload, Probe, entities};
use std::borrow::Borrow;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;

/// How an output fails.
pub type Failing<O> = fn(O) -> Result<<O as CachedOutput>::Payload>;

/// Turns a finder's output into a repository's.
///
/// # Errors
/// The finder's.
pub fn fetched<O: CachedOutput>(found: O, how: Failing<O>) -> Result<Option<EntityOf<O>>> {
    let payload = how(found)?;
    Ok(payload.entity().map(Arc::unwrap_or_clone))
}

/// Turns what a batch has brought into a repository's.
///
/// # Errors
/// The batch's.
pub fn fetched_many<O: BatchOutput>(
    found: O,
    how: Failing<Result<Option<EntityOfMany<O>>, O::Error>>,
) -> Result<Vec<EntityOfMany<O>>> {
    match found.into_result() {
        Ok(payload) => {
            let entities = entities::<O>(payload).into_iter();
            Ok(entities
                .map(|(entity, _)| Arc::unwrap_or_clone(entity))
                .collect())
        }
        Err(error) => how(Err(error)).map(|_| Vec::new()),
    }
}

/// The entity of a key, among others.
pub fn own_of<T: CacheEntity>(found: Vec<T>, id: &T::Key) -> Option<T> {
    found.into_iter().find(|entity| entity.cache_key() == *id)
}

/// What a key, or a field of it, can be lent as.
#[diagnostic::on_unimplemented(
    message = "the key of this `Repository` is a `{Self}`, and the method takes `&{A}`",
    label = "expected `&{Self}`"
)]
pub trait LentAs<A: ?Sized> {
    fn lend(&self) -> &A;
}

#[diagnostic::do_not_recommend]
impl<K: Borrow<A> + ?Sized, A: ?Sized> LentAs<A> for K {
    fn lend(&self) -> &A {
        self.borrow()
    }
}

/// Lends a key, or a field of it, as a parameter wants it.
pub fn lend<K: LentAs<A> + ?Sized, A: ?Sized>(key: &K) -> &A {
    key.lend()
}

/// What a copy of a key, or of a field of it, can be given as.
#[diagnostic::on_unimplemented(
    message = "the key of this `Repository` is a `{Self}`, and the method takes `{A}`",
    label = "expected `{Self}`"
)]
pub trait GivenAs<A> {
    fn give(&self) -> A;
}

#[diagnostic::do_not_recommend]
impl<K: Clone + Into<A>, A> GivenAs<A> for K {
    fn give(&self) -> A {
        self.clone().into()
    }
}

/// Gives a copy of a key, or of a field of it, as a parameter wants it.
pub fn give<K: GivenAs<A>, A>(key: &K) -> A {
    key.give()
}

/// Errors that are the runtime's, or say how they become it.
pub trait FailsAsOwn<O: CachedOutput> {
    fn failing(&self) -> Failing<O>;
}

impl<P: Payload, E: Into<Error> + Send> FailsAsOwn<Result<P, E>> for &&&Probe<Result<P, E>> {
    fn failing(&self) -> Failing<Result<P, E>> {
        |found| found.map_err(Into::into)
    }
}

/// Errors of any kind.
pub trait FailsAsError<O: CachedOutput> {
    fn failing(&self) -> Failing<O>;
}

impl<P, E> FailsAsError<Result<P, E>> for &&Probe<Result<P, E>>
where
    P: Payload,
    E: Into<Box<dyn StdError + Send + Sync>> + Send,
{
    fn failing(&self) -> Failing<Result<P, E>> {
        |found| found.map_err(|error| Error::RepositoryError(Cause::from(error)))
    }
}

/// What is no error, and can be shown.
pub trait FailsShown<O: CachedOutput> {
    fn failing(&self) -> Failing<O>;
}

impl<P: Payload, E: Debug + Send> FailsShown<Result<P, E>> for &Probe<Result<P, E>> {
    fn failing(&self) -> Failing<Result<P, E>> {
        |found| found.map_err(|error| Error::RepositoryError(format!("{error:?}").into()))
    }
}

/// What says nothing.
pub trait FailsUnsaid<O: CachedOutput> {
    fn failing(&self) -> Failing<O>;
}

impl<P: Payload, E: Send> FailsUnsaid<Result<P, E>> for Probe<Result<P, E>> {
    fn failing(&self) -> Failing<Result<P, E>> {
        |found| {
            found.map_err(|_| {
                let name = std::any::type_name::<E>();
                Error::RepositoryError(format!("it failed with a `{name}`").into())
            })
        }
    }
}

/// Outputs without an error.
pub trait FailsNot<O: CachedOutput> {
    fn failing(&self) -> Failing<O>;
}

impl<P: Payload> FailsNot<P> for Probe<P> {
    fn failing(&self) -> Failing<P> {
        Ok
    }
}
