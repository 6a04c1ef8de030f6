//! Large payloads take less room, and less time on the wire.

use crate::error::{Damage, Error, Result};

/// LZ4 cannot make a byte stand for more than these (lz4 block format): a declared length beyond is
/// a lie.
const LARGEST_RATIO: usize = 255;

/// Compresses a payload (LZ4); `None` if it does not get smaller.
pub(super) fn compress(payload: &[u8]) -> Option<Vec<u8>> {
    let compressed = lz4_flex::compress_prepend_size(payload);
    (compressed.len() < payload.len()).then_some(compressed)
}

/// Decompresses a payload, which may be anything, without allocating more than it can hold.
pub(super) fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    let refused = |fault: &str| Error::damaged(Damage::Compression, fault.to_owned());
    let (len, block) = bytes
        .split_first_chunk::<4>()
        .ok_or_else(|| refused("a compressed payload has no length"))?;
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    if len > block.len().saturating_mul(LARGEST_RATIO) {
        return Err(refused("a compressed payload declares more than it holds"));
    }
    let payload = lz4_flex::decompress(block, len)
        .map_err(|error| Error::damaged(Damage::Compression, error))?;
    if payload.len() == len {
        Ok(payload)
    } else {
        Err(refused("a compressed payload holds less than it declares"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let payload = b"over and over and ".repeat(100);
        let compressed = compress(&payload).unwrap();
        assert!(compressed.len() * 5 < payload.len());
        assert_eq!(decompress(&compressed).unwrap(), payload);
    }

    #[test]
    fn what_does_not_get_smaller_is_left_as_it_is() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"short"), None);
    }

    #[test]
    fn a_lie_about_the_length_is_refused_before_it_is_believed() {
        let mut bytes = compress(&[7; 1000]).unwrap();
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decompress(&bytes).is_err());
        bytes[..4].copy_from_slice(&1001_u32.to_le_bytes());
        assert!(decompress(&bytes).is_err());
        bytes[..4].copy_from_slice(&999_u32.to_le_bytes());
        assert!(decompress(&bytes).is_err());
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = compress(&b"over and over and ".repeat(100)).unwrap();
        for len in 0..bytes.len() {
            assert!(decompress(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
