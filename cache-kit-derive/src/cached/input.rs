//! The options of `#[cached]` as written.

use proc_macro2::{Ident, TokenStream};
use syn::Expr;

use crate::diagnostics::Diagnostics;
use crate::lifetimes::LifetimeOptions;
use crate::options::{CACHED, Options, Setting};

/// Every option, each with its name to blame.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) strategy: Option<Setting<Expr>>,
    pub(super) cache: Option<Setting<Expr>>,
    pub(super) key: Option<Setting<Expr>>,
    pub(super) is_key_attempted: bool,
    pub(super) skip: Vec<Ident>,
    pub(super) lifetimes: LifetimeOptions,
    pub(super) refresh: Option<Setting<Expr>>,
    pub(super) soft_timeout: Option<Setting<Expr>>,
    pub(super) hard_timeout: Option<Setting<Expr>>,
    pub(super) retry: Option<Setting<Expr>>,
    pub(super) retry_if: Option<Setting<Expr>>,
    pub(super) tags: Option<Setting<Expr>>,
    pub(super) condition: Option<Setting<Expr>>,
    pub(super) unless: Option<Setting<Expr>>,
    /// Says that what is cached is no entity.
    pub(super) prefix: Option<Setting<Expr>>,
    pub(super) is_prefix_attempted: bool,
    /// Says that the parameter is not the key, but another field.
    pub(super) index: Option<Setting<Expr>>,
    pub(super) krate: Option<Setting<Expr>>,
}

impl Input {
    /// Reads the attribute's tokens.
    pub(super) fn from_syn(attribute: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut options = Options::new();
        options.read(attribute, &CACHED, diagnostics);
        Self {
            is_key_attempted: options.was_attempted("key") || options.was_attempted("skip"),
            strategy: options.take("strategy"),
            cache: options.take("cache"),
            key: options.take("key"),
            skip: options.take_list("skip"),
            lifetimes: LifetimeOptions::from_options(&mut options),
            refresh: options.take("refresh"),
            soft_timeout: options.take("soft_timeout"),
            hard_timeout: options.take("hard_timeout"),
            retry: options.take("retry"),
            retry_if: options.take("retry_if"),
            tags: options.take("tags"),
            condition: options.take("condition"),
            unless: options.take("unless"),
            is_prefix_attempted: options.was_attempted("prefix"),
            prefix: options.take("prefix"),
            index: options.take("index"),
            krate: options.take("crate"),
        }
    }
}
