//! How long a call waits for its load, and how often that is tried.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};
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
    /// What `hard_timeout` says, to blame.
    hard_extent: Option<Extent>,
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
        let hard_extent = input
            .hard_timeout
            .as_ref()
            .map(|setting| Extent::of(&setting.value));
        Self {
            soft,
            hard,
            hard_extent,
            retry,
        }
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
        // .hard_timeout({ const VALUE: Duration = …; let _ = <Ret as K::CarriesCacheError>::carry;
        //     VALUE })
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
            let check = spread(
                self.hard_extent.unwrap_or_else(|| Extent::of(output)),
                quote!(<#output as #private::CarriesCacheError>::carry),
            );
            quote!(.hard_timeout({ #bind let _ = #check; __CACHE_KIT_VALUE }))
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
        // K::retrying(retry, || load(self, Clone::clone(&year)), |found: &Ret| <Ret as
        //     K::Fallible>::error(found)…)
        let (retry, judge) = (local("retry"), self.judge(output, private));
        quote!(#private::retrying(#retry, || #body, #judge))
    }

    /// Says whether a body is to run again.
    pub(super) fn judge(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // What cannot be retried is blamed on the option.
        let Some(test) = &self.test else {
            return self.judge_transient(output, private);
        };
        let found = local("found");
        let blame = Extent::of(test);
        let here = Ident::new(&found.to_string(), found.span().located_at(blame.first));
        let judge = spread(blame, quote!(#private::retry_if));
        let arguments = arguments_at(blame, quote!(#here, #test));
        quote!(|#found: &#output| #judge #arguments)
    }

    fn judge_transient(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     |found: &Ret| <Ret as K::Fallible>::error(found)
        //         .is_some_and(<<Ret as K::Fallible>::Error as K::Transient>::is_transient)
        let blame = Extent::of(&self.times);
        let found = Ident::new("__cache_kit_found", blame.first);
        let error = spread(blame, quote!(<#output as #private::Fallible>::error));
        let found_error = arguments_at(blame, quote!(#found));
        let test = spread(blame, quote!(.is_some_and));
        let is_transient = spread(
            blame,
            quote!(<<#output as #private::Fallible>::Error as #private::Transient>::is_transient),
        );
        let test_argument = arguments_at(blame, is_transient);
        quote!(|#found: &#output| #error #found_error #test #test_argument)
    }
}
