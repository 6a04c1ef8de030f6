//! `index(email)`: other fields that name one entity.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Generics, LitStr, Type};

use crate::diagnostics::Diagnostics;
use crate::key::{Member, hash_name};
use crate::messages;
use crate::signature::{first_generic, last_segment};

use super::input::Input;
use super::model::{Key, Model, find_field, no_field};

/// A field that names one entity, beside the key.
#[derive(Debug)]
pub(super) struct Index {
    field: Ident,
    /// The field's type, or what its `Option` holds.
    ty: Type,
    /// Whether an entity may have none.
    is_optional: bool,
}

impl Index {
    /// Reads the list; each that cannot be is reported.
    pub(super) fn all_from_input(
        input: &Input,
        key: Option<&Key>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Self> {
        let mut indexes: Vec<Self> = Vec::new();
        for name in &input.indexes {
            let member = Member::Named(name.clone());
            let Some(field) = find_field(&member, input) else {
                diagnostics.report(name, no_field(&member, input));
                continue;
            };
            let is_whole_key =
                matches!(key, Some(Key::Single(field)) if field.member.name() == member.name());
            if is_whole_key {
                diagnostics.report(name, messages::index_is_key(name));
                continue;
            }
            if indexes
                .iter()
                .any(|other| other.field.unraw() == name.unraw())
            {
                diagnostics.report(name, messages::index_twice(name));
                continue;
            }
            let is_optional = last_segment(&field.ty).is_some_and(|last| last.ident == "Option");
            let inner = first_generic(&field.ty).filter(|_| is_optional);
            let ty = inner.unwrap_or(&field.ty);
            if let Some(refusal) = messages::no_key_part(ty) {
                diagnostics.report(ty, refusal);
                continue;
            }
            indexes.push(Self {
                field: name.clone(),
                ty: ty.clone(),
                is_optional,
            });
        }
        indexes
    }

    /// Writes the type that stands for the index, and says of the entity that it has it.
    pub(super) fn expand(&self, model: &Model, generics: &Generics) -> TokenStream {
        // expands to:
        //     pub struct UserByEmail(PhantomData<fn() -> User>);
        //     impl K::CacheIndex for UserByEmail {
        //         type Entity = User;
        //         type Field = String;
        //         const PREFIX: &'static str = "user.email";
        //         const DEFINITION: &'static str = concat!(module_path!(), …);
        //         fn field(entity: &User) -> Option<&String> { Some(&entity.email) }
        //     }
        //     impl K::Indexed<0xHASH> for User { type Index = UserByEmail; }
        let private = model.krate.private();
        let Self {
            field,
            ty,
            is_optional,
        } = self;
        let (ident, vis) = (&model.ident, &model.vis);
        let (params, own_clause) = (&model.generics, &model.generics.where_clause);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let text = field.unraw().to_string();
        let name = format_ident!("{ident}By{}", camel_case(&text), span = field.span());
        let doc = format!("Finds a [`{ident}`] by its `{text}`.");
        let prefix = format!("{}.{}", model.prefix.value(), text.to_lowercase());
        let prefix = LitStr::new(&prefix, model.prefix.span());
        let hash = Literal::u64_unsuffixed(hash_name(&text));
        let definition = name.to_string();
        let value = if *is_optional {
            quote!(::core::option::Option::as_ref(&entity.#field))
        } else {
            quote!(::core::option::Option::Some(&entity.#field))
        };
        quote! {
            #[doc = #doc]
            #[allow(dead_code, private_interfaces, private_bounds)]
            #vis struct #name #params (::core::marker::PhantomData<fn() -> #ident #ty_generics>) #own_clause;

            #[automatically_derived]
            impl #impl_generics #private::CacheIndex for #name #ty_generics #clause {
                type Entity = #ident #ty_generics;
                type Field = #ty;
                const PREFIX: &'static ::core::primitive::str = #prefix;
                const DEFINITION: &'static ::core::primitive::str =
                    ::core::concat!(::core::module_path!(), "::", #definition, ":", ::core::line!(), ":", ::core::column!());
                fn field(entity: &Self::Entity) -> ::core::option::Option<&#ty> {
                    #value
                }
            }

            #[automatically_derived]
            impl #impl_generics #private::Indexed<#hash> for #ident #ty_generics #clause {
                type Index = #name #ty_generics;
            }
        }
    }
}

/// `last_name` as `LastName`.
fn camel_case(text: &str) -> String {
    let words = text.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    });
    words.collect()
}
