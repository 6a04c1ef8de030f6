//! The default codec. bincode is unmaintained: this module is the only one that names it.

use super::bounds::Bounded;
use super::{Codec, undecodable, whole};
use crate::error::{Error, Result};
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::error::{DecodeError, EncodeError};
use bincode::serde::DecodeError as Unsupported;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes without field names, in the least time: [bincode](https://docs.rs/bincode/2) with
/// integers of fixed length.
#[derive(Clone, Copy, Debug)]
pub struct Bincode;

/// No entry is larger; a length in hostile bytes cannot ask for more.
const LARGEST: usize = 512 << 20;

/// What is tried first for a value. Of what is not used nothing is kept.
const GUESS: usize = 512;

type Config = Configuration<LittleEndian, Fixint, Limit<LARGEST>>;

const fn config() -> Config {
    bincode::config::standard()
        .with_fixed_int_encoding()
        .with_limit::<LARGEST>()
}

impl Codec for Bincode {
    const ID: u8 = 1;

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let mut room = GUESS;
        // Into a slice, for bincode takes several times as long into a `Vec`.
        loop {
            out.resize(start + room, 0);
            match bincode::serde::encode_into_slice(value, &mut out[start..], config()) {
                Ok(len) => {
                    out.truncate(start + len);
                    return Ok(());
                }
                Err(EncodeError::UnexpectedEnd) if room < LARGEST => room *= 4,
                Err(error) => {
                    out.truncate(start);
                    return Err(Error::SerializationError(error.into()));
                }
            }
        }
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        let seed = Bounded::by(bytes);
        let (value, read) =
            bincode::serde::seed_decode_from_slice(seed, bytes, config()).map_err(|error| {
                let is_untold = matches!(error, DecodeError::Serde(Unsupported::AnyNotSupported));
                undecodable(error, is_untold)
            })?;
        whole(value, bytes.len() - read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_larger_than_the_guess_is_encoded_whole() {
        for len in [GUESS - 9, GUESS - 8, GUESS - 7, 4 * GUESS, 100 * GUESS] {
            let text = "x".repeat(len);
            let mut bytes = Vec::new();
            Bincode::encode(&text, &mut bytes).unwrap();
            assert_eq!(bytes.len(), len + 8);
            assert_eq!(Bincode::decode::<String>(&bytes).unwrap(), text);
        }
    }
}
