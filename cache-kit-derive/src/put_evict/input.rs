//! The options of `#[cache_put]` and `#[cache_evict]` as written.

use proc_macro2::{Ident, TokenStream};
use syn::{Expr, Type};

use crate::diagnostics::Diagnostics;
use crate::options::{Dialect, Options, Setting};

/// Every option, each with its name to blame.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) entity: Option<Setting<Type>>,
    pub(super) is_entity_attempted: bool,
    /// Says that what is evicted is no entity, but what a function with this prefix has returned.
    pub(super) prefix: Option<Setting<Expr>>,
    pub(super) is_prefix_attempted: bool,
    pub(super) tags: Option<Setting<Expr>>,
    pub(super) all: Option<Ident>,
    pub(super) cache: Option<Setting<Expr>>,
    pub(super) key: Option<Setting<Expr>>,
    pub(super) is_key_attempted: bool,
    pub(super) skip: Vec<Ident>,
    pub(super) on_unreachable: Option<Setting<Expr>>,
    pub(super) krate: Option<Setting<Expr>>,
}

impl Input {
    /// Reads the attribute's tokens.
    pub(super) fn from_syn(
        attribute: TokenStream,
        dialect: &Dialect,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut options = Options::new();
        options.read(attribute, dialect, diagnostics);
        Self {
            is_entity_attempted: options.was_attempted("entity"),
            is_key_attempted: options.was_attempted("key") || options.was_attempted("skip"),
            entity: options.take_type("entity"),
            is_prefix_attempted: options.was_attempted("prefix"),
            prefix: options.take("prefix"),
            tags: options.take("tags"),
            all: options.take_word("all"),
            cache: options.take("cache"),
            key: options.take("key"),
            skip: options.take_list("skip"),
            on_unreachable: options.take("on_unreachable"),
            krate: options.take("crate"),
        }
    }
}
