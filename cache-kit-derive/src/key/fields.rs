//! The `key = …` of an entity: one field, or a tuple of fields.

use std::fmt;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Expr, Ident, Index, Lit};

use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, peel_expr};

/// A field as `key = …` names it.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    /// `id`
    Named(Ident),
    /// `0`
    Index(Index),
}

impl Member {
    /// The field's name without `r#`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Named(ident) => ident.unraw().to_string(),
            Self::Index(index) => index.index.to_string(),
        }
    }

    /// Where it is named.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Named(ident) => ident.span(),
            Self::Index(index) => index.span,
        }
    }
}

impl ToTokens for Member {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Named(ident) => ident.to_tokens(tokens),
            Self::Index(index) => index.to_tokens(tokens),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Reads the members that a key names: at least one, none twice. `example` is a key to show in a
/// message.
pub(crate) fn members(
    setting: &Setting<Expr>,
    example: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Member>> {
    let written: Vec<&Expr> = match peel_expr(&setting.value) {
        Expr::Tuple(tuple) => tuple.elems.iter().collect(),
        Expr::Paren(paren) => vec![&*paren.expr],
        single => vec![single],
    };
    if written.is_empty() {
        diagnostics.report(&setting.value, messages::empty_key(example));
        return None;
    }
    let mut members: Vec<Member> = Vec::new();
    let mut is_complete = true;
    for expr in written {
        match member(expr, example) {
            Ok(member) if members.iter().any(|other| other.name() == member.name()) => {
                diagnostics.report(expr, messages::repeated_key(&member));
                is_complete = false;
            }
            Ok(member) => members.push(member),
            Err(message) => {
                diagnostics.report(expr, message);
                is_complete = false;
            }
        }
    }
    is_complete.then_some(members)
}

fn member(expr: &Expr, example: &str) -> Result<Member, String> {
    match peel_expr(expr) {
        Expr::Path(path) => path
            .path
            .get_ident()
            .map(|ident| Member::Named(ident.clone()))
            .ok_or_else(|| messages::key_not_a_field(example)),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if number.suffix().is_empty() => number
                .base10_parse()
                .map(|index| {
                    Member::Index(Index {
                        index,
                        span: number.span(),
                    })
                })
                .map_err(|_| messages::key_not_a_field(example)),
            Lit::Str(text) => Err(messages::quoted_key(&text.value())),
            _ => Err(messages::key_not_a_field(example)),
        },
        _ => Err(messages::key_not_a_field(example)),
    }
}
