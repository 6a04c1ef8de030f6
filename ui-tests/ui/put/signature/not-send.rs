use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cache_put]
    async fn save(&self, user: User) -> User {
        let held = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(held);
        user
    }
}

fn spawn<F: Future + Send>(_: F) {}

fn call(users: &Users) {
    spawn(users.save(User { id: 1 }));
}

fn main() {}
