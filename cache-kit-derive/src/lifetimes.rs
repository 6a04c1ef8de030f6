//! The options that say how long an entry lives, shared by entities and calls.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, Lit, UnOp};

use crate::blame::{Extent, spread};
use crate::diagnostics::Diagnostics;
use crate::duration::Lifetime;
use crate::messages;
use crate::options::{Options, Setting, peel_expr};

/// The options that are durations.
const DURATIONS: [&str; 5] = [
    "ttl",
    "negative_ttl",
    "stale_while_revalidate",
    "stale_if_error",
    "error_throttle",
];

/// Those that say what is done once the `ttl` is over.
const AFTER_TTL: [&str; 2] = ["stale_while_revalidate", "stale_if_error"];

/// Lifetime options as written.
#[derive(Debug)]
pub(crate) struct LifetimeOptions {
    durations: Vec<(&'static str, Setting<Expr>)>,
    jitter: Option<Setting<Expr>>,
}

impl LifetimeOptions {
    /// Takes them out of an attribute's options.
    pub(crate) fn from_options(options: &mut Options) -> Self {
        let durations = DURATIONS.into_iter();
        Self {
            durations: durations
                .filter_map(|name| Some((name, options.take(name)?)))
                .collect(),
            jitter: options.take("jitter"),
        }
    }

    /// Refuses every one of them: nothing is stored, so nothing lives.
    pub(crate) fn reject_all(&self, because_of: &str, diagnostics: &mut Diagnostics) {
        let durations = self.durations.iter().map(|(_, setting)| setting);
        for setting in durations.chain(&self.jitter) {
            let message = messages::useless_lifetime(&setting.name, because_of);
            diagnostics.report(&setting.name, message);
        }
    }

    /// Refuses what begins where a `ttl` ends, if there is none.
    pub(crate) fn require_ttl(&self, diagnostics: &mut Diagnostics) {
        if self.get("ttl").is_some() {
            return;
        }
        for setting in AFTER_TTL.into_iter().filter_map(|name| self.get(name)) {
            diagnostics.report(&setting.name, messages::endless(&setting.name));
        }
    }

    fn get(&self, name: &str) -> Option<&Setting<Expr>> {
        let mut durations = self.durations.iter();
        durations
            .find(|(known, _)| *known == name)
            .map(|(_, setting)| setting)
    }
}

/// Lifetimes as meant; what was refused is absent, and reported.
#[derive(Debug)]
pub(crate) struct Lifetimes {
    durations: Vec<(&'static str, Lifetime)>,
    jitter: Option<Jitter>,
}

impl Lifetimes {
    /// Checks each lifetime.
    pub(crate) fn from_input(input: &LifetimeOptions, diagnostics: &mut Diagnostics) -> Self {
        let durations = input.durations.iter().filter_map(|(name, setting)| {
            Some((*name, Lifetime::from_setting(setting, &mut *diagnostics)?))
        });
        let durations = durations.collect();
        let jitter = input
            .jitter
            .as_ref()
            .and_then(|setting| Jitter::from_setting(setting, diagnostics));
        Self { durations, jitter }
    }

    /// Whether what is stale is to be refreshed.
    pub(crate) fn revalidate(&self) -> bool {
        let mut durations = self.durations.iter();
        durations.any(|(name, _)| *name == "stale_while_revalidate")
    }

    /// The runtime's value with them, or nothing if none is given.
    pub(crate) fn expand(&self, private: &TokenStream) -> Option<TokenStream> {
        let calls = self.calls("with_", private);
        (!calls.is_empty()).then(|| quote!(#private::Lifetime::new() #calls))
    }

    /// The same as calls on `Call`.
    pub(crate) fn expand_calls(&self, private: &TokenStream) -> TokenStream {
        self.calls("", private)
    }

    /// A call of each setter, whose value is forced through a `const`: one of another type, or zero, is refused
    /// while compiling, where it was written.
    fn calls(&self, before: &str, private: &TokenStream) -> TokenStream {
        // expands to:
        //     .with_ttl({
        //         const VALUE: Duration = Duration::new(60, 0);
        //         const _: K::Lifetime = K::Lifetime::new().with_ttl(VALUE).checked();
        //         VALUE
        //     })
        self.settings()
            .map(|(name, value, extent)| {
                let method = format_ident!("{before}{name}");
                let setter = format_ident!("with_{name}");
                let ty = if name == "jitter" {
                    quote!(::core::primitive::f64)
                } else {
                    quote!(::core::time::Duration)
                };
                let check = spread(
                    extent,
                    quote!(#private::Lifetime::new().#setter(__CACHE_KIT_VALUE).checked()),
                );
                quote! {
                    .#method({
                        const __CACHE_KIT_VALUE: #ty = #value;
                        const _: #private::Lifetime = #check;
                        __CACHE_KIT_VALUE
                    })
                }
            })
            .collect()
    }

    /// Each given lifetime: its option's name, its value, and where that was written.
    fn settings(&self) -> impl Iterator<Item = (&'static str, TokenStream, Extent)> {
        let durations = self.durations.iter();
        let durations = durations.map(|(name, value)| (*name, value.to_token_stream()));
        let jitter = self.jitter.as_ref().map(ToTokens::to_token_stream);
        let jitter = jitter.map(|value| ("jitter", value));
        durations.chain(jitter).map(|(name, value)| {
            let extent = Extent::of(&value);
            (name, value, extent)
        })
    }
}

/// The fraction of a lifetime that is cut off at random.
#[derive(Debug)]
enum Jitter {
    /// From 0 to 1.
    Literal(f64),
    /// A constant of the user's.
    Constant(Expr),
}

impl Jitter {
    fn from_setting(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let fraction = match peel_expr(&setting.value) {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Float(number) => number.base10_parse().ok(),
                Lit::Int(number) => number.base10_parse().ok(),
                _ => None,
            },
            Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => None,
            constant => return Some(Self::Constant(constant.clone())),
        };
        let jitter = fraction.filter(|fraction| (0.0..=1.0).contains(fraction));
        if jitter.is_none() {
            diagnostics.report(&setting.value, messages::JITTER_RANGE);
        }
        jitter.map(Self::Literal)
    }
}

impl ToTokens for Jitter {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(fraction) => Literal::f64_unsuffixed(*fraction).to_tokens(tokens),
            Self::Constant(expr) => expr.to_tokens(tokens),
        }
    }
}
