//! Writes the feeder of an entity.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Generics, Type, parse_quote};

use super::bounds;
use super::key_type::{argument_type, argument_value};
use super::model::Model;

/// Writes what `EmploymentFeeder` can do.
pub(super) fn impls(model: &Model, key: &Type, generics: &Generics) -> TokenStream {
    let shown = shown(model, key, generics);
    let feed = feed(model, generics);
    quote!(#shown #feed)
}

/// Writes `EmploymentFeeder`.
pub(super) fn definition(model: &Model, key: &Type) -> TokenStream {
    let (ident, vis, feeder) = (&model.ident, &model.vis, &model.feeder);
    let (params, clause) = (&model.generics, &model.generics.where_clause);
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let doc = format!("Asks a cache for one [`{ident}`] and receives it.");
    let new_doc = format!("Asks for the [`{ident}`] with this key.");
    let variable = format_ident!("key");
    let (argument, value) = (argument_type(key), argument_value(key, &variable));
    // expands to:
    //     pub struct EmploymentFeeder { pub key: EmploymentKey, pub entity: Option<Employment> }
    //     impl EmploymentFeeder { pub fn new(key: EmploymentKey) -> Self { … } }
    quote! {
        #[doc = #doc]
        #[allow(dead_code, private_interfaces, private_bounds)]
        #vis struct #feeder #params #clause {
            /// The key asked for.
            #vis key: #key,
            /// What was found.
            #vis entity: ::core::option::Option<#ident #ty_generics>,
        }
        #[allow(dead_code, private_interfaces, private_bounds)]
        impl #impl_generics #feeder #ty_generics #clause {
            #[doc = #new_doc]
            #[must_use]
            #vis fn new(key: #argument) -> Self {
                Self { key: #value, entity: ::core::option::Option::None }
            }
        }
    }
}

/// `Debug` without the entity: it may be large, or secret.
fn shown(model: &Model, key: &Type, generics: &Generics) -> TokenStream {
    let feeder = &model.feeder;
    let name = feeder.to_string();
    let mut generics = generics.clone();
    // Where the key cannot be displayed, the entity's own impl says so; the binder keeps the
    // compiler from saying it again.
    generics
        .make_where_clause()
        .predicates
        .push(parse_quote!(for<'__cache_kit> #key: ::core::fmt::Display));
    let (impl_generics, ty_generics, clause) = generics.split_for_impl();
    // expands to:
    //     impl Debug for EmploymentFeeder { … }
    quote! {
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #feeder #ty_generics #clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name)
                    .field("key", &::core::format_args!("{}", self.key))
                    .field("has_entity", &self.entity.is_some())
                    .finish()
            }
        }
    }
}

fn feed(model: &Model, generics: &Generics) -> TokenStream {
    let private = model.krate.private();
    let (ident, feeder) = (&model.ident, &model.feeder);
    let generics = bounds::if_entity(model, generics, &private);
    let (impl_generics, ty_generics, clause) = generics.split_for_impl();
    let entity = quote!(#ident #ty_generics);
    // expands to:
    //     impl K::CacheFeed<Employment> for EmploymentFeeder { … }
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::CacheFeed<#entity> for #feeder #ty_generics #clause {
            fn entity_id(&mut self) -> <#entity as #private::CacheEntity>::Key {
                ::core::clone::Clone::clone(&self.key)
            }
            fn feed(&mut self, entity: ::core::option::Option<#entity>) {
                self.entity = entity;
            }
        }
    }
}
