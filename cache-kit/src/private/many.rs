//! What generated code does with an output of many keys, by methods: where the output or the keys
//! are of the wrong kind there are others of the same names, so that the compiler says once what is
//! wrong.

#![expect(
    clippy::unused_self,
    reason = "methods, so that they are looked up by type"
)]

use super::outcome::Returns;
use crate::entity::CacheEntity;
use crate::output::{
    BatchOutput, Carrying, EntityOfMany, LoadOf, ManyEdge, Probe, Saying, Sharing,
};
use std::borrow::Borrow;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use tokio::sync::{Mutex, MutexGuard};

/// The key of what is returned for one of many.
pub type KeyOf<O> = <EntityOfMany<O> as CacheEntity>::Key;

/// Asks whether an output can be the answer for many keys: `(&&Returns::<O>::new()).batch()`.
pub trait BatchOf<O> {
    fn batch(&self) -> Keys<O>;
}

impl<O: BatchOutput> BatchOf<O> for &Returns<O> {
    fn batch(&self) -> Keys<O> {
        Keys(PhantomData)
    }
}

/// Outputs that cannot.
pub trait BatchNone {
    fn batch(&self) -> NoKeys;
}

impl<O> BatchNone for Returns<O> {
    fn batch(&self) -> NoKeys {
        NoKeys
    }
}

/// Is the key of an entity, as a batch is given it.
#[diagnostic::on_unimplemented(
    message = "the keys of this batch are `{K}`, not `{Self}`",
    label = "expected `{K}`"
)]
pub trait OwnKey<K> {}

#[diagnostic::do_not_recommend]
impl<K> OwnKey<K> for K {}

/// Is what the key of an entity can be borrowed as.
#[diagnostic::on_unimplemented(
    message = "the keys of this batch are `{K}`, not `&{Self}`",
    label = "expected `{K}`, or what it is borrowed as"
)]
pub trait LentKey<K> {}

#[diagnostic::do_not_recommend]
impl<K: Borrow<Q>, Q: ToOwned<Owned = K> + ?Sized> LentKey<K> for Q {}

/// Checks the keys of an output.
pub struct Keys<O>(PhantomData<fn() -> O>);

impl<O: BatchOutput> Keys<O> {
    pub fn own<E: OwnKey<KeyOf<O>>>(&self) {}
    pub fn lent<Q: LentKey<KeyOf<O>> + ?Sized>(&self) {}
}

/// Checks nothing: there are none.
pub struct NoKeys;

impl NoKeys {
    pub fn own<E>(&self) {}
    pub fn lent<Q: ?Sized>(&self) {}
}

/// Keys `E`, for an output `O`: `(&&Own::<O, E>::new()).methods()`.
pub struct Own<O, E>(PhantomData<fn() -> (O, E)>);

/// Keys that are lent as `Q`, for an output `O`: `(&&Lent::<O, Q>::new()).methods()`.
pub struct Lent<O, Q: ?Sized>(PhantomData<fn() -> O>, PhantomData<Q>);

#[expect(clippy::new_without_default, reason = "named by generated code only")]
impl<O, E> Own<O, E> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

#[expect(clippy::new_without_default, reason = "named by generated code only")]
impl<O, Q: ?Sized> Lent<O, Q> {
    pub fn new() -> Self {
        Self(PhantomData, PhantomData)
    }
}

/// Outputs and keys that fit.
pub trait Fits<O> {
    fn methods(&self) -> Many<O>;
}

impl<O: BatchOutput, E: OwnKey<KeyOf<O>>> Fits<O> for &Own<O, E> {
    fn methods(&self) -> Many<O> {
        Many(PhantomData)
    }
}

impl<O: BatchOutput, Q: LentKey<KeyOf<O>> + ?Sized> Fits<O> for &Lent<O, Q> {
    fn methods(&self) -> Many<O> {
        Many(PhantomData)
    }
}

/// Outputs and keys that do not.
pub trait FitsNot<O> {
    fn methods(&self) -> NotMany<O>;
}

impl<O, E> FitsNot<O> for Own<O, E> {
    fn methods(&self) -> NotMany<O> {
        NotMany(PhantomData)
    }
}

impl<O, Q: ?Sized> FitsNot<O> for Lent<O, Q> {
    fn methods(&self) -> NotMany<O> {
        NotMany(PhantomData)
    }
}

/// The methods of an output of many keys.
pub struct Many<O>(PhantomData<fn() -> O>);

impl<O: BatchOutput> Many<O> {
    pub fn probe(&self) -> Probe<LoadOf<O>> {
        Probe::new()
    }

    /// The keys that were asked for.
    pub fn asked<I: IntoIterator<Item: Borrow<KeyOf<O>>>>(&self, keys: I) -> Vec<KeyOf<O>> {
        let keys = keys.into_iter();
        keys.map(|key| key.borrow().clone()).collect()
    }

    /// The same of keys that were lent.
    pub fn asked_lent<'q, Q>(&self, keys: impl IntoIterator<Item: Borrow<&'q Q>>) -> Vec<KeyOf<O>>
    where
        Q: ToOwned<Owned = KeyOf<O>> + ?Sized + 'q,
    {
        let keys = keys.into_iter();
        keys.map(|key| (*key.borrow()).to_owned()).collect()
    }

    /// What a body is given that wants keys as `Q`.
    pub fn lend<'k, Q: ?Sized>(&self, missing: &'k [KeyOf<O>]) -> Vec<&'k Q>
    where
        KeyOf<O>: Borrow<Q>,
    {
        missing.iter().map(Borrow::borrow).collect()
    }

    pub fn unless(
        &self,
        unless: fn(&EntityOfMany<O>) -> bool,
    ) -> Option<fn(&EntityOfMany<O>) -> bool> {
        Some(unless)
    }

    /// How the output comes out of the cache and goes into it.
    pub fn edge<S, C, Y>(&self, sharing: S, carrying: C, saying: Y) -> ManyEdge<O, S, C, Y>
    where
        S: Sharing<LoadOf<O>>,
        C: Carrying<LoadOf<O>>,
        Y: Saying<LoadOf<O>>,
    {
        ManyEdge::new(sharing, carrying, saying)
    }
}

impl<O> Clone for Many<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Many<O> {}

/// The methods of one that does not fit its keys. They never run.
pub struct NotMany<O>(PhantomData<fn() -> O>);

impl<O> NotMany<O> {
    pub fn probe(&self) -> Probe<Result<O, Infallible>> {
        Probe::new()
    }

    pub fn asked<I>(&self, _: I) {}

    pub fn asked_lent<Q: ?Sized>(&self, _: impl Sized) {}

    pub fn lend<'k, Q: ?Sized>(&self, _: &'k Vec<()>) -> Vec<&'k Q> {
        Vec::new()
    }

    pub fn unless<U>(&self, _: U) {}

    pub fn edge<S, C, Y>(&self, _: S, _: C, _: Y) -> NoManyEdge<O> {
        NoManyEdge(PhantomData)
    }
}

/// In place of an edge.
pub struct NoManyEdge<O>(PhantomData<fn() -> O>);

impl<O> NoManyEdge<O> {
    pub fn begin<C, A>(self, _: &C, (): (), _: A) -> NoManyRead<O> {
        NoManyRead(PhantomData)
    }
}

/// In place of a call of many keys.
pub struct NoManyRead<O>(PhantomData<fn() -> O>);

impl<O> NoManyRead<O> {
    pub fn has_more(&mut self) -> Ready<bool> {
        ready(false)
    }

    pub fn missing<T>(&self) -> Vec<T> {
        Vec::new()
    }

    pub fn run<F: Future<Output = O>>(&mut self, _: Pin<&mut F>) -> Ready<Option<O>> {
        ready(None)
    }

    pub fn land(&mut self, output: Option<O>) -> Ready<Option<O>> {
        ready(output)
    }

    pub fn land_unless<U>(&mut self, output: Option<O>, _: U) -> Ready<Option<O>> {
        ready(output)
    }

    pub fn finish(self) -> O {
        unreachable!("nothing of this runs")
    }
}

impl<O> Clone for NotMany<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for NotMany<O> {}

/// Says whether an entity of a batch is not to be stored.
pub fn unless_entity<T>(entity: &T, test: impl FnOnce(&T) -> bool) -> bool {
    test(entity)
}

/// Can be given to a body that may run again.
#[diagnostic::on_unimplemented(
    message = "a batch needs `{Self}: Clone`",
    label = "cannot be given to a body that may run again",
    note = "derive `Clone`, or take it by reference"
)]
pub trait Again: Sized {
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    fn again(&self) -> Self {
        self.clone()
    }
}

/// Lends what is borrowed for writing to one call of a body after the other.
pub struct Lender<T>(Mutex<T>);

impl<T> Lender<T> {
    pub fn new(lent: T) -> Self {
        Self(Mutex::new(lent))
    }

    pub async fn lend(&self) -> MutexGuard<'_, T> {
        self.0.lock().await
    }
}
