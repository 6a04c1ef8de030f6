//! The twin of an entity that its fingerprint is taken of, where a field is to be kept out of it.
//!
//! Serde's own derive reads the twin's attributes, so that names, skipped fields and `with` come
//! out as they do for the entity itself.

use darling::ast::{Fields, Style};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Generics, Ident, Meta, Type, parse_quote};

use crate::diagnostics::Diagnostics;
use crate::messages;

use super::input::Input;
use super::model::Model;
use super::{field::Field, serde_options};

/// What serde reads of the struct, without the types of opaque fields.
#[derive(Debug)]
pub(super) struct Layout {
    options: Vec<Meta>,
    is_tuple: bool,
    parts: Vec<Part>,
}

/// A field that is read.
#[derive(Debug)]
struct Part {
    ident: Option<Ident>,
    /// `None` if it is opaque.
    ty: Option<Type>,
    options: Vec<Meta>,
}

impl Layout {
    /// Makes the twin if any field is opaque.
    pub(super) fn from_input(input: &Input, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut opaque = input
            .fields
            .iter()
            .filter_map(|field| field.opaque.as_ref());
        let first = opaque.next()?;
        // Then serde never looks at the fields.
        if let Some(other) = proxy(&input.serde) {
            for word in std::iter::once(first).chain(opaque) {
                diagnostics.report(word, messages::opaque_behind(&input.ident, other.path()));
            }
            return None;
        }
        Some(Self {
            options: of_the_struct(&input.serde, &input.ident),
            is_tuple: matches!(input.fields.style, Style::Tuple),
            parts: parts(&input.fields),
        })
    }

    /// The twin and its name, with the generics that it has.
    pub(super) fn expand(&self, model: &Model) -> TokenStream {
        let ident = name();
        let (params, clause) = (&model.generics, &model.generics.where_clause);
        let private = model.krate.private();
        let serde = model.krate.serde();
        let options = &self.options;
        let parts = self.parts.iter().map(|part| part.expand(model, &private));
        let marker = marker(&model.generics, self.is_tuple);
        let body = if self.is_tuple {
            quote!((#(#parts,)* #marker) #clause;)
        } else {
            quote!(#clause { #(#parts,)* #marker })
        };
        // expands to:
        //     #[derive(K::serde::Deserialize)]
        //     #[serde(crate = "…", rename(deserialize = "User"))]
        //     struct __CacheKitLayout { id: u64, settings: K::Opaque }
        quote! {
            #[derive(#private::serde::Deserialize)]
            #[serde(crate = #serde, #(#options),*)]
            #[allow(dead_code, deprecated)]
            struct #ident #params #body
        }
    }
}

impl Part {
    fn expand(&self, model: &Model, private: &TokenStream) -> TokenStream {
        let options = &self.options;
        let name = self.ident.as_ref().map(|ident| quote!(#ident:));
        let ty = self.ty.as_ref();
        let ty = ty.map_or_else(
            || quote!(#private::Opaque),
            |ty| as_outside(quote!(#ty), model),
        );
        let serde = (!options.is_empty()).then(|| quote!(#[serde(#(#options),*)]));
        quote!(#serde #name #ty)
    }
}

/// The twin's type.
pub(super) fn ty(generics: &Generics) -> Type {
    let ident = name();
    let (_, ty_generics, _) = generics.split_for_impl();
    parse_quote!(#ident #ty_generics)
}

fn name() -> Ident {
    format_ident!("__CacheKitLayout")
}

/// The option by which another type is read in place of the struct.
fn proxy(options: &[Meta]) -> Option<&Meta> {
    ["from", "try_from"]
        .iter()
        .find_map(|name| serde_options::find(options, name))
}

/// Without what names functions or types that know the entity and not its twin. The twin has the
/// entity's name.
fn of_the_struct(options: &[Meta], entity: &Ident) -> Vec<Meta> {
    let is_kept = |option: &&Meta| match option {
        Meta::List(list) if list.path.is_ident("rename") => reads(list),
        other => !["crate", "default", "into", "remote"]
            .iter()
            .any(|name| other.path().is_ident(name)),
    };
    let mut kept: Vec<Meta> = options.iter().filter(is_kept).cloned().collect();
    if !serde_options::has(&kept, &["rename"]) {
        let name = entity.unraw().to_string();
        kept.push(parse_quote!(rename(deserialize = #name)));
    }
    kept
}

/// Whether `rename(…)` says how the name is read, and not only how it is written.
fn reads(list: &syn::MetaList) -> bool {
    let mut tokens = list.tokens.clone().into_iter();
    tokens.any(|token| matches!(token, TokenTree::Ident(ident) if ident == "deserialize"))
}

/// The fields that are read. Those that are skipped are no part of a layout.
fn parts(fields: &Fields<Field>) -> Vec<Part> {
    let part = |field: &Field| {
        let mut options = serde_options::of(&field.attrs);
        if serde_options::has(&options, &["skip", "skip_deserializing"]) {
            return None;
        }
        let is_opaque = field.opaque.is_some();
        if is_opaque {
            // The rest is about the type.
            options.retain(|option| {
                serde_options::has(
                    std::slice::from_ref(option),
                    &["rename", "alias", "flatten"],
                )
            });
        }
        Some(Part {
            ident: field.ident.clone(),
            ty: (!is_opaque).then(|| field.ty.clone()),
            options,
        })
    };
    fields.iter().filter_map(part).collect()
}

/// A field that uses every type parameter: those of opaque fields may be used nowhere else.
fn marker(generics: &Generics, is_tuple: bool) -> Option<TokenStream> {
    let types: Vec<&Ident> = generics.type_params().map(|param| &param.ident).collect();
    let name = (!is_tuple).then(|| quote!(__cache_kit:));
    (!types.is_empty())
        .then(|| quote!(#[serde(skip)] #name (#(::core::marker::PhantomData<#types>,)*)))
}

/// A type as it is called where `Self` is another one.
fn as_outside(ty: TokenStream, model: &Model) -> TokenStream {
    let ident = &model.ident;
    let (_, ty_generics, _) = model.generics.split_for_impl();
    let rename = |token| match token {
        TokenTree::Ident(word) if word == "Self" => quote!(#ident #ty_generics),
        TokenTree::Group(group) => {
            let mut renamed = Group::new(group.delimiter(), as_outside(group.stream(), model));
            renamed.set_span(group.span());
            TokenTree::Group(renamed).into()
        }
        other => other.into(),
    };
    ty.into_iter().flat_map(rename).collect()
}
