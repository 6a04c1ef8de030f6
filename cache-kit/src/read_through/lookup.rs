//! What a look-up says, typed, and what follows from a miss.

use crate::backend::{Age, Lease, Lookup, Stamp};
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::flight::Landing;
use std::sync::Arc;
use std::time::Duration;

/// A look-up whose type is known.
pub(crate) enum Typed<T> {
    Hit(Arc<T>),
    Absent,
    Miss(Missed),
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
                Self::Miss(Missed::Unstamped)
            }
            // A backend that hands out another type than it was asked for has missed.
            Lookup::Hit { value, .. } => value
                .downcast()
                .map_or(Self::Miss(Missed::Unstamped), Self::Hit),
            Lookup::Absent { .. } => Self::Absent,
            Lookup::Miss(stamp) => Self::Miss(stamp.map_or(Missed::Unstamped, Missed::At)),
        }
    }
}

/// Takes what `open` found for a flight's landing, if it is what this caller wants.
pub(crate) fn landing_of<T: CacheEntity>(
    age_limit: Option<Duration>,
    found: Lookup,
) -> Option<Landing> {
    match Typed::<T>::within(age_limit, found) {
        Typed::Hit(entity) => Some(Landing::Found(Some(entity))),
        Typed::Absent => Some(Landing::Found(None)),
        Typed::Miss(_) => None,
    }
}

impl<T: CacheEntity> From<Lookup> for Typed<T> {
    fn from(lookup: Lookup) -> Self {
        Self::within(None, lookup)
    }
}
