//! The rules of the protocol, and how they may be made weaker.

use crate::world::{NAMESPACE, PREFIX, TAG};

/// What a writer does, after each change of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Invalidate,
    Put,
    ClearPrefix,
    ClearNamespace,
    ClearTag,
}

/// How an entry is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    AsBuilt,
    MissingIsUnchanged,
    OpenedLate,
    Blind,
    SameGuard,
}

/// Who shares a load with another of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    Never,
    ByStamp,
    ByKey,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) expires: bool,
    pub(crate) loser_takes_anything: bool,
}

impl Lease {
    pub(crate) const AS_BUILT: Self = Self {
        expires: true,
        loser_takes_anything: false,
    };
}

/// What becomes of values when their time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    Dropped,
    /// They serve while their stamps are the guards.
    Checked,
    Unchecked,
}

/// Guards of scopes are not asked about each time.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a rule that can be broken"
)]
pub(crate) struct Belief {
    pub(crate) forgets_before: bool,
    pub(crate) forgets_after: bool,
    pub(crate) learns_anything: bool,
    pub(crate) dates_by_answer: bool,
}

impl Belief {
    pub(crate) const AS_BUILT: Self = Self {
        forgets_before: true,
        forgets_after: true,
        learns_anything: false,
        dates_by_answer: false,
    };
}

/// Whether an entry has a tag, and when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    /// Before the load.
    Known,
    /// From what was loaded.
    Found,
    FoundWithoutEpoch,
    FoundEpochFirst,
    FoundDroppedFirst,
}

impl Tag {
    /// Says whether the tag is stamped after the load.
    pub(crate) fn is_found(self) -> bool {
        !matches!(self, Self::None | Self::Known)
    }

    pub(crate) fn has_epoch(self) -> bool {
        self.is_found() && self != Self::FoundWithoutEpoch
    }
}

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a rule that can be broken"
)]
pub(crate) struct Rules {
    pub(crate) readers: usize,
    pub(crate) acts: Vec<Act>,
    pub(crate) put: Put,
    pub(crate) join: Join,
    pub(crate) lease: Option<Lease>,
    pub(crate) stale: Stale,
    pub(crate) belief: Option<Belief>,
    pub(crate) tag: Tag,
    pub(crate) has_crashes: bool,
    pub(crate) fills_blindly: bool,
    pub(crate) invalidates_early: bool,
    pub(crate) loads_lag: bool,
    pub(crate) takes_missing_for_unchanged: bool,
}

impl Rules {
    /// The rules as they are built, for so many readers, who come again and again, and writers who
    /// do this, each once.
    pub(crate) fn of<const N: usize>(readers: usize, acts: [Act; N]) -> Self {
        Self {
            readers,
            acts: acts.into(),
            put: Put::AsBuilt,
            join: Join::Never,
            lease: None,
            stale: Stale::Dropped,
            belief: None,
            tag: Tag::None,
            has_crashes: true,
            fills_blindly: false,
            invalidates_early: false,
            loads_lag: false,
            takes_missing_for_unchanged: false,
        }
    }

    pub(crate) fn putting(self, put: Put) -> Self {
        Self { put, ..self }
    }

    pub(crate) fn joining(self, join: Join) -> Self {
        Self { join, ..self }
    }

    pub(crate) fn leasing(self, lease: Lease) -> Self {
        let lease = Some(lease);
        Self { lease, ..self }
    }

    pub(crate) fn keeping(self, stale: Stale) -> Self {
        Self { stale, ..self }
    }

    pub(crate) fn believing(self, belief: Belief) -> Self {
        let belief = Some(belief);
        Self { belief, ..self }
    }

    pub(crate) fn tagging(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// Says whether anybody clears such a scope, or has a reason to stamp it.
    pub(crate) fn has(&self, scope: usize) -> bool {
        match scope {
            PREFIX => self.acts.contains(&Act::ClearPrefix),
            NAMESPACE => self.acts.contains(&Act::ClearNamespace),
            TAG => self.tag != Tag::None && self.acts.contains(&Act::ClearTag),
            _ => false,
        }
    }
}
