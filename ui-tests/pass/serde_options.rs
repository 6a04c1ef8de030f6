//! What serde does to a struct, with codecs that can store it; fields that the fingerprint does not look into.

#![deny(warnings, clippy::pedantic)]

use cache_kit::prelude::*;
use cache_kit::{Bincode, Codec, MessagePack};
use serde::de::DeserializeOwned;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "house", key = id, codec = MessagePack)]
#[serde(tag = "type")]
struct House {
    id: u64,
    #[serde(flatten)]
    #[cache(opaque)]
    owner: Owner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(default, skip_serializing)]
    visits: u32,
    #[serde(skip_deserializing)]
    heating: u32,
}

/// A codec of one's own may do what it can.
struct Named;

impl Codec for Named {
    const ID: u8 = 200;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> cache_kit::Result<()> {
        MessagePack::encode(value, out)
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> cache_kit::Result<T> {
        MessagePack::decode(bytes)
    }
}

mod own {
    /// Not the crate's of this name.
    pub(super) type Bincode = super::Named;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "flat", key = id, codec = Named)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    owner: Owner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "attic", key = id, codec = own::Bincode)]
struct Attic {
    id: u64,
    #[serde(flatten)]
    owner: Owner,
}

/// What is there neither when it is written nor when it is read, or is written and read as another type, is no matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "hut", key = id)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
struct Hut {
    id: u64,
    #[serde(skip)]
    one: u32,
    #[serde(skip_serializing, skip_deserializing)]
    other: u32,
    #[serde(alias = "colour")]
    the_color: String,
    #[cfg_attr(any(), serde(flatten))]
    #[cache(opaque)]
    r#type: String,
}

/// More flags than clippy likes, in a struct that is written twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "flags", key = (id, kind))]
#[expect(clippy::struct_excessive_bools)]
struct Flags<T> {
    id: u64,
    #[cache(opaque)]
    kind: String,
    a: bool,
    b: bool,
    c: bool,
    d: bool,
    #[cache(opaque)]
    rest: T,
}

fn keeps<C: Codec, T>(entity: &T, as_read: &T)
where
    T: CacheEntity + PartialEq + std::fmt::Debug,
{
    let mut bytes = Vec::new();
    C::encode(entity, &mut bytes).unwrap();
    assert_eq!(&C::decode::<T>(&bytes).unwrap(), as_read);
}

fn main() {
    let owner = Owner { name: "Ada".into() };
    let house = House {
        id: 1,
        owner: owner.clone(),
        street: None,
        visits: 7,
        heating: 8,
    };
    let as_read = House {
        visits: 0,
        heating: 0,
        ..house.clone()
    };
    keeps::<MessagePack, _>(&house, &as_read);
    let flat = Flat {
        id: 1,
        owner: owner.clone(),
    };
    keeps::<Named, _>(&flat, &flat);
    let attic = Attic { id: 1, owner };
    keeps::<own::Bincode, _>(&attic, &attic);
    let hut = Hut {
        id: 1,
        the_color: "red".into(),
        ..Hut::default()
    };
    keeps::<Bincode, _>(&hut, &hut);
    let flags = Flags {
        id: 1,
        kind: String::new(),
        a: true,
        b: true,
        c: false,
        d: true,
        rest: 7_u8,
    };
    keeps::<Bincode, _>(&flags, &flags);
    assert_ne!(House::schema(), Hut::schema());
    assert_eq!(Flags::<u8>::schema(), Flags::<u16>::schema());
    assert_eq!(flags.cache_key(), FlagsKey::new(1, ""));
}
