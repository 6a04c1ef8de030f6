//! How large the future of a cached function is that calls another one, which calls another one.

use cache_kit::prelude::*;
use std::future::Future;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", ttl = "1h", key = id)]
struct User {
    id: u64,
    name: String,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

fn user(id: u64) -> User {
    let name = "a name".to_owned();
    User { id, name }
}

/// Finders, each of which calls the one before it.
macro_rules! finders {
    ($self:ident, $id:ident, $($name:ident -> $next:ident),*) => {
        impl Users {
            #[cached]
            async fn find1(&$self, $id: u64) -> Option<User> {
                tokio::task::yield_now().await;
                Some(user($id))
            }
            $(
                #[cached]
                async fn $name(&$self, $id: u64) -> Option<User> {
                    $self.$next($id + 1).await
                }
            )*
        }
    };
}

/// Values, each of which is made from the one before it.
macro_rules! values {
    ($self:ident, $id:ident, $($name:ident $prefix:tt -> $next:ident),*) => {
        impl Users {
            #[cached(prefix = "list1", ttl = "1h")]
            async fn list1(&$self, $id: u64) -> Vec<u64> {
                tokio::task::yield_now().await;
                vec![$id]
            }
            $(
                #[cached(prefix = $prefix, ttl = "1h")]
                async fn $name(&$self, $id: u64) -> Vec<u64> {
                    $self.$next($id + 1).await
                }
            )*
        }
    };
}

/// Batches, each of which asks the one before it for other keys.
macro_rules! batches {
    ($self:ident, $ids:ident, $($name:ident -> $next:ident),*) => {
        impl Users {
            #[cached]
            async fn many1(&$self, $ids: &[u64]) -> Vec<User> {
                tokio::task::yield_now().await;
                $ids.iter().map(|id| user(*id)).collect()
            }
            $(
                #[cached]
                async fn $name(&$self, $ids: &[u64]) -> Vec<User> {
                    let next: Vec<_> = $ids.iter().map(|id| id + 1).collect();
                    $self.$next(&next).await;
                    $ids.iter().map(|id| user(*id)).collect()
                }
            )*
        }
    };
}

finders!(self, id, find2 -> find1, find3 -> find2, find4 -> find3, find5 -> find4, find6 -> find5);
values!(
    self, id, list2 "list2" -> list1, list3 "list3" -> list2, list4 "list4" -> list3,
    list5 "list5" -> list4, list6 "list6" -> list5
);
batches!(self, ids, many2 -> many1, many3 -> many2, many4 -> many3, many5 -> many4, many6 -> many5);

/// The size of the future that a call returns. Nothing is called: a large one would not fit on the
/// stack.
fn size_of_call<'u, F: Future>(_: impl Fn(&'u Users) -> F) -> usize {
    size_of::<F>()
}

fn assert_flat(kind: &str, sizes: [usize; 6]) {
    println!("{kind}: {sizes:?} bytes");
    let [first, .., last] = sizes;
    assert!(last * 2 <= first * 3, "{kind}: {sizes:?} bytes");
}

#[test]
fn a_finder_is_not_much_larger_for_calling_finders() {
    let sizes = [
        size_of_call(|users| users.find1(7)),
        size_of_call(|users| users.find2(7)),
        size_of_call(|users| users.find3(7)),
        size_of_call(|users| users.find4(7)),
        size_of_call(|users| users.find5(7)),
        size_of_call(|users| users.find6(7)),
    ];
    assert_flat("finders", sizes);
}

#[test]
fn a_value_is_not_much_larger_for_calling_values() {
    let sizes = [
        size_of_call(|users| users.list1(7)),
        size_of_call(|users| users.list2(7)),
        size_of_call(|users| users.list3(7)),
        size_of_call(|users| users.list4(7)),
        size_of_call(|users| users.list5(7)),
        size_of_call(|users| users.list6(7)),
    ];
    assert_flat("values", sizes);
}

#[test]
fn a_batch_is_not_much_larger_for_calling_batches() {
    let sizes = [
        size_of_call(|users| users.many1(&[7])),
        size_of_call(|users| users.many2(&[7])),
        size_of_call(|users| users.many3(&[7])),
        size_of_call(|users| users.many4(&[7])),
        size_of_call(|users| users.many5(&[7])),
        size_of_call(|users| users.many6(&[7])),
    ];
    assert_flat("batches", sizes);
}
