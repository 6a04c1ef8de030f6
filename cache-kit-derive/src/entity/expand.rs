//! Writes the tokens of `#[derive(CacheEntity)]`; nothing can fail here.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Generics, Type};

use crate::blame::at;

use super::bounds;
use super::feeder;
use super::key_checks;
use super::key_type::{self, part_function};
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
    let entity = entity(model, &key, &generics);
    let checks = key_checks::expand(model, &generics);
    let feeder = feeder::expand(model, &key, &generics);
    quote!(#key_type #entity #checks #feeder)
}

fn entity(model: &Model, key: &Type, generics: &Generics) -> TokenStream {
    let private = model.krate.private();
    let (ident, prefix) = (&model.ident, &model.prefix);
    let (impl_generics, ty_generics, clause) = generics.split_for_impl();
    let name = ident.to_string();
    let version = model.version.map(Literal::u32_unsuffixed);
    let version = version.map(|version| quote!(const VERSION: u32 = #version;));
    let count = Literal::usize_unsuffixed(model.key.fields().len());
    let (cache_key, lifetime) = (cache_key(model), lifetime(model));
    let write_key = write_key(key, &private);
    // At the name, where supertraits are blamed as well: the same fault is then reported once.
    let keyword = at(ident.span(), quote!(impl));
    let header = at(ident.span(), quote!(#private::CacheEntity));
    // expands to:
    //     impl K::CacheEntity for Employment {
    //         type Key = EmploymentKey;
    //         const DEFINITION: &'static str = concat!(module_path!(), "::", "Employment");
    //         const KEY_LEN: usize = 2;
    //         fn cache_key(&self) -> Self::Key { … }
    //         fn cache_prefix() -> &'static str { "employment" }
    //         …
    //     }
    quote! {
        #[automatically_derived]
        #keyword #impl_generics #header for #ident #ty_generics #clause {
            type Key = #key;
            const DEFINITION: &'static str =
                ::core::concat!(::core::module_path!(), "::", #name);
            #version
            const KEY_LEN: usize = #count;
            fn cache_key(&self) -> Self::Key { #cache_key }
            fn cache_prefix() -> &'static str { #prefix }
            #lifetime
            #write_key
        }
    }
}

/// How a key becomes text: as its parts are written, not as it is displayed.
fn write_key(key: &Type, private: &TokenStream) -> TokenStream {
    let write = part_function(key, private, "write");
    // expands to:
    //     fn write_key(key: &Self::Key, out: &mut K::KeyWriter) { … }
    //     fn write_str_key(key: &str, out: &mut K::KeyWriter) { … }
    quote! {
        fn write_key(key: &Self::Key, out: &mut #private::KeyWriter) {
            #write(key, out);
        }
        fn write_str_key(key: &str, out: &mut #private::KeyWriter) {
            out.push_part(key);
        }
    }
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
    // In a `const`, so that a constant of the wrong type or of zero is refused while compiling.
    // expands to:
    //     fn lifetime() -> K::Lifetime {
    //         const LIFETIME: K::Lifetime = K::Lifetime::new().with_ttl(Duration::new(3600, 0));
    //         LIFETIME
    //     }
    Some(quote! {
        fn lifetime() -> #private::Lifetime {
            const __CACHE_KIT_LIFETIME: #private::Lifetime = #value;
            __CACHE_KIT_LIFETIME
        }
    })
}
