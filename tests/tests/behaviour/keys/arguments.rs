//! A key is the same however it is passed: by a function's arguments, to the service, or within the
//! entity.
#![allow(clippy::ptr_arg, reason = "every way to pass a string is tested")]

use super::{Triple, TripleKey, triple};
use cache_kit::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;

/// An entity with a key of one string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "named", key = name)]
struct Named {
    name: String,
}

/// The same with a shared string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "shared", key = name)]
struct Shared {
    name: Arc<str>,
}

/// The same with a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "numbered", key = id)]
struct Numbered {
    id: u64,
}

/// A key as the guide writes it: its text is used as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ByHand {
    id: String,
}

impl CacheEntity for ByHand {
    type Key = String;
    fn cache_key(&self) -> String {
        self.id.clone()
    }
    fn cache_prefix() -> &'static str {
        "by-hand"
    }
}

#[test]
fn a_key_written_by_hand_is_used_as_it_is() {
    let key = CacheKey::of::<ByHand>(None, &"a:b %c".to_owned()).unwrap();
    assert_eq!(key.as_str(), "by-hand:a:b %c");
}

macro_rules! asked_by {
    ($($entity:ident: $($name:ident($($arg:ident: $ty:ty),*)),*;)*) => {$($(
        #[cached(strategy = Fresh)]
        async fn $name(cache: &CacheService<InMemoryBackend>, $($arg: $ty),*) -> Option<$entity> {
            None
        }
    )*)*};
}

asked_by! {
    Named: named_by_str(name: &str), named_by_string(name: String), named_by_string_ref(name: &String),
        named_by_cow(name: Cow<'_, str>), named_by_cow_ref(name: &Cow<'_, str>), named_by_arc(name: Arc<str>),
        named_by_arc_ref(name: &Arc<str>), named_by_box(name: Box<str>), named_by_str_ref(name: &&str);
    Shared: shared_by_str(name: &str), shared_by_string_ref(name: &String), shared_by_arc(name: Arc<str>),
        shared_by_arc_ref(name: &Arc<str>);
    Numbered: numbered_by_value(id: u64), numbered_by_ref(id: &u64);
    Triple: triple_by_parts(a: &str, b: String, n: i64), triple_by_others(a: Cow<'_, str>, b: &Arc<str>, n: &i64),
        triple_by_key(key: &TripleKey), triple_by_own_key(key: TripleKey);
    ByHand: by_hand_by_str(id: &str), by_hand_by_string(id: String);
}

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

#[tokio::test]
async fn a_string_names_the_same_entity_however_it_is_passed() {
    for text in ["ada", "a:b %é", &"long ".repeat(300)] {
        let (cache, name) = (&cache(), text.to_owned());
        cache.put(Named { name: name.clone() }).await.unwrap();
        cache.put(Shared { name: text.into() }).await.unwrap();
        let arc: Arc<str> = text.into();
        let named = [
            named_by_str(cache, text).await,
            named_by_string(cache, name.clone()).await,
            named_by_string_ref(cache, &name).await,
            named_by_cow(cache, Cow::Borrowed(text)).await,
            named_by_cow_ref(cache, &Cow::Owned(name.clone())).await,
            named_by_arc(cache, Arc::clone(&arc)).await,
            named_by_arc_ref(cache, &arc).await,
            named_by_box(cache, text.into()).await,
            named_by_str_ref(cache, &text).await,
            cache
                .get::<Named>(&name)
                .await
                .unwrap()
                .map(Arc::unwrap_or_clone),
        ];
        assert!(
            named
                .iter()
                .all(|found| found.as_ref().is_some_and(|found| found.name == text)),
            "{named:?}"
        );
        let shared = [
            shared_by_str(cache, text).await,
            shared_by_string_ref(cache, &name).await,
            shared_by_arc_ref(cache, &arc).await,
            cache
                .get::<Shared>(&arc)
                .await
                .unwrap()
                .map(Arc::unwrap_or_clone),
            shared_by_arc(cache, arc).await,
        ];
        assert!(shared.iter().all(Option::is_some), "{shared:?}");
    }
}

#[tokio::test]
async fn parts_name_the_same_entity_as_the_whole_key() {
    let (cache, triple) = (&cache(), triple());
    cache.put(triple.clone()).await.unwrap();
    let key = triple.cache_key();
    let found = [
        triple_by_parts(cache, &triple.a, triple.b.clone(), 7).await,
        triple_by_others(cache, Cow::Borrowed("x:y"), &"% z".into(), &7).await,
        triple_by_key(cache, &key).await,
        triple_by_own_key(cache, key.clone()).await,
        cache
            .get::<Triple>(&key)
            .await
            .unwrap()
            .map(Arc::unwrap_or_clone),
    ];
    assert!(
        found.iter().all(|found| found.as_ref() == Some(&triple)),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_number_or_a_key_written_by_hand_is_the_same_however_it_is_passed() {
    let cache = &cache();
    cache.put(Numbered { id: 7 }).await.unwrap();
    assert!(numbered_by_value(cache, 7).await.is_some());
    assert!(numbered_by_ref(cache, &7).await.is_some());
    cache.put(ByHand { id: "a:b".into() }).await.unwrap();
    assert!(by_hand_by_str(cache, "a:b").await.is_some());
    assert!(by_hand_by_string(cache, "a:b".into()).await.is_some());
}
