//! What one call asks of the engine and what it gets, as data.

use super::Kind;
use crate::engine::provenance::{Overrides, Provenance};
use crate::entity::shape::Erased;
use crate::error::Error;
use crate::flight::Failure;
use crate::strategy::CacheStrategy;
use crate::strategy::timeouts::Timeouts;
use crate::ttl::Lifetime;
use std::any::TypeId;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// What one call asks, of one key or of many.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) kind: &'static Kind,
    pub(crate) strategy: CacheStrategy,
    /// What few calls say. In a box: each call that waits keeps it.
    pub(crate) options: Option<Box<AskOptions>>,
    /// Whether a load can bring tags that its value does not have by itself.
    pub(crate) brings_tags: bool,
    pub(crate) takes: Takes,
    pub(crate) subject: Subject,
}

/// What a call says, and the declaration does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AskOptions {
    pub(crate) lifetime: Lifetime,
    pub(crate) ttl_class: Option<Cow<'static, str>>,
    /// An entry of this age, or an older one, is a miss.
    pub(crate) age_limit: Option<Duration>,
    pub(crate) timeouts: Timeouts,
    /// The tags that are known before the load.
    pub(crate) tags: Vec<String>,
}

impl Ask {
    pub(crate) fn lifetime(&self) -> Lifetime {
        self.option(|options| options.lifetime)
    }

    pub(crate) fn age_limit(&self) -> Option<Duration> {
        self.option(|options| options.age_limit)
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.option(|options| options.timeouts)
    }

    pub(crate) fn ttl_class(&self) -> Option<&str> {
        self.options.as_ref()?.ttl_class.as_deref()
    }

    pub(crate) fn tags(&self) -> &[String] {
        let options = self.options.as_ref();
        options.map_or(&[], |options| &options.tags)
    }

    fn option<T: Default>(&self, of: impl FnOnce(&AskOptions) -> T) -> T {
        self.options.as_deref().map(of).unwrap_or_default()
    }

    pub(crate) fn set_tags(&mut self, tags: Vec<String>) {
        self.options.get_or_insert_default().tags = tags;
    }

    pub(crate) fn set_lifetime(&mut self, lifetime: Lifetime) {
        self.options.get_or_insert_default().lifetime = lifetime;
    }
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    One,
    /// Where an entity was last found. An absence of that has no guard.
    Hint,
    /// Any number of keys; the first failure ends the call.
    Many,
    /// Any number of keys; a failure is its own key's.
    Each,
}

impl Subject {
    pub(crate) fn is_many(self) -> bool {
        matches!(self, Self::Many | Self::Each)
    }
}

/// What the caller's output can be made of.
#[derive(Clone, Copy)]
pub(crate) struct Takes {
    /// Whether it can say "there is none".
    pub(crate) absent: bool,
    /// Whether it can carry an error of the cache.
    pub(crate) errors: bool,
    pub(crate) failures: TakesFailures,
}

/// Which failed loads of other callers an output can be made of.
#[derive(Clone, Copy)]
pub enum TakesFailures {
    None,
    /// Those of an error of this type.
    Of(fn() -> TypeId),
    All,
}

impl Takes {
    /// Returns whether the failure of another caller's load can be this caller's output.
    pub(crate) fn failure(&self, failure: &Failure) -> bool {
        let is_same = match self.failures {
            TakesFailures::None => false,
            TakesFailures::Of(own) => {
                let error = failure.error.as_deref();
                error.is_some_and(|error| error.type_id() == own())
            }
            TakesFailures::All => true,
        };
        is_same || (self.errors && failure.own().is_some())
    }
}

/// What a load brought for one key.
pub enum Loaded {
    /// A value.
    Value(Erased, Says),
    /// The repository has none.
    Absent(Says),
    /// The load failed.
    Failed {
        /// What other callers are told; `None` if they cannot be.
        failure: Option<Failure>,
        /// What the error says, for the log. Asked for where a fallback hides the error.
        cause: Option<String>,
    },
    /// A value that is not of this key: of no use to anybody else who asks for it.
    Elsewhere,
    /// The load took longer than it may.
    TooLate,
}

/// What a load says of what it brought.
#[derive(Clone, Default)]
pub struct Says {
    pub(crate) terms: Overrides,
    /// Whether it is not to be stored.
    pub(crate) is_unwanted: bool,
}

/// What a caller gets that does not come out of its own load.
#[derive(Clone)]
pub enum Answer {
    /// A value.
    Value(Erased, Provenance),
    /// The repository has none.
    Absent(Provenance),
    /// Another caller's load failed.
    Failed(Failure),
    /// The call cannot be answered: a declaration or a loaded value is wrong, or time is up.
    Refused(Error),
    /// The cache failed, and the service's policy makes that the call's failure.
    Broken(Error),
    /// Nothing is cached, and the strategy is `Fresh`.
    Missed,
}

impl Answer {
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Refused(_) | Self::Broken(_))
    }
}

/// A load that needs nothing of its caller's any more.
pub(crate) type DetachedLoad = Pin<Box<dyn Future<Output = Loaded> + Send>>;

/// Makes a load that a task can run. Nothing of it is begun before it is polled.
pub(crate) type Reload<'r> = Option<&'r (dyn Fn() -> DetachedLoad + Sync + 'r)>;

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Value(..) => "Value",
            Self::Absent(_) => "Absent",
            Self::Failed(_) => "Failed",
            Self::Refused(_) => "Refused",
            Self::Broken(_) => "Broken",
            Self::Missed => "Missed",
        })
    }
}
