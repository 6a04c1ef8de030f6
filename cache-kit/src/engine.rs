//! The engine: reads, loads, stores and invalidates, without knowing a backend's type, an output's
//! type or a body's. It is compiled once, with this crate.
//!
//! It is not given the body of a load: the call is split there. [`Read::next`] answers, or says
//! which keys are the caller's to load; the caller runs its own body, in its own frame, under
//! [`Read::run`]; [`Read::land`] stores what came and tells everyone who waits for it.

mod ahead;
mod answer;
mod ask;
mod body;
pub(crate) mod call;
mod definitions;
mod detached;
pub(crate) mod early;
mod follow;
mod freshness;
mod index;
mod item;
mod kind;
mod land;
mod lease;
mod look_up;
mod open;
mod plan;
pub(crate) mod provenance;
mod read;
mod requests;
mod settings;
mod storing;
mod tags;
pub(crate) mod throttle;
mod turn;
mod write;

pub use ask::Answer;
pub(crate) use ask::{
    Ask, AskOptions, DetachedLoad, Loaded, Reload, Says, Subject, Takes, TakesFailures,
};
pub use body::Run;
pub(crate) use definitions::Definitions;
pub use index::IndexTurn;
pub(crate) use index::{ByIndex, IndexKind};
pub(crate) use item::Peeked;
pub(crate) use kind::Kind;
pub(crate) use land::ManyLanding;
pub(crate) use read::Read;
pub(crate) use settings::Settings;
pub(crate) use turn::Begun;
pub use turn::Turn;
pub use write::Scopes;
pub(crate) use write::{Write, Written};

use crate::engine::early::Early;
use crate::engine::throttle::Throttle;
use crate::error::{Error, FailurePolicy, Result};
use crate::flight::Flights;
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{CacheEvent, InvalidationSource, Observer, Operation, Tier, store_span};
use crate::runtime::background::Background;
use crate::store::Store;
use crate::store::tag::{Scope, Tag, namespace_of};
use crate::strategy::CacheStrategy;
use crate::strategy::timeouts::Timeouts;
use crate::ttl::Lifetime;
use freshness::Windows;
use std::sync::Arc;
use std::time::Duration;

/// What a service runs on, shared by its clones.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) flights: Arc<Flights>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) early: Arc<Early>,
    pub(crate) background: Background,
    pub(crate) observer: Observer,
    pub(crate) definitions: Definitions,
}

impl Engine {
    /// Tells apart, in what a body is loading, services that do not share loads.
    fn id(&self) -> usize {
        Arc::as_ptr(&self.flights) as usize
    }

    pub(crate) fn record(&self, event: &CacheEvent<'_>) {
        self.observer.record(event);
    }

    pub(crate) fn tier(&self) -> Tier {
        if self.store.is_remote() {
            Tier::Remote
        } else {
            Tier::Memory
        }
    }

    pub(crate) fn record_hit(&self, kind: &Kind) {
        let (prefix, tier) = (kind.prefix(), self.tier());
        self.record(&CacheEvent::Hit { prefix, tier });
    }

    pub(crate) fn record_absent_hit(&self, kind: &Kind) {
        let (prefix, tier) = (kind.prefix(), self.tier());
        self.record(&CacheEvent::AbsentHit { prefix, tier });
    }

    pub(crate) fn record_miss(&self, kind: &Kind) {
        let (prefix, tier) = (kind.prefix(), self.tier());
        self.record(&CacheEvent::Miss { prefix, tier });
    }

    /// Counts a failure of the cache, and logs it.
    pub(crate) fn failed(&self, kind: &Kind, operation: Operation, error: &Error) {
        self.fault(kind.prefix(), operation, error);
    }

    pub(crate) fn fault(&self, prefix: &str, operation: Operation, error: &Error) {
        if let Some(reason) = error.damage() {
            tracing::warn!(prefix, %reason, %error, "an entry cannot be decoded");
            return self.record(&CacheEvent::DecodeFailure {
                prefix,
                reason,
                error,
            });
        }
        if let Error::ConfigError(_) = error {
            // A mistake in the program, which waiting does not mend.
            tracing::error!(prefix, ?operation, %error, "the cache cannot work");
        } else {
            tracing::warn!(prefix, ?operation, %error, "the cache failed");
        }
        self.record(&CacheEvent::Failure {
            prefix,
            operation,
            error,
        });
    }

    /// Counts an answer that is a failure, and goes on without it.
    pub(crate) fn counted<A>(
        &self,
        kind: &Kind,
        operation: Operation,
        answer: Result<A>,
    ) -> Option<A> {
        answer
            .inspect_err(|error| self.failed(kind, operation, error))
            .ok()
    }

    /// Returns whether a failure of the cache ends a call whose output can carry it.
    pub(crate) fn is_strict(&self) -> bool {
        matches!(self.settings.failure_policy, FailurePolicy::Propagate)
    }

    /// Returns how early what an operation reads is loaded again, if it is.
    pub(crate) fn early_refresh(&self, kind: &Kind, operation: Lifetime) -> Option<f64> {
        let beta = operation.early_refresh();
        let beta = beta.or_else(|| kind.lifetime().early_refresh());
        let beta = beta.or_else(|| self.settings.early_refresh());
        beta.filter(|beta| *beta > 0.0)
    }

    /// Returns how long an operation waits for a load.
    pub(crate) fn timeouts(&self, operation: Timeouts) -> Timeouts {
        operation.or(self.settings.timeouts)
    }

    /// Builds a tag of this service's namespace.
    pub(crate) fn tag(&self, text: &str) -> Tag {
        Tag::new(self.settings.namespace(), text)
    }

    /// Begins a key below a prefix.
    #[inline]
    pub(crate) fn writer(&self, prefix: &str) -> KeyWriter {
        KeyWriter::new(self.settings.namespace(), prefix)
    }

    /// Checks a declaration before anything is stored under it.
    pub(crate) fn declare(&self, kind: &'static Kind, operation: Lifetime) -> Result<()> {
        let is_plain = operation == Lifetime::new();
        if is_plain && self.definitions.is_checked(kind) {
            return Ok(());
        }
        self.settings.check_declared(kind, operation)?;
        self.definitions.check(kind)?;
        if is_plain {
            self.definitions.set_checked(kind);
        }
        Ok(())
    }

    /// Returns what an operation's entries live by, unless a policy knows better.
    pub(crate) fn declared(&self, kind: &Kind, operation: Lifetime) -> Lifetime {
        self.settings.declared(kind, operation)
    }

    fn windows(&self, kind: &Kind, operation: Lifetime) -> Windows {
        self.declared(kind, operation).into()
    }

    /// Returns how long what an operation stores lives; `None` if it is not to be stored.
    pub(crate) fn lifetime(
        &self,
        kind: &Kind,
        operation: Lifetime,
        strategy: CacheStrategy,
        ttl_class: Option<&str>,
    ) -> Option<Lifetime> {
        let context = self.settings.context(kind, strategy, ttl_class);
        let decided = self.settings.decided(kind, operation, &context);
        decided.unwrap_or_else(|error| {
            self.failed(kind, Operation::Policy, &error);
            Some(self.settings.declared(kind, operation))
        })
    }

    /// Returns how old an entry can be that an operation of a class accepts.
    ///
    /// # Errors
    /// [`Error::ConfigError`], if there is no policy to ask.
    pub(crate) fn age_limit(
        &self,
        kind: &Kind,
        strategy: CacheStrategy,
        ttl_class: &str,
    ) -> Result<Option<Duration>> {
        let context = self.settings.context(kind, strategy, Some(ttl_class));
        match self.settings.age_limit(&context) {
            Some(limit) => Ok(limit.unwrap_or_else(|error| {
                self.failed(kind, Operation::Policy, &error);
                // How much the class may see is not known: it sees what is in the repository.
                Some(Duration::ZERO)
            })),
            None => Err(Error::ConfigError(
                "an operation has a `ttl_class`, and the service no `ttl_policy` to ask about it"
                    .into(),
            )),
        }
    }

    /// Drops all entries of a prefix.
    pub(crate) async fn clear_prefix(&self, prefix: &str) -> Result<()> {
        let whole = match self.settings.namespace() {
            Some(namespace) => format!("{namespace}:{prefix}"),
            None => prefix.to_owned(),
        };
        let (scope, source) = (Scope::Prefix(&whole), InvalidationSource::Clear);
        self.clear(scope, prefix, source, |key| key.prefix() == whole)
            .await
    }

    /// Drops all entries of the service's namespace.
    pub(crate) async fn clear_namespace(&self) -> Result<()> {
        let namespace = self.settings.namespace();
        let (scope, source) = (Scope::Namespace(namespace), InvalidationSource::Clear);
        self.clear(scope, "", source, |key| is_in(key, namespace))
            .await
    }

    /// Drops all entries that carry a tag.
    pub(crate) async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        let tag = self.tag(tag);
        // Any load of the namespace can bring the tag.
        let may_bring = |key: &CacheKey| is_in(key, tag.namespace());
        let (scope, source) = (Scope::Tag(&tag), InvalidationSource::Tag);
        self.clear(scope, "", source, may_bring).await
    }

    async fn clear(
        &self,
        scope: Scope<'_>,
        prefix: &str,
        source: InvalidationSource,
        is_meant: impl Fn(&CacheKey) -> bool,
    ) -> Result<()> {
        let span = store_span(prefix, Operation::Invalidate, 1);
        let cleared = tracing::Instrument::instrument(self.store.clear(scope), span).await;
        // Even if the store could not be told: who comes after this call must not be given what
        // was loaded before it.
        self.flights.detach_all(is_meant);
        match &cleared {
            Ok(()) => self.record(&CacheEvent::Invalidation { prefix, source }),
            Err(error) => self.fault(prefix, Operation::Invalidate, error),
        }
        cleared
    }
}

fn is_in(key: &CacheKey, namespace: Option<&str>) -> bool {
    namespace_of(key.prefix().as_bytes()) == namespace.unwrap_or_default().as_bytes()
}
