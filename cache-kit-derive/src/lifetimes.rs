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
    early_refresh: Option<Setting<Expr>>,
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
            early_refresh: options.take("early_refresh"),
        }
    }

    /// Refuses every one of them: nothing is stored, so nothing lives.
    pub(crate) fn reject_all(&self, because_of: &str, diagnostics: &mut Diagnostics) {
        let durations = self.durations.iter().map(|(_, setting)| setting);
        for setting in durations.chain(&self.jitter).chain(&self.early_refresh) {
            let message = messages::useless_lifetime(&setting.name, because_of);
            diagnostics.report(&setting.name, message);
        }
    }

    /// Refuses what begins where a `ttl` ends, if there is none.
    pub(crate) fn require_ttl(&self, diagnostics: &mut Diagnostics) {
        if self.get("ttl").is_some() {
            return;
        }
        let after = AFTER_TTL.into_iter().filter_map(|name| self.get(name));
        for setting in after.chain(&self.early_refresh) {
            diagnostics.report(&setting.name, messages::endless(setting));
        }
    }

    /// `negative_ttl` as written.
    pub(crate) fn negative_ttl(&self) -> Option<&Setting<Expr>> {
        self.get("negative_ttl")
    }

    /// `early_refresh` as written.
    pub(crate) fn early_refresh(&self) -> Option<&Setting<Expr>> {
        self.early_refresh.as_ref()
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
    jitter: Option<Number>,
    early_refresh: Option<Number>,
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
            .and_then(|setting| Number::from_setting(setting, &JITTER, diagnostics));
        let early_refresh = input
            .early_refresh
            .as_ref()
            .and_then(|setting| Number::from_setting(setting, &BETA, diagnostics));
        Self {
            durations,
            jitter,
            early_refresh,
        }
    }

    /// Whether the next value is to be loaded while this one serves.
    pub(crate) fn revalidate(&self) -> bool {
        let mut durations = self.durations.iter();
        self.early_refresh.is_some() || durations.any(|(name, _)| *name == "stale_while_revalidate")
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

    /// A call of each setter, whose value is forced through a `const`: one of another type, or
    /// zero, is refused while compiling, where it was written.
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
                let ty = if ["jitter", "early_refresh"].contains(&name) {
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
        let early = self.early_refresh.as_ref().map(ToTokens::to_token_stream);
        let early = early.map(|value| ("early_refresh", value));
        durations.chain(jitter).chain(early).map(|(name, value)| {
            let extent = Extent::of(&value);
            (name, value, extent)
        })
    }
}

/// Which numbers an option takes.
struct Range {
    largest: f64,
    fault: &'static str,
}

const JITTER: Range = Range {
    largest: 1.0,
    fault: messages::JITTER_RANGE,
};
const BETA: Range = Range {
    largest: f64::MAX,
    fault: messages::BETA_RANGE,
};

/// A number from 0 on.
#[derive(Debug)]
enum Number {
    Literal(f64),
    /// A constant of the user's.
    Constant(Expr),
}

impl Number {
    fn from_setting(
        setting: &Setting<Expr>,
        range: &Range,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let number = match peel_expr(&setting.value) {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Float(number) => number.base10_parse().ok(),
                Lit::Int(number) => number.base10_parse().ok(),
                _ => None,
            },
            Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => None,
            constant => return Some(Self::Constant(constant.clone())),
        };
        let number = number.filter(|number| (0.0..=range.largest).contains(number));
        if number.is_none() {
            diagnostics.report(&setting.value, range.fault);
        }
        number.map(Self::Literal)
    }
}

impl ToTokens for Number {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(number) => Literal::f64_unsuffixed(*number).to_tokens(tokens),
            Self::Constant(expr) => expr.to_tokens(tokens),
        }
    }
}
