//! How long a call waits for its load, and how often that is tried.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, Type};

use crate::blame::{Extent, arguments_at, local, spread};
use crate::diagnostics::Diagnostics;
use crate::duration::Lifetime;
use crate::messages;
use crate::options::Setting;

use super::input::Input;

/// What is said of loads.
#[derive(Debug)]
pub(super) struct Loads {
    soft: Option<Lifetime>,
    hard: Option<Lifetime>,
    pub(super) retry: Option<Retry>,
}

/// How often a body runs again, and after which failures.
#[derive(Debug)]
pub(super) struct Retry {
    times: Expr,
    test: Option<Expr>,
}

impl Loads {
    pub(super) fn from_input(input: &Input, diagnostics: &mut Diagnostics) -> Self {
        let mut timeout = |setting: &Option<Setting<Expr>>| {
            Lifetime::from_setting(setting.as_ref()?, &mut *diagnostics)
        };
        let (soft, hard) = (timeout(&input.soft_timeout), timeout(&input.hard_timeout));
        let known = |timeout: &Option<Lifetime>| timeout.as_ref().and_then(Lifetime::known);
        if let (Some(setting), Some(soft), Some(hard)) =
            (&input.soft_timeout, known(&soft), known(&hard))
            && soft > hard
        {
            diagnostics.report(&setting.value, messages::SOFT_AFTER_HARD);
        }
        if let (Some(test), None) = (&input.retry_if, &input.retry) {
            diagnostics.report(&test.name, messages::RETRY_IF_ALONE);
        }
        let retry = input.retry.as_ref().map(|retry| Retry {
            times: retry.value.clone(),
            test: input.retry_if.as_ref().map(|test| test.value.clone()),
        });
        Self { soft, hard, retry }
    }

    /// Whether a body has to be one that can run again, or without its caller.
    pub(super) fn is_repeated(input: &Input) -> bool {
        input.soft_timeout.is_some() || input.retry.is_some()
    }

    /// The timeouts as calls on `Call`, each forced through a `const`.
    pub(super) fn expand_calls(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     .soft_timeout({ const VALUE: Duration = …; VALUE })
        //     .hard_timeout({ const VALUE: Duration = …; let _ = <Ret as K::CarriesCacheError>::carry; VALUE })
        let value = |timeout: &Lifetime| {
            let value = timeout.to_token_stream();
            quote!(const __CACHE_KIT_VALUE: ::core::time::Duration = #value;)
        };
        let soft = self.soft.as_ref().map(|soft| {
            let bind = value(soft);
            let check = self.hard.as_ref().map(|hard| {
                let hard = hard.to_token_stream();
                let extent = Extent::of(&soft.to_token_stream());
                let check = spread(extent, quote!(#private::check_timeouts));
                let arguments = arguments_at(extent, quote!(__CACHE_KIT_VALUE, #hard));
                quote!(const _: () = #check #arguments;)
            });
            quote!(.soft_timeout({ #bind #check __CACHE_KIT_VALUE }))
        });
        let hard = self.hard.as_ref().map(|hard| {
            let bind = value(hard);
            let Extent { first, last } = Extent::of(output);
            let open = quote_spanned!(first=> <);
            let close = quote_spanned!(last=> as #private::CarriesCacheError>::carry);
            quote!(.hard_timeout({ #bind let _ = #open #output #close; __CACHE_KIT_VALUE }))
        });
        quote!(#soft #hard)
    }
}

impl Retry {
    /// A future that runs a body, again where that may help.
    pub(super) fn expand(
        &self,
        body: &TokenStream,
        output: &Type,
        private: &TokenStream,
    ) -> TokenStream {
        // expands to:
        //     K::retrying(3, || load(self, Clone::clone(&year)), |found: &Ret| K::is_transient(found))
        let found = local("found");
        let times = &self.times;
        let test = match &self.test {
            None => {
                let extent = Extent::of(times);
                let is_transient = spread(extent, quote!(#private::is_transient));
                let arguments = arguments_at(extent, quote!(#found));
                quote!(#is_transient #arguments)
            }
            Some(test) => {
                let extent = Extent::of(test);
                let retry_if = spread(extent, quote!(#private::retry_if));
                let arguments = arguments_at(extent, quote!(#found, #test));
                quote!(#retry_if #arguments)
            }
        };
        quote!(#private::retrying(#times, || #body, |#found: &#output| #test))
    }
}
