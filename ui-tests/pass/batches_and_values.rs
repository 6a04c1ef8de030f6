//! Functions of many keys, of values, by an index, and one that does not wait. The doc tests of `cache-kit` run it in edition 2021.

use cache_kit::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, index(name))]
struct User {
    id: u64,
    name: String,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(skip(log), retry = 2)]
    async fn find_many(&self, log: &mut Vec<u64>, ids: &[u64]) -> cache_kit::Result<Vec<User>> {
        log.extend(ids);
        let name = |id: &u64| format!("user {id}");
        Ok(ids.iter().map(|id| User { id: *id, name: name(id) }).collect())
    }

    #[cached(index = name)]
    async fn find_by_name(&self, name: &str) -> Option<User> {
        let id = name.strip_prefix("user ")?.parse().ok()?;
        Some(User { id, name: name.to_owned() })
    }

    #[cached(prefix = "names", key = (first, std::any::type_name::<T>()))]
    async fn names<T: ToString + Default>(&self, first: u64) -> Vec<String> {
        vec![T::default().to_string(), first.to_string()]
    }

    #[cached(prefix = "double")]
    fn double(&self, of: u64) -> u64 {
        of * 2
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let mut log = Vec::new();
    users.find_many(&mut log, &[1, 2]).await.unwrap();
    assert_eq!(users.find_many(&mut log, &[2, 3]).await.unwrap()[1].id, 3);
    assert_eq!(log, [1, 2, 3]);
    assert_eq!(users.find_by_name("user 2").await.unwrap().id, 2);
    assert_eq!(users.names::<u8>(7).await, ["0", "7"]);
    assert_eq!(users.double(21), 42);
}
