//! A field as written.

use darling::FromField;
use syn::{Attribute, Ident, MacroDelimiter, Meta, Type};

use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{FIELD, Options};

/// One field of the struct.
#[derive(Debug, FromField)]
#[darling(forward_attrs(cache, doc, serde))]
pub(super) struct Field {
    pub(super) ident: Option<Ident>,
    pub(super) ty: Type,
    pub(super) attrs: Vec<Attribute>,
    /// The word in `#[cache(opaque)]`: the fingerprint does not look into this field.
    #[darling(skip)]
    pub(super) opaque: Option<Ident>,
}

impl Field {
    /// Reads the field's own `#[cache(…)]`, and reports what is no option of a field.
    pub(super) fn read_options(&mut self, diagnostics: &mut Diagnostics) {
        let mut options = Options::new();
        let is_ours = |attr: &&Attribute| attr.path().is_ident("cache");
        for attr in self.attrs.iter().filter(is_ours) {
            match &attr.meta {
                Meta::List(list) if !matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
                    diagnostics.report(list, messages::brackets(&list.tokens));
                }
                Meta::List(list) if !list.tokens.is_empty() => {
                    options.read(list.tokens.clone(), &FIELD, diagnostics);
                }
                _ => diagnostics.report(attr.path(), messages::BARE_ON_FIELD),
            }
        }
        self.opaque = options.take_word("opaque");
    }
}
