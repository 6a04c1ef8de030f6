//! Which codec writes an entity, and which are read.

mod buffer;

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{CacheKey, Codec, Encryption, MessagePack, Postcard, store::Encoding};
use cache_kit_tests::{RecordingMetrics, event_names};
use serde::de::DeserializeOwned;

/// What every version of the entity holds, under one prefix.
macro_rules! versions {
    ($($module:ident [$($option:tt)*] { $($field:tt)* })*) => {$(
        mod $module {
            use super::*;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
            #[cache(prefix = "page", key = id $($option)*)]
            #[serde(rename = "Page")]
            pub(super) struct Page {
                pub(super) id: u64,
                $($field)*
            }
        }
    )*};
}

versions! {
    plain [] { pub(super) text: String }
    same [] { pub(super) text: String }
    packed [, codec = MessagePack] { pub(super) text: String }
    json [, codec = cache_kit::Json] { pub(super) text: String }
    own [, codec = Reversed] { pub(super) text: String }
    newer [] { pub(super) text: String, pub(super) words: u32 }
    second [, version = 2] { pub(super) text: String }
}

/// A codec of the user's own.
struct Reversed;

impl Codec for Reversed {
    const ID: u8 = 200;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> cache_kit::Result<()> {
        let start = out.len();
        Postcard::encode(value, out)?;
        out[start..].reverse();
        Ok(())
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> cache_kit::Result<T> {
        let bytes: Vec<u8> = bytes.iter().rev().copied().collect();
        Postcard::decode(&bytes)
    }
}

const TEXT: &str = "the text";

fn stored(backend: &ByteBackend) -> Vec<u8> {
    let key = CacheKey::of::<plain::Page>(None, &1).unwrap();
    let mut stored = Vec::new();
    assert!(backend.tamper(&key, |bytes| stored.clone_from(bytes)));
    stored
}

/// Puts a page by one version of the program, and has another read it.
macro_rules! pass_on {
    ($backend:expr, $from:ident, $to:ident) => {{
        let backend = $backend;
        let page = $from::Page {
            id: 1,
            text: TEXT.into(),
        };
        CacheService::new(backend.clone()).put(page).await.unwrap();
        let reader = CacheService::new(backend);
        let read = reader.get::<$to::Page>(&1).await.unwrap();
        read.map(|page| page.text.clone())
    }};
}

#[tokio::test]
async fn an_entity_is_written_by_the_codec_it_chose() {
    let backend = ByteBackend::default();
    assert_eq!(
        pass_on!(backend.clone(), packed, packed).as_deref(),
        Some(TEXT)
    );
    let mut packed = Vec::new();
    let page = packed::Page {
        id: 1,
        text: TEXT.into(),
    };
    MessagePack::encode(&page, &mut packed).unwrap();
    assert!(stored(&backend).ends_with(&packed));
}

#[tokio::test]
async fn a_store_has_a_codec_for_those_that_chose_none() {
    for encoding in [
        Encoding::Bincode,
        Encoding::Json,
        Encoding::MessagePack,
        Encoding::Postcard,
    ] {
        let backend = ByteBackend::default().encoding(encoding);
        assert_eq!(
            pass_on!(backend.clone(), plain, plain).as_deref(),
            Some(TEXT)
        );
        let is_json = stored(&backend).ends_with(br#"{"id":1,"text":"the text"}"#);
        assert_eq!(is_json, encoding == Encoding::Json);
        let chosen = pass_on!(backend.clone(), packed, packed);
        assert_eq!(chosen.as_deref(), Some(TEXT));
        assert!(!stored(&backend).ends_with(br#""text":"the text"}"#));
    }
}

#[tokio::test]
async fn a_fleet_can_change_codecs_while_it_runs() {
    let store = ByteBackend::default;
    assert_eq!(pass_on!(store(), plain, packed).as_deref(), Some(TEXT));
    assert_eq!(pass_on!(store(), packed, plain).as_deref(), Some(TEXT));
    assert_eq!(pass_on!(store(), json, packed).as_deref(), Some(TEXT));
    assert_eq!(pass_on!(store(), plain, own).as_deref(), Some(TEXT));
}

#[tokio::test]
async fn a_codec_of_the_users_own_is_read_by_those_who_have_it() {
    let store = ByteBackend::default;
    assert_eq!(pass_on!(store(), own, own).as_deref(), Some(TEXT));
    assert_eq!(pass_on!(store(), own, plain), None);
}

#[tokio::test]
async fn an_entry_of_another_layout_or_version_is_a_plain_miss() {
    let store = ByteBackend::default;
    assert_eq!(pass_on!(store(), plain, same).as_deref(), Some(TEXT));
    assert_eq!(pass_on!(store(), plain, newer), None);
    assert_eq!(pass_on!(store(), plain, second), None);
    let metrics = RecordingMetrics::default();
    let backend = store();
    assert_eq!(
        pass_on!(backend.clone(), plain, plain).as_deref(),
        Some(TEXT)
    );
    let reader = CacheService::builder(backend).metrics(metrics.clone());
    let reader = reader.build().unwrap();
    assert!(reader.get::<newer::Page>(&1).await.unwrap().is_none());
    assert_eq!(metrics.take(), event_names(&["miss"]));
}

#[tokio::test]
async fn large_payloads_are_compressed_and_small_ones_are_not() {
    let backend = ByteBackend::default().compress_above(100);
    assert_eq!(
        pass_on!(backend.clone(), plain, plain).as_deref(),
        Some(TEXT)
    );
    let small = stored(&backend).len();
    let cache = CacheService::new(backend.clone());
    let text = TEXT.repeat(1000);
    let page = plain::Page {
        id: 1,
        text: text.clone(),
    };
    cache.put(page).await.unwrap();
    assert!(stored(&backend).len() < small + text.len() / 10);
    let read = cache.get::<plain::Page>(&1).await.unwrap().unwrap();
    assert_eq!(read.text, text);
}

#[tokio::test]
async fn what_is_encrypted_is_read_by_who_has_the_key_and_nothing_else_is() {
    let store = ByteBackend::default();
    let with = |key| store.clone().encryption(Encryption::new(1, [key; 32]));
    assert_eq!(pass_on!(with(7), plain, plain).as_deref(), Some(TEXT));
    let is_readable = |bytes: &[u8]| bytes.windows(4).any(|four| four == b"text");
    assert!(!is_readable(&stored(&store)));
    for stranger in [store.clone(), with(8)] {
        let read = CacheService::new(stranger).get::<plain::Page>(&1).await;
        assert!(read.unwrap().is_none());
    }
    // What somebody without the key has put there is not believed.
    assert_eq!(pass_on!(store.clone(), plain, plain).as_deref(), Some(TEXT));
    let metrics = RecordingMetrics::default();
    let strict = CacheService::builder(with(7)).metrics(metrics.clone());
    let strict = strict.build().unwrap();
    assert!(strict.get::<plain::Page>(&1).await.unwrap().is_none());
    assert_eq!(
        metrics.take(),
        event_names(&["decode-failure:encryption", "miss"])
    );
}

/// What a derive does not see: the attribute is on a type within the entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "noted", key = id)]
struct Noted {
    id: u64,
    note: Note,
}

/// A note whose fields are those of another type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Signed {
    #[serde(flatten)]
    note: Note,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "letter", key = id)]
struct Letter {
    id: u64,
    signed: Signed,
}

#[tokio::test]
async fn what_a_nested_type_makes_undecodable_is_a_miss() {
    let metrics = RecordingMetrics::default();
    let cache = CacheService::builder(ByteBackend::default()).metrics(metrics.clone());
    let cache = cache.build().unwrap();
    let note = Note { text: None };
    let noted = Noted { id: 1, note };
    cache.put(noted.clone()).await.unwrap();
    assert_eq!(metrics.take(), event_names(&["put"]));
    assert!(cache.get::<Noted>(&1).await.unwrap().is_none());
    assert_eq!(
        metrics.take(),
        event_names(&["decode-failure:payload", "miss"])
    );
}

#[tokio::test]
async fn what_a_nested_type_makes_unencodable_is_loaded_every_time() {
    let cache = CacheService::new(ByteBackend::default());
    let note = Note {
        text: Some(TEXT.into()),
    };
    let letter = Letter {
        id: 1,
        signed: Signed { note },
    };
    for loads in 1..3 {
        let load = || async { Ok::<_, cache_kit::Error>(Some(letter.clone())) };
        let found = cache.get_or_load::<Letter, _, _>(&1, load).await.unwrap();
        assert_eq!(found.as_deref(), Some(&letter));
        assert_eq!(cache.stats().loads, loads);
    }
}

#[test]
fn a_type_that_asks_the_bytes_what_they_hold_is_told_which_codecs_say_it() {
    fn complaint<C: Codec>(value: &serde_json::Value) -> String {
        let mut bytes = Vec::new();
        C::encode(value, &mut bytes).unwrap();
        let decoded = C::decode::<serde_json::Value>(&bytes);
        decoded.map_or_else(
            |error| error.to_string(),
            |same| {
                assert_eq!(same, *value);
                "decoded".to_owned()
            },
        )
    }
    let value = serde_json::json!({ "theme": "dark", "size": 3 });
    for complaint in [
        complaint::<cache_kit::Bincode>(&value),
        complaint::<Postcard>(&value),
    ] {
        assert!(
            complaint.contains("needs `codec = MessagePack` or `codec = Json`"),
            "{complaint}"
        );
    }
    assert_eq!(complaint::<MessagePack>(&value), "decoded");
    assert_eq!(complaint::<cache_kit::Json>(&value), "decoded");
    // What is merely damaged is told nothing of the kind.
    let damaged = cache_kit::Bincode::decode::<String>(&[1]).unwrap_err();
    assert!(!damaged.to_string().contains("codec ="), "{damaged}");
}
