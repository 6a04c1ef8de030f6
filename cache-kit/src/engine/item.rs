//! One key of a call: what is known of it, and who loads it.

use super::ask::Answer;
use crate::engine::early::EarlyBird;
use crate::entity::shape::Erased;
use crate::error::Error;
use crate::flight::{Lead, Waiting};
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use crate::store::{AnyPermit, Lease, Lookup, Stamp};

/// What a peek found, for the call that goes on after it.
#[derive(Default)]
pub(crate) struct Peeked {
    /// `None` if the store has to be waited for.
    pub(crate) found: Option<Lookup>,
    /// Whether it was drawn that the hit is loaded again before it ends. That is drawn once a call.
    pub(crate) is_drawn: bool,
}

impl Peeked {
    /// What was found is of no use, and tells nothing of the key's state.
    pub(crate) fn missed() -> Self {
        Self::found(Some(Lookup::Miss(None)))
    }

    pub(crate) fn found(found: Option<Lookup>) -> Self {
        Self {
            found,
            is_drawn: false,
        }
    }

    /// A hit that is loaded again before it ends.
    pub(crate) fn drawn(hit: Lookup) -> Self {
        Self {
            found: Some(hit),
            is_drawn: true,
        }
    }
}

/// One key of a call.
pub(super) struct Item {
    /// `None` if the key cannot be, or the call passes the cache by.
    pub(super) key: Option<CacheKey>,
    pub(super) known: Known,
    pub(super) missed: Missed,
    pub(super) purpose: Purpose,
    /// What the answer is if the load fails.
    pub(super) fallback: Option<Box<Fallback>>,
    /// Whether the next landing can be taken. Of a flight that no guard names, only one that began
    /// after this call came to it.
    pub(super) takes_next: bool,
    /// The same of an absence.
    pub(super) takes_absence: bool,
    /// Whether the fallback is the answer when the call's soft timeout is over.
    pub(super) is_impatient: bool,
    /// How often a caller with little patience has looked for another one who loads.
    pub(super) hand_overs: u8,
}

/// What a call knows of a key.
pub(super) enum Known {
    /// What a peek found.
    Peeked(Peeked),
    /// Why the call cannot go through the cache.
    Refused(Error),
    /// It is to be loaded.
    Missed,
    /// The answer.
    Answer(Answer),
}

impl Item {
    pub(super) fn new(key: Option<CacheKey>, known: Known, takes_absence: bool) -> Self {
        Self {
            key,
            known,
            missed: Missed::Unreachable,
            purpose: Purpose::Miss,
            fallback: None,
            takes_next: true,
            takes_absence,
            is_impatient: false,
            hand_overs: 0,
        }
    }

    pub(super) fn answer(&self) -> Option<&Answer> {
        match &self.known {
            Known::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        matches!(self.known, Known::Answer(_))
    }

    /// Takes the answer.
    pub(super) fn take_answer(&mut self) -> Option<Answer> {
        match std::mem::replace(&mut self.known, Known::Missed) {
            Known::Answer(answer) => Some(answer),
            known => {
                self.known = known;
                None
            }
        }
    }

    /// Takes why the call cannot go through the cache.
    pub(super) fn take_refusal(&mut self) -> Option<Error> {
        match std::mem::replace(&mut self.known, Known::Missed) {
            Known::Refused(error) => Some(error),
            known => {
                self.known = known;
                None
            }
        }
    }
}

/// What a miss says of the key's state, and so of the callers who can share a load.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missed {
    /// The state is known.
    At(Stamp),
    /// The store answered without one: a permit tells.
    Unstamped,
    /// The store did not answer. The load goes on without it and is not stored.
    Unreachable,
}

impl Missed {
    /// What is known after a look-up that failed. A corrupt entry is there to be replaced.
    pub(super) fn after(error: &Error) -> Self {
        match error {
            Error::DeserializationError(_) => Self::Unstamped,
            _ => Self::Unreachable,
        }
    }
}

/// Why a load is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing fresh was found.
    Miss,
    /// What is stale serves, and is to be replaced.
    Revalidate,
    /// What is fresh serves, and the next value is to be there before it ends.
    Ahead,
}

/// A value that serves if the load of the next one fails.
pub(super) struct Fallback {
    pub(super) value: Erased,
    pub(super) age: Age,
    /// The state of the key that it was found in, of what is stale.
    pub(super) stamp: Option<Stamp>,
    /// The right to load before it ends, of what is fresh: held until the load has landed.
    #[expect(dead_code, reason = "it is given back when it is dropped")]
    pub(super) bird: Option<EarlyBird>,
}

/// Where a load's permit comes from.
pub(super) enum Pass {
    /// It has not been asked for.
    Unopened,
    /// It is here, and says whose turn it is.
    Opened(AnyPermit, Lease),
    /// There is none: nothing is stored.
    Denied,
}

impl Pass {
    /// Keeps a permit for a flight that this caller may lead. Where others opened with it, their
    /// flight may have landed before this one begins: it is asked for again then.
    pub(super) fn kept(permit: AnyPermit, lease: Lease) -> Self {
        match lease {
            Lease::Shared => Self::Unopened,
            Lease::Held | Lease::Taken => Self::Opened(permit, lease),
        }
    }

    /// A permit from before a wait may be void. A new one shows what has come since.
    pub(super) fn after_wait(is_denied: bool) -> Self {
        if is_denied {
            Self::Denied
        } else {
            Self::Unopened
        }
    }
}

/// An item that this call loads: on a flight of its own, or beside all flights.
pub(super) struct Task {
    pub(super) item: usize,
    pub(super) lead: Option<Lead>,
    pub(super) pass: Pass,
}

/// An item that another call loads.
pub(super) struct Wait {
    pub(super) item: usize,
    pub(super) follower: Waiting,
    /// Whether the store cannot be asked for a permit.
    pub(super) is_denied: bool,
    /// Whether the time is over in which others are left to load it.
    pub(super) is_over: bool,
}
