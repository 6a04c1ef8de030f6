//! Doc comments, inner attributes, and the attributes of other crates on both sides.

#![deny(missing_docs)]

use cache_kit::prelude::*;

/// A user.
#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = (tenant, id))]
pub struct User {
    /// Whose.
    pub tenant: String,
    /// Which.
    pub id: u64,
}

/// All users.
pub struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    /// Traced with the look-up in the cache.
    #[tracing::instrument(skip(self))]
    #[cached]
    pub async fn outside(&self, tenant: &str, mut id: u64) -> Option<User> {
        #![allow(clippy::needless_return)]
        id += 1;
        let tenant = tenant.to_owned();
        return Some(User { tenant, id });
    }

    /// Traced when it loads.
    #[cached]
    #[tracing::instrument(skip(self))]
    pub async fn inside(&self, tenant: &str, id: u64) -> Option<User> {
        let tenant = tenant.to_owned();
        Some(User { tenant, id })
    }

    /// Still deprecated.
    #[deprecated]
    #[must_use]
    #[cached]
    pub async fn old(&self, tenant: &str, id: u64) -> Option<User> {
        let tenant = tenant.to_owned();
        Some(User { tenant, id })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(users.outside("a", 1).await.unwrap().id, 2);
    assert_eq!(users.inside("a", 2).await.unwrap().id, 2);
    #[expect(deprecated)]
    let found = users.old("a", 3).await;
    assert_eq!(found.unwrap().id, 3);
}
