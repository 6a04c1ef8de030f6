//! An entity as written: every option optional, each with its name to blame.

use darling::FromDeriveInput;
use darling::ast::{Data, Fields};
use darling::util::Ignored;
use syn::{Attribute, DeriveInput, Expr, Generics, Ident, MacroDelimiter, Meta, Visibility};

use crate::diagnostics::Diagnostics;
use crate::lifetimes::LifetimeOptions;
use crate::messages;
use crate::options::{ENTITY, Options, Setting};

use super::field::Field;
use super::model::example_key;
use super::serde_options;

/// A struct with its `#[cache(…)]`.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) generics: Generics,
    pub(super) fields: Fields<Field>,
    /// What the struct's `#[serde(…)]` says.
    pub(super) serde: Vec<Meta>,
    /// The name in `#[cache(…)]`, to blame for what is missing.
    pub(super) attribute: Option<Ident>,
    pub(super) prefix: Option<Setting<Expr>>,
    pub(super) key: Option<Setting<Expr>>,
    pub(super) lifetimes: LifetimeOptions,
    pub(super) tags: Option<Setting<Expr>>,
    pub(super) codec: Option<Setting<Expr>>,
    pub(super) version: Option<Setting<Expr>>,
    pub(super) feeder: Option<Setting<Expr>>,
    pub(super) indexes: Vec<Ident>,
    pub(super) krate: Option<Setting<Expr>>,
    /// Whether calling these missing would be noise.
    pub(super) is_prefix_attempted: bool,
    pub(super) is_key_attempted: bool,
}

/// What darling takes apart. Options are read by ourselves: its messages are for the authors of
/// macros, not for their users.
#[derive(FromDeriveInput)]
#[darling(forward_attrs(cache, serde))]
struct Taken {
    ident: Ident,
    vis: Visibility,
    generics: Generics,
    attrs: Vec<Attribute>,
    data: Data<Ignored, Field>,
}

impl Input {
    /// Takes the item apart; reports what is no struct and what is no option.
    pub(super) fn from_syn(item: &DeriveInput, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Some((node, kind)) = other_kind(item) {
            diagnostics.report_at(node, messages::not_a_struct(kind));
            return None;
        }
        let taken = Taken::from_derive_input(item)
            .map_err(syn::Error::from)
            .map_err(|error| diagnostics.report_at(error.span(), messages::UNREADABLE))
            .ok()?;
        let mut fields = taken.data.take_struct()?;
        for field in &mut fields.fields {
            field.read_options(diagnostics);
        }
        let is_ours = |attr: &&Attribute| attr.path().is_ident("cache");
        let mut options = Options::new();
        for attr in taken.attrs.iter().filter(is_ours) {
            let example = || messages::bare_attribute(&taken.ident, &example_key(&fields));
            read_attribute(attr, example, &mut options, diagnostics);
        }
        Some(Self {
            ident: taken.ident,
            vis: taken.vis,
            generics: taken.generics,
            fields,
            serde: serde_options::of(&taken.attrs),
            attribute: taken
                .attrs
                .iter()
                .find(is_ours)
                .and_then(|attr| attr.path().get_ident().cloned()),
            is_prefix_attempted: options.was_attempted("prefix"),
            is_key_attempted: options.was_attempted("key"),
            prefix: options.take("prefix"),
            key: options.take("key"),
            lifetimes: LifetimeOptions::from_options(&mut options),
            tags: options.take("tags"),
            codec: options.take("codec"),
            version: options.take("version"),
            feeder: options.take("feeder"),
            indexes: options.take_list("index"),
            krate: options.take("crate"),
        })
    }
}

fn other_kind(item: &DeriveInput) -> Option<(proc_macro2::Span, &'static str)> {
    match &item.data {
        syn::Data::Struct(_) => None,
        syn::Data::Enum(data) => Some((data.enum_token.span, "an enum")),
        syn::Data::Union(data) => Some((data.union_token.span, "a union")),
    }
}

fn read_attribute(
    attr: &Attribute,
    example: impl FnOnce() -> String,
    options: &mut Options,
    diagnostics: &mut Diagnostics,
) {
    match &attr.meta {
        Meta::List(list) if !matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
            diagnostics.report(list, messages::brackets(&list.tokens));
        }
        Meta::List(list) if !list.tokens.is_empty() => {
            options.read(list.tokens.clone(), &ENTITY, diagnostics);
            return;
        }
        bare => diagnostics.report(bare, example()),
    }
    options.mark_attempted(&["prefix", "key"]);
}
