//! How an entity becomes bytes.

mod bincode;
mod bounds;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "postcard")]
mod postcard;
pub(crate) mod schema;

pub use bincode::Bincode;
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "messagepack")]
pub use messagepack::MessagePack;
#[cfg(feature = "postcard")]
pub use postcard::Postcard;

use crate::error::{Damage, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Turns entities into bytes, and bytes that may be anything back into entities.
///
/// | codec | feature | field names | takes |
/// | --- | --- | --- | --- |
/// | [`Bincode`] | always | no | least time |
/// | `Postcard` | `postcard` | no | least room |
/// | `MessagePack` | `messagepack` | yes | what `serde` can do, `flatten` and `untagged` too |
/// | `Json` | `json` | yes | other languages, and people |
///
/// An entity chooses with `codec = MessagePack`, a store with its own setting. Every entry says
/// which codec wrote it, so that a fleet can change codecs while it runs: whichever are compiled in
/// are read.
///
/// ```
/// use cache_kit::{Bincode, Codec};
///
/// let mut bytes = Vec::new();
/// Bincode::encode(&(7_u64, "seven"), &mut bytes)?;
/// assert_eq!(Bincode::decode::<(u64, String)>(&bytes)?, (7, "seven".to_owned()));
/// assert!(Bincode::decode::<(u64, String)>(&bytes[1..]).is_err());
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    label = "`Codec` is not implemented for this type",
    note = "the crate's are `Bincode`, and with the features `json`, `messagepack` and `postcard` `Json`, `MessagePack` and `Postcard`"
)]
pub trait Codec: 'static {
    /// Marks the entries of this codec. Below 128 is this crate's.
    const ID: u8;

    /// Appends the bytes of a value to what is there, which it leaves alone.
    ///
    /// # Errors
    /// [`Error::SerializationError`] if the value cannot be encoded. What was appended until then
    /// is to be thrown away.
    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()>;

    /// Builds the value that these bytes, all of them, are. It must not allocate more than they
    /// justify, nor go deeper than a stack allows: this crate's go 128 levels deep.
    ///
    /// # Errors
    /// [`Error::DeserializationError`] if they are no such value.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T>;
}

/// Says of a failure what it comes from, where the codec knows: the type wants to be told what is
/// there, and bytes without names do not.
fn undecodable(error: impl std::error::Error + Send + Sync + 'static, is_untold: bool) -> Error {
    Error::DeserializationError(if is_untold {
        let advice = format!(
            "{error}; a type that asks the bytes what they hold, as `serde_json::Value` and untagged enums do, \
             needs `codec = MessagePack` or `codec = Json`"
        );
        advice.into()
    } else {
        error.into()
    })
}

/// Is the codec of a store, for entities that do not choose their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// [`Bincode`].
    #[default]
    Bincode,
    /// [`Json`].
    #[cfg(feature = "json")]
    Json,
    /// [`MessagePack`].
    #[cfg(feature = "messagepack")]
    MessagePack,
    /// [`Postcard`].
    #[cfg(feature = "postcard")]
    Postcard,
}

/// Decodes what any codec of this crate has written.
pub(crate) fn decode_by<T: DeserializeOwned>(id: u8, bytes: &[u8]) -> Result<T> {
    match id {
        Bincode::ID => Bincode::decode(bytes),
        #[cfg(feature = "json")]
        Json::ID => Json::decode(bytes),
        #[cfg(feature = "messagepack")]
        MessagePack::ID => MessagePack::decode(bytes),
        #[cfg(feature = "postcard")]
        Postcard::ID => Postcard::decode(bytes),
        _ => Err(Error::damaged(
            Damage::Codec,
            format!("codec {id} is not compiled in"),
        )),
    }
}

/// Refuses what is left over when a value has been read.
fn whole<T>(value: T, left: usize) -> Result<T> {
    if left > 0 {
        let trailing = format!("{left} bytes are left over");
        return Err(Error::DeserializationError(trailing.into()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Value = (u64, String, Option<Vec<f64>>, Vec<(i8, char)>);

    fn value() -> Value {
        let floats = vec![1.5, -0.0, f64::MIN_POSITIVE, 0.1 + 0.2];
        (
            7,
            "sieben · seven".to_owned(),
            Some(floats),
            vec![(-1, 'x')],
        )
    }

    fn every<C: Codec>() {
        let mut bytes = b"before".to_vec();
        C::encode(&value(), &mut bytes).unwrap();
        let bytes = bytes.strip_prefix(b"before").unwrap();
        assert_eq!(C::decode::<Value>(bytes).unwrap(), value());
        assert_eq!(decode_by::<Value>(C::ID, bytes).unwrap(), value());
        for len in 0..bytes.len() {
            assert!(C::decode::<Value>(&bytes[..len]).is_err(), "{len} bytes");
        }
        for byte in [0, 1, 7, 0x90, 0xC0, b'1', 0xFF] {
            let longer = [bytes, &[byte]].concat();
            assert!(C::decode::<Value>(&longer).is_err(), "and {byte}");
        }
        for hostile in [[0xFF; 24].as_slice(), &[0x7F; 24], &[0xDF; 24], &[0x80; 24]] {
            assert!(C::decode::<Value>(hostile).is_err());
            // A length that no input justifies must not be believed.
            let _ = C::decode::<Vec<u64>>(hostile);
            let _ = C::decode::<String>(hostile);
        }
    }

    #[test]
    fn each_codec_gives_back_what_it_took_and_takes_nothing_else() {
        every::<Bincode>();
        #[cfg(feature = "json")]
        every::<Json>();
        #[cfg(feature = "messagepack")]
        every::<MessagePack>();
        #[cfg(feature = "postcard")]
        every::<Postcard>();
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    enum Tree {
        Leaf(u8),
        Branch {
            children: Vec<Tree>,
            next: Option<Box<Tree>>,
        },
    }

    /// Each level takes eight bytes, and is the only element of the one above.
    #[derive(Debug, serde::Deserialize)]
    struct Nest(#[allow(dead_code, reason = "to be nested")] Vec<Nest>);

    fn tree(depth: usize) -> Tree {
        (0..depth).fold(Tree::Leaf(7), |tree, _| Tree::Branch {
            children: vec![Tree::Leaf(1)],
            next: Some(Box::new(tree)),
        })
    }

    /// Drops a deep tree level by level: its own drop would go as deep as it is.
    fn fell(mut tree: Tree) {
        while let Tree::Branch {
            next: Some(next), ..
        } = tree
        {
            tree = *next;
        }
    }

    fn limited<C: Codec>() {
        let mut bytes = Vec::new();
        C::encode(&tree(20), &mut bytes).unwrap();
        assert_eq!(C::decode::<Tree>(&bytes).unwrap(), tree(20));
        let deep = tree(500);
        let mut bytes = Vec::new();
        C::encode(&deep, &mut bytes).unwrap();
        fell(deep);
        let refused = C::decode::<Tree>(&bytes);
        assert!(matches!(refused, Err(Error::DeserializationError(_))));
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        limited::<Bincode>();
        #[cfg(feature = "json")]
        limited::<Json>();
        #[cfg(feature = "messagepack")]
        limited::<MessagePack>();
        #[cfg(feature = "postcard")]
        limited::<Postcard>();
        let hostile = 1_u64.to_le_bytes().repeat(1_000_000);
        assert!(Bincode::decode::<Nest>(&hostile).is_err());
    }

    #[test]
    fn a_codec_that_is_not_there_is_an_error() {
        assert!(decode_by::<u8>(99, &[1]).is_err());
    }
}
