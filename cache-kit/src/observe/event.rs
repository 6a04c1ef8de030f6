use crate::error::Error;
use std::time::Duration;

/// Is one thing that happened. Prefixes are safe as labels; keys and values are never part of an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheEvent<'a> {
    /// A read found a fresh value.
    #[non_exhaustive]
    Hit {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A read found the knowledge that the repository has nothing.
    #[non_exhaustive]
    AbsentHit {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A read found a value whose time is over, and returned it while the next one is loaded.
    #[non_exhaustive]
    StaleHit {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A caller or a task began to load what will replace a stale value.
    #[non_exhaustive]
    Refresh {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A stale value was returned because the load of the next one failed, or had failed not long ago.
    #[non_exhaustive]
    StandIn {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A read found nothing fresh.
    #[non_exhaustive]
    Miss {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A caller waited for a load that was in progress, and got what it brought.
    #[non_exhaustive]
    Coalesced {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// The repository was asked, and answered.
    #[non_exhaustive]
    Load {
        /// The entity's prefix.
        prefix: &'a str,
        /// How it answered.
        outcome: LoadOutcome,
        /// How long it took.
        elapsed: Duration,
    },
    /// A loaded value or absence was stored.
    #[non_exhaustive]
    Fill {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A loaded value was not stored: an invalidation, put or clear came after the load began.
    #[non_exhaustive]
    SupersededFill {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A written value replaced the entry.
    #[non_exhaustive]
    Put {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// An entry, a whole prefix, a namespace, or what carries a tag was dropped.
    #[non_exhaustive]
    Invalidation {
        /// The entity's prefix; empty of what is dropped whatever its prefix.
        prefix: &'a str,
        /// Why.
        source: InvalidationSource,
    },
    /// The cache itself failed; the caller was served without it where that was possible.
    #[non_exhaustive]
    Failure {
        /// The entity's prefix.
        prefix: &'a str,
        /// What was being done.
        operation: Operation,
        /// What went wrong.
        error: &'a Error,
    },
}

impl CacheEvent<'_> {
    /// Returns the prefix of the entity that this is about.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Hit { prefix }
            | Self::AbsentHit { prefix }
            | Self::StaleHit { prefix }
            | Self::Refresh { prefix }
            | Self::StandIn { prefix }
            | Self::Miss { prefix }
            | Self::Coalesced { prefix }
            | Self::Load { prefix, .. }
            | Self::Fill { prefix }
            | Self::SupersededFill { prefix }
            | Self::Put { prefix }
            | Self::Invalidation { prefix, .. }
            | Self::Failure { prefix, .. } => prefix,
        }
    }

    /// Returns the name of what happened, as a label: `hit`, `absent_hit`, `stale_hit`, `refresh`, `stand_in`, `miss`, `coalesced`, `load`, `fill`, `superseded_fill`, `put`,
    /// `invalidation` or `failure`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hit { .. } => "hit",
            Self::AbsentHit { .. } => "absent_hit",
            Self::StaleHit { .. } => "stale_hit",
            Self::Refresh { .. } => "refresh",
            Self::StandIn { .. } => "stand_in",
            Self::Miss { .. } => "miss",
            Self::Coalesced { .. } => "coalesced",
            Self::Load { .. } => "load",
            Self::Fill { .. } => "fill",
            Self::SupersededFill { .. } => "superseded_fill",
            Self::Put { .. } => "put",
            Self::Invalidation { .. } => "invalidation",
            Self::Failure { .. } => "failure",
        }
    }
}

/// Says how a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// With an entity.
    Found,
    /// With the answer that there is none.
    Absent,
    /// With an error, or an entity that is not valid.
    Failed,
    /// With a panic.
    Panicked,
    /// Not at all: the caller was dropped.
    Cancelled,
    /// Not within its `hard_timeout`.
    TimedOut,
}

/// Says why an entry was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidationSource {
    /// `invalidate` was called.
    Call,
    /// The strategy was `Invalidate`.
    Strategy,
    /// A write whose result could not replace the entry.
    Put,
    /// A removal.
    Evict,
    /// A write or removal was dropped half way.
    Abandoned,
    /// The whole prefix, or namespace, was cleared.
    Clear,
    /// It carried a tag that was.
    Tag,
}

/// Says what the cache was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Checking the entity's declaration or a key.
    Declare,
    /// Asking the TTL policy.
    Policy,
    /// Reading entries.
    Read,
    /// Asking for a permit.
    Open,
    /// Validating what was loaded.
    Load,
    /// Waiting for another caller's load.
    Wait,
    /// Storing what was loaded.
    Fill,
    /// Storing what was written.
    Put,
    /// Dropping entries.
    Invalidate,
}
