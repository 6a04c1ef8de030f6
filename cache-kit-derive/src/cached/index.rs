//! Functions that find an entity by another field than its key.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Expr, Type};

use crate::arguments::Arguments;
use crate::blame::{Extent, arguments_at, local, spread};
use crate::body;
use crate::diagnostics::Diagnostics;
use crate::key::hash_name;
use crate::messages;
use crate::options::{operand, peel_expr, reject_written, text_of};
use crate::signature::is_opaque;

use super::input::Input;

/// Which index is asked, and for what.
#[derive(Debug)]
pub(super) struct Index {
    name: Ident,
    value: TokenStream,
    /// The type to blame when it does not fit, where it was spelt and can be repeated.
    ty: Option<Type>,
}

impl Index {
    /// Reads the name; the value is `key = …`, or the only parameter.
    pub(super) fn from_input(
        input: &Input,
        function: &Ident,
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let setting = input.index.as_ref()?;
        reject_options(input, diagnostics);
        let name = match peel_expr(&setting.value) {
            Expr::Path(path) => path.path.get_ident().cloned(),
            _ => None,
        };
        let Some(name) = name else {
            let meant = text_of(&setting.value).unwrap_or_else(|| "email".to_owned());
            diagnostics.report(&setting.value, messages::index_name(&meant));
            return None;
        };
        if let Some(key) = &input.key {
            arguments.reject_left_out(key, diagnostics);
            return Some(Self {
                name,
                value: operand(&key.value),
                ty: None,
            });
        }
        let mut candidates = arguments.candidates();
        let Some(parameter) = candidates.next() else {
            diagnostics.report(function, messages::no_index_argument(&name));
            return None;
        };
        for other in candidates {
            diagnostics.report(
                &other.pat,
                messages::beside_index(&name, other.name.as_ref()),
            );
        }
        let Some(value) = &parameter.name else {
            diagnostics.report(&parameter.pat, messages::PATTERN);
            return None;
        };
        let is_nameable = !is_opaque(&parameter.ty);
        Some(Self {
            name,
            value: value.to_token_stream(),
            ty: is_nameable.then(|| parameter.ty.clone()),
        })
    }

    /// Statements that say what is wrong with the output, or that there is no such index, and bind
    /// what finds by it.
    pub(super) fn bind(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     let _ = <Ret as K::CachedOutput>::from_payload;
        // { use K::{…}; let entity = (&&K::Returns::<Ret>::new()).entity(); entity.has::<0xHASH>();
        //     }
        //     let outcome = { use K::{…}; (&&K::By::<Ret, 0xHASH>::new()).methods() };
        let outcome = local("outcome");
        let check = body::check_output(output, &quote!(CachedOutput > ::from_payload), private);
        let hash = Literal::u64_unsuffixed(hash_name(&self.name.unraw().to_string()));
        let span = self.name.span();
        // Of the user's origin, or the attribute is blamed for an index that is not there.
        let asked = Ident::new("__cache_kit_entity", span);
        let ask = quote_spanned!(span=> #asked.has::<#hash>());
        quote! {
            #check
            {
                #[allow(unused_imports)]
                use #private::{EntityKnown as _, EntityUnknown as _, Has as _};
                let #asked = (&&#private::Returns::<#output>::new()).entity();
                #ask;
            }
            let #outcome = {
                #[allow(unused_imports)]
                use #private::{ByField as _, ByNone as _};
                (&&#private::By::<#output, #hash>::new()).methods()
            };
        }
    }

    /// The statement that writes the key of the index.
    pub(super) fn key(&self, cache: &Ident, key: &Ident) -> TokenStream {
        // expands to:
        //     let mut key = outcome.key::<_, &str>(cache, &email);
        let (outcome, value) = (local("outcome"), &self.value);
        let Some(ty) = &self.ty else {
            let write = spread(Extent::of(value), quote!(.key));
            return quote!(let #key = #outcome #write(#cache, &#value););
        };
        let extent = Extent::of(ty);
        let write = quote_spanned!(extent.first=> .key::<_, #ty);
        let close = quote_spanned!(extent.last=> >);
        let arguments = arguments_at(extent, quote!(#cache, &#value));
        quote!(let #key = #outcome #write #close #arguments;)
    }
}

/// What has no meaning for a look-up in two steps.
fn reject_options(input: &Input, diagnostics: &mut Diagnostics) {
    let options = [
        input.lifetimes.negative_ttl(),
        input.prefix.as_ref(),
        input.soft_timeout.as_ref(),
        input.retry.as_ref(),
        input.refresh.as_ref(),
        input.unless.as_ref(),
    ];
    reject_written(options, messages::useless_for_index, diagnostics);
}
