//! A cached function as meant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Ident, Lit, Type};

use crate::arguments::{Arguments, CacheAccess};
use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::key::CallKey;
use crate::lifetimes::Lifetimes;
use crate::options::{CACHED, Setting, peel_expr, reject_written};
use crate::signature::{
    Borrow, Function, Hold, Shell, first_borrow, first_generic, is_unit, last_segment,
};
use crate::tags::Template;
use crate::{messages, suggest};

use super::index::Index;
use super::input::Input;
use super::loads::Loads;
use super::many::{Keys, is_many};
use super::refresh::Refresh;
use super::unless::{reject_captures, reject_untested};
use super::value::Value;

/// A function with a cache in front.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) function: Function,
    pub(super) shell: Shell,
    pub(super) output: Type,
    pub(super) cache: CacheAccess,
    pub(super) subject: Subject,
    pub(super) strategy: Strategy,
    pub(super) lifetimes: Lifetimes,
    pub(super) refresh: Refresh,
    pub(super) loads: Loads,
    pub(super) tags: Vec<Template>,
    /// Where it does not hold, the cache is left alone.
    pub(super) condition: Option<Expr>,
    /// Says of which results nothing is stored.
    pub(super) unless: Option<Expr>,
    pub(super) krate: CratePath,
}

/// What is read.
#[derive(Debug)]
pub(super) enum Subject {
    /// The entity of a key.
    One(CallKey),
    /// The entities of many.
    Many(Box<Keys>),
    /// What is no entity.
    Value(Box<Value>),
    /// The entity with another field.
    Index(Box<Index>),
}

/// How the entry is used.
#[derive(Debug)]
pub(super) enum Strategy {
    /// None was written.
    Default,
    /// `Refresh`: a variant, looked up by the compiler.
    Variant(Ident),
    /// `CacheStrategy::Refresh`: an expression that is known not to be `Fresh`.
    Loading(Expr),
    /// Any other expression; it may be `Fresh`.
    Dynamic(Expr),
}

impl Model {
    /// Checks function and options, and reports all that is wrong at once.
    pub(super) fn from_input(
        function: Function,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_company(&function, diagnostics);
        // What is not asynchronous at all is not looked into.
        let shell = function.shell(&CACHED, diagnostics)?;
        let output = output_of(&shell, &function, diagnostics);
        let strategy = Strategy::from_input(input, diagnostics);
        let read_by = [input.strategy.as_ref(), input.cache.as_ref()];
        let mut arguments = Arguments::from_input(&function, &input.skip, &read_by, diagnostics);
        reject_receiver(&arguments, diagnostics);
        let cache = arguments.cache(input.cache.as_ref(), &function.sig, &CACHED, diagnostics);
        arguments.reject_mut_arguments(diagnostics);
        let asked = Asked::of(input, output.as_ref());
        let subject = Subject::from_input(
            asked,
            input,
            &function,
            output.as_ref(),
            &arguments,
            diagnostics,
        );
        let lifetimes = Lifetimes::from_input(&input.lifetimes, diagnostics);
        let loads = Loads::from_input(input, diagnostics);
        if let Some(unless) = &input.unless {
            reject_untested(unless, diagnostics);
            if let Some(Subject::One(_) | Subject::Many(_)) = subject {
                reject_captures(unless, &arguments, diagnostics);
            }
        }
        let refresh = if asked.refreshes_itself() || shell.is_sync() {
            reject_sync(asked, &shell, &function, input, diagnostics);
            Some(Refresh::Inline)
        } else {
            Refresh::from_input(input, &lifetimes, &arguments, diagnostics)
        };
        let tags = Template::all_from_setting(input.tags.as_ref(), &arguments.names(), diagnostics);
        let krate = CratePath::from_setting(input.krate.as_ref(), diagnostics);
        Some(Self {
            shell,
            output: output?,
            cache: cache?,
            subject: subject?,
            strategy: strategy?,
            function,
            lifetimes,
            refresh: refresh?,
            loads,
            tags,
            condition: input
                .condition
                .as_ref()
                .map(|setting| setting.value.clone()),
            unless: input.unless.as_ref().map(|setting| setting.value.clone()),
            krate,
        })
    }
}

impl Model {
    /// The statement that says which tags are known, if any are.
    pub(super) fn expand_tags(&self, call: &Ident, private: &TokenStream) -> Option<TokenStream> {
        let tags = self.tags.iter().map(|tag| tag.expand(None, private));
        (!self.tags.is_empty()).then(|| quote!(let #call = #call.tags(::std::vec![#(#tags),*]);))
    }
}

/// What a function is asked for, as far as its options and the spelling of its output say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    One,
    Many,
    Value,
    Index,
}

impl Asked {
    fn of(input: &Input, output: Option<&Type>) -> Self {
        if input.index.is_some() {
            Self::Index
        } else if input.prefix.is_some() {
            Self::Value
        } else if output.is_some_and(is_many) && !input.is_prefix_attempted {
            Self::Many
        } else {
            Self::One
        }
    }

    /// Whether there is no task that could.
    fn refreshes_itself(self) -> bool {
        matches!(self, Self::Many | Self::Index)
    }
}

impl Subject {
    fn from_input(
        asked: Asked,
        input: &Input,
        function: &Function,
        output: Option<&Type>,
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        match asked {
            Asked::Index => {
                let index = Index::from_input(input, &function.sig.ident, arguments, diagnostics)?;
                return Some(Self::Index(Box::new(index)));
            }
            Asked::Value => {
                let value = Value::from_input(input, function, output, arguments, diagnostics)?;
                return Some(Self::Value(Box::new(value)));
            }
            Asked::Many => {
                let keys = Keys::from_arguments(function, arguments, input, diagnostics)?;
                return Some(Self::Many(Box::new(keys)));
            }
            Asked::One => {}
        }
        let key = match &input.key {
            Some(setting) => {
                let key = CallKey::from_setting(setting, diagnostics);
                if key.is_some() {
                    arguments.reject_left_out(setting, diagnostics);
                }
                key
            }
            None => arguments.key(
                &function.sig.ident,
                &CACHED,
                input.is_key_attempted,
                diagnostics,
            ),
        };
        key.map(Self::One)
    }
}

const VARIANTS: [&str; 4] = ["Refresh", "Fresh", "Invalidate", "Bypass"];

impl Strategy {
    fn from_input(input: &Input, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Some(setting) = &input.strategy else {
            return Some(Self::Default);
        };
        let strategy = Self::from_setting(setting, diagnostics)?;
        if let Self::Variant(ident) = &strategy {
            let name = ident.to_string();
            if name == "Bypass" || name == "Fresh" {
                input.lifetimes.reject_all(&name, diagnostics);
                if let Some(refresh) = &input.refresh {
                    let message = messages::useless_lifetime(&refresh.name, &name);
                    diagnostics.report(&refresh.name, message);
                }
            }
        }
        Some(strategy)
    }

    fn from_setting(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let value = peel_expr(&setting.value);
        match value {
            Expr::Lit(literal) => {
                let message = match &literal.lit {
                    Lit::Str(text) => match nearest_variant(&text.value()) {
                        Some(variant) => messages::unquoted_option("strategy", variant),
                        None => messages::no_strategy(&VARIANTS),
                    },
                    _ => messages::no_strategy(&VARIANTS),
                };
                diagnostics.report(value, message);
                None
            }
            Expr::Path(path) => match path.path.get_ident() {
                Some(ident) if is_variant(ident) => Some(Self::Variant(ident.clone())),
                _ if names_loading_variant(&path.path) => Some(Self::Loading(value.clone())),
                _ => Some(Self::Dynamic(value.clone())),
            },
            _ => Some(Self::Dynamic(value.clone())),
        }
    }

    /// Whether it may meet a miss that it must not load.
    pub(super) fn may_be_fresh(&self) -> bool {
        match self {
            Self::Default | Self::Loading(_) => false,
            Self::Variant(ident) => ident == "Fresh",
            Self::Dynamic(_) => true,
        }
    }
}

/// The variant that a string spells, more or less.
fn nearest_variant(text: &str) -> Option<&'static str> {
    let is_meant = |variant: &&str| {
        suggest::nearest(&text.to_lowercase(), [&*variant.to_lowercase()]).is_some()
    };
    VARIANTS.into_iter().find(is_meant)
}

/// A lone capitalised identifier; `DEFAULT_STRATEGY` is a constant of the user's.
fn is_variant(ident: &Ident) -> bool {
    let name = ident.to_string();
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

fn names_loading_variant(path: &syn::Path) -> bool {
    let loading = ["Refresh", "Invalidate", "Bypass"];
    path.segments.len() > 1
        && path
            .segments
            .last()
            .is_some_and(|last| loading.iter().any(|name| last.ident == name))
}

/// What a function that does not wait cannot be, and cannot have.
fn reject_sync(
    asked: Asked,
    shell: &Shell,
    function: &Function,
    input: &Input,
    diagnostics: &mut Diagnostics,
) {
    if !shell.is_sync() {
        return;
    }
    if asked.refreshes_itself() {
        let message = messages::not_async(&CACHED, &function.sig);
        diagnostics.report(function.sig.fn_token, message);
    }
    let options = [
        &input.refresh,
        &input.soft_timeout,
        &input.hard_timeout,
        &input.retry,
    ];
    reject_written(
        options.map(Option::as_ref),
        messages::needs_async,
        diagnostics,
    );
}

fn reject_company(function: &Function, diagnostics: &mut Diagnostics) {
    for attr in &function.attrs {
        let Some(last) = attr.path().segments.last() else {
            continue;
        };
        match last.ident.to_string().as_str() {
            "cached" => diagnostics.report(attr.path(), messages::twice(&CACHED)),
            other @ ("cache_put" | "cache_evict") => {
                diagnostics.report(attr.path(), messages::together(&CACHED, other));
            }
            _ => {}
        }
    }
}

fn reject_receiver(arguments: &Arguments, diagnostics: &mut Diagnostics) {
    let Some(receiver) = arguments.receiver() else {
        return;
    };
    match receiver.hold {
        Hold::Value => diagnostics.report(&receiver.node, messages::self_by_value()),
        Hold::Mutable => diagnostics.report(&receiver.node, messages::self_by_mut()),
        Hold::Shared | Hold::Handle => {}
    }
}

fn output_of(shell: &Shell, function: &Function, diagnostics: &mut Diagnostics) -> Option<Type> {
    let Some(output) = &shell.output else {
        diagnostics.report(&function.sig.ident, messages::nothing_to_cache());
        return None;
    };
    if let Some(unit) = unit_in(output) {
        diagnostics.report(unit, messages::nothing_to_cache());
        return None;
    }
    match first_borrow(output) {
        None => Some(output.clone()),
        Some(Borrow::Lifetime(node)) => {
            diagnostics.report(node, messages::borrowed_output());
            None
        }
        Some(Borrow::ImplTrait(node)) => {
            diagnostics.report(node, messages::impl_output());
            None
        }
    }
}

/// The `()` in `()`, `Option<()>` or `Result<(), E>`.
pub(crate) fn unit_in(ty: &Type) -> Option<&Type> {
    if is_unit(ty) {
        return Some(ty);
    }
    let name = last_segment(ty)?.ident.to_string();
    let is_wrapper = ["Option", "Result", "Arc"].contains(&name.as_str());
    first_generic(ty).filter(|_| is_wrapper).and_then(unit_in)
}
