//! Questions about types as they are spelt; what only the compiler can know is asked by trait.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type};

/// Sees through parentheses and the invisible group of a `macro_rules!` fragment.
pub(crate) fn peel_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel_type(&group.elem),
        Type::Paren(paren) => peel_type(&paren.elem),
        other => other,
    }
}

/// Whether it is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(peel_type(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Whether it is a reference.
pub(crate) fn is_reference(ty: &Type) -> bool {
    matches!(peel_type(ty), Type::Reference(_))
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel_type(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The first type argument of a path type: the `T` of `Option<T>`.
pub(crate) fn first_generic(ty: &Type) -> Option<&Type> {
    generics(ty).next()
}

/// The second one: the `V` of `HashMap<K, V>`.
pub(crate) fn second_generic(ty: &Type) -> Option<&Type> {
    generics(ty).nth(1)
}

fn generics(ty: &Type) -> impl Iterator<Item = &Type> {
    let arguments = last_segment(ty).and_then(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    });
    let arguments = arguments.into_iter().flat_map(|arguments| &arguments.args);
    arguments.filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// What an output is of, behind what says how it fails, is absent or is shared, as far as the
/// spelling says.
pub(crate) fn payload_in(ty: &Type) -> &Type {
    let wrappers = ["Result", "Option", "Arc", "Outcome", "Cached"];
    last_segment(ty)
        .filter(|segment| wrappers.iter().any(|name| segment.ident == name))
        .and_then(|_| first_generic(ty))
        .map_or_else(|| peel_type(ty), payload_in)
}

/// Whether it is, or holds, a type without a name, which cannot be repeated.
pub(crate) fn is_opaque(ty: &Type) -> bool {
    matches!(first_borrow(ty), Some(Borrow::ImplTrait(_)))
}

/// Something in a return type that a cache cannot hold.
#[derive(Debug)]
pub(crate) enum Borrow {
    /// A reference or a lifetime other than `'static`.
    Lifetime(TokenStream),
    /// A type without a name.
    ImplTrait(TokenStream),
}

/// Finds the first thing in a type that a cache cannot hold.
pub(crate) fn first_borrow(ty: &Type) -> Option<Borrow> {
    borrow_in(ty.to_token_stream())
}

fn borrow_in(tokens: TokenStream) -> Option<Borrow> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => {
                if let Some(borrow) = borrow_in(group.stream()) {
                    return Some(borrow);
                }
            }
            TokenTree::Ident(ident) if ident == "impl" => {
                return Some(Borrow::ImplTrait(token.into()));
            }
            // `&'static T` is left to the lifetime behind it.
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let has_lifetime =
                    matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                if !has_lifetime {
                    return Some(Borrow::Lifetime(token.into()));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next();
                let is_static = matches!(&name, Some(TokenTree::Ident(ident)) if ident == "static");
                if !is_static {
                    return Some(Borrow::Lifetime(
                        [Some(token), name].into_iter().flatten().collect(),
                    ));
                }
            }
            _ => {}
        }
    }
    None
}

/// A type without the names of its lifetimes, for where others are meant than the caller's.
pub(crate) fn elided(tokens: TokenStream) -> TokenStream {
    let mut elided = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let Some(TokenTree::Ident(name)) = tokens.next() else {
                    continue;
                };
                let name = if name == "static" { "'static" } else { "'_" };
                let span = punct.span();
                elided.extend(Lifetime::new(name, span).into_token_stream());
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self::elided(group.stream()));
                inner.set_span(group.span());
                elided.push(TokenTree::Group(inner));
            }
            other => elided.push(other),
        }
    }
    elided.into_iter().collect()
}
