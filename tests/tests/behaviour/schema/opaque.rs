//! `#[cache(opaque)]` keeps a field's type, and nothing else, out of an entity's fingerprint.

use cache_kit::CacheSchema;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use std::collections::HashSet;

/// Entities of one name, as versions of a program have them.
macro_rules! versions {
    ($($module:ident [$($option:tt)*] { $item:item })*) => {$(
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
            #[cache(prefix = "user", key = id, codec = MessagePack)]
            #[serde(rename = "User" $($option)*)]
            #[allow(dead_code)]
            $item

            pub(super) fn schema() -> CacheSchema {
                User::schema()
            }
        }
    )*};
}

versions! {
    base [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u8 } }
    other_type [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: Vec<(u8, f64)>, age: u8 } }
    refusing [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: Licence, age: u8 } }
    by_functions [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(with = "text")] settings: u8, age: u8 } }
    with_default [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(default = "seven")] settings: u64, age: u8 } }
    bare_default [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(default)] settings: NoDefault, age: u8 } }
    without_skipped [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u8, #[serde(skip)] seen: NoSerde } }
    all_default [, default] { #[derive(Default)] pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u8 } }

    plain [] { pub(super) struct User { id: u64, settings: String, age: u8 } }
    renamed [] { pub(super) struct User { id: u64, #[cache(opaque)] preferences: String, age: u8 } }
    serde_renamed [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(rename = "prefs")] settings: String, age: u8 } }
    all_renamed [, rename_all = "UPPERCASE"] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u8 } }
    wider [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u16 } }
    wider_key [] { pub(super) struct User { id: u32, #[cache(opaque)] settings: String, age: u8 } }
    as_text [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, #[serde(with = "text")] age: u8 } }
    swapped [] { pub(super) struct User { #[cache(opaque)] settings: String, id: u64, age: u8 } }
    skipped [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, #[serde(skip)] age: u8 } }
    skipped_opaque [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(skip)] settings: String, age: u8 } }
    one_more [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, age: u8, height: u8 } }
    two_opaque [] { pub(super) struct User { id: u64, #[cache(opaque)] settings: String, #[cache(opaque)] age: u8 } }
    opaque_key [] { pub(super) struct User { #[cache(opaque)] id: u64, settings: String, age: u8 } }
    flattened [] { pub(super) struct User { id: u64, #[cache(opaque)] #[serde(flatten)] settings: Owner, age: u8 } }
}

/// Takes no text that is made up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Licence(String);

impl TryFrom<String> for Licence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with("GPL") {
            Ok(Self(text))
        } else {
            Err(format!("{text} is no licence"))
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct NoSerde;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct NoDefault(u16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    name: String,
}

fn seven() -> u64 {
    7
}

/// A number as text.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(number: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[test]
fn the_type_of_an_opaque_field_is_not_seen() {
    for schema in [
        other_type::schema(),
        refusing::schema(),
        by_functions::schema(),
        with_default::schema(),
        bare_default::schema(),
        without_skipped::schema(),
        all_default::schema(),
    ] {
        assert_eq!(schema, base::schema());
    }
}

#[test]
fn everything_else_of_such_an_entity_is_seen() {
    let versions = [
        base::schema(),
        plain::schema(),
        renamed::schema(),
        serde_renamed::schema(),
        all_renamed::schema(),
        wider::schema(),
        wider_key::schema(),
        as_text::schema(),
        swapped::schema(),
        skipped::schema(),
        skipped_opaque::schema(),
        one_more::schema(),
        two_opaque::schema(),
        opaque_key::schema(),
        flattened::schema(),
    ];
    let different: HashSet<_> = versions.iter().copied().collect();
    assert_eq!(different.len(), versions.len());
}

#[test]
fn without_an_opaque_field_the_fingerprint_is_the_types_own() {
    assert_eq!(plain::schema(), CacheSchema::of::<plain::User>());
}

#[test]
fn an_opaque_fingerprint_is_the_same_on_every_machine() {
    // Of another build, on another day: what is stored must be found again.
    assert_eq!(base::schema().fingerprint(), 8_257_260_756_230_316_687);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "pair", key = 0)]
struct Pair(u8, #[cache(opaque)] Licence, u8);

/// After the opaque field, which takes nothing that is made up, something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "pair", key = 0)]
#[serde(rename = "Pair")]
struct WidePair(u8, #[cache(opaque)] Licence, u16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "alone", key = 0)]
#[serde(transparent)]
struct Alone(#[cache(opaque)] u8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "alone", key = 0)]
#[serde(transparent, rename = "Alone")]
struct Wide(#[cache(opaque)] u16);

/// Its parameters are used by the opaque field alone, and by another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "page", key = id)]
struct Page<P, Q>
where
    P: Send,
{
    id: u64,
    #[cache(opaque)]
    payload: P,
    note: Q,
    next: Option<Box<Self>>,
}

#[test]
fn tuple_structs_and_generic_ones_have_opaque_fields() {
    assert_ne!(Pair::schema(), CacheSchema::of::<Pair>());
    assert_ne!(Pair::schema(), WidePair::schema());
    assert_eq!(CacheSchema::of::<Pair>(), CacheSchema::of::<WidePair>());
    assert_eq!(Alone::schema(), Wide::schema());
    assert_ne!(Page::<u8, u8>::schema(), Page::<u8, u16>::schema());
}

/// What the derive sees of it says nothing of how it is read.
#[derive(Clone, Debug, PartialEq, Serialize, CacheEntity)]
#[cache(prefix = "own", key = id)]
struct ByHand {
    id: u64,
    #[cache(opaque)]
    name: String,
}

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, name) = Deserialize::deserialize(deserializer)?;
        Ok(Self { id, name })
    }
}

#[test]
fn nothing_is_kept_out_where_deserialize_is_written_by_hand() {
    assert_eq!(ByHand::schema(), CacheSchema::of::<ByHand>());
}

#[tokio::test]
async fn an_opaque_field_is_stored_and_read_back() {
    let cache = CacheService::new(ByteBackend::default());
    let pair = Pair(1, Licence("GPL-3".to_owned()), 2);
    cache.put(pair.clone()).await.unwrap();
    let found = cache.get::<Pair>(&1).await.unwrap().unwrap();
    assert_eq!(*found, pair);
}
