//! What one call asks for, and what its return type can do. Generated code fills it in.

pub(crate) mod probe;

use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::error::{Cause, Error, FailurePolicy};
use crate::flight::Failure;
use crate::service::CacheService;
use crate::strategy::CacheStrategy;
use crate::timeouts::Timeouts;
use crate::ttl::Lifetime;
use std::any::Any;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Describes one cached call that returns `O`.
pub struct Call<O> {
    pub(crate) strategy: CacheStrategy,
    pub(crate) lifetime: Lifetime,
    pub(crate) ttl_class: Option<Cow<'static, str>>,
    pub(crate) age_limit: Option<Duration>,
    pub(crate) miss: Option<fn() -> O>,
    pub(crate) timeouts: Timeouts,
    /// Whether the call has drawn that it loads what has not ended yet.
    pub(crate) is_early: AtomicBool,
    /// The tags of what is loaded that are known before.
    pub(crate) tags: Vec<String>,
    /// Whether what was loaded is not to be stored.
    pub(crate) unless: Option<fn(&O) -> bool>,
    /// Whether a write of what is absent invalidates the key that is asked for.
    pub(crate) is_absence_guarded: bool,
    pub(crate) sharing: Sharing<O>,
    pub(crate) carry: Option<fn(Error) -> O>,
    /// What a failed load says, for the log.
    pub(crate) say: fn(&O) -> Option<String>,
}

impl<O> Call<O> {
    /// Begins with a strategy, and an output of which nothing is known.
    pub fn new(strategy: CacheStrategy) -> Self {
        Self {
            strategy,
            lifetime: Lifetime::new(),
            ttl_class: None,
            age_limit: None,
            miss: None,
            timeouts: Timeouts::default(),
            is_early: AtomicBool::new(false),
            tags: Vec::new(),
            unless: None,
            is_absence_guarded: true,
            sharing: Sharing::none(),
            carry: None,
            say: |_| None,
        }
    }

    /// Says what a `Fresh` miss returns.
    #[must_use]
    pub fn or_miss(mut self, miss: fn() -> O) -> Self {
        self.miss = Some(miss);
        self
    }

    /// Leaves the cache alone, unless something holds.
    #[must_use]
    pub fn only_if(mut self, condition: bool) -> Self {
        if !condition {
            self.strategy = CacheStrategy::Bypass;
        }
        self
    }

    /// Says after how long a caller who could have a stale value has it.
    #[must_use]
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.soft = Some(timeout);
        self
    }

    /// Says after how long a load has failed.
    #[must_use]
    pub fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.hard = Some(timeout);
        self
    }

    /// Says that no write invalidates an absence: a caller takes it only from a load that began
    /// after the call.
    #[must_use]
    pub(crate) fn unguarded_absence(mut self) -> Self {
        self.is_absence_guarded = false;
        self
    }

    #[must_use]
    pub(crate) fn within(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Says by which tags what is loaded can be dropped.
    #[must_use]
    pub fn tags(mut self, tags: Vec<String>) -> Self {
        self.tags = tags;
        self
    }

    /// Says which loaded values are not stored.
    #[must_use]
    pub fn unless(mut self, unless: fn(&O) -> bool) -> Self {
        self.unless = Some(unless);
        self
    }

    /// Overrides the entity's TTL.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.lifetime = self.lifetime.with_ttl(ttl);
        self
    }

    /// Overrides the entity's negative TTL.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.lifetime = self.lifetime.with_negative_ttl(ttl);
        self
    }

    /// Overrides the entity's jitter.
    #[must_use]
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.lifetime = self.lifetime.with_jitter(fraction);
        self
    }

    /// Overrides for how long the entity's values serve while the next is loaded.
    #[must_use]
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.lifetime = self.lifetime.with_stale_while_revalidate(window);
        self
    }

    /// Overrides for how long the entity's values serve where the load of the next fails.
    #[must_use]
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.lifetime = self.lifetime.with_stale_if_error(window);
        self
    }

    /// Overrides how early the entity's values are loaded again.
    #[must_use]
    pub fn early_refresh(mut self, beta: f64) -> Self {
        self.lifetime = self.lifetime.with_early_refresh(beta);
        self
    }

    /// Overrides how long a key is not asked for again after a load that failed.
    #[must_use]
    pub fn error_throttle(mut self, interval: Duration) -> Self {
        self.lifetime = self.lifetime.with_error_throttle(interval);
        self
    }

    /// Names the class that asks, and how old an entry it accepts.
    #[must_use]
    pub(crate) fn class(mut self, class: Cow<'static, str>, age_limit: Option<Duration>) -> Self {
        self.ttl_class = Some(class);
        self.age_limit = age_limit;
        self
    }

    /// How long what this call loads lives; `None` if it is not to be stored.
    pub(crate) fn lifetime_in<B: CacheBackend, T: CacheEntity>(
        &self,
        cache: &CacheService<B>,
    ) -> Option<Lifetime> {
        cache.lifetime::<T>(self.lifetime, self.strategy, self.ttl_class.as_deref())
    }

    /// For how long what this call loads is kept, in as far as that is known before; `None` if for ever.
    pub(crate) fn kept_in<B: CacheBackend, T: CacheEntity>(
        &self,
        cache: &CacheService<B>,
    ) -> Option<Duration> {
        // What is not stored needs no time.
        let lifetime = self.lifetime_in::<B, T>(cache);
        let lifetime = lifetime.unwrap_or(Lifetime::from(Duration::ZERO));
        lifetime
            .ttl()
            .map(|ttl| ttl.saturating_add(lifetime.stale()))
    }

    /// How a failure of the cache ends this call, where it is to.
    pub(crate) fn strict_in<B: CacheBackend>(
        &self,
        cache: &CacheService<B>,
    ) -> Option<fn(Error) -> O> {
        match cache.inner().settings.failure_policy {
            FailurePolicy::Degrade => None,
            FailurePolicy::Propagate => self.carry,
        }
    }

    /// What a miss returns, if a miss is all that is wanted.
    pub(crate) fn fresh_miss(&self) -> Option<fn() -> O> {
        self.miss.filter(|_| self.strategy == CacheStrategy::Fresh)
    }

    /// Says how a failed load is told to those who waited for it.
    #[must_use]
    pub fn sharing(mut self, sharing: Sharing<O>) -> Self {
        self.sharing = sharing;
        self
    }

    /// Says what a failed load says of itself.
    #[must_use]
    pub fn saying(mut self, say: fn(&O) -> Option<String>) -> Self {
        self.say = say;
        self
    }

    /// Says how a failure of the cache is returned, if it can be.
    #[must_use]
    pub fn carrying(mut self, carry: Option<fn(Error) -> O>) -> Self {
        self.carry = carry;
        self
    }
}

impl<P: Send, E: Send + 'static> Call<Result<P, E>> {
    /// The call of an API that takes any error type: only `cache_kit::Error` itself is known to be clonable.
    pub(crate) fn direct(strategy: CacheStrategy) -> Self {
        let carry = is_own::<E>().then_some(carry_direct::<P, E> as fn(Error) -> Result<P, E>);
        Self::new(strategy)
            .sharing(Sharing::direct())
            .carrying(carry)
            .saying(|output| share_own(output.as_ref().err()?).map(|own| own.cause.to_string()))
    }
}

impl<O> Clone for Call<O> {
    fn clone(&self) -> Self {
        Self {
            ttl_class: self.ttl_class.clone(),
            is_early: AtomicBool::new(self.is_early.load(Ordering::Relaxed)),
            tags: self.tags.clone(),
            sharing: self.sharing.clone(),
            ..*self
        }
    }
}

impl<O> fmt::Debug for Call<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("strategy", &self.strategy)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Passes a failed load on to those who waited for it.
pub struct Sharing<O> {
    pub(crate) share: fn(&O) -> Option<Failure>,
    pub(crate) restore: fn(&Failure) -> Option<O>,
}

impl<O> Clone for Sharing<O> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<O> Sharing<O> {
    fn none() -> Self {
        Self {
            share: |_| None,
            restore: |_| None,
        }
    }
}

impl<P, E: Clone + Send + Sync + 'static> Sharing<Result<P, E>> {
    fn cloned() -> Self {
        Self {
            share: |output| clone_for(output, |_| "the load that was waited for failed".into()),
            restore: |failure| {
                let error = failure.error.as_ref()?.downcast_ref::<E>();
                error.cloned().map(Err)
            },
        }
    }
}

impl<P, E: Clone + Display + Send + Sync + 'static> Sharing<Result<P, E>> {
    fn cloned_and_said() -> Self {
        Self {
            share: |output| clone_for(output, |error| error.to_string().into()),
            ..Self::cloned()
        }
    }
}

/// The error itself, for those of its type, and what it says, for others.
fn clone_for<P, E>(output: &Result<P, E>, say: impl FnOnce(&E) -> Cause) -> Option<Failure>
where
    E: Clone + Send + Sync + 'static,
{
    let error = output.as_ref().err()?;
    Some(Failure {
        error: Some(Arc::new(error.clone())),
        cause: say(error),
    })
}

impl<P, E: From<Error> + Display> Sharing<Result<P, E>> {
    fn converted() -> Self {
        Self {
            share: |output| {
                let cause = Cause::from(output.as_ref().err()?.to_string());
                Some(Failure { error: None, cause })
            },
            restore: |failure| restore_own::<Error>(failure).map(|error| Err(error.into())),
        }
    }
}

impl<P, E: 'static> Sharing<Result<P, E>> {
    fn direct() -> Self {
        Self {
            share: |output| share_own(output.as_ref().err()?),
            restore: |failure| restore_own(failure).map(Err),
        }
    }
}

fn is_own<E: 'static>() -> bool {
    std::any::TypeId::of::<E>() == std::any::TypeId::of::<Error>()
}

/// Turns the runtime's error into `E`, where `E` is the runtime's error.
fn into_own<E: 'static>(error: Error) -> Option<E> {
    let mut error = Some(error);
    let error: &mut dyn Any = &mut error;
    error.downcast_mut::<Option<E>>()?.take()
}

fn carry_direct<P, E: 'static>(error: Error) -> Result<P, E> {
    match into_own(error) {
        Some(error) => Err(error),
        None => unreachable!("`is_own` was asked"),
    }
}

fn share_own<E: 'static>(error: &E) -> Option<Failure> {
    let error = (error as &dyn Any).downcast_ref::<Error>()?;
    Some(Failure {
        error: Some(Arc::new(error.clone())),
        cause: error.to_string().into(),
    })
}

fn restore_own<E: 'static>(failure: &Failure) -> Option<E> {
    let same = failure
        .error
        .as_ref()
        .and_then(|error| error.downcast_ref::<Error>().cloned());
    into_own(same.unwrap_or_else(|| Error::RepositoryError(failure.cause.clone())))
}
