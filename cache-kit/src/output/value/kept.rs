//! What a function with a prefix returns, as a payload.

use super::{Declared, Storable, ValueOf, Within};
use crate::engine::provenance::{Overrides, Provenance};
use crate::error::Error;
use crate::output::{FreshOutput, Payload};
use crate::ttl::Lifetime;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Whether there may be none.
pub trait Absence: Send + 'static {
    const IS_SAID: bool;
}

/// There may be none: the function returns an `Option`.
pub struct May;

impl Absence for May {
    const IS_SAID: bool = true;
}

/// There always is one.
pub struct Must;

impl Absence for Must {
    const IS_SAID: bool = false;
}

type Of<D, W, A> = fn() -> (D, W, A);

/// A value of a function `D`, if there is one.
pub struct Kept<V, D, W, A> {
    pub(crate) value: Option<Arc<V>>,
    /// Whether it is not to be stored.
    pub(crate) is_unwanted: bool,
    of: PhantomData<Of<D, W, A>>,
}

impl<V, D, W, A> Kept<V, D, W, A> {
    pub(crate) fn new(value: Option<Arc<V>>, is_unwanted: bool) -> Self {
        Self {
            value,
            is_unwanted,
            of: PhantomData,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<V: Storable, D: Declared, W: Within<V>, A: Absence> Payload for Kept<V, D, W, A> {
    type Entity = ValueOf<V, D, W>;

    const ABSENT: bool = A::IS_SAID;

    fn from_found(entity: Arc<Self::Entity>, _: Provenance) -> Self {
        Self::new(Some(Arc::clone(&entity.value)), false)
    }

    fn absent(_: Provenance) -> Option<Self> {
        A::IS_SAID.then(|| Self::new(None, false))
    }

    fn entity(&self) -> Option<Arc<Self::Entity>> {
        let value = self.value.as_ref()?;
        Some(Arc::new(ValueOf::new(Arc::clone(value))))
    }

    fn overrides(&self) -> Overrides {
        let mut terms = Overrides::default();
        if self.is_unwanted {
            terms.lifetime = Lifetime::from(Duration::ZERO);
        }
        terms
    }
}

#[diagnostic::do_not_recommend]
impl<V: Storable, D: Declared, W: Within<V>> FreshOutput for Kept<V, D, W, May> {
    fn miss() -> Self {
        Self::new(None, false)
    }
}

#[diagnostic::do_not_recommend]
impl<V: Storable, D: Declared, W: Within<V>, E: Send> FreshOutput
    for Result<Kept<V, D, W, May>, E>
{
    fn miss() -> Self {
        Ok(Kept::new(None, false))
    }
}

#[diagnostic::do_not_recommend]
impl<V, D, W, E> FreshOutput for Result<Kept<V, D, W, Must>, E>
where
    V: Storable,
    D: Declared,
    W: Within<V>,
    E: Send + From<Error>,
{
    fn miss() -> Self {
        Err(Error::CacheMiss.into())
    }
}
