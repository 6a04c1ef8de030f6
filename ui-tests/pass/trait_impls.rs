//! Methods of native traits: `async fn`, `-> impl Future`, and a boxed future; a `Send` one stays `Send`.

use cache_kit::prelude::*;
use std::pin::Pin;

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

trait Find {
    fn find(&self, id: u64) -> impl Future<Output = Option<User>> + Send;
    fn find_lazily(&self, id: u64) -> impl Future<Output = Option<User>> + Send;
    fn find_boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = Option<User>> + Send + '_>>;
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Find for Users {
    #[cached]
    async fn find(&self, id: u64) -> Option<User> {
        Some(User { id })
    }

    #[cached]
    fn find_lazily(&self, id: u64) -> impl Future<Output = Option<User>> + Send {
        async move { Some(User { id }) }
    }

    #[cached]
    fn find_boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = Option<User>> + Send + '_>> {
        Box::pin(async move { Some(User { id }) })
    }
}

fn send<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(send(users.find(1)).await.unwrap().id, 1);
    assert_eq!(send(users.find_lazily(2)).await.unwrap().id, 2);
    assert_eq!(send(users.find_boxed(3)).await.unwrap().id, 3);
}
