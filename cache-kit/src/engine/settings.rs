//! What a service was set up with, and what of it decides how long an entry lives.

use super::Kind;
use crate::error::{Error, FailurePolicy, Result};
use crate::key::check_prefix;
use crate::observe::CacheMetrics;
use crate::strategy::timeouts::Timeouts;
use crate::strategy::{CacheContext, CacheStrategy};
use crate::ttl::{Lifetime, Ttl, TtlPolicy};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) lifetime: Lifetime,
    pub(crate) ttl_policy: Option<Arc<TtlPolicy>>,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) timeouts: Timeouts,
    pub(crate) flight_deadline: Duration,
    pub(crate) backend_deadline: Duration,
    pub(crate) lease_deadline: Duration,
    pub(crate) metrics: Option<Arc<dyn CacheMetrics>>,
}

impl Settings {
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(namespace) = &self.namespace {
            check_prefix(namespace)
                .map_err(|fault| Error::ConfigError(fault.replace("prefix", "namespace").into()))?;
        }
        self.lifetime.check()?;
        self.timeouts.check()?;
        let fault = if self.flight_deadline.is_zero() {
            "a `flight_deadline` of zero lets nobody wait"
        } else if self.backend_deadline.is_zero() {
            "a `backend_deadline` of zero asks no backend"
        } else if matches!(
            self.ttl_policy.as_deref(),
            Some(TtlPolicy::Fixed(Duration::ZERO))
        ) {
            "a `TtlPolicy::Fixed` of zero caches nothing"
        } else {
            return Ok(());
        };
        Err(Error::ConfigError(fault.into()))
    }

    pub(crate) fn early_refresh(&self) -> Option<f64> {
        self.lifetime.early_refresh()
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// What an entity's entries live by, unless a policy knows better.
    pub(crate) fn declared(&self, kind: &Kind, operation: Lifetime) -> Lifetime {
        operation.or(kind.lifetime()).or(self.lifetime)
    }

    /// Refuses what an entity and an operation say together and cannot work.
    pub(crate) fn check_declared(&self, kind: &Kind, operation: Lifetime) -> Result<()> {
        let own = operation.or(kind.lifetime());
        let declared = own.or(self.lifetime);
        declared.check()?;
        let is_kept = !own.stale().is_zero();
        if is_kept && declared.ttl().is_none() && self.ttl_policy.is_none() {
            let fault = "what has no `ttl` does not go stale; set one, or drop `stale_while_revalidate` and `stale_if_error`";
            return Err(Error::ConfigError(fault.into()));
        }
        Ok(())
    }

    /// What a policy is asked about.
    pub(crate) fn context<'a>(
        &self,
        kind: &Kind,
        strategy: CacheStrategy,
        ttl_class: Option<&'a str>,
    ) -> CacheContext<'a> {
        CacheContext {
            strategy,
            prefix: kind.prefix(),
            ttl_class,
            declared: Some(
                self.declared(kind, Lifetime::new())
                    .ttl()
                    .unwrap_or(Duration::MAX),
            ),
        }
    }

    /// How long what an operation stores lives, all things considered; `None` if it is not to be
    /// stored.
    ///
    /// # Errors
    /// That the policy panicked.
    pub(crate) fn decided(
        &self,
        kind: &Kind,
        operation: Lifetime,
        context: &CacheContext<'_>,
    ) -> Result<Option<Lifetime>> {
        let declared = self.declared(kind, operation);
        if operation.ttl().is_some() {
            return Ok(Some(declared));
        }
        Ok(match self.ask(context).transpose()? {
            None => Some(declared),
            Some(Ttl::After(ttl)) => Some(declared.with_ttl(ttl)),
            Some(Ttl::Never) => Some(declared.without_ttl()),
            Some(Ttl::NotStored) => None,
        })
    }

    /// How old an entry may be that an operation of a class accepts, if that matters; `None`
    /// without a policy.
    pub(crate) fn age_limit(&self, context: &CacheContext<'_>) -> Option<Result<Option<Duration>>> {
        let ttl = self.ask(context)?;
        Some(ttl.map(|ttl| match ttl {
            Ttl::After(limit) => Some(limit),
            Ttl::Never => None,
            Ttl::NotStored => Some(Duration::ZERO),
        }))
    }

    /// Asks the policy, if there is one. Its closure is the user's: what it leaves behind when it
    /// panics is its own.
    fn ask(&self, context: &CacheContext<'_>) -> Option<Result<Ttl>> {
        let policy = self.ttl_policy.as_deref()?;
        let decided = catch_unwind(AssertUnwindSafe(|| policy.decide(context)));
        Some(decided.map_err(|_| Error::ConfigError("the TTL policy panicked".into())))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("namespace", &self.namespace)
            .field("lifetime", &self.lifetime)
            .field("ttl_policy", &self.ttl_policy)
            .field("failure_policy", &self.failure_policy)
            .field("timeouts", &self.timeouts)
            .field("flight_deadline", &self.flight_deadline)
            .field("backend_deadline", &self.backend_deadline)
            .field("lease_deadline", &self.lease_deadline)
            .finish_non_exhaustive()
    }
}
