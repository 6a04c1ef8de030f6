//! What a load for an index has brought.

use crate::entity::CacheEntity as _;
use crate::error::{Error, Result};
use crate::flight::Failure;
use crate::outcome::{Payload, Seen, Terms};
use std::sync::Arc;

/// Why a load has brought nothing.
pub(super) enum Failed {
    /// It failed, or nobody wanted it.
    Loaded,
    /// It failed, in a way that others can be told.
    Shared(Failure),
    Cache(Error),
}

/// An entity, and how it was come by.
pub(super) struct Traced<P: Payload> {
    pub(super) entity: Option<Arc<P::Entity>>,
    /// Whether the load has brought none, or another: that says nothing of who else asks for this one.
    is_elsewhere: bool,
    pub(super) seen: Seen,
    terms: Terms,
}

impl<P: Payload> Traced<P> {
    pub(super) fn loaded(entity: Option<Arc<P::Entity>>, terms: Terms) -> Self {
        Self {
            is_elsewhere: entity.is_none(),
            entity,
            seen: Seen::SHARED,
            terms,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<P: Payload> Payload for Traced<P> {
    type Entity = P::Entity;

    const TAGS: bool = P::TAGS;

    fn from_found(entity: Arc<P::Entity>, seen: Seen) -> Self {
        Self {
            entity: Some(entity),
            is_elsewhere: false,
            seen,
            terms: Terms::default(),
        }
    }

    fn absent(seen: Seen) -> Option<Self> {
        Some(Self {
            entity: None,
            is_elsewhere: false,
            seen,
            terms: Terms::default(),
        })
    }

    fn is_some(&self) -> bool {
        self.entity.is_some()
    }

    fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    fn check(&self) -> Result<()> {
        self.entity
            .as_ref()
            .map_or(Ok(()), |entity| entity.validate())
    }

    fn entity(&self) -> Option<Arc<P::Entity>> {
        self.entity.clone()
    }

    fn terms(&self) -> Terms {
        self.terms.clone()
    }
}
