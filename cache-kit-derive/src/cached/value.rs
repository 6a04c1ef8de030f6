//! Functions with a prefix of their own: what they return is no entity, and their parameters are
//! the key.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Ident, LitStr, Type};

use crate::arguments::{Arguments, collect_names};
use crate::blame::{Extent, at, local};
use crate::diagnostics::Diagnostics;
use crate::key::ValueKey;
use crate::messages;
use crate::prefix::prefix;
use crate::signature::{Function, payload_in};

use super::input::Input;

/// What is cached, and under which key.
#[derive(Debug)]
pub(super) struct Value {
    function: Ident,
    prefix: LitStr,
    key: ValueKey,
    /// Whether the type that the method is called on has to be one.
    is_owned: bool,
    /// What is stored, as far as the spelling says.
    stored: Type,
}

impl Value {
    /// Reads the prefix and the key: `key = …`, or all parameters that are not skipped.
    pub(super) fn from_input(
        input: &Input,
        function: &Function,
        output: Option<&Type>,
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let ident = &function.sig.ident;
        let prefix = prefix(input.prefix.as_ref()?, ident, diagnostics);
        let key = match &input.key {
            Some(setting) => {
                arguments.reject_left_out(setting, diagnostics);
                ValueKey::from_setting(setting)
            }
            None => ValueKey::from_arguments(arguments, diagnostics)?,
        };
        reject_untold_generics(function, input, diagnostics);
        Some(Self {
            function: ident.clone(),
            prefix: prefix?,
            key,
            is_owned: arguments.receiver().is_some()
                && !input.skip.iter().any(|name| name == "Self"),
            stored: payload_in(output?).clone(),
        })
    }
}

/// A type of the function's own that the key does not tell: what is cached for one would be
/// returned for another. The text of a part does not tell its type, nor does a byte store tell
/// apart two types of one layout.
fn reject_untold_generics(function: &Function, input: &Input, diagnostics: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    if let Some(key) = &input.key {
        collect_names(key.value.to_token_stream(), &mut told);
    }
    let untold = function.own_types().filter(|ident| {
        let is_skipped = input.skip.contains(ident);
        !is_skipped && !told.contains(&ident.unraw().to_string())
    });
    for ident in untold {
        let is_const = function
            .sig
            .generics
            .const_params()
            .any(|param| param.ident == *ident);
        diagnostics.report(ident, messages::untold_generic(ident, is_const));
    }
}

impl Value {
    /// Statements that declare the function, and bind how what it returns is cached.
    pub(super) fn declare(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     struct __CacheKitValue;
        //     impl K::Declared for __CacheKitValue {
        //         const PREFIX: &'static str = "rates";
        // const DEFINITION: &'static str = concat!(module_path!(), "::", "rate", ":", line!(), ":",
        //     column!());
        //     }
        //     static OWNER: K::Owner = K::Owner::new();
        //     let value = { use K::{…}; (&&&&&&&&K::Value::<Ret, __CacheKitValue>::new()).form() };
        //     value.check::<f64>();
        let (value, declared) = (local("value"), declared());
        let Self { prefix, stored, .. } = self;
        // One for all types that the method is called on.
        let owner = self
            .is_owned
            .then(|| quote!(static __CACHE_KIT_OWNER: #private::Owner = #private::Owner::new();));
        let name = self.function.unraw().to_string();
        let extent = Extent::of(stored);
        let check = at(extent.first, quote!(.check::<));
        let close = quote_spanned!(extent.last=> >());
        quote! {
            struct #declared;
            #owner
            impl #private::Declared for #declared {
                const PREFIX: &'static ::core::primitive::str = #prefix;
                const DEFINITION: &'static ::core::primitive::str =
                    ::core::concat!(::core::module_path!(), "::", #name, ":", ::core::line!(), ":", ::core::column!());
            }
            let #value = {
                #[allow(unused_imports)]
                use #private::{
                    Form0 as _, Form1 as _, Form2 as _, Form3 as _, Form4 as _, Form5 as _, Form6 as _, Form7 as _,
                };
                (&&&&&&&&#private::Value::<#output, #declared>::new()).form()
            };
            #value #check #stored #close;
        }
    }

    /// Statements that write the key.
    pub(super) fn key(&self, cache: &Ident, key: &Ident, private: &TokenStream) -> TokenStream {
        let declared = declared();
        let parts = self.key.expand(key, private);
        let is_mut = self
            .key
            .is_mut()
            .or_else(|| self.is_owned.then(Default::default));
        let owned = self
            .is_owned
            .then(|| quote!(__CACHE_KIT_OWNER.check::<Self, _>(#cache, <#declared as #private::Declared>::PREFIX, &mut #key);));
        quote! {
            let #is_mut #key = #private::value_key(#cache, <#declared as #private::Declared>::PREFIX);
            #parts
            #owned
        }
    }
}

/// What the function is to the runtime.
fn declared() -> Ident {
    Ident::new("__CacheKitValue", Span::mixed_site())
}
