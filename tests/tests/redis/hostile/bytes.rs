//! Entries that somebody has changed.

use super::{assert_is_replaced, prime};
use crate::fixtures::{Parts, Store, at, cache, config, row, seal_again, until_hit, wrapped};
use cache_kit::RedisConfig;
use cache_kit_tests::{Person, counts};

/// So many changes are only read; after each of them one is replaced too.
const READ_ONLY: usize = 40;

/// A change, and what it is called.
type Change = (String, Vec<u8>);

/// Each change of an entry is a miss. None of them is ever served.
async fn every_change_is_a_miss(
    store: &Store,
    config: RedisConfig,
    changes: impl Fn(&[u8]) -> Vec<Change>,
) {
    let cache = cache(config);
    let parts = prime(store, &cache).await;
    let whole = store.get(&parts.value).await;
    let changes = changes(&whole);
    for (index, (what, bytes)) in changes.iter().enumerate() {
        store.set(&parts.value, bytes).await;
        if index % READ_ONLY == 0 || changes.len() < READ_ONLY {
            assert_is_replaced(&cache, what).await;
        } else {
            let found = cache.get::<Person>(&1).await;
            assert!(matches!(found, Ok(None)), "{what}: {found:?}");
        }
    }
    store.set(&parts.value, &whole).await;
    until_hit(&cache, 1).await;
}

fn cuts(whole: &[u8]) -> Vec<Change> {
    let cut = |len| (format!("{len} bytes"), whole[..len].to_vec());
    (0..whole.len()).map(cut).collect()
}

fn flips(whole: &[u8]) -> Vec<Change> {
    let flip = |bit: usize| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), bytes)
    };
    (0..whole.len() * 8).map(flip).collect()
}

/// Changes that look right: their checksum is.
fn forgeries(whole: &[u8]) -> Vec<Change> {
    let payload = at::PAYLOAD;
    let codecs = [2, 3, 4, 99, 255].map(|codec| (at::CODEC, vec![codec]));
    let flags = [1, 2, 3, 5, 8, 0x10, 0x80, 0xFF].map(|flags| (at::FLAGS, vec![flags]));
    let others = [
        (0, vec![0; 3]),
        (at::VERSION, vec![0]),
        (at::VERSION, vec![2]),
        (at::TAGS, vec![1, 0]),
        (at::TAGS, vec![0xFF, 0xFF]),
        (at::STAMP, vec![0; 8]),
        (at::STAMP, vec![0xFF; 8]),
        (at::LENGTH, vec![0; 4]),
        (at::LENGTH, vec![0xFF; 4]),
        (payload, vec![0xFF; 16]),
        (payload + 8, vec![0xFF; 8]),
    ];
    let all = codecs.into_iter().chain(flags).chain(others);
    all.filter(|(from, new)| !whole[*from..].starts_with(new))
        .map(|(from, new)| {
            let mut bytes = whole.to_vec();
            bytes[from..from + new.len()].copy_from_slice(&new);
            seal_again(&mut bytes);
            (format!("{new:02x?} at {from}"), bytes)
        })
        .collect()
}

/// An entry with another payload, which looks right.
fn with_payload(whole: &[u8], flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&whole[..at::PAYLOAD], payload].concat();
    let len = u32::try_from(payload.len()).expect("a small one");
    bytes[at::FLAGS] = flags;
    bytes[at::LENGTH..at::CHECKSUM].copy_from_slice(&len.to_le_bytes());
    seal_again(&mut bytes);
    bytes
}

fn longer_and_other(whole: &[u8]) -> Vec<Change> {
    let liar = |declared: u32| [&declared.to_le_bytes(), [0xFF; 64].as_slice()].concat();
    let trailing = [&whole[at::PAYLOAD..], &[0]].concat();
    let changes = [
        ("nothing", Vec::new()),
        ("a byte more", [whole, &[0]].concat()),
        ("twice", whole.repeat(2)),
        ("a megabyte of zeros", vec![0; 1 << 20]),
        ("a byte after the value", with_payload(whole, 0, &trailing)),
        ("no payload", with_payload(whole, 0, b"")),
        ("lz4 of no length", with_payload(whole, 2, b"abc")),
        ("lz4 of 4 GiB", with_payload(whole, 2, &liar(u32::MAX))),
        ("lz4 of 16 KiB", with_payload(whole, 2, &liar(16_000))),
        ("lz4 of nothing", with_payload(whole, 2, &liar(0))),
        ("absent, with lz4", with_payload(whole, 3, &liar(0))),
        ("a short cipher", with_payload(whole, 4, &[1; 27])),
        ("a cipher of no key", with_payload(whole, 4, &[9; 200])),
        ("a cipher that lies", with_payload(whole, 6, &liar(1))),
    ];
    changes.map(|(what, bytes)| (what.to_owned(), bytes)).into()
}

#[tokio::test]
async fn every_cut_is_a_miss() {
    let store = Store::start().await;
    every_change_is_a_miss(&store, config(&store.server), cuts).await;
    every_change_is_a_miss(&store, wrapped(config(&store.server)), cuts).await;
}

#[tokio::test]
async fn every_flipped_bit_is_a_miss() {
    let store = Store::start().await;
    every_change_is_a_miss(&store, config(&store.server), flips).await;
}

#[tokio::test]
async fn every_flipped_bit_of_what_is_compressed_and_encrypted_is_a_miss() {
    let store = Store::start().await;
    every_change_is_a_miss(&store, wrapped(config(&store.server)), flips).await;
}

#[tokio::test]
async fn whatever_looks_right_and_is_not_is_a_miss() {
    let store = Store::start().await;
    for changes in [forgeries, longer_and_other] {
        every_change_is_a_miss(&store, config(&store.server), changes).await;
        every_change_is_a_miss(&store, wrapped(config(&store.server)), changes).await;
    }
}

#[tokio::test]
async fn an_entry_moved_from_another_key_is_a_miss() {
    let store = Store::start().await;
    for config in [config(&store.server), wrapped(config(&store.server))] {
        let cache = cache(config);
        let parts = prime(&store, &cache).await;
        let other = store.parts::<Person>(&2).await;
        store
            .set(&parts.value, &store.get(&other.value).await)
            .await;
        assert_is_replaced(&cache, "another's entry").await;
    }
}

/// Moves an entry to where it is not from, guard and all.
async fn forge(store: &Store, parts: &Parts, stamp: &[u8], mut bytes: Vec<u8>) {
    let guard = std::str::from_utf8(stamp).expect("digits");
    let guard: u64 = guard.parse().expect("a guard");
    bytes[at::STAMP..at::STAMP + 8].copy_from_slice(&guard.to_le_bytes());
    seal_again(&mut bytes);
    store.set(&parts.value, &bytes).await;
}

#[tokio::test]
async fn an_encrypted_entry_moved_with_its_guard_is_a_miss() {
    let store = Store::start().await;
    let cache = cache(wrapped(config(&store.server)));
    let parts = prime(&store, &cache).await;
    let other = store.parts::<Person>(&2).await;
    store
        .set(&parts.guard, &store.get(&other.guard).await)
        .await;
    store
        .set(&parts.value, &store.get(&other.value).await)
        .await;
    assert_is_replaced(&cache, "another's entry").await;
}

/// Who can write the store, and has no key, cannot bring back what was invalidated.
#[tokio::test]
async fn an_encrypted_entry_with_a_newer_stamp_is_a_miss() {
    let store = Store::start().await;
    let cache = cache(wrapped(config(&store.server)));
    let parts = prime(&store, &cache).await;
    let old = store.get(&parts.value).await;
    cache.put(row(1)).await.expect("stored");
    forge(&store, &parts, &store.get(&parts.guard).await, old).await;
    assert_is_replaced(&cache, "an older entry").await;
}

#[tokio::test]
async fn each_damage_is_counted() {
    let store = Store::start().await;
    let cache = cache(config(&store.server));
    let parts = prime(&store, &cache).await;
    let whole = store.get(&parts.value).await;
    let damaged = [whole[..50].to_vec(), vec![0; 100], vec![b'x'; 70]];
    for (count, bytes) in (1..).zip(&damaged) {
        store.set(&parts.value, bytes).await;
        assert!(matches!(cache.get::<Person>(&1).await, Ok(None)));
        assert_eq!(
            (counts(&cache).decode_failures, counts(&cache).hits),
            (count, 0)
        );
    }
}
