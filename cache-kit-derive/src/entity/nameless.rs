//! What serde does to a struct that cannot be undone where fields are told apart by their order
//! alone.

use syn::Meta;

use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::messages;

use super::codec::Codec;
use super::input::Input;
use super::serde_options;

/// Reports every option of serde that the codec cannot read back. Types within the struct are not
/// seen.
pub(super) fn reject_options(
    input: &Input,
    codec: Option<&Codec>,
    krate: &CratePath,
    diagnostics: &mut Diagnostics,
) {
    // Where the codec could not be read there is a fault already.
    let has_fault = input.codec.is_some() && codec.is_none();
    if has_fault || is_by_proxy(&input.serde) {
        return;
    }
    let name = match codec {
        None => messages::CodecName::Default,
        Some(codec) => match codec.nameless(krate) {
            Some(name) => messages::CodecName::Chosen(name),
            None => return,
        },
    };
    for option in faults(input) {
        let path = option.path();
        diagnostics.report(path, messages::nameless(&option, name));
    }
}

/// Whether another type is written and read in place of the struct.
fn is_by_proxy(options: &[Meta]) -> bool {
    serde_options::has(options, &["into"]) && serde_options::has(options, &["from", "try_from"])
}

fn faults(input: &Input) -> Vec<Meta> {
    let mut faults = picked(&input.serde, &["tag", "untagged"]);
    for field in input.fields.iter() {
        let options = serde_options::of(&field.attrs);
        faults.extend(picked(&options, faults_of_field(&options)));
    }
    faults
}

fn picked(options: &[Meta], names: &[&str]) -> Vec<Meta> {
    let is_named = |option: &&Meta| names.iter().any(|name| option.path().is_ident(name));
    options.iter().filter(is_named).cloned().collect()
}

fn faults_of_field(options: &[Meta]) -> &'static [&'static str] {
    let has = |name| serde_options::has(options, &[name]);
    let is_unwritten = has("skip") || has("skip_serializing");
    let is_unread = has("skip") || has("skip_deserializing");
    match (is_unwritten, is_unread) {
        // Not there at all.
        (true, true) => &[],
        (true, false) => &["skip_serializing"],
        (false, true) => &["skip_deserializing"],
        (false, false) => &["flatten", "skip_serializing_if"],
    }
}
