//! `cfg` and `cfg_attr` on fields and arguments.

use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cfg_attr(all(), cache(prefix = "user", key = id))]
struct User {
    id: String,
    #[cfg(any())]
    gone: Missing,
    #[cfg_attr(all(), serde(default))]
    name: String,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(skip(tenant))]
    async fn find(
        &self,
        id: &str,
        #[cfg(any())] tenant: Missing,
        #[cfg(not(any()))] tenant: &str,
    ) -> Option<User> {
        Some(User {
            id: id.to_owned(),
            name: tenant.to_owned(),
        })
    }

    #[cfg(any())]
    #[cached]
    async fn find_nothing(&self, id: &str) -> Option<Missing> {
        None
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(users.find("1", "a").await.unwrap().name, "a");
    assert_eq!(users.find("1", "b").await.unwrap().name, "a");
}
