//! Writes what lets `#[cached]` compare its parameters with the key.
//!
//! An attribute on a function cannot see the entity, so both hash the names and the type system
//! compares. Each part of the key has a trait of its own, for a message of its own.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{Generics, Type, parse_quote};

use crate::blame::{at, brace_at};
use crate::key::hash_name;
use crate::messages;

use super::bounds;
use super::model::Model;

/// Writes the impls of `KeyField`, `KeyNamed` and `KeyLen`.
pub(super) fn expand(model: &Model, generics: &Generics) -> TokenStream {
    let private = model.krate.private();
    let checks = Checks {
        model,
        generics: &bounds::if_entity(model, generics, &private),
        private,
    };
    let fields = (0..model.key.fields().len()).map(|position| checks.field(position));
    let (end, lengths) = (checks.end(), checks.lengths());
    // The traits have to be public, because public impls name them; nobody else can.
    quote! {
        #[allow(dead_code, missing_docs, unreachable_pub, private_interfaces, private_bounds)]
        const _: () = {
            #(#fields)*
            #end
            #lengths
        };
    }
}

struct Checks<'a> {
    model: &'a Model,
    generics: &'a Generics,
    private: TokenStream,
}

impl Checks<'_> {
    /// The entity's generics, if the field's type can be part of a key. Where it cannot, the key
    /// type's own impl already says so; the binder keeps the compiler from saying it here again.
    fn if_part(&self, ty: &Type) -> Generics {
        let private = &self.private;
        let mut generics = self.generics.clone();
        let clause = generics.make_where_clause();
        clause
            .predicates
            .push(parse_quote!(for<'__cache_kit> #ty: #private::KeyPart));
        generics
    }

    fn is_single(&self) -> bool {
        self.model.key.fields().len() == 1
    }

    /// What its parts are called.
    fn members(&self) -> Vec<String> {
        let fields = self.model.key.fields().iter();
        fields.map(|field| field.member.name()).collect()
    }

    /// One part of the key: its name, its type, and the position after it.
    fn field(&self, position: usize) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let field = &self.model.key.fields()[position];
        let ty = &field.ty;
        let generics = self.if_part(ty);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let hash = Literal::u64_unsuffixed(hash_name(&field.member.name()));
        let at = Literal::usize_unsuffixed(position);
        let positioned = if self.is_single() {
            self.any_name(ty, &generics)
        } else {
            self.checked_name(position, &generics)
        };
        // expands to:
        // impl K::KeyNamed<0xHASH> for Employment { type Field = String; const INDEX: usize = 0; }
        //     …
        quote! {
            impl #impl_generics #private::KeyNamed<#hash> for #ident #ty_generics #clause {
                type Field = #ty;
                const INDEX: ::core::primitive::usize = #at;
            }
            #positioned
        }
    }

    /// The only part of a key goes by any name.
    fn any_name(&self, ty: &Type, generics: &Generics) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let named = with_name(generics);
        let (impl_generics, _, clause) = named.split_for_impl();
        let (_, ty_generics, _) = generics.split_for_impl();
        // expands to:
        // impl<const NAME: u64> K::KeyField<0, NAME> for User { type Field = u64; type Next =
        //     K::At<User>; }
        quote! {
            impl #impl_generics #private::KeyField<0, __CACHE_KIT_NAME> for #ident #ty_generics #clause {
                type Field = #ty;
                type Next = #private::At<#ident #ty_generics>;
            }
        }
    }

    /// One of several parts has the name of its field.
    fn checked_name(&self, position: usize, generics: &Generics) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let (_, ty_generics, _) = generics.split_for_impl();
        let (entity, part) = (quote!(#ident #ty_generics), format_ident!("Part{position}"));
        let (check, index) = (
            self.name_check(position),
            Literal::usize_unsuffixed(position),
        );
        let name: TokenStream = quote!(#private::Name<__CACHE_KIT_NAME>);
        let mut named = with_name(generics);
        let clause = named.make_where_clause();
        // At the user's own tokens: what the compiler would explain of a derived bound is not of
        // use.
        let predicate = at(ident.span(), quote!(#name: #part<#entity>));
        clause.predicates.push(parse_quote!(#predicate));
        let (impl_generics, _, clause) = named.split_for_impl();
        let header = at(
            ident.span(),
            quote!(#private::KeyField<#index, __CACHE_KIT_NAME>),
        );
        // expands to:
        //     impl<const NAME: u64> K::KeyField<0, NAME> for Employment
        //     where
        //         K::Name<NAME>: Part0<Employment>,
        //     {
        //         type Field = <K::Name<NAME> as Part0<Employment>>::Field;
        //         type Next = <K::Name<NAME> as Part0<Employment>>::Next;
        //     }
        quote! {
            #check
            impl #impl_generics #header for #entity #clause {
                type Field = <#name as #part<#entity>>::Field;
                type Next = <#name as #part<#entity>>::Next;
            }
        }
    }

    /// The trait whose absence says which name belongs here.
    fn name_check(&self, position: usize) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let field = &self.model.key.fields()[position];
        let ty = &field.ty;
        let generics = self.if_part(ty);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let hash = Literal::u64_unsuffixed(hash_name(&field.member.name()));
        let part = format_ident!("Part{position}");
        let key = self.model.key.text();
        let (message, label) = messages::wrong_part(position, &field.member, &key, ident);
        let note = messages::part_note(&key, &self.members());
        // expands to:
        //     #[diagnostic::on_unimplemented(message = "part 1 of the key … is `person_id`", …)]
        //     pub trait Part0<Entity> { type Field; type Next; }
        //     impl Part0<Employment> for K::Name<0xHASH> { type Field = String; … }
        let place = field.member.span();
        let keyword = at(place, quote!(impl));
        let named = at(place, quote!(#private::Name<#hash>));
        let items = quote! {
            type Field = #ty;
            type Next = #private::At<#ident #ty_generics>;
        };
        let items = brace_at(place, items);
        quote! {
            #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
            pub trait #part<Entity> {
                type Field: #private::KeyPart;
                type Next: ::core::default::Default;
            }
            #[diagnostic::do_not_recommend]
            #keyword #impl_generics #part<#ident #ty_generics> for #named #clause #items
        }
    }

    /// The position after the last part, where a further parameter is one too many.
    fn end(&self) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let (_, ty_generics, _) = self.generics.split_for_impl();
        let index = Literal::usize_unsuffixed(self.model.key.fields().len());
        let message = messages::too_many_parts(&self.model.key.text(), ident, self.is_single());
        let (label, note) = (messages::EXTRA_LABEL, messages::EXTRA_NOTE);
        let name: TokenStream = quote!(#private::Name<__CACHE_KIT_NAME>);
        let mut checked = with_name(self.generics);
        let clause = checked.make_where_clause();
        let predicate = at(ident.span(), quote!(#name: NoPart));
        clause.predicates.push(parse_quote!(#predicate));
        let (impl_generics, _, clause) = checked.split_for_impl();
        let header = at(
            ident.span(),
            quote!(#private::KeyField<#index, __CACHE_KIT_NAME>),
        );
        // The compiler lists what does implement it; one that says nothing is better than three
        // that mislead.
        let (keyword, nothing) = (at(ident.span(), quote!(impl)), at(ident.span(), quote!(())));
        let items = quote! {
            type Field = ::core::primitive::bool;
            type Next = ();
        };
        let items = brace_at(ident.span(), items);
        // expands to:
        //     #[diagnostic::on_unimplemented(message = "the key of `Employment` is …", …)]
        //     pub trait NoPart {}
        //     impl<const NAME: u64> K::KeyField<2, NAME> for Employment where K::Name<NAME>: NoPart { … }
        quote! {
            #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
            pub trait NoPart {
                type Field: #private::KeyPart;
                type Next: ::core::default::Default;
            }
            impl #impl_generics #header for #ident #ty_generics #clause {
                type Field = <#name as NoPart>::Field;
                type Next = <#name as NoPart>::Next;
            }
            #keyword NoPart for #nothing #items
        }
    }

    /// Which numbers of parts are enough.
    fn lengths(&self) -> TokenStream {
        let (private, ident) = (&self.private, &self.model.ident);
        let (_, ty_generics, _) = self.generics.split_for_impl();
        let length: TokenStream = quote!(#private::Len<__CACHE_KIT_LEN>);
        let mut checked = self.generics.clone();
        checked
            .params
            .push(parse_quote!(const __CACHE_KIT_LEN: ::core::primitive::usize));
        let count = self.model.key.fields().len();
        let needs: Vec<TokenStream> = (1..count).map(|position| self.need(position)).collect();
        for position in 1..count {
            let need = format_ident!("Needs{position}");
            let clause = checked.make_where_clause();
            let predicate = at(ident.span(), quote!(#length: #need));
            clause.predicates.push(parse_quote!(#predicate));
        }
        let (impl_generics, _, clause) = checked.split_for_impl();
        let header = at(ident.span(), quote!(#private::KeyLen<__CACHE_KIT_LEN>));
        let keyword = at(ident.span(), quote!(impl));
        let nothing = brace_at(ident.span(), TokenStream::new());
        // expands to:
        //     impl<const LEN: usize> K::KeyLen<LEN> for Employment where K::Len<LEN>: Needs1 {}
        quote! {
            #(#needs)*
            #keyword #impl_generics #header for #ident #ty_generics #clause #nothing
        }
    }

    fn need(&self, position: usize) -> TokenStream {
        let private = &self.private;
        let member = &self.model.key.fields()[position].member;
        let need = format_ident!("Needs{position}");
        let message = messages::missing_part(member, &self.model.ident);
        let label = messages::missing_part_label(&self.model.key.text(), member, &self.members());
        let count = self.model.key.fields().len();
        let enough = (position + 1..=count).map(Literal::usize_unsuffixed);
        // expands to:
        //     #[diagnostic::on_unimplemented(message = "the key of `Employment` also needs `year`", …)]
        //     pub trait Needs1 {}
        //     impl Needs1 for K::Len<2> {}
        quote! {
            #[diagnostic::on_unimplemented(message = #message, label = #label)]
            pub trait #need {}
            #(
                #[diagnostic::do_not_recommend]
                impl #need for #private::Len<#enough> {}
            )*
        }
    }
}

/// Generics with the hash of a parameter's name among them.
fn with_name(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics
        .params
        .push(parse_quote!(const __CACHE_KIT_NAME: ::core::primitive::u64));
    generics
}
