use super::seal::to_millis;
use super::*;

fn header() -> Header {
    Header {
        codec: 1,
        is_compressed: true,
        fingerprint: 0x0123_4567_89AB_CDEF,
        stamp: u64::MAX >> 1,
        prefix_stamp: 5,
        soft: Some(Duration::from_secs(60)),
        hard: None,
        tags: vec![(1, 2), (3, 4)],
        ..Header::default()
    }
}

fn sealed(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.reserve(&mut bytes);
    bytes.extend(payload);
    header.finish(&mut bytes).unwrap()
}

/// An entry as the server leaves it.
fn stored(header: &Header, payload: &[u8], written: u64) -> Vec<u8> {
    let mut bytes = sealed(header, payload);
    stamp_time(&mut bytes, written);
    bytes
}

fn read(bytes: &[u8]) -> Result<Sealed<'_>, Damage> {
    Sealed::read(bytes)?.checked()
}

#[test]
fn what_is_sealed_is_read() {
    let bytes = stored(&header(), b"payload", 1_790_000_000_000);
    let sealed = read(&bytes).unwrap();
    assert_eq!(sealed.header, header());
    assert_eq!(sealed.payload, b"payload");
    assert_eq!(sealed.written, 1_790_000_000_000);
    let absent = Header {
        is_absent: true,
        ..Header::default()
    };
    let bytes = stored(&absent, b"", 0);
    assert_eq!(read(&bytes).unwrap().header, absent);
}

#[test]
fn the_format_is_what_the_table_says() {
    let payload = b"payload".as_slice();
    let numbers = |numbers: &[u64]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    };
    let head = [
        b"\xC4CK\x01\x01\x02\x02\0".as_slice(),
        &numbers(&[header().fingerprint, u64::MAX >> 1, 5, 60_000, ENDLESS]),
        b"\x07\0\0\0",
    ]
    .concat();
    let rest = [&numbers(&[1, 2, 3, 4]), payload].concat();
    let checksum = crc32fast::hash(&[head.as_slice(), &rest].concat());
    let whole = [&head, checksum.to_le_bytes().as_slice(), &[0; 12], &rest].concat();
    assert_eq!(sealed(&header(), payload), whole);
}

#[test]
fn every_flipped_bit_is_damage() {
    let bytes = stored(&header(), b"payload", 1_790_000_000_000);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_and_every_extension_is_damage() {
    let bytes = stored(&header(), b"payload", 1);
    for len in 0..bytes.len() {
        assert!(read(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert_eq!(read(&[bytes, vec![0]].concat()), Err(Damage::Length));
    assert_eq!(read(&vec![0; 1 << 20]), Err(Damage::Magic));
}

#[test]
fn another_version_is_told_from_damage() {
    let mut bytes = stored(&header(), b"payload", 1);
    bytes[3] = 2;
    assert_eq!(read(&bytes), Err(Damage::Version));
}

#[test]
fn an_entry_without_the_servers_time_is_damage() {
    let bytes = sealed(&header(), b"payload");
    assert_eq!(read(&bytes), Err(Damage::Checksum));
}

#[test]
fn lifetimes_are_rounded_up_and_never_to_nothing() {
    for (lifetime, read) in [
        (Duration::from_nanos(1), Duration::from_millis(1)),
        (Duration::from_micros(1500), Duration::from_millis(2)),
        (Duration::from_secs(3600), Duration::from_secs(3600)),
    ] {
        assert_eq!(from_millis(to_millis(Some(lifetime))), Some(read));
    }
    assert_eq!(from_millis(to_millis(Some(Duration::MAX))), None);
    assert_eq!(from_millis(to_millis(None)), None);
}
