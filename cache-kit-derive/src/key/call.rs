//! The key of a call: from its parameters, or from `key = …`.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, Lit, Member, Type};

use crate::blame::{Extent, arguments_at, at, local};
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, operand, peel_expr};
use crate::signature::{Parameter, is_opaque};

use super::hash_name;

/// One argument of a key.
#[derive(Debug)]
pub(crate) struct Part {
    /// The name that must be the key field's, without `r#`.
    name: String,
    /// What is written into the key.
    value: TokenStream,
    /// The type to blame when it does not fit, where it was spelt and can be repeated.
    ty: Option<Type>,
    /// The span to blame when the name does not fit.
    span: Span,
}

impl Part {
    /// A parameter that stands for the key field of its name.
    pub(crate) fn from_parameter(name: &Ident, parameter: &Parameter) -> Self {
        let is_nameable = !is_opaque(&parameter.ty);
        Self {
            name: name.unraw().to_string(),
            value: name.to_token_stream(),
            ty: is_nameable.then(|| parameter.ty.clone()),
            span: name.span(),
        }
    }

    /// The name of the key's field that it is.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The hash of its name.
    pub(crate) fn hash(&self) -> Literal {
        Literal::u64_unsuffixed(hash_name(&self.name))
    }

    /// The expression that is written into the key.
    pub(crate) fn value(&self) -> &TokenStream {
        &self.value
    }

    /// Where its type is, or its name if that is all there is.
    pub(crate) fn type_span(&self) -> Span {
        match &self.ty {
            Some(Type::Reference(reference)) => Extent::of(&*reference.elem).first,
            Some(ty) => Extent::of(ty).first,
            None => self.span,
        }
    }

    fn from_expr(expr: &Expr) -> Result<Self, String> {
        match peel_expr(expr) {
            Expr::Assign(assign) => {
                let (name, span) = name_of(&assign.left).ok_or(messages::KEY_PART_NAME)?;
                Ok(Self::of_value(name, span, &assign.right))
            }
            unnamed => {
                let name =
                    implied_name(unnamed).ok_or_else(|| messages::key_part_unnamed(unnamed))?;
                Ok(Self::of_value(
                    name.unraw().to_string(),
                    name.span(),
                    unnamed,
                ))
            }
        }
    }

    fn of_value(name: String, span: Span, value: &Expr) -> Self {
        Self {
            name,
            value: operand(value),
            ty: None,
            span,
        }
    }

    /// The type argument `A` of a writing function, placed where a misfit should be blamed.
    fn type_argument(&self) -> TokenStream {
        let inferred = || {
            let span = Extent::of(&self.value).first;
            quote_spanned!(span=> _)
        };
        self.ty
            .as_ref()
            .map_or_else(inferred, ToTokens::to_token_stream)
    }
}

/// The field on the left of `=`: a name, or the index of a tuple struct's field.
fn name_of(expr: &Expr) -> Option<(String, Span)> {
    match peel_expr(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(index) => Some((index.base10_digits().to_owned(), index.span())),
            _ => None,
        },
        other => ident_of(other).map(|name| (name.unraw().to_string(), name.span())),
    }
}

fn ident_of(expr: &Expr) -> Option<Ident> {
    match peel_expr(expr) {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
}

/// `year` names itself, `request.year` and `&request.year` are called `year`.
fn implied_name(expr: &Expr) -> Option<Ident> {
    match peel_expr(expr) {
        Expr::Reference(reference) => implied_name(&reference.expr),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.clone()),
            Member::Unnamed(_) => None,
        },
        other => ident_of(other),
    }
}

/// What a call's key consists of.
#[derive(Debug)]
pub(crate) enum CallKey {
    /// One expression that is all of the key.
    Whole(Box<Part>),
    /// Named values, in the order of the key's fields; a single one may be the whole key.
    Parts(Vec<Part>),
    /// One value that knows its key: the entity itself.
    Entity(TokenStream),
}

impl CallKey {
    /// Parts by number; `None` when there is none.
    pub(crate) fn from_parts(parts: Vec<Part>) -> Option<Self> {
        (!parts.is_empty()).then_some(Self::Parts(parts))
    }

    /// Reads `key = …`.
    pub(crate) fn from_setting(
        setting: &Setting<Expr>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let written: Vec<&Expr> = match peel_expr(&setting.value) {
            Expr::Tuple(tuple) if tuple.elems.is_empty() => {
                diagnostics.report(&setting.value, messages::EMPTY_CALL_KEY);
                return None;
            }
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            Expr::Paren(paren) if matches!(*paren.expr, Expr::Assign(_)) => vec![&*paren.expr],
            whole => {
                let part = Part::of_value("key".to_owned(), whole.span(), whole);
                return Some(Self::Whole(Box::new(part)));
            }
        };
        let mut parts = Vec::new();
        for expr in &written {
            match Part::from_expr(expr) {
                Ok(part) => parts.push(part),
                Err(message) => diagnostics.report(expr, message),
            }
        }
        (parts.len() == written.len())
            .then(|| Self::from_parts(parts))
            .flatten()
    }

    /// Statements that write the key into the local `key`.
    pub(crate) fn expand(
        &self,
        private: &TokenStream,
        entity: &TokenStream,
        key: &Ident,
        parens: Span,
    ) -> TokenStream {
        match self {
            // expands to:
            //     K::write_whole_key::<Entity, u64>(&id, &mut key);
            Self::Whole(part) => {
                let private = at(part.span, private.clone());
                let Part { value, span, .. } = &**part;
                let ty = part.type_argument();
                let arguments = quote!(&#value, &mut #key);
                quote_spanned!(*span=> #private::write_whole_key::<#entity, #ty>(#arguments);)
            }
            // expands to:
            //     K::write_entity_key::<Entity, _>(&employment, &mut key);
            Self::Entity(value) => {
                quote!(#private::write_entity_key::<#entity, _>(&#value, &mut #key);)
            }
            Self::Parts(parts) => expand_parts(parts, private, entity, key, parens),
        }
    }
}

/// Each step takes the place that the one before reached: where a name is wrong, the compiler does
/// not know the place after it, and reports nothing more.
fn expand_parts(
    parts: &[Part],
    private: &TokenStream,
    entity: &TokenStream,
    key: &Ident,
    parens: Span,
) -> TokenStream {
    // expands to:
    //     {
    //         use K::{Place as _, StartNone as _, StartParts as _, StartWhole as _};
    //         let at = (&&K::Start::<Entity, _>::new(&())).place();
    //         let at = at.part::<0, 0xHASH, &str>(&person_id, &mut key);
    //         let at = at.part::<1, 0xHASH, i32>(&year, &mut key);
    //         at.last::<2>();
    //     }
    let place = local("at");
    let steps = parts.iter().enumerate().map(|(index, part)| {
        let index = Literal::usize_unsuffixed(index);
        let Part { value, span, .. } = part;
        let (hash, ty) = (part.hash(), part.type_argument());
        let step = quote_spanned!(*span=> .part::<#index, #hash, #ty>);
        quote!(let #place = #place #step(&#value, &mut #key);)
    });
    let start = start(parts, private, entity);
    let check = reject_index(parts, private, entity);
    let count = Literal::usize_unsuffixed(parts.len());
    // All of it at the parentheses: what is missing belongs there.
    let end = Ident::new("__cache_kit_end", parens);
    let last = quote_spanned!(parens=> #end.last::<#count>());
    quote! {{
        #[allow(unused_imports)]
        use #private::{Place as _, StartNone as _, StartParts as _, StartWhole as _};
        #check
        let #place = #start;
        #(#steps)*
        let #end = #place;
        #last;
    }}
}

/// A single argument may have any name, but not that of an index.
fn reject_index(
    parts: &[Part],
    private: &TokenStream,
    entity: &TokenStream,
) -> Option<TokenStream> {
    let [part] = parts else { return None };
    let extent = Extent::of(entity);
    let named = at(extent.first, quote!(#private::Named));
    let new = at(extent.last, quote!(::new));
    let (hash, nothing) = (part.hash(), arguments_at(extent, TokenStream::new()));
    // Of the user's origin, or the attribute is blamed.
    let asked = Ident::new("__cache_kit_named", part.span);
    let check = quote_spanned!(part.span=> #asked.key_of());
    let start = local("start");
    // expands to:
    //     use K::{NamedIndex as _, NamedOther as _};
    //     let named = &&K::Named::<Entity, 0xHASH>::new();
    //     let start = named.key_of();
    Some(quote! {
        use #private::{NamedIndex as _, NamedOther as _};
        let #asked = &&#named::<#entity, #hash> #new #nothing;
        let #start = #check;
    })
}

/// The place of the first part. A single argument may be the whole key.
fn start(parts: &[Part], private: &TokenStream, entity: &TokenStream) -> TokenStream {
    // All of it at the entity, like the entity's own path: what was blamed there is not reported
    // again.
    let extent = Extent::of(entity);
    let start = at(extent.first, quote!(#private::Start));
    let new = quote_spanned!(extent.last=> ::new);
    if let [Part { value, .. }] = parts {
        let argument = arguments_at(extent, quote!(&#value));
        let named = local("start");
        quote!(#named.at((&&&#start::<#entity, _> #new #argument).place()))
    } else {
        let argument = arguments_at(extent, quote!(&()));
        quote!((&&#start::<#entity, _> #new #argument).place())
    }
}
