//! The options of `#[cache_repository]` as written.

use proc_macro2::{Ident, TokenStream};
use syn::Expr;

use crate::diagnostics::Diagnostics;
use crate::options::{CACHE_REPOSITORY, Options, Setting};

/// Every option, each with its name to blame.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) audit: Option<Ident>,
    pub(super) finder: Vec<Ident>,
    pub(super) krate: Option<Setting<Expr>>,
}

impl Input {
    /// Reads the attribute's tokens.
    pub(super) fn from_syn(attribute: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut options = Options::new();
        options.read(attribute, &CACHE_REPOSITORY, diagnostics);
        Self {
            audit: options.take_word("audit"),
            finder: options.take_list("finder"),
            krate: options.take("crate"),
        }
    }
}
