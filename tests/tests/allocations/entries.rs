//! Whatever is stored, reading it panics nowhere, and takes no more from the heap than its size
//! justifies.
//!
//! The corpus of the fuzz targets, and every small change of it.

use crate::specimens::{entries, header, is_valid, payload, payload_of};
use allocation_counter::measure;
use cache_kit::{Bincode, Codec, MessagePack, Postcard};
use serde::Deserialize;
use std::any::type_name;
use std::collections::HashMap;
use std::path::Path;
use std::{fs, panic};

/// So many bytes a byte of an entry may take at most: LZ4 makes 255 of one, and a part of an entity
/// may be larger in memory than as bytes.
const RATIO: u64 = 2000;

/// What is taken for any entry, however small: errors, names of keys.
const BASE: u64 = 64 << 10;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let files = fs::read_dir(directory.join(target)).expect("they are checked in");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            (path.display().to_string(), bytes)
        })
        .collect()
}

/// Reads an input within its bounds.
fn assert_harmless(what: &str, bytes: &[u8], read: fn(&[u8])) {
    let mut outcome = Ok(());
    let taken = measure(|| outcome = panic::catch_unwind(|| read(bytes)));
    assert!(outcome.is_ok(), "{what}: it panics at {bytes:02x?}");
    let bound = BASE + RATIO * bytes.len() as u64;
    assert!(
        taken.bytes_max < bound,
        "{what}: {} bytes are taken for {} of {bytes:02x?}",
        taken.bytes_max,
        bytes.len()
    );
}

/// Reads an input, everything that it begins with, and it with each of its bits turned.
fn assert_all_harmless(what: &str, bytes: &[u8], read: fn(&[u8])) {
    for len in 0..=bytes.len() {
        assert_harmless(what, &bytes[..len], read);
    }
    let mut turned = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        turned[bit / 8] ^= 1 << (bit % 8);
        assert_harmless(what, &turned, read);
        turned[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_small_change_of_an_entry_is_harmless() {
    for (name, entry) in entries()
        .expect("it can be encoded")
        .into_iter()
        .chain(seeds("header"))
    {
        assert_all_harmless(&name, &entry, header);
    }
}

/// Whoever writes the store can make the checksum right.
#[test]
fn every_small_change_of_a_payload_behind_a_right_header_is_harmless() {
    for (name, input) in seeds("payload") {
        assert_all_harmless(&name, &input, payload);
    }
    for (name, entry) in entries().expect("it can be encoded") {
        assert_all_harmless(&name, &payload_of(&entry), payload);
    }
}

/// A list in a list in a list.
#[derive(Debug, Deserialize)]
struct Nest(#[allow(dead_code, reason = "to be nested")] Vec<Nest>);

/// Decodes what declares far more than there is, a hundred times over.
fn assert_disbelieved<C: Codec>(declared: &[u8]) {
    let nested = declared.repeat(100);
    let codec = type_name::<C>();
    let refuse = |refused: bool| assert!(refused, "{codec} believes {declared:02x?}");
    let taken = measure(|| {
        refuse(C::decode::<String>(declared).is_err());
        refuse(C::decode::<Vec<u64>>(declared).is_err());
        refuse(C::decode::<HashMap<u64, u64>>(declared).is_err());
        refuse(C::decode::<Nest>(&nested).is_err());
    });
    let most = taken.bytes_max;
    assert!(
        most < BASE,
        "{codec} takes {most} bytes for {declared:02x?}"
    );
}

#[test]
fn a_length_that_the_input_does_not_justify_is_not_believed() {
    for length in [100_000_000_u64, 1 << 62] {
        assert_disbelieved::<Bincode>(&length.to_le_bytes());
    }
    assert_disbelieved::<Postcard>(&[0xFF, 0xFF, 0xFF, 0x7F]);
    // A string, a list and a map of 1 GiB or elements.
    for marker in [0xDB, 0xDD, 0xDF] {
        assert_disbelieved::<MessagePack>(&[marker, 0x40, 0, 0, 0]);
    }
}

/// Else what the targets begin with would be refused at once. When the format changes
/// `cargo run --example seeds` writes them anew.
#[test]
fn every_seed_is_an_entry() {
    let seeds = seeds("header");
    assert_eq!(seeds.len(), entries().expect("it can be encoded").len());
    for (name, entry) in seeds {
        assert!(is_valid(&entry), "{name}");
    }
}
