//! One load per key: who comes while it is in progress waits for it.

pub(crate) mod core;
mod waiters;

pub(crate) use core::{Joined, Leader};

use crate::entity::shape::{Erased, Shape};
use crate::error::{Cause, Error};
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use crate::store::Stamp;
use std::any::{Any, TypeId};
use std::sync::Arc;

/// What `core` locks with; the model puts its own in this place.
mod sync {
    pub(super) use std::sync::{Arc, Mutex, MutexGuard};
}

/// The right and the duty to load a key, for everyone on its flight.
pub(crate) type Lead = Leader<CacheKey, Tag, Landing>;

/// A caller that waits for a flight.
pub(crate) type Waiting = core::Follower<CacheKey, Tag, Landing>;

/// What a caller waited for.
pub(crate) type Arrived = core::Arrival<CacheKey, Tag, Landing>;

/// A flight that has landed and can still be joined.
pub(crate) type Landed = core::Landed<CacheKey, Tag, Landing>;

/// All flights of a service.
pub(crate) type Flights = core::Flights<CacheKey, Tag, Landing>;

/// Which callers may share a load: those that read the same guard, and want the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `None` where the backend could not be asked. Nobody knows then what has been invalidated
    /// since such a flight began: who comes to it waits until it has landed, and shares the next.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) type_id: TypeId,
}

impl Tag {
    /// Builds the tag of callers that want a value of this shape in this state of its key.
    pub(crate) fn of_shape(shape: &Shape, stamp: Option<Stamp>) -> Self {
        Self {
            stamp,
            type_id: shape.type_id(),
        }
    }
}

/// What a flight brought, for everyone who waited.
#[derive(Clone)]
pub(crate) enum Landing {
    Value(Erased),
    /// What the leader found when it opened, somebody else having stored it: an entity or an
    /// absence. It may be too old for some who waited.
    Found(Option<Erased>, Age),
    /// What was loaded is not valid: an error to callers that can be told, else what it is.
    Invalid(Erased, Error),
    Absent,
    /// The load failed.
    Failed(Failure),
    /// The cache failed, and that was the call's error: so it is for all whose output can carry it.
    Broken(Error),
}

/// A failed load, as it can be passed on: the error itself, for callers of the same error type that
/// can clone it, and what it said.
#[derive(Clone)]
pub struct Failure {
    pub(crate) error: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) cause: Cause,
}

impl Failure {
    /// Returns the error, if it is the runtime's, which other types may be able to carry.
    pub(crate) fn own(&self) -> Option<&Error> {
        self.error.as_ref()?.downcast_ref()
    }
}
