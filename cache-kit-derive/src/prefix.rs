//! `prefix = "user"`, of entities and of functions.

use syn::ext::IdentExt as _;
use syn::{Expr, Ident, Lit, LitStr};

use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, peel_expr};

/// Reads a prefix; `owner` is who it is for, and what it might be called after.
pub(crate) fn prefix(
    setting: &Setting<Expr>,
    owner: &Ident,
    diagnostics: &mut Diagnostics,
) -> Option<LitStr> {
    let refusal = match peel_expr(&setting.value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => match messages::bad_prefix(&text.value(), owner) {
                None => return Some(text.clone()),
                Some(refusal) => refusal,
            },
            Lit::Int(number) => messages::unquoted_prefix(number.base10_digits()),
            _ => messages::prefix_not_a_string(owner),
        },
        Expr::Path(path) if path.path.get_ident().is_some() => {
            messages::unquoted_prefix(&path.path.segments[0].ident.unraw().to_string())
        }
        _ => messages::prefix_not_a_string(owner),
    };
    diagnostics.report(&setting.value, refusal);
    None
}
