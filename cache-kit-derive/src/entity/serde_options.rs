//! What `#[serde(…)]` says, as far as the stored form depends on it. The compiler has resolved
//! every `cfg_attr` before a derive sees it.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// The options of all `#[serde(…)]` among these attributes. What cannot be read is serde's to
/// report.
pub(super) fn of(attrs: &[Attribute]) -> Vec<Meta> {
    let read = |attr: &Attribute| {
        attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .unwrap_or_default()
    };
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("serde"))
        .flat_map(read)
        .collect()
}

/// The option of this name.
pub(super) fn find<'o>(options: &'o [Meta], name: &str) -> Option<&'o Meta> {
    options.iter().find(|option| option.path().is_ident(name))
}

/// Whether one of these is set.
pub(super) fn has(options: &[Meta], names: &[&str]) -> bool {
    names.iter().any(|name| find(options, name).is_some())
}
