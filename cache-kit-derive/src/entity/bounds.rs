//! Generics and where clauses of the generated impls.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Type, WherePredicate, parse_quote};

use crate::blame::at;

use super::layout;
use super::model::{Key, Model};

/// The entity's generics, with what `CacheEntity` asks of the entity and of its key.
pub(super) fn entity_generics(model: &Model, private: &TokenStream, key: &Type) -> Generics {
    let mut generics = model.generics.clone();
    if generics.type_params().next().is_none() {
        return generics;
    }
    let ident = &model.ident;
    let (_, ty_generics, _) = model.generics.split_for_impl();
    let clause = generics.make_where_clause();
    // The entity's own derives decide what this needs of the parameters.
    clause.predicates.push(parse_quote! {
        #ident #ty_generics: ::core::clone::Clone
            + ::core::marker::Send
            + ::core::marker::Sync
            + #private::serde::Serialize
            + #private::serde::de::DeserializeOwned
            + 'static
    });
    if model.layout.is_some() {
        let layout = layout::ty(&model.generics);
        clause
            .predicates
            .push(parse_quote!(#layout: #private::serde::de::DeserializeOwned));
    }
    // What `cache_key` and the key checks ask of the fields themselves.
    let names = parameter_names(&model.generics);
    for field in model.key.fields() {
        let ty = &field.ty;
        if mentions_any(ty, &names) {
            clause
                .predicates
                .push(parse_quote!(#ty: #private::KeyPart + ::core::clone::Clone));
        }
    }
    if mentions_any(key, &names) {
        clause.predicates.push(key_bounds(key, private));
    }
    generics
}

/// What `CacheEntity::Key` asks of a key.
fn key_bounds(key: &Type, private: &TokenStream) -> WherePredicate {
    parse_quote! {
        #key: #private::KeyPart
            + ::core::clone::Clone
            + ::core::cmp::Eq
            + ::core::hash::Hash
            + ::core::fmt::Display
            + ::core::marker::Send
            + ::core::marker::Sync
            + 'static
    }
}

/// The same, if the entity is one. Where it is not, its own impl already says so; the binder keeps
/// the compiler from saying it again. A generic entity has bounds that say the same.
pub(super) fn if_entity(model: &Model, generics: &Generics, private: &TokenStream) -> Generics {
    let ident = &model.ident;
    let mut generics = generics.clone();
    if generics.params.is_empty() {
        let predicate = quote!(for<'__cache_kit> #ident: #private::CacheEntity);
        let predicate = at(ident.span(), predicate);
        generics
            .make_where_clause()
            .predicates
            .push(parse_quote!(#predicate));
    }
    generics
}

/// The entity's generics that the key's fields mention, with the predicates over only those.
pub(super) fn key_generics(model: &Model) -> Generics {
    let all = parameter_names(&model.generics);
    let mut used = BTreeSet::new();
    for field in model.key.fields() {
        collect_idents(field.ty.to_token_stream(), &mut used);
    }
    let mut generics = model.generics.clone();
    generics.params = generics
        .params
        .into_iter()
        .filter(|parameter| used.contains(&parameter_name(parameter)))
        .collect();
    let dropped: BTreeSet<String> = all.difference(&used).cloned().collect();
    if let Some(clause) = &mut generics.where_clause {
        clause.predicates = std::mem::take(&mut clause.predicates)
            .into_iter()
            .filter(|predicate| {
                !mentions_any(predicate, &dropped) && mentions_any(predicate, &used)
            })
            .collect();
    }
    generics
}

/// The same, with `KeyPart` asked of every field whose type is generic.
pub(super) fn key_part_generics(model: &Model, private: &TokenStream) -> Generics {
    let mut generics = key_generics(model);
    let names = parameter_names(&generics);
    let predicates: Vec<WherePredicate> = model
        .key
        .fields()
        .iter()
        .map(|field| &field.ty)
        .filter(|ty| mentions_any(ty, &names))
        .map(|ty| parse_quote!(#ty: #private::KeyPart))
        .collect();
    if !predicates.is_empty() {
        generics.make_where_clause().predicates.extend(predicates);
    }
    generics
}

/// The key's type as the entity's impls name it.
pub(super) fn key_type(model: &Model) -> Type {
    match &model.key {
        Key::Single(field) => field.ty.clone(),
        Key::Composite { ident, .. } => {
            let generics = key_generics(model);
            let (_, ty_generics, _) = generics.split_for_impl();
            syn::parse2(quote!(#ident #ty_generics)).unwrap_or_else(|_| parse_quote!(#ident))
        }
    }
}

fn parameter_names(generics: &Generics) -> BTreeSet<String> {
    generics.params.iter().map(parameter_name).collect()
}

fn parameter_name(parameter: &GenericParam) -> String {
    match parameter {
        GenericParam::Type(ty) => ty.ident.to_string(),
        GenericParam::Const(constant) => constant.ident.to_string(),
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.to_string(),
    }
}

fn mentions_any(node: &impl ToTokens, names: &BTreeSet<String>) -> bool {
    let mut idents = BTreeSet::new();
    collect_idents(node.to_token_stream(), &mut idents);
    !idents.is_disjoint(names)
}

fn collect_idents(tokens: TokenStream, idents: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_idents(group.stream(), idents),
            TokenTree::Ident(ident) => {
                idents.insert(ident.to_string());
            }
            _ => {}
        }
    }
}
