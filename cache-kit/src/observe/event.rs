use crate::error::label::labels;
use crate::error::{Damage, Error};
use std::time::Duration;

/// Is one thing that happened. Prefixes are safe as labels; keys and values are never part of an
/// event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheEvent<'a> {
    /// A read found a fresh value.
    #[non_exhaustive]
    Hit {
        /// The entity's prefix.
        prefix: &'a str,
        /// Where.
        tier: Tier,
    },
    /// A read found the knowledge that the repository has nothing.
    #[non_exhaustive]
    AbsentHit {
        /// The entity's prefix.
        prefix: &'a str,
        /// Where.
        tier: Tier,
    },
    /// A read found a value whose time is over, and returned it while the next one is loaded.
    #[non_exhaustive]
    StaleHit {
        /// The entity's prefix.
        prefix: &'a str,
        /// Where.
        tier: Tier,
    },
    /// A caller or a task began to load what will replace a stale value.
    #[non_exhaustive]
    Refresh {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A stale value was returned because the load of the next one failed, or had failed not long
    /// ago.
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
        /// Where.
        tier: Tier,
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
    /// An entry made room for others, or ended and was freed.
    #[non_exhaustive]
    Eviction {
        /// The entity's prefix.
        prefix: &'a str,
        /// Why.
        cause: EvictionCause,
    },
    /// What is stored under a key could not be read. It is a miss, and will be replaced.
    #[non_exhaustive]
    DecodeFailure {
        /// The entity's prefix.
        prefix: &'a str,
        /// What is wrong with it.
        reason: Damage,
        /// The same, in words.
        error: &'a Error,
    },
    /// The store can be used, for the first time or again.
    #[non_exhaustive]
    Up {
        /// Which server; of the memory of this process it is `memory`.
        server: &'a str,
    },
    /// The store cannot be used: calls fail at once, until it is [`Up`](Self::Up) again.
    #[non_exhaustive]
    Down {
        /// Which server.
        server: &'a str,
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
    /// Returns the prefix of the entity that this is about; empty of what is about no entity.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Hit { prefix, .. }
            | Self::AbsentHit { prefix, .. }
            | Self::StaleHit { prefix, .. }
            | Self::Miss { prefix, .. }
            | Self::Eviction { prefix, .. }
            | Self::DecodeFailure { prefix, .. }
            | Self::Refresh { prefix }
            | Self::StandIn { prefix }
            | Self::Coalesced { prefix }
            | Self::Load { prefix, .. }
            | Self::Fill { prefix }
            | Self::SupersededFill { prefix }
            | Self::Put { prefix }
            | Self::Invalidation { prefix, .. }
            | Self::Failure { prefix, .. } => prefix,
            Self::Up { .. } | Self::Down { .. } => "",
        }
    }

    /// Returns the name of what happened, as a label: `hit`, `absent_hit`, `stale_hit`, `refresh`,
    /// `stand_in`, `miss`, `coalesced`, `load`, `fill`, `superseded_fill`, `put`, `invalidation`,
    /// `eviction`, `decode_failure`, `up`, `down` or `failure`.
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
            Self::Eviction { .. } => "eviction",
            Self::DecodeFailure { .. } => "decode_failure",
            Self::Up { .. } => "up",
            Self::Down { .. } => "down",
            Self::Failure { .. } => "failure",
        }
    }
}

labels! {
    /// Says where an entry was found, or looked for in vain.
    pub enum Tier {
        /// In the memory of this process.
        Memory = "memory",
        /// In a store that other processes share.
        Remote = "remote",
    }
}

labels! {
    /// Says how a load ended.
    pub enum LoadOutcome {
        /// With an entity.
        Found = "found",
        /// With the answer that there is none.
        Absent = "absent",
        /// With an error, or an entity that is not valid.
        Failed = "failed",
        /// With a panic.
        Panicked = "panicked",
        /// Not at all: the caller was dropped.
        Cancelled = "cancelled",
        /// Not within its `hard_timeout`.
        TimedOut = "timed_out",
    }
}

labels! {
    /// Says why an entry was dropped.
    pub enum InvalidationSource {
        /// `invalidate` was called.
        Call = "call",
        /// The strategy was `Invalidate`.
        Strategy = "strategy",
        /// A write whose result could not replace the entry.
        Put = "put",
        /// A removal.
        Evict = "evict",
        /// A write or removal was dropped half way.
        Abandoned = "abandoned",
        /// The whole prefix, or namespace, was cleared.
        Clear = "clear",
        /// It carried a tag that was.
        Tag = "tag",
    }
}

labels! {
    /// Says why an entry was evicted. What a clear, or the end of a tag, has made unreachable is
    /// freed later, and counts then.
    pub enum EvictionCause {
        /// Its time was over.
        Expired = "expired",
        /// Others needed the room, or it was not worth it.
        Capacity = "capacity",
    }
}

labels! {
    /// Says what the cache was doing when it failed.
    pub enum Operation {
        /// Checking the entity's declaration or a key.
        Declare = "declare",
        /// Asking the TTL policy.
        Policy = "policy",
        /// Reading entries.
        Read = "read",
        /// Asking for a permit.
        Open = "open",
        /// Loading: what came was not valid, or nothing came in time.
        Load = "load",
        /// Waiting for another caller's load.
        Wait = "wait",
        /// Storing what was loaded.
        Fill = "fill",
        /// Storing what was written.
        Put = "put",
        /// Dropping entries.
        Invalidate = "invalidate",
    }
}
