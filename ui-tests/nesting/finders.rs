//! Twelve finders, each of which calls the one before it, within a task.

use cache_kit::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", ttl = "1h", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

macro_rules! levels {
    ($self:ident, $id:ident; $($name:ident -> $next:ident;)*) => {
        impl Users {
            #[cached]
            async fn find1(&$self, $id: u64) -> Option<User> {
                tokio::task::yield_now().await;
                Some(User { id: $id })
            }
            $(
                #[cached]
                async fn $name(&$self, $id: u64) -> Option<User> {
                    $self.$next($id + 1).await?;
                    Some(User { id: $id })
                }
            )*
        }
    };
}

levels! {
    self, id;
    find2 -> find1;
    find3 -> find2;
    find4 -> find3;
    find5 -> find4;
    find6 -> find5;
    find7 -> find6;
    find8 -> find7;
    find9 -> find8;
    find10 -> find9;
    find11 -> find10;
    find12 -> find11;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let found = tokio::spawn(async move { users.find12(7).await });
    assert_eq!(found.await.unwrap(), Some(User { id: 7 }));
}
