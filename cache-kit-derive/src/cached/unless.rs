//! What `unless = …` can be: a test of what was loaded, and of nothing else.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, ExprClosure, UnOp};

use crate::arguments::{Arguments, collect_names};
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, peel_expr};

/// Refuses what is no test.
pub(super) fn reject_untested(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) {
    let is_value = match peel_expr(&setting.value) {
        Expr::Lit(_) | Expr::Binary(_) => true,
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Deref(_)),
        _ => false,
    };
    if is_value {
        diagnostics.report(&setting.value, messages::UNLESS);
    }
}

/// Refuses a closure that reads a parameter of the function: it is kept as a `fn`.
pub(super) fn reject_captures(
    setting: &Setting<Expr>,
    arguments: &Arguments,
    diagnostics: &mut Diagnostics,
) {
    let Expr::Closure(closure) = peel_expr(&setting.value) else {
        return;
    };
    let body = closure.body.to_token_stream();
    if binds_names(body.clone()) {
        // Then a name may be the closure's own; the compiler knows.
        return;
    }
    let captured = captured(closure, arguments);
    if let Some(name) = first_of(body, &captured) {
        let message = messages::unless_captures(&name);
        diagnostics.report(name, message);
    }
}

/// Parameters that the closure's body names, and the closure does not.
fn captured(closure: &ExprClosure, arguments: &Arguments) -> BTreeSet<String> {
    let (mut read, mut own) = (BTreeSet::new(), BTreeSet::new());
    collect_names(closure.body.to_token_stream(), &mut read);
    collect_names(closure.inputs.to_token_stream(), &mut own);
    let names = arguments.names().all.into_iter();
    names
        .chain(arguments.receiver().map(|_| "self".to_owned()))
        .filter(|name| read.contains(name) && !own.contains(name))
        .collect()
}

/// Whether there may be other names in an expression than those from outside.
fn binds_names(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_or = false;
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Brace || binds_names(group.stream()) =>
            {
                return true;
            }
            TokenTree::Ident(word) if word == "let" || word == "match" => return true,
            // A macro's arguments are its own affair.
            TokenTree::Ident(_) if is_mark(tokens.peek(), '!') => return true,
            TokenTree::Punct(bar) if bar.as_char() == '|' => {
                let begins_or = bar.spacing() == Spacing::Joint && is_mark(tokens.peek(), '|');
                if !is_or && !begins_or {
                    return true;
                }
                is_or = !is_or;
            }
            _ => {}
        }
    }
    false
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The first of some names, where it is read.
fn first_of(tokens: TokenStream, names: &BTreeSet<String>) -> Option<Ident> {
    let mut is_member = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) => {
                if let Some(name) = first_of(group.stream(), names) {
                    return Some(name);
                }
            }
            TokenTree::Ident(ident) if !is_member && names.contains(&ident.unraw().to_string()) => {
                return Some(ident.clone());
            }
            _ => {}
        }
        is_member = matches!(&token, TokenTree::Punct(punct) if ".:".contains(punct.as_char()));
    }
    None
}
