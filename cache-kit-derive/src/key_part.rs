//! `#[derive(KeyPart)]`: a newtype is written into a key as what it wraps.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Data, DeriveInput, Field, Index, Member, Type};

use crate::crate_path::CratePath;
use crate::diagnostics::{Diagnostics, Faults};
use crate::messages;
use crate::options::{KEY_PART, Options};

/// A newtype as meant.
struct Newtype {
    field: Member,
    ty: Type,
}

/// Derives `KeyPart` for a struct of one field.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let mut krate = CratePath::default();
    match model(&item, &mut krate) {
        Ok(newtype) => expand(&item, &newtype, &krate),
        Err(faults) => fallback(&item, &faults, &krate),
    }
}

fn model(item: &DeriveInput, krate: &mut CratePath) -> Result<Newtype, Faults> {
    let mut diagnostics = Diagnostics::new();
    let mut options = Options::new();
    for attr in item
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cache"))
    {
        let tokens = diagnostics.keep(attr.meta.require_list().map(|list| list.tokens.clone()));
        options.read(tokens.unwrap_or_default(), &KEY_PART, &mut diagnostics);
    }
    *krate = CratePath::from_setting(options.take("crate").as_ref(), &mut diagnostics);
    let newtype = newtype(item, &mut diagnostics);
    diagnostics.finish(newtype)
}

fn newtype(item: &DeriveInput, diagnostics: &mut Diagnostics) -> Option<Newtype> {
    let fields: Vec<&Field> = match &item.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => {
            diagnostics.report(data.enum_token, messages::not_a_newtype("an enum"));
            return None;
        }
        Data::Union(data) => {
            diagnostics.report(data.union_token, messages::not_a_newtype("a union"));
            return None;
        }
    };
    match fields.as_slice() {
        [field] => Newtype::of(field, diagnostics),
        [] => {
            diagnostics.report(
                &item.ident,
                messages::not_a_newtype("a struct without fields"),
            );
            None
        }
        [_, second, ..] => {
            let second = second.ident.as_ref().map_or_else(
                || second.ty.to_token_stream(),
                quote::ToTokens::to_token_stream,
            );
            diagnostics.report(second, messages::not_a_newtype("a second field"));
            None
        }
    }
}

impl Newtype {
    fn of(field: &Field, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Some(refusal) = messages::no_key_part(&field.ty) {
            diagnostics.report(&field.ty, refusal);
            return None;
        }
        let name = field.ident.clone();
        Some(Self {
            field: name.map_or_else(|| Member::Unnamed(Index::from(0)), Member::Named),
            ty: field.ty.clone(),
        })
    }
}

fn expand(item: &DeriveInput, newtype: &Newtype, krate: &CratePath) -> TokenStream {
    let private = krate.private();
    let Newtype { field, ty } = newtype;
    let ident = &item.ident;
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let predicates = where_clause.iter().flat_map(|clause| &clause.predicates);
    // What is not generic is blamed on its own type, once.
    let bound = (!item.generics.params.is_empty()).then(|| quote!(#ty: #private::KeyPart,));
    // expands to:
    //     impl K::KeyPart for UserId {
    //         fn write(&self, out: &mut K::KeyWriter) { <u64 as K::KeyPart>::write(&self.0, out); }
    // fn parse(text: &str) -> Result<Self, K::ParseKeyError> { Ok(Self { 0: <u64 as
    //     K::KeyPart>::parse(text)? }) }
    //     }
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::KeyPart for #ident #ty_generics
        where
            #(#predicates,)*
            #bound
        {
            fn write(&self, out: &mut #private::KeyWriter) {
                <#ty as #private::KeyPart>::write(&self.#field, out);
            }

            fn parse(
                text: &::core::primitive::str,
            ) -> ::core::result::Result<Self, #private::ParseKeyError> {
                <#ty as #private::KeyPart>::parse(text).map(|part| Self { #field: part })
            }
        }
    }
}

/// The faults, and an implementation that type-checks and is never run.
fn fallback(item: &DeriveInput, faults: &Faults, krate: &CratePath) -> TokenStream {
    let private = krate.private();
    let errors = faults.to_compile_errors();
    let ident = &item.ident;
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics #private::KeyPart for #ident #ty_generics #where_clause {
            fn write(&self, _: &mut #private::KeyWriter) {}

            fn parse(
                text: &::core::primitive::str,
            ) -> ::core::result::Result<Self, #private::ParseKeyError> {
                ::core::result::Result::Err(#private::ParseKeyError::new(text))
            }
        }
    }
}
