//! Where generated tokens say they come from: the compiler's errors should underline what the user
//! wrote.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The first and the last span of what the user wrote. A node that starts with one and ends with
/// the other is underlined as a whole; joining spans needs a nightly compiler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Extent {
    /// The extent of a node.
    pub(crate) fn of(node: &impl ToTokens) -> Self {
        let mut spans = node.to_token_stream().into_iter().map(|token| token.span());
        let first = spans.next().unwrap_or_else(Span::call_site);
        let last = spans.last().unwrap_or(first);
        Self { first, last }
    }
}

/// Moves all tokens to a span, but literals: lints read at their spans how they were written.
pub(crate) fn at(span: Span, tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut moved = Group::new(group.delimiter(), at(span, group.stream()));
                moved.set_span(span);
                TokenTree::Group(moved)
            }
            literal @ TokenTree::Literal(_) => literal,
            mut other => {
                other.set_span(span);
                other
            }
        })
        .collect()
}

/// Moves all tokens to the start of an extent, and the last one to its end.
pub(crate) fn spread(extent: Extent, tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = at(extent.first, tokens).into_iter().collect();
    if let Some(last) = tokens.last_mut() {
        last.set_span(extent.last);
    }
    tokens.into_iter().collect()
}

/// Parenthesised arguments whose parentheses end an extent.
pub(crate) fn arguments_at(extent: Extent, arguments: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Parenthesis, arguments);
    group.set_span(extent.last);
    group
}

/// Braces at a span around what has spans of its own.
pub(crate) fn brace_at(span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// A local of generated code, invisible to the user's.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__cache_kit_{name}"), Span::mixed_site())
}
