//! `tags = ["person:{person_id}"]`: texts with places for fields, or for parameters.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::{Expr, Ident, Index, Lit, LitStr};

use crate::blame::{at, local};
use crate::diagnostics::Diagnostics;
use crate::key::Member;
use crate::messages;
use crate::options::{Setting, peel_expr};
use crate::suggest;

/// A tag as meant.
#[derive(Debug)]
pub(crate) struct Template {
    literal: LitStr,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Place(Member),
}

/// What a place may name.
pub(crate) struct Names<'n> {
    pub(crate) all: Vec<String>,
    /// How they are called together: "`User` has no field".
    pub(crate) missing: &'n str,
    /// What each of them is: "field".
    pub(crate) called: &'n str,
}

impl Template {
    /// Reads a list of tags; each that cannot be is reported.
    pub(crate) fn all_from_setting(
        setting: Option<&Setting<Expr>>,
        names: &Names<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Self> {
        let Some(setting) = setting else {
            return Vec::new();
        };
        let Expr::Array(array) = peel_expr(&setting.value) else {
            diagnostics.report(&setting.value, messages::tags_not_a_list(&setting.value));
            return Vec::new();
        };
        if array.elems.is_empty() {
            diagnostics.report(&setting.value, messages::NO_TAGS);
        }
        let tags = array.elems.iter().filter_map(|expr| {
            let Expr::Lit(literal) = peel_expr(expr) else {
                diagnostics.report(expr, messages::tag_not_a_string(expr));
                return None;
            };
            let Lit::Str(text) = &literal.lit else {
                diagnostics.report(expr, messages::tag_not_a_string(expr));
                return None;
            };
            match Self::parse(text, names) {
                Ok(tag) => Some(tag),
                Err(message) => {
                    diagnostics.report(text, message);
                    None
                }
            }
        });
        tags.collect()
    }

    fn parse(literal: &LitStr, names: &Names<'_>) -> Result<Self, String> {
        let text = literal.value();
        if text.is_empty() {
            return Err(messages::EMPTY_TAG.to_owned());
        }
        let (mut pieces, mut written) = (Vec::new(), String::new());
        let mut rest = text.as_str();
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(brace);
            written.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                written.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let inner = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((inner, after)) = inner else {
                return Err(messages::unclosed_place(from));
            };
            let place = place(inner, &written, literal, names)?;
            pieces.push(Piece::Text(std::mem::take(&mut written)));
            pieces.push(Piece::Place(place));
            rest = after;
        }
        written.push_str(rest);
        pieces.push(Piece::Text(written));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self {
            literal: literal.clone(),
            pieces,
        })
    }

    /// The text, where `of` is what a place is a member of, if it is one.
    pub(crate) fn expand(&self, of: Option<&Ident>, private: &TokenStream) -> TokenStream {
        let span = self.literal.span();
        // In a derive all of an expression has to be of one origin, or the derive is blamed.
        let span = of.map_or(span, |of| of.span().located_at(span));
        let private = at(span, private.clone());
        let tag = local("tag");
        // At the text, which is to blame for what cannot be written.
        let pieces = self.pieces.iter().map(|piece| match (piece, of) {
            (Piece::Text(text), _) => {
                let text = LitStr::new(text, span);
                quote_spanned!(span=> #tag.push_str(#text);)
            }
            (Piece::Place(place), Some(of)) => {
                let (of, place) = (
                    at(span, of.to_token_stream()),
                    at(span, place.to_token_stream()),
                );
                quote_spanned!(span=> #private::TagPart::push_to(&#of.#place, &mut #tag);)
            }
            (Piece::Place(place), None) => {
                quote_spanned!(span=> #private::TagPart::push_to(&#place, &mut #tag);)
            }
        });
        // expands to:
        //     {
        //         let mut tag = String::new();
        //         tag.push_str("employer:");
        //         K::TagPart::push_to(&self.employer, &mut tag);
        //         tag
        //     }
        quote_spanned! {span=> {
            let mut #tag = ::std::string::String::new();
            #(#pieces)*
            #tag
        }}
    }
}

fn place(inner: &str, before: &str, literal: &LitStr, names: &Names<'_>) -> Result<Member, String> {
    let span = literal.span();
    let name = inner.split(':').next().unwrap_or_default();
    if name.trim().is_empty() {
        return Err(messages::nameless_place(
            inner,
            before,
            names.called,
            &names.all,
        ));
    }
    if inner.contains(':') {
        return Err(messages::formatted_place(name.trim()));
    }
    let text = inner.trim().trim_start_matches("r#");
    if !names.all.iter().any(|name| name == text) {
        let near = suggest::nearest(text, names.all.iter().map(String::as_str));
        return Err(messages::unknown_place(
            names.missing,
            text,
            near,
            names.called,
            &names.all,
        ));
    }
    if let Ok(index) = text.parse() {
        return Ok(Member::Index(Index { index, span }));
    }
    // A keyword is a name where it is written raw.
    let ident = match syn::parse_str::<Ident>(text) {
        Ok(_) => Ident::new(text, span),
        Err(_) => Ident::new_raw(text, span),
    };
    Ok(Member::Named(ident))
}
