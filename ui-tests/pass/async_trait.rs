//! The attributes below `#[async_trait]`, behind a trait object.

use async_trait::async_trait;
use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
    name: String,
}

#[async_trait]
trait Users: Send + Sync {
    async fn find(&self, id: u64, note: &str) -> anyhow::Result<Option<User>>;
    async fn save(&self, user: User) -> anyhow::Result<User>;
    async fn remove(&self, mut id: u64) -> anyhow::Result<()>;
}

struct Stored<D> {
    cache: CacheService<InMemoryBackend>,
    db: D,
}

#[async_trait]
impl<D: Send + Sync> Users for Stored<D> {
    #[cached(skip(note))]
    async fn find(&self, id: u64, note: &str) -> anyhow::Result<Option<User>> {
        let _ = &self.db;
        if note.is_empty() {
            return Ok(None);
        }
        let name = note.to_owned();
        Ok(Some(User { id, name }))
    }

    #[cache_put]
    async fn save(&self, user: User) -> anyhow::Result<User> {
        Ok(user)
    }

    #[cache_evict(entity = User)]
    async fn remove(&self, mut id: u64) -> anyhow::Result<()> {
        id += 1;
        anyhow::ensure!(id > 0, "zero");
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let stored = Stored {
        cache: CacheService::new(InMemoryBackend::new()),
        db: (),
    };
    let users: &dyn Users = &stored;
    let name = |user: Option<User>| user.map(|user| user.name);
    assert_eq!(name(users.find(7, "a").await?).as_deref(), Some("a"));
    assert_eq!(name(users.find(7, "b").await?).as_deref(), Some("a"));
    let saved = User {
        id: 7,
        name: "c".to_owned(),
    };
    users.save(saved).await?;
    assert_eq!(name(users.find(7, "b").await?).as_deref(), Some("c"));
    users.remove(7).await?;
    assert_eq!(name(users.find(7, "b").await?).as_deref(), Some("b"));
    Ok(())
}
