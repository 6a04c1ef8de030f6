//! What a store may hold: an entity with something of everything, entries of it in every way they
//! are written, and what is done with an input that may be anything. The fuzz targets call
//! [`header`] and [`payload`], and so do the tests, with every file below `seeds/`.

use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, encode_entry, read_entry};
use cache_kit::{
    Bincode, CacheKey, Codec, Encryption, Json, MessagePack, Postcard, Result,
    store::{Encoding, Entry, Erased, Lookup, Shape},
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// An entity with something of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "specimen", key = id)]
pub struct Specimen {
    id: u64,
    name: String,
    letter: char,
    ratio: f64,
    large: u128,
    small: Option<i8>,
    digest: [u8; 4],
    takes: Duration,
    numbers: Vec<u64>,
    words: HashSet<String>,
    notes: BTreeMap<String, Vec<String>>,
    table: HashMap<u32, (bool, i64)>,
    tree: Tree,
}

/// A part that is as deep as an input says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Number(i32),
    Pair(Box<Tree>, Box<Tree>),
    Branch {
        name: String,
        children: Vec<Tree>,
        rest: Option<Box<Tree>>,
    },
}

/// Where the parts of an entry's header are, and what its flags mean.
const CODEC: usize = 4;
const FLAGS: usize = 5;
const LENGTH: usize = 48;
const CHECKSUM: usize = 52;
const TIME: usize = 56;
const PAYLOAD: usize = 68;
const ABSENT: u8 = 1;
const COMPRESSED: u8 = 2;

const ENCODINGS: [Encoding; 4] = [
    Encoding::Bincode,
    Encoding::Json,
    Encoding::MessagePack,
    Encoding::Postcard,
];

/// Reads an input as an entry, by a store that encrypts and by one that does not.
pub fn header(bytes: &[u8]) {
    for store in [ByteBackend::default(), encrypting()] {
        let _ = read(&store, bytes);
    }
}

/// Reads an input as the payload of an entry, behind a header that is right: its first byte says
/// which codec wrote it, and whether it is compressed.
///
/// # Panics
/// If it is a value that its codec does not give back.
pub fn payload(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first() else {
        return;
    };
    let entry = forged(kind & 7, (kind >> 3) & (ABSENT | COMPRESSED), payload);
    if let Ok(Some(Lookup::Hit { value, .. })) = read(&ByteBackend::default(), &entry) {
        assert_comes_back(kind & 7, &value);
    }
}

/// Makes the input of [`payload`] that stands for an entry which is not encrypted.
pub fn payload_of(entry: &[u8]) -> Vec<u8> {
    let kind = entry[CODEC] | (entry[FLAGS] << 3);
    [&[kind], &entry[PAYLOAD..]].concat()
}

/// Builds an entry in every way there is, each with a name.
///
/// # Errors
/// If a specimen cannot be encoded.
pub fn entries() -> Result<Vec<(String, Vec<u8>)>> {
    let mut entries = Vec::new();
    for encoding in ENCODINGS {
        let plain = ByteBackend::default().encoding(encoding);
        let small = plain.clone().compress_above(0);
        let secret = plain.clone().encryption(key());
        let both = small.clone().encryption(key());
        let stores = [
            ("plain", plain),
            ("small", small),
            ("secret", secret),
            ("both", both),
        ];
        for (how, store) in stores {
            let name = format!("{encoding:?}-{how}").to_lowercase();
            let value = Entry::Value(Arc::new(specimen()));
            entries.push((name, encode_entry(&store, &cache_key()?, &value, shape())?));
        }
    }
    for (how, store) in [("plain", ByteBackend::default()), ("secret", encrypting())] {
        let absent = encode_entry(&store, &cache_key()?, &Entry::Absent, shape())?;
        entries.push((format!("absent-{how}"), absent));
    }
    Ok(entries)
}

/// Says whether an entry is one, to a store that has its key.
pub fn is_valid(entry: &[u8]) -> bool {
    [ByteBackend::default(), encrypting()]
        .iter()
        .any(|store| match read(store, entry) {
            Ok(Some(Lookup::Hit { value, .. })) => value.downcast_ref() == Some(&specimen()),
            Ok(Some(Lookup::Absent { .. })) => true,
            _ => false,
        })
}

fn read(store: &ByteBackend, bytes: &[u8]) -> Result<Option<Lookup>> {
    read_entry(store, &cache_key()?, bytes, shape())
}

fn shape() -> &'static Shape {
    Shape::of::<Specimen>()
}

fn cache_key() -> Result<CacheKey> {
    CacheKey::of::<Specimen>(None, &7)
}

fn key() -> Encryption {
    Encryption::new(1, [7; 32])
}

fn encrypting() -> ByteBackend {
    ByteBackend::default().encryption(key())
}

fn specimen() -> Specimen {
    let words = ["over", "and", "over"].map(str::to_owned);
    let branch = Tree::Branch {
        name: "branch".to_owned(),
        children: vec![Tree::Leaf, Tree::Number(-5)],
        rest: Some(Box::new(Tree::Leaf)),
    };
    Specimen {
        id: 7,
        name: "over and ".repeat(5),
        letter: 'ü',
        ratio: 0.1,
        large: u128::MAX - 1,
        small: Some(-1),
        digest: [1, 2, 3, 4],
        takes: Duration::from_millis(1500),
        numbers: vec![0, 1, u64::MAX],
        words: words.iter().cloned().collect(),
        notes: BTreeMap::from([("a".to_owned(), words.to_vec())]),
        table: HashMap::from([(1, (true, -1)), (2, (false, 1))]),
        tree: Tree::Pair(Box::new(branch), Box::new(Tree::Leaf)),
    }
}

/// Puts a payload behind a header that says so of it.
fn forged(codec: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    static HEAD: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let value = Entry::Value(Arc::new(specimen()));
        let key = cache_key().expect("a key");
        let entry = encode_entry(&ByteBackend::default(), &key, &value, shape());
        entry.expect("an entry")[..PAYLOAD].to_vec()
    });
    let mut entry = [&HEAD, payload].concat();
    let length = u32::try_from(payload.len()).expect("less than 4 GiB");
    entry[CODEC] = codec;
    entry[FLAGS] = flags;
    entry[LENGTH..CHECKSUM].copy_from_slice(&length.to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&entry[..CHECKSUM]);
    sum.update(payload);
    entry[CHECKSUM..TIME].copy_from_slice(&sum.finalize().to_le_bytes());
    entry
}

/// What was decoded is a value like any other: it is encoded, and comes back.
fn assert_comes_back(codec: u8, value: &Erased) {
    let Some(encoding) = ENCODINGS
        .into_iter()
        .find(|encoding| id(*encoding) == codec)
    else {
        return;
    };
    let mut bytes = Vec::new();
    let written = shape().encode(value, encoding, &mut bytes);
    assert_eq!(written.ok(), Some(codec));
    let again = shape()
        .decode(codec, &bytes)
        .expect("what was just encoded");
    let [value, again] = [value, &again].map(|value| value.downcast_ref::<Specimen>());
    let is_number = value.is_some_and(|value| !value.ratio.is_nan());
    assert!(
        value == again || !is_number,
        "{value:?} came back as {again:?}"
    );
}

fn id(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Json => Json::ID,
        Encoding::MessagePack => MessagePack::ID,
        Encoding::Postcard => Postcard::ID,
        _ => Bincode::ID,
    }
}
