//! What is emitted when an item has faults: enough that the rest of the crate reports nothing new.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::crate_path::CratePath;
use crate::diagnostics::Faults;

/// An annotated item with its faults: the item itself and the errors. Parameters that only the
/// attribute would have read are no news.
pub(crate) fn item(item: &TokenStream, faults: &Faults) -> TokenStream {
    let errors = faults.to_compile_errors();
    quote! {
        #[allow(unused_variables)]
        #item
        #errors
    }
}

/// A derive with faults: the errors, and an implementation that type-checks but never runs.
pub(crate) fn entity(item: &DeriveInput, krate: &CratePath, faults: &Faults) -> TokenStream {
    let errors = faults.to_compile_errors();
    let private = krate.private();
    let ident = &item.ident;
    let (impl_generics, ty_generics, _) = item.generics.split_for_impl();
    let predicates = item
        .generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    // The binder defers the bounds to where the impl is used: what the item lacks besides is not
    //     reported.
    // expands to:
    //     impl K::CacheEntity for User where for<'_> User: Clone + … { type Key = String; … }
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics #private::CacheEntity for #ident #ty_generics
        where
            #(#predicates,)*
            for<'__cache_kit> #ident #ty_generics: ::core::clone::Clone
                + ::core::marker::Send
                + ::core::marker::Sync
                + #private::serde::Serialize
                + #private::serde::de::DeserializeOwned
                + 'static,
        {
            type Key = ::std::string::String;
            const DEFINITION: &'static ::core::primitive::str = "";
            fn cache_key(&self) -> Self::Key {
                ::core::unreachable!()
            }
            fn cache_prefix() -> &'static ::core::primitive::str {
                ::core::unreachable!()
            }
        }
    }
}
