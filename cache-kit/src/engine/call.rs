//! What one call asks for. Generated code fills it in.

use crate::engine::{Ask, AskOptions, Kind, Subject, Takes};
use crate::strategy::CacheStrategy;
use crate::strategy::timeouts::Timeouts;
use crate::ttl::Lifetime;
use std::borrow::Cow;
use std::time::Duration;

/// Describes one cached call, of whatever it returns.
#[derive(Debug)]
pub struct Call {
    pub(crate) strategy: CacheStrategy,
    options: AskOptions,
}

impl Call {
    /// Begins with a strategy.
    #[must_use]
    pub fn new(strategy: CacheStrategy) -> Self {
        Self {
            strategy,
            options: AskOptions::default(),
        }
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
        self.options.timeouts.soft = Some(timeout);
        self
    }

    /// Says after how long a load has failed.
    #[must_use]
    pub fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeouts.hard = Some(timeout);
        self
    }

    #[must_use]
    pub(crate) fn within(mut self, timeouts: Timeouts) -> Self {
        self.options.timeouts = timeouts;
        self
    }

    /// Says by which tags what is loaded can be dropped.
    #[must_use]
    pub fn tags(mut self, tags: Vec<String>) -> Self {
        self.options.tags = tags;
        self
    }

    /// Overrides the entity's TTL.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.lifetime = self.options.lifetime.with_ttl(ttl);
        self
    }

    /// Overrides the entity's negative TTL.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.options.lifetime = self.options.lifetime.with_negative_ttl(ttl);
        self
    }

    /// Overrides the entity's jitter.
    #[must_use]
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.options.lifetime = self.options.lifetime.with_jitter(fraction);
        self
    }

    /// Overrides for how long the entity's values serve while the next is loaded.
    #[must_use]
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.options.lifetime = self.options.lifetime.with_stale_while_revalidate(window);
        self
    }

    /// Overrides for how long the entity's values serve where the load of the next fails.
    #[must_use]
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.options.lifetime = self.options.lifetime.with_stale_if_error(window);
        self
    }

    /// Overrides how early the entity's values are loaded again.
    #[must_use]
    pub fn early_refresh(mut self, beta: f64) -> Self {
        self.options.lifetime = self.options.lifetime.with_early_refresh(beta);
        self
    }

    /// Overrides how long a key is not asked for again after a load that failed.
    #[must_use]
    pub fn error_throttle(mut self, interval: Duration) -> Self {
        self.options.lifetime = self.options.lifetime.with_error_throttle(interval);
        self
    }

    /// Names the class that asks, and how old an entry it accepts.
    #[must_use]
    pub(crate) fn class(mut self, class: Cow<'static, str>, age_limit: Option<Duration>) -> Self {
        self.options.ttl_class = Some(class);
        self.options.age_limit = age_limit;
        self
    }

    /// Whether the strategy takes what is in reach.
    pub(crate) fn peeks(&self) -> bool {
        matches!(self.strategy, CacheStrategy::Refresh | CacheStrategy::Fresh)
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        self.options.lifetime
    }

    pub(crate) fn age_limit(&self) -> Option<Duration> {
        self.options.age_limit
    }

    /// Says what the call asks of a kind, for an output that can be made of so much.
    pub(crate) fn into_ask(self, kind: &'static Kind, takes: Takes, brings_tags: bool) -> Ask {
        Ask {
            kind,
            strategy: self.strategy,
            options: (self.options != AskOptions::default()).then(|| Box::new(self.options)),
            brings_tags,
            takes,
            subject: Subject::One,
        }
    }
}
