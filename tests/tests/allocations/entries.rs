//! What is stored may be anything; reading it takes no more from the heap than its size justifies.

use allocation_counter::measure;
use cache_kit::{Bincode, Codec, MessagePack, Postcard};
use serde::Deserialize;
use std::any::type_name;
use std::collections::HashMap;

/// What is taken for any entry, however small: errors, names of keys.
const BASE: u64 = 64 << 10;

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
