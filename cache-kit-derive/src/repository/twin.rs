//! The uncached twin of a method: its body, under another name.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, Pat, parse_quote};

use crate::signature::{Function, Shell};

use super::block::unmarked;

/// A method whose body has moved, and where it has moved to.
#[derive(Debug)]
pub(super) struct Twin {
    /// The method with its attribute, whose body calls the other.
    cached: TokenStream,
    /// The other.
    uncached: TokenStream,
    pub(super) name: Ident,
}

impl Twin {
    /// Moves the body of a method; `None` where its arguments cannot be passed on, for they have no
    /// names.
    pub(super) fn of(function: &Function, shell: &Shell) -> Option<Self> {
        let name = Self::name_of(&function.sig.ident);
        let mut uncached = unmarked(function);
        uncached.sig.ident = name.clone();
        uncached.attrs.retain(stays_with_body);
        let of = function.sig.ident.unraw();
        let doc = format!(" Calls the body of [`{of}`](Self::{of}), past the cache.");
        uncached.attrs.insert(0, parse_quote!(#[doc = #doc]));
        // It is asynchronous for the method's sake.
        let allowed = parse_quote!(#[allow(clippy::unused_async)]);
        uncached.attrs.insert(1, allowed);

        let mut cached = unmarked(function);
        cached.attrs.retain(|attr| !attr.path().is_ident("expect"));
        let arguments = arguments(&cached)?;
        let generics = turbofish(&cached);
        let call = quote!(Self::#name #generics (#arguments).await);
        Some(Self {
            cached: cached.with_settled_body(shell, &call),
            uncached: uncached.to_tokens(),
            name,
        })
    }

    /// What the twin of a method is called.
    pub(super) fn name_of(ident: &Ident) -> Ident {
        format_ident!("{}_uncached", ident.unraw(), span = ident.span())
    }

    /// Both, where they stand in one block, or the twin apart.
    pub(super) fn expand(&self, is_apart: bool) -> (TokenStream, Option<TokenStream>) {
        let Self {
            cached, uncached, ..
        } = self;
        if is_apart {
            (cached.clone(), Some(uncached.clone()))
        } else {
            (quote!(#cached #uncached), None)
        }
    }
}

/// What says something of the body, and not of the method.
fn stays_with_body(attr: &Attribute) -> bool {
    let names = ["cfg", "cfg_attr", "allow", "expect", "warn", "deny"];
    names.iter().any(|name| attr.path().is_ident(name))
}

/// The method's arguments, passed on.
fn arguments(function: &Function) -> Option<TokenStream> {
    let mut arguments = TokenStream::new();
    for input in &function.sig.inputs {
        let argument = match input {
            FnArg::Receiver(receiver) => {
                let own = receiver.self_token;
                quote!(#own)
            }
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
                    let cfgs = typed
                        .attrs
                        .iter()
                        .filter(|attr| attr.path().is_ident("cfg"));
                    let name = &pat.ident;
                    quote!(#(#cfgs)* #name)
                }
                _ => return None,
            },
        };
        arguments.extend(quote!(#argument,));
    }
    Some(arguments)
}

/// The method's own types and constants, which its arguments may not tell.
fn turbofish(function: &Function) -> Option<TokenStream> {
    let names: Vec<_> = function.own_types().collect();
    (!names.is_empty()).then(|| quote!(::<#(#names),*>))
}
