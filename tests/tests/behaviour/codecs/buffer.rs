//! Entries are built in a buffer that is used again, whatever a user's code does meanwhile.

use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, encode_entry};
use cache_kit::{
    CacheKey, Codec, Encryption, Error, Postcard,
    store::{Entry, Shape},
};
use serde::de::DeserializeOwned;
use serde::{Serializer, ser::Error as _};
use std::sync::Arc;

/// What happens while an entity is encoded, before its last field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Deed {
    #[default]
    Nothing,
    Panics,
    Fails,
    EncodesAnother,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "letter", key = id)]
struct Letter {
    id: u64,
    text: String,
    #[serde(with = "deeds")]
    deed: Deed,
    signature: String,
}

mod deeds {
    use super::*;

    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(deed: &Deed, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = || letter("inner", Deed::Nothing);
        match deed {
            Deed::Nothing => {}
            Deed::Panics => panic!("in a user's code"),
            Deed::Fails => return Err(S::Error::custom("it does")),
            Deed::EncodesAnother => {
                assert!(encoded(&inner()).ends_with(inner().signature.as_bytes()));
            }
        }
        serializer.serialize_unit()
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Deed, D::Error> {
        <()>::deserialize(deserializer).map(|()| Deed::Nothing)
    }
}

fn letter(text: &str, deed: Deed) -> Letter {
    Letter {
        id: 1,
        text: text.to_owned(),
        deed,
        signature: "yours, a correspondent of some name".to_owned(),
    }
}

fn encoded(letter: &Letter) -> Vec<u8> {
    let key = CacheKey::of::<Letter>(None, &letter.id).unwrap();
    let entry = Entry::Value(Arc::new(letter.clone()));
    encode_entry(&ByteBackend::default(), &key, &entry, Shape::of::<Letter>()).unwrap()
}

async fn is_kept(cache: &CacheService<ByteBackend>, text: &str, deed: Deed) {
    cache.put(letter(text, deed)).await.unwrap();
    let read = cache.get::<Letter>(&1).await.unwrap().unwrap();
    assert_eq!(*read, letter(text, Deed::Nothing));
}

#[tokio::test]
async fn an_entry_can_be_built_while_another_is() {
    let cache = CacheService::new(ByteBackend::default());
    is_kept(&cache, "outer", Deed::EncodesAnother).await;
    is_kept(&cache, "after it", Deed::Nothing).await;
}

#[tokio::test]
async fn a_value_that_fails_or_panics_leaves_nothing_in_the_next_entry() {
    let clean = encoded(&letter("the text", Deed::Nothing));
    let cache = CacheService::new(ByteBackend::default());
    let failed = cache.put(letter("half a letter", Deed::Fails)).await;
    assert!(matches!(failed, Err(Error::SerializationError(_))));
    assert_eq!(encoded(&letter("the text", Deed::Nothing)), clean);
    let panicked = std::panic::catch_unwind(|| encoded(&letter("half a letter", Deed::Panics)));
    assert!(panicked.is_err());
    assert_eq!(encoded(&letter("the text", Deed::Nothing)), clean);
    is_kept(&cache, "the text", Deed::Nothing).await;
}

#[tokio::test]
async fn values_of_every_size_follow_each_other() {
    let plain = ByteBackend::default();
    let wrapped = plain.clone().compress_above(100);
    let wrapped = wrapped.encryption(Encryption::new(1, [7; 32]));
    for backend in [plain, wrapped] {
        let cache = CacheService::new(backend);
        for len in [10, 1000, 3 << 20, 0, 400, 450, 500] {
            is_kept(&cache, &"x".repeat(len), Deed::Nothing).await;
        }
    }
}

/// It does not append, as codecs have to.
struct Replacing;

impl Codec for Replacing {
    const ID: u8 = 201;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> cache_kit::Result<()> {
        out.clear();
        Postcard::encode(value, out)
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> cache_kit::Result<T> {
        Postcard::decode(bytes)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "replaced", key = id, codec = Replacing)]
struct Replaced {
    id: u64,
    text: String,
}

#[tokio::test]
async fn a_codec_that_replaces_what_is_there_is_an_error_and_nothing_is_stored() {
    let plain = ByteBackend::default();
    let wrapped = plain.clone().compress_above(0);
    let wrapped = wrapped.encryption(Encryption::new(1, [7; 32]));
    for backend in [plain, wrapped] {
        let cache = CacheService::new(backend);
        for len in [0, 1000] {
            let text = "x".repeat(len);
            let failed = cache.put(Replaced { id: 1, text }).await;
            assert!(matches!(failed, Err(Error::SerializationError(_))));
            assert!(cache.get::<Replaced>(&1).await.unwrap().is_none());
        }
    }
}
