//! Writes that make entries untrue.

use super::outcome::Finish;
use crate::engine::{Scopes, Write as Begun};
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::store::CacheBackend;

/// Accompanies a write that makes entries untrue.
pub struct Write<'c>(Begun<'c>);

impl<'c> Write<'c> {
    /// Begins a write that makes the entry of `key` untrue.
    pub fn evict<T: CacheEntity>(
        cache: &'c CacheService<impl CacheBackend>,
        key: &KeyWriter,
    ) -> Self {
        Self::evict_value(cache, T::cache_prefix(), key)
    }

    /// Begins a write that makes a value of a function untrue.
    pub fn evict_value(
        cache: &'c CacheService<impl CacheBackend>,
        prefix: &'static str,
        key: &KeyWriter,
    ) -> Self {
        Self(Begun::evict(cache.engine(), prefix, Some(key), Vec::new()))
    }

    /// Begins a write that makes entries untrue as a whole, of an entity where there is one.
    pub fn evict_scopes(
        cache: &'c CacheService<impl CacheBackend>,
        prefix: Option<&'static str>,
        scopes: Vec<Scopes>,
    ) -> Self {
        let prefix = prefix.unwrap_or_default();
        Self(Begun::evict(cache.engine(), prefix, None, scopes))
    }

    /// Makes entries untrue as a whole, too.
    #[must_use]
    pub fn and_scopes(mut self, scopes: Vec<Scopes>) -> Self {
        self.0.and_scopes(scopes);
        self
    }

    /// Invalidates the entry; returns the body's result whatever the cache did.
    pub fn finish<O>(self, output: O) -> Finish<'c, O> {
        Finish {
            told: self.0.finish(),
            output: Some(output),
            carry: None,
        }
    }

    /// Invalidates the entry; returns a failure of the cache in place of the body's result.
    pub fn finish_or<O>(self, output: O, carry: fn(Error) -> O) -> Finish<'c, O> {
        Finish {
            carry: Some(carry),
            ..self.finish(output)
        }
    }
}
