//! What `#[derive(CacheEntity)]` makes of each option and each form of a struct.

mod definitions;

use cache_kit::prelude::*;
use cache_kit::{Error, GenericFeeder};
use std::collections::{BTreeSet, HashSet};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::Duration;

/// Everything `cache-kit` is, under another name.
mod kit {
    pub(super) use cache_kit::*;
}

/// Where nothing of `cache-kit` is in scope.
mod full {
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Every option at once.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, cache_kit::CacheEntity)]
    #[cache(
        prefix = "full",
        key = id,
        ttl = "1h30m",
        negative_ttl = MINUTE,
        jitter = 0.25,
        version = 3,
        feeder = FullSlot,
        crate = crate::derive::kit
    )]
    pub(super) struct Full {
        pub(super) id: u64,
    }
}
use full::{Full, FullSlot};

/// Only what is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "plain", key = id)]
struct Plain {
    id: String,
}

/// A composite key, with a name that is a keyword.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "doc", key = (r#type, number))]
struct Document {
    r#type: String,
    number: u32,
    body: String,
}

/// A tuple struct, whose key is not in the order of its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "pair", key = (2, 0))]
struct Pair(u8, f64, String);

/// A tuple struct with one key field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "single", key = 1)]
struct Single(f64, u64);

#[test]
fn each_option_has_its_effect() {
    assert_eq!(Full::cache_prefix(), "full");
    let lifetime = Full::lifetime();
    assert_eq!(lifetime.ttl(), Some(Duration::from_secs(5400)));
    assert_eq!(lifetime.negative_ttl(), Some(Duration::from_secs(60)));
    assert_eq!(lifetime.jitter(), Some(0.25));
    assert_eq!(Full::VERSION, 3);
    assert_eq!(FullSlot::new(7).key, 7);
}

#[test]
fn what_is_not_said_is_left_to_the_service() {
    assert_eq!(Plain::lifetime(), Lifetime::new());
    assert_eq!(Plain::VERSION, 0);
}

#[test]
fn the_key_is_the_field_the_fields_or_the_indices_that_were_named() {
    assert_eq!(Full { id: 7 }.cache_key(), 7_u64);
    let document = Document {
        r#type: "memo".into(),
        number: 3,
        body: String::new(),
    };
    assert_eq!(
        document.cache_key(),
        DocumentKey {
            r#type: "memo".into(),
            number: 3
        }
    );
    assert_eq!(Pair(1, 0.5, "x".into()).cache_key(), PairKey("x".into(), 1));
    assert_eq!(Single(0.5, 9).cache_key(), 9);
}

#[tokio::test]
async fn parameters_are_matched_with_keyword_names_and_with_indices() {
    struct Desk {
        cache: CacheService<InMemoryBackend>,
    }
    impl Desk {
        #[cached]
        async fn document(&self, r#type: &str, number: u32) -> Option<Document> {
            Some(Document {
                r#type: r#type.into(),
                number,
                body: "text".into(),
            })
        }
        #[cached(key = (2 = name, 0 = small))]
        async fn pair(&self, name: &str, small: u8) -> Option<Pair> {
            Some(Pair(small, 0.5, name.into()))
        }
    }
    let desk = Desk {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let document = desk.document("memo", 3).await.unwrap();
    let stored = desk
        .cache
        .get::<Document>(&DocumentKey::new("memo", 3))
        .await
        .unwrap();
    assert_eq!(stored.as_deref(), Some(&document));
    let pair = desk.pair("x", 1).await.unwrap();
    let stored = desk.cache.get::<Pair>(&PairKey::new("x", 1)).await.unwrap();
    assert_eq!(stored.as_deref(), Some(&pair));
}

#[test]
fn a_composite_key_has_the_traits_of_a_key() {
    fn has_all<K>()
    where
        K: Clone + Debug + Ord + Hash + Display + FromStr + Serialize + for<'de> Deserialize<'de>,
        K: From<(String, u32)> + Send + Sync + Unpin + 'static,
    {
    }
    has_all::<DocumentKey>();
    let keys = [("b", 1), ("a", 2), ("a", 10)].map(|(name, number)| DocumentKey::new(name, number));
    let sorted: Vec<_> = BTreeSet::from(keys.clone()).into_iter().collect();
    assert_eq!(sorted, [keys[1].clone(), keys[2].clone(), keys[0].clone()]);
    assert!(HashSet::from(keys.clone()).contains(&("a".to_owned(), 10).into()));
    assert_eq!(format!("{:>6}|", keys[0]), "   b:1|");
}

#[test]
fn new_takes_every_kind_of_string_and_leaves_numbers_to_inference() {
    let expected = DocumentKey {
        r#type: "memo".into(),
        number: 3,
    };
    assert_eq!(DocumentKey::new("memo", 3), expected);
    assert_eq!(DocumentKey::new(String::from("memo"), 3), expected);
    assert_eq!(DocumentKey::new(Box::<str>::from("memo"), 3), expected);
    assert_eq!(
        DocumentKey::new(std::borrow::Cow::Borrowed("memo"), 3),
        expected
    );
}

#[test]
fn the_feeder_asks_for_its_key_and_keeps_what_it_is_fed() {
    fn serve<T: CacheEntity>(feeder: &mut impl CacheFeed<T>, entity: T) {
        let is_wanted = feeder.entity_id() == entity.cache_key();
        feeder.feed(is_wanted.then_some(entity));
    }
    let document = Document {
        r#type: "memo".into(),
        number: 3,
        body: "text".into(),
    };
    let mut feeder = DocumentFeeder::new(DocumentKey::new("memo", 3));
    serve(&mut feeder, document.clone());
    assert_eq!(feeder.entity, Some(document.clone()));
    feeder.feed(None);
    assert_eq!(feeder.entity, None);
    let mut slot = FullSlot::new(7);
    serve(&mut slot, Full { id: 7 });
    assert!(slot.entity.is_some());
    let mut generic = GenericFeeder::<Document>::new(DocumentKey::new("memo", 3));
    serve(&mut generic, document);
    assert!(generic.entity.is_some());
    assert_eq!(PlainFeeder::new("ada").key, "ada");
}

#[test]
fn the_feeder_shows_its_key_and_not_its_entity() {
    #[derive(Clone, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "secret", key = (owner, slot))]
    struct Secret {
        owner: String,
        slot: u8,
        pin: u16,
    }
    let mut feeder = SecretFeeder::new(SecretKey::new("ada", 1));
    feeder.feed(Some(Secret {
        owner: "ada".into(),
        slot: 1,
        pin: 4711,
    }));
    assert_eq!(
        format!("{feeder:?}"),
        "SecretFeeder { key: ada:1, has_entity: true }"
    );
    assert_eq!(feeder.entity.map(|secret| secret.pin), Some(4711));
}

/// What the generic entities are generic over.
trait Subject: Clone + Debug + Send + Sync + 'static {}
impl Subject for u64 {}
impl Subject for String {}

/// A parameter of the key, one of the value, a constant, bounds in both places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "page", key = (of, number))]
struct Page<K, V: Subject, const ROWS: usize>
where
    K: Subject + Ord,
{
    of: K,
    number: u32,
    rows: Vec<V>,
}

/// One definition, whose key says nothing of its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "boxed", key = id)]
struct Boxed<V: Subject> {
    id: u64,
    value: V,
}

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

#[tokio::test]
async fn generic_entities_work_with_bounds_and_constants() {
    let cache = cache();
    let page = Page::<String, u64, 20> {
        of: "a:b".into(),
        number: 1,
        rows: vec![1, 2],
    };
    let key: PageKey<String> = page.cache_key();
    assert_eq!(key.to_string(), "a%3Ab:1");
    assert_eq!(key.to_string().parse::<PageKey<String>>(), Ok(key.clone()));
    cache.put(page.clone()).await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap().as_deref(), Some(&page));
    let mut feeder = PageFeeder::<String, u64, 20>::new(("a:b".to_owned(), 1).into());
    feeder.feed(Some(page));
    assert!(feeder.entity.is_some());
    assert!(
        cache
            .get::<Page<String, u64, 21>>(&key)
            .await
            .unwrap()
            .is_none(),
        "another constant, another type"
    );
}

#[tokio::test]
async fn one_definition_at_two_types_is_fine_and_never_mixed_up() {
    let cache = cache();
    cache
        .put(Boxed {
            id: 1,
            value: 5_u64,
        })
        .await
        .unwrap();
    assert_eq!(
        cache.get::<Boxed<String>>(&1).await.unwrap(),
        None,
        "a key read at another type is a miss"
    );
    let load = || async {
        Ok::<_, Error>(Some(Boxed {
            id: 1,
            value: "five".to_owned(),
        }))
    };
    let text = cache.get_or_load(&1, load).await.unwrap().unwrap();
    assert_eq!(text.value, "five");
    assert_eq!(
        cache.get::<Boxed<u64>>(&1).await.unwrap(),
        None,
        "the entry was replaced"
    );
    let text = cache.get::<Boxed<String>>(&1).await.unwrap();
    assert_eq!(
        text.as_deref().map(|boxed| boxed.value.as_str()),
        Some("five")
    );
}
