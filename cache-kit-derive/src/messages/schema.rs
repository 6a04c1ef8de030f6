//! Messages about what is stored of an entity.

use quote::ToTokens as _;
use syn::{Ident, Meta, Path};

use super::with_help;

/// The codec that a message is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CodecName {
    /// The one that stores have, for the entity says nothing.
    Default,
    /// The one that the entity names.
    Chosen(&'static str),
}

const BY_DEFAULT: &str =
    "an entity without `codec` gets its store's, which is `Bincode` by default";

/// An option of serde's that only a format with field names can store.
pub(crate) fn nameless(option: &Meta, codec: CodecName) -> String {
    let name = option.path().to_token_stream().to_string();
    let (written, advice) = match name.as_str() {
        "skip_serializing" => (
            "`#[serde(skip_serializing)]` without `skip_deserializing`".to_owned(),
            Some("or skip the field both ways: `#[serde(skip)]`"),
        ),
        "skip_deserializing" => (
            "`#[serde(skip_deserializing)]` without `skip_serializing`".to_owned(),
            Some("or skip the field both ways: `#[serde(skip)]`"),
        ),
        "skip_serializing_if" => (
            "`#[serde(skip_serializing_if = …)]`".to_owned(),
            Some("or store the field always: remove `skip_serializing_if`"),
        ),
        // With any codec, but what serde says of it is not all that the compiler would.
        "untagged" => return "`#[serde(untagged)]` belongs on an enum; remove it".to_owned(),
        "tag" => ("`#[serde(tag = …)]`".to_owned(), None),
        _ => (format!("`#[serde({name})]`"), None),
    };
    let (codec, reason) = match codec {
        CodecName::Default => ("Bincode", Some(BY_DEFAULT)),
        CodecName::Chosen(codec) => (codec, None),
    };
    let fact = format!("{written} cannot be stored with `{codec}`");
    let mended = "write `codec = MessagePack`, with cache-kit's feature `messagepack`";
    let helps = [Some(mended), advice, reason];
    helps.into_iter().flatten().fold(fact, with_help)
}

pub(crate) fn opaque_behind(entity: &Ident, option: &Path) -> String {
    let option = option.to_token_stream();
    format!(
        "`opaque` has no effect: `#[serde({option} = …)]` reads another type in place of `{entity}`; remove it"
    )
}
