//! Twelve batches, each of which asks the one before it for other keys, within a task.

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
    ($self:ident, $ids:ident; $($name:ident -> $next:ident;)*) => {
        impl Users {
            #[cached]
            async fn many1(&$self, $ids: &[u64]) -> Vec<User> {
                tokio::task::yield_now().await;
                $ids.iter().map(|id| User { id: *id }).collect()
            }
            $(
                #[cached]
                async fn $name(&$self, $ids: &[u64]) -> Vec<User> {
                    let next: Vec<_> = $ids.iter().map(|id| id + 1).collect();
                    let found = $self.$next(&next).await;
                    found.iter().map(|user| User { id: user.id - 1 }).collect()
                }
            )*
        }
    };
}

levels! {
    self, ids;
    many2 -> many1;
    many3 -> many2;
    many4 -> many3;
    many5 -> many4;
    many6 -> many5;
    many7 -> many6;
    many8 -> many7;
    many9 -> many8;
    many10 -> many9;
    many11 -> many10;
    many12 -> many11;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let found = tokio::spawn(async move { users.many12(&[7]).await });
    assert_eq!(found.await.unwrap(), [User { id: 7 }]);
}
