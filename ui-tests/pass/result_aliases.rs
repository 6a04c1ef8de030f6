//! Return types behind aliases, as `sqlx::Result<T>` is one.

use cache_kit::prelude::*;
use std::io;

type Maybe<T> = Option<T>;
type Answer<T, E = io::Error> = Result<Maybe<T>, E>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

type Row = User;

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn one(&self, id: u64) -> io::Result<User> {
        Ok(User { id })
    }

    #[cached]
    async fn maybe(&self, id: u64) -> Maybe<Row> {
        Some(User { id })
    }

    #[cached]
    async fn answer(&self, id: u64) -> Answer<Row> {
        if id == 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Some(User { id }))
    }

    #[cached(strategy = Fresh)]
    async fn fresh(&self, id: u64) -> anyhow::Result<User> {
        Ok(User { id })
    }

    #[cache_put]
    async fn save(&self, user: User) -> Answer<Row> {
        Ok(Some(user))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert!(users.fresh(1).await.is_err());
    assert_eq!(users.one(1).await.unwrap().id, 1);
    assert_eq!(users.maybe(1).await, Some(User { id: 1 }));
    assert!(users.answer(0).await.is_err());
    assert!(users.save(User { id: 2 }).await.is_ok());
    assert_eq!(users.fresh(2).await.unwrap().id, 2);
}
