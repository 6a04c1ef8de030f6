//! `impl Trait` arguments, as parts of the key and beside it.

use cache_kit::output::KeyArg;
use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: String,
    name: String,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn find(&self, id: impl KeyArg<String> + ToString + Send) -> Option<User> {
        let id = id.to_string();
        let name = id.to_uppercase();
        Some(User { id, name })
    }

    #[cached(skip(name))]
    async fn find_or(&self, id: &str, name: impl FnOnce() -> String + Send) -> User {
        User {
            id: id.to_owned(),
            name: name(),
        }
    }

    #[cached(key = id.as_ref().to_owned())]
    async fn find_any(&self, id: impl AsRef<str> + Send) -> Option<User> {
        let id = id.as_ref().to_owned();
        let name = id.clone();
        Some(User { id, name })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(users.find("a".to_owned()).await.unwrap().name, "A");
    assert_eq!(users.find_or("a", || "b".to_owned()).await.name, "A");
    assert_eq!(users.find_or("b", || "b".to_owned()).await.name, "b");
    assert_eq!(users.find_any("a").await.unwrap().name, "A");
}
