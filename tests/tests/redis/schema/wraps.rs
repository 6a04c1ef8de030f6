//! The same layout, wrapped in other ways: a fleet changes its codec and its keys while it rolls,
//! and goes on reading what it has stored.

use super::fleet::{Database, Process, Version, Way, patient};
use super::{base, repacked};
use crate::fixtures::{Store, at};
use cache_kit::{
    Bincode, CacheEntity, Codec, Encryption, Json, MessagePack, Postcard, store::Encoding,
};
use cache_kit_tests::counts;

const CODECS: [(Encoding, u8); 4] = [
    (Encoding::Bincode, Bincode::ID),
    (Encoding::MessagePack, MessagePack::ID),
    (Encoding::Json, Json::ID),
    (Encoding::Postcard, Postcard::ID),
];

/// What either writes both read as it is, and what either drops both load anew.
async fn assert_share<A: Version, B: Version>(writer: &Process<A>, other: &Process<B>) {
    for way in [Way::Invalidate, Way::Put] {
        writer.write(1, way).await;
        writer.know(1).await;
        assert!(!other.find(1).await, "what another has stored is read");
        other.write(1, way).await;
        assert_eq!(writer.find(1).await, way != Way::Put);
    }
    writer.assert_unharmed();
    other.assert_unharmed();
}

/// The codec of what is stored.
async fn codec(store: &Store) -> u8 {
    let parts = store.parts::<base::User>(&1).await;
    store.get(&parts.value).await[at::CODEC]
}

#[tokio::test]
async fn a_fleet_changes_the_codec_of_its_store_while_it_rolls() {
    let store = Store::start().await;
    for (before, id_before) in CODECS {
        for (after, id_after) in CODECS {
            let database = Database::default();
            store.run(&["FLUSHALL"]).await;
            let start = |encoding| {
                Process::<base::User>::start(patient(&store).encoding(encoding), &database)
            };
            let (old, new) = (start(before), start(after));
            old.know(1).await;
            assert_eq!(codec(&store).await, id_before);
            assert!(!new.find(1).await, "{after:?} reads {before:?}");
            new.write(1, Way::Put).await;
            assert_eq!(codec(&store).await, id_after);
            assert!(!old.find(1).await, "{before:?} reads {after:?}");
            assert_share(&old, &new).await;
            assert_share(&new, &old).await;
        }
    }
}

#[tokio::test]
async fn a_fleet_changes_the_codec_of_an_entity_while_it_rolls() {
    let (store, database) = (Store::start().await, Database::default());
    let old = Process::<base::User>::start(patient(&store), &database);
    let new = Process::<repacked::User>::start(patient(&store), &database);
    old.know(1).await;
    assert_eq!(codec(&store).await, Bincode::ID);
    assert!(!new.find(1).await);
    new.write(1, Way::Put).await;
    assert_eq!(codec(&store).await, MessagePack::ID);
    assert!(!old.find(1).await);
    assert_share(&old, &new).await;
    assert_share(&new, &old).await;
}

const OLD: (u32, [u8; 32]) = (1, [1; 32]);
const NEW: (u32, [u8; 32]) = (2, [2; 32]);

/// A process that encrypts with the first of its keys, and knows the others; without any it
/// encrypts nothing.
fn with_keys(store: &Store, database: &Database, keys: &[(u32, [u8; 32])]) -> Process<base::User> {
    let mut config = patient(store);
    if let [(number, key), others @ ..] = keys {
        let encryption = Encryption::new(*number, *key);
        let with_other = |encryption: Encryption, (number, key): &(u32, [u8; 32])| {
            encryption.and_old(*number, *key)
        };
        config = config.encryption(others.iter().fold(encryption, with_other));
    }
    Process::start(config, database)
}

/// As `Encryption` says how it is done; of two steps that follow each other processes run side by
/// side.
#[tokio::test]
async fn a_fleet_changes_its_keys_while_it_rolls() {
    let (store, database) = (Store::start().await, Database::default());
    let steps: [&[_]; 4] = [&[OLD], &[OLD, NEW], &[NEW, OLD], &[NEW]];
    for side_by_side in steps.windows(2) {
        let [before, after] = side_by_side else {
            panic!("two steps");
        };
        let before = with_keys(&store, &database, before);
        let after = with_keys(&store, &database, after);
        before.write(1, Way::Put).await;
        assert!(!after.find(1).await);
        assert_share(&before, &after).await;
        assert_share(&after, &before).await;
    }
}

/// Encryption that is turned on or off at once, and keys that were changed too fast.
#[tokio::test]
async fn what_a_process_cannot_open_it_replaces() {
    let store = Store::start().await;
    let pairs: [[&[_]; 2]; 3] = [[&[], &[NEW]], [&[OLD], &[NEW]], [&[OLD], &[NEW, OLD]]];
    for [before, after] in pairs {
        let database = Database::default();
        store.run(&["FLUSHALL"]).await;
        let old = with_keys(&store, &database, before);
        let new = with_keys(&store, &database, after);
        let knows_old = after.contains(&OLD);
        for _ in 0..3 {
            old.know(1).await;
            assert_eq!(new.find(1).await, !knows_old);
            new.write(1, Way::Put).await;
            assert!(!new.find(1).await, "its own is read");
            assert!(old.find(1).await, "and the other's is a miss");
        }
        assert!(counts(&old.cache).decode_failures >= 3, "each is counted");
        assert_eq!(counts(&old.cache).load_failures, 0);
    }
}

#[test]
fn a_codec_is_no_part_of_a_layout() {
    assert_eq!(base::User::schema(), repacked::User::schema());
}
