//! The default codec. bincode is unmaintained: this module is the only one that names it.

use crate::error::{Error, Result};
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// No entry is larger; a length in hostile bytes cannot ask for more.
const LARGEST: usize = 512 << 20;

type Config = Configuration<LittleEndian, Fixint, Limit<LARGEST>>;

const fn config() -> Config {
    bincode::config::standard()
        .with_fixed_int_encoding()
        .with_limit::<LARGEST>()
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, config())
        .map_err(|error| Error::SerializationError(error.into()))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, config())
        .map_err(|error| Error::DeserializationError(error.into()))?;
    if read < bytes.len() {
        let trailing = format!("{} bytes are left over", bytes.len() - read);
        return Err(Error::DeserializationError(trailing.into()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_the_value() {
        let value = (7_u64, String::from("seven"), Some(vec![1.5_f64, -0.0]));
        assert_eq!(
            decode::<(u64, String, Option<Vec<f64>>)>(&encode(&value).unwrap()).unwrap(),
            value
        );
    }

    #[test]
    fn every_cut_and_every_extension_is_an_error() {
        let bytes = encode(&(7_u64, String::from("seven"))).unwrap();
        for len in 0..bytes.len() {
            assert!(
                decode::<(u64, String)>(&bytes[..len]).is_err(),
                "{len} bytes of {}",
                bytes.len()
            );
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(
            decode::<(u64, String)>(&longer),
            Err(Error::DeserializationError(_))
        ));
    }

    #[test]
    fn a_huge_declared_length_is_an_error_and_allocates_nothing_like_it() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend([0; 16]);
        assert!(decode::<Vec<u64>>(&bytes).is_err());
        assert!(decode::<String>(&bytes).is_err());
    }
}
