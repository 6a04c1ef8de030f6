//! Writes the key type of an entity with several key fields.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use crate::blame::at;
use crate::signature::{last_segment, peel_type};

use super::bounds;
use super::model::{KeyField, Model, type_span};

/// Writes `EmploymentKey` and its impls.
pub(super) fn expand(model: &Model, ident: &Ident, fields: &[KeyField]) -> TokenStream {
    let key = KeyType::new(model, ident, fields);
    let (definition, constructor) = (key.definition(), key.constructor());
    let (conversions, part) = (key.conversions(), key.key_part());
    quote!(#definition #constructor #conversions #part)
}

struct KeyType<'a> {
    model: &'a Model,
    ident: &'a Ident,
    fields: &'a [KeyField],
    /// Names of the fields as variables.
    variables: Vec<Ident>,
    private: TokenStream,
}

impl<'a> KeyType<'a> {
    fn new(model: &'a Model, ident: &'a Ident, fields: &'a [KeyField]) -> Self {
        let variables = fields
            .iter()
            .enumerate()
            .map(|(position, field)| {
                let numbered = || format_ident!("part_{position}");
                field.ident.clone().unwrap_or_else(numbered)
            })
            .collect();
        Self {
            model,
            ident,
            fields,
            variables,
            private: model.krate.private(),
        }
    }

    /// `Self { a: <value>, … }`, or `Self(<value>, …)`.
    fn construct(&self, values: &[TokenStream]) -> TokenStream {
        let names = self.fields.iter().map(|field| &field.ident);
        if self.is_tuple() {
            quote!(Self(#(#values),*))
        } else {
            quote!(Self { #(#names: #values),* })
        }
    }

    fn is_tuple(&self) -> bool {
        self.fields[0].ident.is_none()
    }

    fn definition(&self) -> TokenStream {
        let Self { ident, private, .. } = self;
        let vis = &self.model.vis;
        let generics = bounds::key_generics(self.model);
        let (params, clause) = (&generics, &generics.where_clause);
        let entity = &self.model.ident;
        let doc = format!("Key of [`{entity}`]: `{}`.", self.model.key.text());
        let serde = self.model.krate.serde();
        let fields = self
            .fields
            .iter()
            .map(|field| field_definition(field, self.model));
        let body = if self.is_tuple() {
            quote!((#(#fields),*) #clause;)
        } else {
            quote!(#clause { #(#fields),* })
        };
        // expands to:
        //     /// Key of [`Employment`]: `(person_id, year)`.
        //     #[derive(Clone, Debug, …, Serialize, Deserialize)]
        //     pub struct EmploymentKey { pub person_id: String, pub year: i32 }
        quote! {
            #[doc = #doc]
            #[derive(
                ::core::clone::Clone, ::core::fmt::Debug,
                ::core::cmp::PartialEq, ::core::cmp::Eq,
                ::core::cmp::PartialOrd, ::core::cmp::Ord,
                ::core::hash::Hash,
                #private::serde::Serialize, #private::serde::Deserialize,
            )]
            #[serde(crate = #serde)]
            #[allow(dead_code, private_interfaces, private_bounds)]
            #vis struct #ident #params #body
        }
    }

    fn constructor(&self) -> TokenStream {
        let Self {
            ident, variables, ..
        } = self;
        let vis = &self.model.vis;
        let generics = bounds::key_generics(self.model);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let types = self.fields.iter().map(|field| argument_type(&field.ty));
        let values: Vec<TokenStream> = self
            .fields
            .iter()
            .zip(variables)
            .map(|(field, variable)| argument_value(&field.ty, variable))
            .collect();
        let value = self.construct(&values);
        let doc = format!("Makes the key of one [`{}`].", self.model.ident);
        // expands to:
        //     impl EmploymentKey {
        //         #[must_use]
        //         pub fn new(person_id: impl Into<String>, year: i32) -> Self { … }
        //     }
        quote! {
            #[allow(dead_code, private_interfaces, private_bounds, clippy::too_many_arguments)]
            impl #impl_generics #ident #ty_generics #clause {
                #[doc = #doc]
                #[must_use]
                #vis fn new(#(#variables: #types),*) -> Self {
                    #value
                }
            }
        }
    }

    fn conversions(&self) -> TokenStream {
        let Self {
            ident,
            variables,
            private,
            ..
        } = self;
        let plain = bounds::key_generics(self.model);
        let (impl_generics, ty_generics, clause) = plain.split_for_impl();
        let part = bounds::key_part_generics(self.model, private);
        let part_clause = &part.where_clause;
        let types: Vec<&Type> = self.fields.iter().map(|field| &field.ty).collect();
        let values: Vec<TokenStream> = variables.iter().map(ToTokens::to_token_stream).collect();
        let value = self.construct(&values);
        // expands to:
        //     impl From<(String, i32)> for EmploymentKey { … }
        //     impl Display for EmploymentKey { … }
        //     impl FromStr for EmploymentKey { … }
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::convert::From<(#(#types,)*)> for #ident #ty_generics #clause {
                fn from((#(#variables,)*): (#(#types,)*)) -> Self {
                    #value
                }
            }
            #[automatically_derived]
            impl #impl_generics ::core::fmt::Display for #ident #ty_generics #part_clause {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #private::fmt_key(self, f)
                }
            }
            #[automatically_derived]
            impl #impl_generics ::core::str::FromStr for #ident #ty_generics #part_clause {
                type Err = #private::ParseKeyError;
                fn from_str(text: &::core::primitive::str) -> ::core::result::Result<Self, Self::Err> {
                    <Self as #private::KeyPart>::parse(text)
                }
            }
        }
    }

    /// `<String as K::KeyPart>::write(&self.person_id, out); out.separate(); …`
    fn writes(&self) -> TokenStream {
        let writes = self.fields.iter().enumerate().map(|(position, field)| {
            let separate = (position > 0).then(|| quote!(out.separate();));
            let member = member_of(field, position);
            let write = part_function(&field.ty, &self.private, "write");
            quote!(#separate #write(&self.#member, out);)
        });
        writes.collect()
    }

    /// `Self { person_id: <String as K::KeyPart>::parse(person_id)?, … }`
    fn parsed(&self) -> TokenStream {
        let fields = self.fields.iter().zip(&self.variables);
        let values: Vec<TokenStream> = fields
            .map(|(field, variable)| {
                let parse = part_function(&field.ty, &self.private, "parse");
                quote!(#parse(#variable)?)
            })
            .collect();
        self.construct(&values)
    }

    fn key_part(&self) -> TokenStream {
        let Self {
            ident,
            variables,
            private,
            ..
        } = self;
        let generics = bounds::key_part_generics(self.model, private);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let (writes, value) = (self.writes(), self.parsed());
        let count = proc_macro2::Literal::usize_unsuffixed(self.fields.len());
        // expands to:
        //     impl K::KeyPart for EmploymentKey {
        //         fn write(&self, out: &mut K::KeyWriter) { …; out.separate(); …; }
        //         fn parse(text: &str) -> Result<Self, K::ParseKeyError> {
        //             let [person_id, year] = K::split_key::<2>(text)?;
        //             Ok(Self { person_id: <String as K::KeyPart>::parse(person_id)?, … })
        //         }
        //     }
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::KeyPart for #ident #ty_generics #clause {
                fn write(&self, out: &mut #private::KeyWriter) { #writes }
                fn parse(text: &::core::primitive::str) -> ::core::result::Result<Self, #private::ParseKeyError> {
                    let [#(#variables),*] = #private::split_key::<#count>(text)?;
                    ::core::result::Result::Ok(#value)
                }
            }
        }
    }
}

/// `<T as K::KeyPart>::write`, all of it at the field's type: the shortest error where it is no
/// part.
pub(super) fn part_function(ty: &Type, private: &TokenStream, function: &str) -> TokenStream {
    let span = type_span(ty);
    let private = at(span, private.clone());
    let function = Ident::new(function, span);
    quote_spanned!(span=> <#ty as #private::KeyPart>::#function)
}

/// The field's name or index in the key type.
fn member_of(field: &KeyField, position: usize) -> TokenStream {
    match &field.ident {
        Some(ident) => ident.to_token_stream(),
        None => syn::Index::from(position).to_token_stream(),
    }
}

fn field_definition(field: &KeyField, model: &Model) -> TokenStream {
    let (vis, ty, docs) = (&model.vis, &field.ty, &field.docs);
    let name = field.ident.as_ref().map(|ident| quote!(#ident:));
    let doc = docs.is_empty().then(|| {
        let text = format!("The `{}` of the [`{}`].", field.member, model.ident);
        quote!(#[doc = #text])
    });
    quote!(#(#docs)* #doc #vis #name #ty)
}

/// Only strings convert: `impl Into<i32>` would leave the type of a literal open.
pub(super) fn argument_type(ty: &Type) -> TokenStream {
    if is_string(ty) {
        quote!(impl ::core::convert::Into<#ty>)
    } else {
        ty.to_token_stream()
    }
}

/// What an argument of that type becomes.
pub(super) fn argument_value(ty: &Type, variable: &Ident) -> TokenStream {
    if is_string(ty) {
        quote!(::core::convert::Into::into(#variable))
    } else {
        variable.to_token_stream()
    }
}

fn is_string(ty: &Type) -> bool {
    let spelt = peel_type(ty).to_token_stream().to_string().replace(' ', "");
    let known = [
        "String",
        "std::string::String",
        "::std::string::String",
        "alloc::string::String",
    ];
    last_segment(ty).is_some() && known.contains(&spelt.as_str())
}
