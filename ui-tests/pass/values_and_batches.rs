//! Functions of many keys, and functions with a prefix: under every lint, behind `async_trait`, made by macros, where names are others' and where there are none.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unsafe_code)]
#![allow(clippy::redundant_pub_crate, reason = "`unreachable_pub` wants it")]

use async_trait::async_trait;
use cache_kit::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, tags = ["user:{id}"])]
pub struct User {
    /// Which one.
    pub id: u64,
}

/// All of them.
#[derive(Clone)]
pub struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    /// Finds many.
    ///
    /// # Errors
    /// Never.
    #[cached(ttl = "1m", skip(note))]
    pub async fn find_many(
        &self,
        ids: &[u64],
        note: String,
    ) -> Result<Vec<User>, cache_kit::Error> {
        drop(note);
        Ok(ids.iter().map(|id| User { id: *id }).collect())
    }

    /// Finds them by their ids.
    #[cached]
    #[must_use]
    pub async fn by_ids<I>(&self, ids: I) -> HashMap<u64, Arc<User>>
    where
        I: IntoIterator<Item = u64> + Send,
    {
        ids.into_iter()
            .map(|id| (id, Arc::new(User { id })))
            .collect()
    }

    /// Lists a team.
    ///
    /// # Errors
    /// Never.
    #[cached(
        prefix = "team",
        ttl = "1m",
        stale_while_revalidate = "1m",
        tags = ["team:{team}"],
        unless = Vec::is_empty
    )]
    pub async fn team(&self, team: &str, page: u32) -> Result<Vec<User>, cache_kit::Error> {
        let first = u64::from(page) * team.len() as u64;
        Ok((first..first + 2).map(|id| User { id }).collect())
    }

    /// Counts them, without waiting.
    #[cached(prefix = "count", key = (from / 10, r#type.trim()))]
    #[must_use]
    pub fn count(&self, from: u64, r#type: &str) -> Option<u64> {
        from.checked_sub(r#type.len() as u64)
    }
}

/// Behind a trait object.
#[async_trait]
pub trait Listing: Send + Sync {
    /// Lists.
    async fn list(&self, ids: &[u64]) -> anyhow::Result<Vec<User>>;
    /// Names.
    async fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>>;
}

#[async_trait]
impl Listing for Users {
    #[cached]
    async fn list(&self, ids: &[u64]) -> anyhow::Result<Vec<User>> {
        anyhow::ensure!(!ids.is_empty(), "none");
        Ok(ids.iter().map(|id| User { id: *id }).collect())
    }

    #[cached(prefix = "names")]
    async fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{prefix}1")])
    }
}

macro_rules! listed {
    ($name:ident, $prefix:literal, $from:ident: $ty:ty, $value:ty) => {
        #[cached(prefix = $prefix)]
        async fn $name(cache: &CacheService<InMemoryBackend>, $from: $ty) -> $value {
            $from.into()
        }
    };
}

listed!(widened, "widened", from: u8, u64);

mod bare {
    #![no_implicit_prelude]

    use super::User;
    use ::cache_kit::{CacheService, InMemoryBackend, cached};
    use ::core::convert::From;
    use ::core::iter::{IntoIterator, Iterator};
    use ::std::vec::Vec;

    #[cached]
    pub(crate) async fn find_many(
        cache: &CacheService<InMemoryBackend>,
        ids: Vec<u64>,
    ) -> Vec<User> {
        Iterator::collect(Iterator::map(IntoIterator::into_iter(ids), |id| User {
            id,
        }))
    }

    #[cached(prefix = "sum")]
    pub(crate) async fn sum(cache: &CacheService<InMemoryBackend>, a: u32, b: u32) -> u64 {
        u64::from(a) + u64::from(b)
    }

    #[cached(prefix = "product")]
    pub(crate) fn product(cache: &CacheService<InMemoryBackend>, a: u32, b: u32) -> u64 {
        u64::from(a) * u64::from(b)
    }
}

#[allow(dead_code)]
mod shadowed {
    use super::User;
    use ::cache_kit::{CacheService, InMemoryBackend};

    pub(crate) struct Result;
    pub(crate) struct Option;
    pub(crate) struct String;
    pub(crate) struct Box;
    pub(crate) struct Vec;
    pub(crate) trait Clone {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod cache_kit {}

    #[::cache_kit::cached(skip(note))]
    pub(crate) async fn find_many(
        cache: &CacheService<InMemoryBackend>,
        ids: &[u64],
        note: u8,
    ) -> ::std::vec::Vec<::core::option::Option<User>> {
        let _ = note;
        ids.iter().map(|id| Some(User { id: *id })).collect()
    }

    #[::cache_kit::cached(prefix = "text")]
    pub(crate) async fn text(
        cache: &CacheService<InMemoryBackend>,
        of: &str,
    ) -> ::std::string::String {
        of.to_owned()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cache = CacheService::new(InMemoryBackend::new());
    let users = Users {
        cache: cache.clone(),
    };
    assert_eq!(
        users.find_many(&[3, 1], String::new()).await?[1],
        User { id: 1 }
    );
    assert_eq!(users.by_ids([1, 2]).await.len(), 2);
    assert_eq!(users.team("ab", 1).await?[0], User { id: 2 });
    assert_eq!(users.count(7, " a ").as_ref(), Some(&4));
    let listing: &dyn Listing = &users;
    assert_eq!(listing.list(&[1]).await?.len(), 1);
    assert_eq!(listing.names("a").await?, ["a1"]);
    assert_eq!(widened(&cache, 7).await, 7);
    assert_eq!(bare::find_many(&cache, vec![1]).await.len(), 1);
    assert_eq!(bare::sum(&cache, 1, 2).await, 3);
    assert_eq!(bare::product(&cache, 3, 2), 6);
    assert_eq!(shadowed::find_many(&cache, &[1], 0).await.len(), 1);
    assert_eq!(shadowed::text(&cache, "a").await, "a");
    Ok(())
}
