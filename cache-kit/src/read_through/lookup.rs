//! What a look-up says, typed, and what follows from a miss.

use crate::backend::{self, Age, Lease, Lookup, Stamp};
use crate::early::EarlyBird;
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::flight::{Landing, Lead};
use std::sync::Arc;
use std::time::Duration;

/// A look-up whose type is known.
pub(crate) enum Typed<T> {
    Hit(Arc<T>, Age),
    Absent(Age),
    Miss(Miss<T>),
}

/// A look-up that found nothing fresh. What few misses have is boxed: every caller carries one.
pub(crate) struct Miss<T> {
    pub(crate) missed: Missed,
    /// What has ended and is kept.
    pub(crate) stale: Option<Box<Stale<T>>>,
    /// The duty to refresh that, where it is the caller's.
    pub(crate) lead: Option<Box<Lead>>,
    /// What has not ended yet, where it is the caller's to load the next one.
    pub(crate) early: Option<Box<Found<T>>>,
}

/// A value that is fresh, and the right to load the next one.
pub(crate) struct Found<T> {
    pub(crate) entity: Arc<T>,
    pub(crate) age: Age,
    pub(crate) bird: EarlyBird,
}

/// A value whose time is over.
pub(crate) struct Stale<T> {
    pub(crate) entity: Arc<T>,
    pub(crate) age: Age,
    /// For how long.
    pub(crate) since: Duration,
    pub(crate) stamp: Stamp,
}

impl<T> From<Missed> for Miss<T> {
    fn from(missed: Missed) -> Self {
        Self {
            missed,
            stale: None,
            lead: None,
            early: None,
        }
    }
}

impl<T> Clone for Stale<T> {
    fn clone(&self) -> Self {
        Self {
            entity: Arc::clone(&self.entity),
            ..*self
        }
    }
}

/// What a miss says of the key's state, and so of who may share a load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Missed {
    /// The state is known.
    At(Stamp),
    /// The backend answered without one: a permit tells.
    Unstamped,
    /// The backend did not answer. The load goes on without it and is not stored.
    Unreachable,
}

/// Where a load's permit comes from.
pub(crate) enum Pass<P> {
    /// It has not been asked for.
    Unopened,
    /// It is here, and says whose turn it is.
    Opened(P, Lease),
    /// There is none: nothing is stored.
    Denied,
}

impl<P> Pass<P> {
    /// Keeps a permit for a flight that this caller may lead. Where others opened with it, their flight may have landed before this one begins: it is asked for
    /// again then.
    pub(crate) fn kept(permit: P, lease: Lease) -> Self {
        match lease {
            Lease::Shared => Self::Unopened,
            Lease::Held | Lease::Taken => Self::Opened(permit, lease),
        }
    }

    pub(super) fn renewed(self) -> Self {
        match self {
            Self::Denied => Self::Denied,
            Self::Unopened | Self::Opened(..) => Self::Unopened,
        }
    }
}

impl Missed {
    /// What is known after a look-up that failed. A corrupt entry is there to be replaced.
    pub(crate) fn after(error: &Error) -> Self {
        match error {
            Error::DeserializationError(_) => Self::Unstamped,
            _ => Self::Unreachable,
        }
    }
}

impl<T: CacheEntity> Typed<T> {
    /// Takes what is as old as the limit, or older, for a miss.
    pub(crate) fn within(age_limit: Option<Duration>, lookup: Lookup) -> Self {
        let is_too_old = |age: Age| age_limit.is_some_and(|limit| age.get() >= limit);
        match lookup {
            Lookup::Hit { age, .. } | Lookup::Absent { age } if is_too_old(age) => {
                Self::missed(Missed::Unstamped)
            }
            // A backend that hands out another type than it was asked for has missed.
            Lookup::Hit { value, age } => match value.downcast() {
                Ok(entity) => Self::Hit(entity, age),
                Err(_) => Self::missed(Missed::Unstamped),
            },
            Lookup::Absent { age } => Self::Absent(age),
            Lookup::Stale(stale) => Self::Miss(Miss {
                missed: Missed::At(stale.stamp),
                stale: Stale::of(stale, is_too_old).map(Box::new),
                lead: None,
                early: None,
            }),
            Lookup::Miss(stamp) => Self::missed(stamp.map_or(Missed::Unstamped, Missed::At)),
        }
    }

    fn missed(missed: Missed) -> Self {
        Self::Miss(missed.into())
    }
}

impl<T: CacheEntity> Stale<T> {
    fn of(stale: backend::Stale, is_too_old: impl Fn(Age) -> bool) -> Option<Self> {
        if is_too_old(stale.age) {
            return None;
        }
        Some(Self {
            entity: stale.value.downcast().ok()?,
            age: stale.age,
            since: stale.since,
            stamp: stale.stamp,
        })
    }
}

/// Takes what `open` found for a flight's landing, if it is what this caller wants.
pub(crate) fn landing_of<T: CacheEntity>(
    age_limit: Option<Duration>,
    found: Lookup,
) -> Option<Landing> {
    match Typed::<T>::within(age_limit, found) {
        Typed::Hit(entity, age) => Some(Landing::Found(Some(entity), age)),
        Typed::Absent(age) => Some(Landing::Found(None, age)),
        Typed::Miss(_) => None,
    }
}

impl<T: CacheEntity> From<Lookup> for Typed<T> {
    fn from(lookup: Lookup) -> Self {
        Self::within(None, lookup)
    }
}
