//! The return types that a cached function may have, recognised by trait, so that aliases work.

mod batch;
mod cached;
mod edge;
pub(crate) mod index;
mod many;
mod seen;
mod sharing;
pub(crate) mod value;

pub use crate::engine::provenance::Source;
pub use crate::entity::KeyArg;
pub(crate) use batch::{Batch, Brought};
pub use cached::Cached;
pub(crate) use edge::{Answers, AnyError};
#[doc(hidden)]
pub use edge::{Asked, Detached, Edge, Land};
pub use many::{BatchItem, BatchOutput, BatchPayload};
#[doc(hidden)]
pub use many::{EntityOfMany, ItemOf, LandMany, LoadOf, ManyEdge, ManyRead};
pub(crate) use many::{batch_failure, batch_takes, entities, failed_as};
pub use seen::Outcome;
pub(crate) use sharing::IfOwn;
#[doc(hidden)]
pub use sharing::{
    CarryInto, CarryNone, Carrying, Probe, Saying, SaysDisplayed, SaysNothing, SaysShown,
    ShareClone, ShareInto, ShareNone, ShareSaid, Sharing, Unable,
};

use crate::engine::Written;
use crate::engine::provenance::{Overrides, Provenance};
use crate::entity::CacheEntity;
use crate::error::Error;
use std::sync::Arc;

/// Is what a cached function returns when it does not fail: `T`, `Arc<T>`, `Option<T>` or
/// `Option<Arc<T>>` of an entity `T`, and an [`Outcome`] or a [`Cached`] of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "not an entity, nor an `Arc` or `Option` of one",
    note = "return an entity `E`, `Arc<E>`, `Option<E>`, `Option<Arc<E>>` or a `Result` of one of these; `E` derives `CacheEntity`, or is a parameter `E: CacheEntity`",
    note = "for a value that is no entity, write `#[cached(prefix = \"…\")]`"
)]
pub trait Payload: Sized + Send {
    /// The entity within.
    type Entity: CacheEntity;

    /// Whether it may say tags that its entity does not have by itself.
    const TAGS: bool = false;

    /// Whether it can say "there is none".
    const ABSENT: bool;

    /// Wraps what was found.
    fn from_found(entity: Arc<Self::Entity>, seen: Provenance) -> Self;

    /// Says "there is none", if this type can.
    fn absent(seen: Provenance) -> Option<Self>;

    /// Returns the entity to store; `None` if this says that there is none.
    fn entity(&self) -> Option<Arc<Self::Entity>>;

    /// Returns the same, for who needs nothing else of it.
    fn into_entity(self) -> Option<Arc<Self::Entity>> {
        self.entity()
    }

    /// Says what of the declaration does not hold for this entity.
    fn overrides(&self) -> Overrides {
        Overrides::default()
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> Payload for T {
    type Entity = T;

    const ABSENT: bool = false;

    fn from_found(entity: Arc<T>, _: Provenance) -> Self {
        Arc::unwrap_or_clone(entity)
    }

    fn absent(_: Provenance) -> Option<Self> {
        None
    }

    fn entity(&self) -> Option<Arc<T>> {
        Some(Arc::new(self.clone()))
    }

    fn into_entity(self) -> Option<Arc<T>> {
        Some(Arc::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> Payload for Arc<T> {
    type Entity = T;

    const ABSENT: bool = false;

    fn from_found(entity: Self, _: Provenance) -> Self {
        entity
    }

    fn absent(_: Provenance) -> Option<Self> {
        None
    }

    fn entity(&self) -> Option<Self> {
        Some(Self::clone(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> Payload for Option<T> {
    type Entity = T;

    const ABSENT: bool = true;

    fn from_found(entity: Arc<T>, _: Provenance) -> Self {
        Some(Arc::unwrap_or_clone(entity))
    }

    fn absent(_: Provenance) -> Option<Self> {
        Some(None)
    }

    fn entity(&self) -> Option<Arc<T>> {
        self.clone().map(Arc::new)
    }

    fn into_entity(self) -> Option<Arc<T>> {
        self.map(Arc::new)
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity> Payload for Option<Arc<T>> {
    type Entity = T;

    const ABSENT: bool = true;

    fn from_found(entity: Arc<T>, _: Provenance) -> Self {
        Some(entity)
    }

    fn absent(_: Provenance) -> Option<Self> {
        Some(None)
    }

    fn entity(&self) -> Option<Arc<T>> {
        self.clone()
    }
}

/// Is what a cached function returns: a [`Payload`], or a `Result` of one with the user's own
/// error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no cached entity",
    label = "not an entity, nor an `Arc`, `Option` or `Result` of one",
    note = "return an entity `E`, `Arc<E>`, `Option<E>`, `Option<Arc<E>>` or a `Result` of one of these; `E` derives `CacheEntity`, or is a parameter `E: CacheEntity`",
    note = "for a value that is no entity, write `#[cached(prefix = \"…\")]`"
)]
pub trait CachedOutput: Sized + Send {
    /// What is returned when nothing fails.
    type Payload: Payload;

    /// Wraps a payload.
    fn from_payload(payload: Self::Payload) -> Self;

    /// Borrows the payload; `None` of a failure.
    fn payload(&self) -> Option<&Self::Payload>;
}

#[diagnostic::do_not_recommend]
impl<P: Payload> CachedOutput for P {
    type Payload = P;

    fn from_payload(payload: P) -> Self {
        payload
    }

    fn payload(&self) -> Option<&P> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<P: Payload, E: Send> CachedOutput for Result<P, E> {
    type Payload = P;

    fn from_payload(payload: P) -> Self {
        Ok(payload)
    }

    fn payload(&self) -> Option<&P> {
        self.as_ref().ok()
    }
}

/// Returns what a write returned to be stored, and what it says of that.
pub(crate) fn written_by<O: CachedOutput>(output: &O) -> Option<Written> {
    let payload = output.payload()?;
    Some((payload.entity()?, payload.overrides()))
}

/// Names the entity that a cached function returns.
pub type EntityOf<O> = <<O as CachedOutput>::Payload as Payload>::Entity;

/// Is an output that can say "nothing is cached", as the strategy `Fresh` needs it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that nothing is cached",
    label = "a `Fresh` miss has nothing to return",
    note = "return an `Option<…>`, a `Result<Option<…>, …>`, or a `Result` whose error implements `From<cache_kit::Error>`"
)]
pub trait FreshOutput: CachedOutput {
    /// Says that nothing is cached.
    fn miss() -> Self;
}

macro_rules! option_misses {
    ($($generics:ident),* => $output:ty, $miss:expr) => {
        #[diagnostic::do_not_recommend]
        impl<T: CacheEntity, $($generics: Send),*> FreshOutput for $output {
            fn miss() -> Self {
                $miss
            }
        }
    };
}

option_misses!(=> Option<T>, None);
option_misses!(=> Option<Arc<T>>, None);
option_misses!(E => Result<Option<T>, E>, Ok(None));
option_misses!(E => Result<Option<Arc<T>>, E>, Ok(None));

macro_rules! wrapper_misses {
    ($($wrapper:ident),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<P: Payload + FreshOutput> FreshOutput for $wrapper<P> {
            fn miss() -> Self {
                $wrapper::missed(P::miss())
            }
        }

        #[diagnostic::do_not_recommend]
        impl<P: Payload + FreshOutput, E: Send> FreshOutput for Result<$wrapper<P>, E> {
            fn miss() -> Self {
                Ok($wrapper::missed(P::miss()))
            }
        }
    )*};
}

wrapper_misses!(Outcome, Cached);

#[diagnostic::do_not_recommend]
impl<T: CacheEntity, E: Send + From<Error>> FreshOutput for Result<T, E> {
    fn miss() -> Self {
        Err(Error::CacheMiss.into())
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity, E: Send + From<Error>> FreshOutput for Result<Arc<T>, E> {
    fn miss() -> Self {
        Err(Error::CacheMiss.into())
    }
}

/// Is an output that can carry a failure of the cache, as `on_unreachable = propagate` and
/// `hard_timeout` need it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a failure of the cache",
    label = "needs a `Result` whose error implements `From<cache_kit::Error>`",
    note = "`hard_timeout` and `on_unreachable = propagate` need one, such as `cache_kit::Result<…>`; or remove the option"
)]
pub trait CarriesCacheError: Sized {
    /// Wraps the failure.
    fn carry(error: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> CarriesCacheError for Result<T, E> {
    fn carry(error: Error) -> Self {
        Err(error.into())
    }
}
