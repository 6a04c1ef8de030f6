//! How long a call waits for its load, and how often that is tried.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, Lit, Type, UnOp};

use crate::blame::{Extent, arguments_at, local, spread};
use crate::diagnostics::Diagnostics;
use crate::duration::Lifetime;
use crate::messages;
use crate::options::{Setting, peel_expr};

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
        let retry = Retry::from_input(input, diagnostics);
        Self { soft, hard, retry }
    }

    /// The option for which a body has to be one that can run again, or without its caller.
    pub(super) fn repeated(input: &Input) -> Option<&Ident> {
        let setting = input.retry.as_ref().or(input.soft_timeout.as_ref())?;
        Some(&setting.name)
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
    fn from_input(input: &Input, diagnostics: &mut Diagnostics) -> Option<Self> {
        let setting = input.retry.as_ref()?;
        let is_number = match peel_expr(&setting.value) {
            Expr::Lit(literal) => matches!(literal.lit, Lit::Int(_)),
            Expr::Unary(negated) => !matches!(negated.op, UnOp::Neg(_)),
            _ => true,
        };
        if !is_number {
            diagnostics.report(&setting.value, messages::RETRY);
            return None;
        }
        Some(Self {
            times: setting.value.clone(),
            test: input.retry_if.as_ref().map(|test| test.value.clone()),
        })
    }

    /// The statement that says how often.
    pub(super) fn bind(&self, private: &TokenStream) -> TokenStream {
        let retry = local("retry");
        let extent = Extent::of(&self.times);
        let read = spread(extent, quote!(#private::retry));
        let times = &self.times;
        let arguments = arguments_at(extent, quote!(#times));
        quote!(let #retry = #read #arguments;)
    }

    /// A future that runs a body, again where that may help.
    pub(super) fn expand(
        &self,
        body: &TokenStream,
        output: &Type,
        private: &TokenStream,
    ) -> TokenStream {
        // expands to:
        //     K::retrying(retry, || load(self, Clone::clone(&year)), |found: &Ret| K::is_transient(found))
        let (retry, judge) = (local("retry"), self.judge(output, private));
        quote!(#private::retrying(#retry, || #body, #judge))
    }

    /// Says whether a body is to run again.
    pub(super) fn judge(&self, output: &Type, private: &TokenStream) -> TokenStream {
        let found = local("found");
        let blame = Extent::of(self.test.as_ref().unwrap_or(&self.times));
        // What cannot be retried is blamed on the option.
        let here = Ident::new(&found.to_string(), found.span().located_at(blame.first));
        let (judge, arguments) = match &self.test {
            None => (quote!(#private::is_transient), quote!(#here)),
            Some(test) => (quote!(#private::retry_if), quote!(#here, #test)),
        };
        let (judge, arguments) = (spread(blame, judge), arguments_at(blame, arguments));
        quote!(|#found: &#output| #judge #arguments)
    }
}
