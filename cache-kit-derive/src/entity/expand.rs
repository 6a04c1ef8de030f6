//! Writes the tokens of `#[derive(CacheEntity)]`; nothing can fail here.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;
use syn::{Generics, Type};

use crate::blame::{at, brace_at};

use super::bounds;
use super::codec::Codec;
use super::feeder;
use super::key_checks;
use super::key_type::{self, part_function};
use super::layout;
use super::model::{Key, Model};

/// Writes the key type, the entity's impl, the key checks and the feeder.
pub(super) fn expand(model: &Model) -> TokenStream {
    let private = model.krate.private();
    let key = bounds::key_type(model);
    let generics = bounds::entity_generics(model, &private, &key);
    let key_type = match &model.key {
        Key::Single(_) => TokenStream::new(),
        Key::Composite { ident, fields } => key_type::expand(model, ident, fields),
    };
    let feeder = feeder::definition(model, &key);
    let entity = entity(model, &key, &generics);
    let checks = key_checks::expand(model, &generics);
    let feeds = feeder::impls(model, &key, &generics);
    let indexes = model.indexes.iter();
    let indexes: TokenStream = indexes
        .map(|index| index.expand(model, &generics))
        .collect();
    let impls = quote!(#entity #checks #feeds);
    let impls = match &model.layout {
        None => impls,
        Some(layout) => beside(&layout.expand(model), &impls),
    };
    quote!(#key_type #feeder #impls #indexes)
}

/// The impls where they, and nobody else, see the type that the fingerprint is taken of.
fn beside(layout: &TokenStream, impls: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            #layout
            #impls
        };
    }
}

fn entity(model: &Model, key: &Type, generics: &Generics) -> TokenStream {
    let private = model.krate.private();
    let (ident, prefix) = (&model.ident, &model.prefix);
    let (impl_generics, ty_generics, clause) = generics.split_for_impl();
    let name = ident.to_string();
    let version = model.version.map(Literal::u32_unsuffixed);
    let version = version.map(|version| quote!(const VERSION: ::core::primitive::u32 = #version;));
    let count = Literal::usize_unsuffixed(model.key.fields().len());
    let (cache_key, lifetime) = (cache_key(model), lifetime(model));
    let write_key = write_key(key, &private);
    let payloads = payloads(model, &private);
    let schema = schema(model, &private);
    let tags = tags(model, &private);
    // Not `Self::Key`: that needs `Self: CacheEntity`, which a missing supertrait makes false in
    // every method. From the first token to the last at the name, where supertraits are blamed as
    // well: the same fault is then reported once.
    let keyword = at(ident.span(), quote!(impl));
    let header = at(ident.span(), quote!(#private::CacheEntity));
    // The place tells apart what has one name in two functions of a module.
    // expands to:
    //     impl K::CacheEntity for Employment {
    //         type Key = EmploymentKey;
    // const DEFINITION: &'static str = concat!(module_path!(), "::", "Employment", ":", line!(),
    //     ":", column!());
    //         const KEY_LEN: usize = 2;
    //         fn cache_key(&self) -> EmploymentKey { … }
    //         fn cache_prefix() -> &'static str { "employment" }
    //         …
    //     }
    let items = quote! {
        type Key = #key;
        const DEFINITION: &'static ::core::primitive::str =
            ::core::concat!(::core::module_path!(), "::", #name, ":", ::core::line!(), ":", ::core::column!());
        #version
        const KEY_LEN: ::core::primitive::usize = #count;
        fn cache_key(&self) -> #key { #cache_key }
        fn cache_prefix() -> &'static ::core::primitive::str { #prefix }
        #lifetime
        #write_key
        #payloads
        #schema
        #tags
    };
    let items = brace_at(ident.span(), items);
    quote! {
        #[automatically_derived]
        #keyword #impl_generics #header for #ident #ty_generics #clause #items
    }
}

/// What an entity can be dropped by.
fn tags(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    // expands to:
    //     const TAGGED: bool = true;
    //     fn cache_tags(&self) -> Vec<String> { vec![{ … }] }
    let this = Ident::new("self", Span::call_site());
    let tags = model
        .tags
        .iter()
        .map(|tag| tag.expand(Some(&this), private));
    (!model.tags.is_empty()).then(|| {
        quote! {
            const TAGGED: ::core::primitive::bool = true;
            fn cache_tags(&self) -> ::std::vec::Vec<::std::string::String> {
                ::std::vec![#(#tags),*]
            }
        }
    })
}

/// How a key becomes text: as its parts are written, not as it is displayed.
fn write_key(key: &Type, private: &TokenStream) -> TokenStream {
    let write = part_function(key, private, "write");
    // expands to:
    //     fn write_key(key: &EmploymentKey, out: &mut K::KeyWriter) { … }
    //     fn write_str_key(key: &str, out: &mut K::KeyWriter) { … }
    quote! {
        fn write_key(key: &#key, out: &mut #private::KeyWriter) {
            #write(key, out);
        }
        fn write_str_key(key: &::core::primitive::str, out: &mut #private::KeyWriter) {
            out.push_part(key);
        }
    }
}

/// How an entity becomes bytes: by its own codec, else by the store's.
fn payloads(model: &Model, private: &TokenStream) -> TokenStream {
    let payloads = match &model.codec {
        None => quote!(by_store()),
        Some(Codec::Own(ident)) => {
            let root = at(ident.span(), model.krate.root());
            quote!(by::<#root::#ident>())
        }
        Some(Codec::Other(path)) => quote!(by::<#path>()),
    };
    // expands to:
    //     fn payloads() -> K::Payloads<Self> {
    //         K::Payloads::by::<::cache_kit::MessagePack>()
    //     }
    quote! {
        fn payloads() -> #private::Payloads<Self> {
            #private::Payloads::#payloads
        }
    }
}

/// The fingerprint, where it is not taken of the entity itself.
fn schema(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    model.layout.as_ref()?;
    let layout = layout::ty(&model.generics);
    // expands to:
    //     fn schema() -> K::CacheSchema { K::schema_of::<Self, __CacheKitLayout>() }
    Some(quote! {
        fn schema() -> #private::CacheSchema {
            #private::schema_of::<Self, #layout>()
        }
    })
}

fn cache_key(model: &Model) -> TokenStream {
    let clones = model.key.fields().iter().map(|field| {
        let member = &field.member;
        quote!(::core::clone::Clone::clone(&self.#member))
    });
    match &model.key {
        Key::Single(_) => quote!(#(#clones)*),
        Key::Composite { ident, fields } => {
            let names = fields.iter().filter_map(|field| field.ident.as_ref());
            if fields[0].ident.is_some() {
                quote!(#ident { #(#names: #clones),* })
            } else {
                quote!(#ident(#(#clones),*))
            }
        }
    }
}

fn lifetime(model: &Model) -> Option<TokenStream> {
    let private = model.krate.private();
    let value = model.lifetimes.expand(&private)?;
    // expands to:
    //     fn lifetime() -> K::Lifetime {
    // K::Lifetime::new().with_ttl({ const VALUE: Duration = Duration::new(3600, 0); …; VALUE })
    //     }
    Some(quote! {
        fn lifetime() -> #private::Lifetime { #value }
    })
}
