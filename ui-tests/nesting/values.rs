//! Twelve values, each of which is made from the one before it, within a task.

use cache_kit::prelude::*;

struct Users {
    cache: CacheService<InMemoryBackend>,
}

macro_rules! levels {
    ($self:ident, $id:ident; $($name:ident $prefix:literal -> $next:ident;)*) => {
        impl Users {
            #[cached(prefix = "list1", ttl = "1h")]
            async fn list1(&$self, $id: u64) -> Vec<u64> {
                tokio::task::yield_now().await;
                vec![$id]
            }
            $(
                #[cached(prefix = $prefix, ttl = "1h")]
                async fn $name(&$self, $id: u64) -> Vec<u64> {
                    let mut list = $self.$next($id + 1).await;
                    list.push($id);
                    list
                }
            )*
        }
    };
}

levels! {
    self, id;
    list2 "list2" -> list1;
    list3 "list3" -> list2;
    list4 "list4" -> list3;
    list5 "list5" -> list4;
    list6 "list6" -> list5;
    list7 "list7" -> list6;
    list8 "list8" -> list7;
    list9 "list9" -> list8;
    list10 "list10" -> list9;
    list11 "list11" -> list10;
    list12 "list12" -> list11;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let users = Users {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let list = tokio::spawn(async move { users.list12(1).await });
    assert!(list.await.unwrap().into_iter().rev().eq(1..=12));
}
