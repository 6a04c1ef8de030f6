//! Shared values: a hit hands out the entry itself.

use cache_kit::prelude::*;
use std::sync::Arc;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn one(&self, id: u64) -> Arc<User> {
        Arc::new(User { id })
    }

    #[cached]
    async fn maybe(&self, id: u64) -> Option<Arc<User>> {
        Some(Arc::new(User { id }))
    }

    #[cached]
    async fn fallible(self: Arc<Self>, id: u64) -> anyhow::Result<Arc<User>> {
        Ok(Arc::new(User { id }))
    }

    #[cached]
    async fn both(&self, id: u64) -> anyhow::Result<Option<Arc<User>>> {
        Ok(Some(Arc::new(User { id })))
    }

    #[cache_put]
    async fn save(&self, user: Arc<User>) -> Arc<User> {
        user
    }

    #[cache_evict(entity = User)]
    async fn remove(&self, user: Arc<User>) {
        drop(user);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let users = Arc::new(Users {
        cache: CacheService::new(InMemoryBackend::new()),
    });
    let first = users.one(1).await;
    let second = users.maybe(1).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&second, &Arc::clone(&users).fallible(1).await?));
    assert!(Arc::ptr_eq(&second, &users.both(1).await?.unwrap()));
    users.remove(first).await;
    let third = users.one(1).await;
    assert!(!Arc::ptr_eq(&second, &third));
    users.save(third).await;
    Ok(())
}
