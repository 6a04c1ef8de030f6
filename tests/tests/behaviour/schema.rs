//! The layout of a type, found by asking its `Deserialize`.

mod opaque;

use cache_kit::CacheSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Two types of one name, as two versions of a program have them.
macro_rules! versions {
    ($($name:ident { $($item:item)* })*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $(#[derive(Serialize, Deserialize)] #[allow(dead_code)] $item)*
            pub(super) fn schema() -> CacheSchema {
                CacheSchema::of::<User>()
            }
        }
    )*};
}

versions! {
    base { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    same { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    renamed_field { pub(super) struct User { id: u64, nick: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    swapped { pub(super) struct User { name: String, id: u64, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    wider { pub(super) struct User { id: u128, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    one_more { pub(super) struct User { id: u64, name: String, home: Home, state: State, age: u8 }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    nested { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i16> }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    required { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: i8 }
           enum State { New, Active { since: u32 }, Left(String, bool) } }
    variant_name { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Current { since: u32 }, Left(String, bool) } }
    variant_order { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { Active { since: u32 }, New, Left(String, bool) } }
    variant_payload { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u32 }, Left(String, u8) } }
    last_variant { pub(super) struct User { id: u64, name: String, home: Home, state: State }
           struct Home { street: String, floor: Option<i8> }
           enum State { New, Active { since: u64 }, Left(String, bool) } }
}

#[test]
fn the_same_layout_has_the_same_fingerprint() {
    assert_eq!(base::schema(), same::schema());
    assert_eq!(base::schema(), base::schema());
}

#[test]
fn every_change_of_a_layout_changes_the_fingerprint() {
    let versions = [
        base::schema(),
        renamed_field::schema(),
        swapped::schema(),
        wider::schema(),
        one_more::schema(),
        nested::schema(),
        required::schema(),
        variant_name::schema(),
        variant_order::schema(),
        variant_payload::schema(),
        last_variant::schema(),
    ];
    let different: HashSet<_> = versions.iter().map(|schema| schema.fingerprint()).collect();
    assert_eq!(different.len(), versions.len());
}

#[test]
fn the_fingerprint_is_the_same_on_every_machine() {
    // Of another build, on another day: what is stored must be found again.
    assert_eq!(base::schema().fingerprint(), 3_198_073_821_275_510_262);
}

/// Types that parse what they read do not hide what comes after them.
#[test]
fn types_that_refuse_most_values_are_seen_through() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Before(IpAddr, SocketAddr, NonZeroU32, Duration, char, u8);
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct After(IpAddr, SocketAddr, NonZeroU32, Duration, char, u16);
    let name = |schema: CacheSchema| schema.fingerprint();
    assert_ne!(
        name(CacheSchema::of::<Before>()),
        name(CacheSchema::of::<After>())
    );
    assert_ne!(
        CacheSchema::of::<(chrono::DateTime<chrono::Utc>, u8)>(),
        CacheSchema::of::<(chrono::DateTime<chrono::Utc>, u16)>()
    );
    assert_ne!(
        CacheSchema::of::<(uuid::Uuid, u8)>(),
        CacheSchema::of::<(uuid::Uuid, u16)>()
    );
}

#[test]
fn collections_differ_by_what_they_hold() {
    let schemas = [
        CacheSchema::of::<Vec<u8>>(),
        CacheSchema::of::<Vec<u16>>(),
        CacheSchema::of::<HashMap<String, u8>>(),
        CacheSchema::of::<BTreeMap<String, u16>>(),
        CacheSchema::of::<[u8; 4]>(),
        CacheSchema::of::<[u8; 5]>(),
        CacheSchema::of::<Option<u8>>(),
        CacheSchema::of::<Option<Option<u8>>>(),
        CacheSchema::of::<u8>(),
        CacheSchema::of::<()>(),
    ];
    let different: HashSet<_> = schemas.iter().copied().collect();
    assert_eq!(different.len(), schemas.len());
}

#[test]
fn recursive_types_end() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Tree {
        label: String,
        children: Vec<Tree>,
        parent: Option<Box<Tree>>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Expression {
        Add(Box<Expression>, Box<Expression>),
        Negate(Box<Expression>),
        Literal(i64),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Widened {
        Add(Box<Widened>, Box<Widened>),
        Negate(Box<Widened>),
        Literal(i32),
    }
    assert_ne!(CacheSchema::of::<Tree>(), CacheSchema::of::<Expression>());
    assert_ne!(
        CacheSchema::of::<Expression>(),
        CacheSchema::of::<Widened>()
    );
}

#[test]
fn what_comes_after_a_recursive_field_is_seen() {
    #[derive(Deserialize)]
    #[serde(rename = "Tree")]
    #[allow(dead_code)]
    struct Narrow {
        children: Vec<Narrow>,
        size: u8,
    }
    #[derive(Deserialize)]
    #[serde(rename = "Tree")]
    #[allow(dead_code)]
    struct Wide {
        children: Vec<Wide>,
        size: u16,
    }
    assert_ne!(CacheSchema::of::<Narrow>(), CacheSchema::of::<Wide>());
}

#[test]
fn a_type_within_itself_once_is_no_recursion() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Page<T> {
        items: Vec<T>,
        next: Option<u64>,
    }
    assert_ne!(
        CacheSchema::of::<Page<Page<u8>>>(),
        CacheSchema::of::<Page<Page<u16>>>()
    );
}

#[test]
fn a_type_that_takes_nothing_hides_only_itself_where_it_may_be_left_out() {
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    #[allow(dead_code)]
    struct Licence(String);
    impl TryFrom<String> for Licence {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("{text} is no licence"))
        }
    }
    assert_ne!(
        CacheSchema::of::<(Option<Licence>, u8)>(),
        CacheSchema::of::<(Option<Licence>, u16)>()
    );
    assert_ne!(CacheSchema::of::<Licence>(), CacheSchema::of::<String>());
}

#[test]
fn a_type_whose_own_code_panics_is_opaque() {
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("it does");
        }
    }
    assert_eq!(CacheSchema::of::<Panics>(), CacheSchema::of::<Panics>());
}
