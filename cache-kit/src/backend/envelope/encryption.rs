//! Entries that only those who have the key can read or write.

use crate::error::{Damage, Error, Result};
use chacha20poly1305::aead::{Aead, AeadCore, AeadInPlace, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt;

const ID: usize = 4;
const NONCE: usize = 24;

/// Encrypts payloads (XChaCha20-Poly1305, with a random nonce each) and decrypts them, by as many
/// keys as are in use.
///
/// An entry is bound to its cache key and its header: moved under another key, or with its header
/// changed, it does not open, and is a miss. Cache keys, prefixes and lengths stay readable to
/// whoever can read the store.
///
/// To change keys while a fleet runs: first give every process the new key as an [old
/// one](Self::and_old), then make it the current one with the other as the old one, then drop that.
///
/// ```
/// use cache_kit::Encryption;
///
/// # let (new, old) = ([7; 32], [8; 32]);
/// let encryption = Encryption::new(2, new).and_old(1, old);
/// assert!(!format!("{encryption:?}").contains("7, 7"));
/// ```
#[derive(Clone)]
pub struct Encryption {
    current: u32,
    keys: Vec<(u32, XChaCha20Poly1305)>,
}

impl Encryption {
    /// Encrypts with a key of 32 random bytes. Its number is stored with each entry, to find the
    /// key again.
    #[must_use]
    pub fn new(number: u32, key: [u8; 32]) -> Self {
        Self {
            current: number,
            keys: vec![(number, XChaCha20Poly1305::new(&key.into()))],
        }
    }

    /// Decrypts with another key as well. Of two keys with one number the first is used.
    #[must_use]
    pub fn and_old(mut self, number: u32, key: [u8; 32]) -> Self {
        self.keys
            .push((number, XChaCha20Poly1305::new(&key.into())));
        self
    }

    fn cipher(&self, number: u32) -> Option<&XChaCha20Poly1305> {
        let found = self.keys.iter().find(|(known, _)| *known == number);
        found.map(|(_, cipher)| cipher)
    }

    /// How much room an encrypted payload needs in front of it.
    pub(super) const BEFORE: usize = ID + NONCE;

    /// Encrypts the payload that starts at a place, where it is. Number and nonce go into the room
    /// in front of it.
    pub(super) fn encrypt(&self, bytes: &mut Vec<u8>, start: usize, bound_to: &[u8]) -> Result<()> {
        let refused = || Error::SerializationError("the payload cannot be encrypted".into());
        let cipher = self.cipher(self.current).ok_or_else(refused)?;
        let (before, payload) = bytes.split_at_mut_checked(start).ok_or_else(refused)?;
        let room = before.last_chunk_mut::<{ Self::BEFORE }>();
        let (number, place) = room.ok_or_else(refused)?.split_at_mut(ID);
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let tag = cipher
            .encrypt_in_place_detached(&nonce, bound_to, payload)
            .map_err(|_| refused())?;
        number.copy_from_slice(&self.current.to_le_bytes());
        place.copy_from_slice(&nonce);
        bytes.extend(tag);
        Ok(())
    }

    pub(super) fn decrypt(&self, bytes: &[u8], bound_to: &[u8]) -> Result<Vec<u8>> {
        let refused = |fault: &str| Error::damaged(Damage::Encryption, fault.to_owned());
        let too_short = || refused("an encrypted payload is too short");
        let (number, rest) = bytes.split_first_chunk::<ID>().ok_or_else(too_short)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE>().ok_or_else(too_short)?;
        let cipher = self
            .cipher(u32::from_le_bytes(*number))
            .ok_or_else(|| refused("an entry is encrypted with a key that is not known here"))?;
        let message = Payload {
            msg: encrypted,
            aad: bound_to,
        };
        cipher
            .decrypt(XNonce::from_slice(nonce), message)
            .map_err(|_| refused("an encrypted payload is not what its key has written"))
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.keys.iter().map(|(number, _)| number).collect();
        f.debug_struct("Encryption")
            .field("current", &self.current)
            .field("keys", &numbers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: [u8; 32] = [1; 32];
    const OLD: [u8; 32] = [2; 32];

    /// A payload on its own.
    fn encrypted(encryption: &Encryption, payload: &[u8], bound_to: &[u8]) -> Vec<u8> {
        let mut bytes = [&[0; Encryption::BEFORE], payload].concat();
        let start = Encryption::BEFORE;
        encryption.encrypt(&mut bytes, start, bound_to).unwrap();
        bytes
    }

    #[test]
    fn only_who_has_the_key_can_read() {
        let ours = Encryption::new(7, NEW);
        let bytes = encrypted(&ours, b"secret", b"user:1");
        assert_eq!(ours.decrypt(&bytes, b"user:1").unwrap(), b"secret");
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        assert!(Encryption::new(7, OLD).decrypt(&bytes, b"user:1").is_err());
        assert!(Encryption::new(8, NEW).decrypt(&bytes, b"user:1").is_err());
    }

    #[test]
    fn an_entry_moved_under_another_key_does_not_open() {
        let ours = Encryption::new(7, NEW);
        let bytes = encrypted(&ours, b"secret", b"user:1");
        assert!(ours.decrypt(&bytes, b"user:2").is_err());
    }

    #[test]
    fn keys_can_be_changed_while_entries_live() {
        let before = Encryption::new(1, OLD);
        let after = Encryption::new(2, NEW).and_old(1, OLD);
        let stored = encrypted(&before, b"secret", b"user:1");
        assert_eq!(after.decrypt(&stored, b"user:1").unwrap(), b"secret");
        let stored = encrypted(&after, b"secret", b"user:1");
        assert!(before.decrypt(&stored, b"user:1").is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let ours = Encryption::new(7, NEW);
        let bytes = encrypted(&ours, b"secret", b"user:1");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(ours.decrypt(&flipped, b"user:1").is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(ours.decrypt(&bytes[..len], b"user:1").is_err());
        }
    }

    #[test]
    fn the_same_payload_never_looks_the_same() {
        let ours = Encryption::new(7, NEW);
        let encrypt = || encrypted(&ours, b"secret", b"user:1");
        assert_ne!(encrypt(), encrypt());
    }

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!(
            "{:?}",
            Encryption::new(7, [0xAB; 32]).and_old(6, [0xCD; 32])
        );
        assert_eq!(shown, "Encryption { current: 7, keys: [7, 6], .. }");
    }
}
