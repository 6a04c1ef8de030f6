//! Writes the tokens of `#[cache_repository]`; nothing can fail here.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type};

use crate::blame::{Extent, arguments_at, at, local};
use crate::body;
use crate::cached::{Given, Source};

use super::block::{Block, Member, unmarked};
use super::model::{Finder, Finders, Model};

/// Writes the block with the bodies moved, and what makes it a repository.
pub(super) fn expand(block: &Block, model: &Model) -> TokenStream {
    let (mut members, mut apart) = (TokenStream::new(), TokenStream::new());
    for (member, twin) in block.members.iter().zip(&model.twins) {
        match (member, twin) {
            (_, Some(twin)) => {
                let (here, there) = twin.expand(block.is_of_trait);
                members.extend(here);
                apart.extend(there);
            }
            (Member::Function(function), None) => members.extend(unmarked(function).to_tokens()),
            (Member::Other(tokens), None) => members.extend(tokens.clone()),
        }
    }
    let written = block.with_members(&members);
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let self_ty = &block.self_ty;
    // A trait's block has room for its own methods only.
    let apart = (!apart.is_empty()).then(|| {
        quote! {
            impl #impl_generics #self_ty #where_clause {
                #apart
            }
        }
    });
    let repositories = model
        .repositories
        .iter()
        .map(|finders| repository(block, finders, model));
    // expands to:
    //     impl Employments {
    //         #[cached]
    //         pub async fn find(&self, person_id: &str, year: i32) -> Ret {
    //             Self::find_uncached(self, person_id, year).await
    //         }
    //         pub async fn find_uncached(&self, person_id: &str, year: i32) -> Ret { … }
    //     }
    //     impl K::Repository<K::EntityOf<Ret>> for Employments { … }
    quote! {
        #written
        #apart
        #(#repositories)*
    }
}

fn repository(block: &Block, finders: &Finders, model: &Model) -> TokenStream {
    let private = model.krate.private();
    let Some(finder) = finders.one.as_ref().or(finders.many.as_ref()) else {
        return TokenStream::new();
    };
    let entity = entity_of(finder, &private);
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let self_ty = &block.self_ty;
    let one = match &finders.one {
        Some(finder) => fetch_one(finder, &entity, &private),
        None => fetch_one_of_many(&entity, &private),
    };
    let many = finders.many.as_ref();
    let many = many.map(|finder| fetch_many(finder, &entity, &private));
    // expands to:
    //     impl K::Repository<K::EntityOf<Ret>> for Employments {
    //         async fn fetch_by_id(…) … { … }
    //         async fn fetch_by_ids(…) … { … }
    //     }
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Repository<#entity> for #self_ty #where_clause {
            #one
            #many
        }
    }
}

fn entity_of(finder: &Finder, private: &TokenStream) -> TokenStream {
    let output = &finder.output;
    match (&finder.entity, &finder.many) {
        (Some(entity), _) => quote!(#entity),
        (None, None) => body::entity_of(output, private),
        (None, Some(_)) => quote!(#private::EntityOfMany<#output>),
    }
}

fn fetch_one(finder: &Finder, entity: &TokenStream, private: &TokenStream) -> TokenStream {
    let (id, found, how) = (local("id"), local("found"), local("how"));
    let output = &finder.output;
    let call = call(finder, &id, private);
    let failing = failing(&quote!(#output), private);
    // expands to:
    //     async fn fetch_by_id(&self, id: &<K::EntityOf<Ret> as K::CacheEntity>::Key)
    //         -> K::Result<Option<K::EntityOf<Ret>>>
    //     {
    // let found: Ret = Self::find_uncached(self, K::lend(&id.person_id), K::give(&id.year)).await;
    //         let how = { use K::{…}; (&&&&K::Probe::<Ret>::new()).failing() };
    //         K::fetched(found, how)
    //     }
    quote! {
        async fn fetch_by_id(
            &self,
            #id: &<#entity as #private::CacheEntity>::Key,
        ) -> #private::Result<::core::option::Option<#entity>> {
            let #found: #output = #call;
            let #how = #failing;
            #private::fetched(#found, #how)
        }
    }
}

fn fetch_one_of_many(entity: &TokenStream, private: &TokenStream) -> TokenStream {
    let (id, found) = (local("id"), local("found"));
    quote! {
        async fn fetch_by_id(
            &self,
            #id: &<#entity as #private::CacheEntity>::Key,
        ) -> #private::Result<::core::option::Option<#entity>> {
            let #found = <Self as #private::Repository<#entity>>::fetch_by_ids(self, ::core::slice::from_ref(#id));
            #found.await.map(|#found| #private::own_of(#found, #id))
        }
    }
}

fn fetch_many(finder: &Finder, entity: &TokenStream, private: &TokenStream) -> TokenStream {
    let (id, found, how) = (local("id"), local("found"), local("how"));
    let output = &finder.output;
    let call = call(finder, &id, private);
    let result = quote! {
        ::core::result::Result<::core::option::Option<#entity>, <#output as #private::BatchOutput>::Error>
    };
    let failing = failing(&result, private);
    // expands to:
    //     async fn fetch_by_ids(&self, ids: &[<K::EntityOfMany<Ret> as K::CacheEntity>::Key])
    //         -> K::Result<Vec<K::EntityOfMany<Ret>>>
    //     {
    //         let found: Ret = Self::find_many_uncached(self, ids).await;
    // let how = { use K::{…}; (&&&&K::Probe::<Result<Option<K::EntityOfMany<Ret>>,
    //     …>>::new()).failing() };
    //         K::fetched_many(found, how)
    //     }
    quote! {
        async fn fetch_by_ids(
            &self,
            #id: &[<#entity as #private::CacheEntity>::Key],
        ) -> #private::Result<::std::vec::Vec<#entity>> {
            let #found: #output = #call;
            let #how = #failing;
            #private::fetched_many(#found, #how)
        }
    }
}

/// A call of a method's uncached twin.
fn call(finder: &Finder, id: &Ident, private: &TokenStream) -> TokenStream {
    let twin = &finder.twin;
    let receiver = finder.has_receiver.then(|| quote!(self,));
    let arguments = finder.arguments.iter().map(|source| match &finder.many {
        Some(keys) if matches!(source.given, Given::Keys) => keys.pass(id, private),
        _ => argument(source, id, private),
    });
    quote!(Self::#twin(#receiver #(#arguments),*).await)
}

/// How an output fails.
fn failing(output: &TokenStream, private: &TokenStream) -> TokenStream {
    quote! {{
        #[allow(unused_imports)]
        use #private::{FailsNot as _, FailsShown as _, FailsAsError as _, FailsAsOwn as _, FailsUnsaid as _};
        (&&&&#private::Probe::<#output>::new()).failing()
    }}
}

/// One argument, from the key.
fn argument(source: &Source, id: &Ident, private: &TokenStream) -> TokenStream {
    let Source { field, given } = source;
    let value = match field {
        None => quote!(#id),
        Some(field) => {
            let field = member(field);
            quote!(&#id.#field)
        }
    };
    match given {
        // At the argument, which is to blame if no key is like it.
        Given::Lent(ty) => handed(&quote!(#private::lend), ty, &value),
        Given::Owned(ty) => handed(&quote!(#private::give), ty, &value),
        Given::Opaque | Given::Keys => quote!(::core::clone::Clone::clone(#value)),
        Given::Strategy => quote!(#private::CacheStrategy::Bypass),
    }
}

fn handed(function: &TokenStream, ty: &Type, value: &TokenStream) -> TokenStream {
    let extent = Extent::of(ty);
    let function = at(extent.first, function.clone());
    let open = quote_spanned!(extent.first=> ::<_,);
    let close = quote_spanned!(extent.last=> >);
    let argument = arguments_at(extent, value.clone());
    quote!(#function #open #ty #close #argument)
}

/// A field by its name, or its place in a tuple.
fn member(field: &str) -> TokenStream {
    if field.starts_with(|c: char| c.is_ascii_digit()) {
        let index: Literal = field.parse().unwrap_or_else(|_| Literal::u8_unsuffixed(0));
        return quote!(#index);
    }
    let name = syn::parse_str::<Ident>(field).unwrap_or_else(|_| format_ident!("r#{field}"));
    quote!(#name)
}
