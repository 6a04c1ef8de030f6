//! A function that writes one entity and makes others untrue.

use cache_kit::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
    team: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "team", key = id)]
struct Team {
    id: u64,
    size: u32,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(skip(size))]
    async fn team(&self, id: u64, size: u32) -> Team {
        Team { id, size }
    }

    #[cached]
    async fn find(&self, id: u64) -> User {
        User { id, team: 0 }
    }

    #[cache_evict(entity = Team, key = user.team)]
    #[cache_put]
    async fn join(&self, user: User) -> User {
        user
    }

    #[cache_evict(entity = Team, key = user.team)]
    #[cache_evict(entity = User)]
    async fn leave(&self, user: &User) {
        let _ = user;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(users.team(1, 1).await.size, 1);
    assert_eq!(users.find(7).await.team, 0);
    let user = users.join(User { id: 7, team: 1 }).await;
    assert_eq!(users.team(1, 2).await.size, 2);
    assert_eq!(users.find(7).await, user);
    users.leave(&user).await;
    assert_eq!(users.team(1, 3).await.size, 3);
    assert_eq!(users.find(7).await.team, 0);
}
