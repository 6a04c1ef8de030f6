//! Writing functions as meant.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::{Expr, Lit, LitStr, Type};

use crate::arguments::{Arguments, CacheAccess};
use crate::blame::Extent;
use crate::cached::unit_in;
use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::key::{CallKey, Part, ValueKey};
use crate::messages;
use crate::options::{CACHE_EVICT, CACHE_PUT, Dialect, Setting, peel_expr};
use crate::prefix::prefix;
use crate::signature::{
    Borrow, Function, Shell, first_borrow, first_generic, last_segment, peel_type,
};

use crate::tags::Template;

use super::input::Input;

/// What both attributes have.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) function: Function,
    pub(super) shell: Shell,
    pub(super) cache: CacheAccess,
    /// Whether the caller is told that the cache could not be reached: the word that says so.
    pub(super) propagate: Option<Span>,
    pub(super) krate: CratePath,
}

/// A function whose result is stored.
#[derive(Debug)]
pub(super) struct PutModel {
    pub(super) writing: Writing,
    pub(super) output: Type,
    pub(super) key: PutKey,
}

/// Where the key of a put comes from.
#[derive(Debug)]
pub(super) enum PutKey {
    /// `key = …`
    Written(CallKey),
    /// Every parameter is offered: the entity itself, or one named like a key field. The rest is
    /// ignored.
    Offered(Vec<Part>),
}

/// A function that removes or changes an entity.
#[derive(Debug)]
pub(super) struct EvictModel {
    pub(super) writing: Writing,
    /// `None` where the function returns nothing.
    pub(super) output: Option<Type>,
    pub(super) what: Evicted,
    pub(super) tags: Vec<Template>,
}

/// What a function evicts, beside what carries its tags.
#[derive(Debug)]
pub(super) enum Evicted {
    /// One entity.
    One { entity: Type, key: CallKey },
    /// All of an entity's.
    All { entity: Type },
    /// What a function has returned for a key.
    Value { prefix: LitStr, key: ValueKey },
    /// All that it has returned.
    AllValues { prefix: LitStr },
    /// Nothing else.
    Tags,
}

impl PutModel {
    /// Checks function and options, and reports all that is wrong at once.
    pub(super) fn from_input(
        function: Function,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_company(&function, &CACHE_PUT, diagnostics);
        let shell = function.shell(&CACHE_PUT, diagnostics)?;
        let output = put_output(&shell, &function, diagnostics);
        let mut arguments = arguments(&function, input, diagnostics);
        let writing = writing(
            function,
            shell,
            &mut arguments,
            input,
            &CACHE_PUT,
            diagnostics,
        );
        let key = match &input.key {
            Some(setting) => CallKey::from_setting(setting, diagnostics).map(PutKey::Written),
            None => Some(PutKey::Offered(offered(&arguments))),
        };
        Some(Self {
            writing: writing?,
            output: output?,
            key: key?,
        })
    }
}

impl EvictModel {
    /// Checks function and options, and reports all that is wrong at once.
    pub(super) fn from_input(
        function: Function,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_company(&function, &CACHE_EVICT, diagnostics);
        let shell = function.shell(&CACHE_EVICT, diagnostics)?;
        let output = shell.output.clone();
        let ident = function.sig.ident.clone();
        let is_nameless = input.entity.is_none()
            && input.prefix.is_none()
            && !input.is_entity_attempted
            && !input.is_prefix_attempted;
        match &input.all {
            Some(all) if is_nameless => diagnostics.report(all, messages::ALL_OF_WHAT),
            None if is_nameless && input.tags.is_none() => {
                diagnostics.report(&ident, messages::no_entity());
            }
            _ => {}
        }
        let mut arguments = arguments(&function, input, diagnostics);
        let writing = writing(
            function,
            shell,
            &mut arguments,
            input,
            &CACHE_EVICT,
            diagnostics,
        );
        let entity = input.entity.as_ref().map(|setting| setting.value.clone());
        let tags = Template::all_from_setting(input.tags.as_ref(), &arguments.names(), diagnostics);
        if let (Some(prefix), Some(_)) = (&input.prefix, &entity) {
            diagnostics.report(&prefix.name, messages::PREFIX_OF_ENTITY);
        }
        let what = match (entity, &input.all, &input.key) {
            (None, ..) if input.prefix.is_some() => {
                evicted_value(input, &ident, &arguments, diagnostics)
            }
            (Some(entity), Some(_), _) => Some(Evicted::All { entity }),
            (Some(entity), None, Some(setting)) => {
                CallKey::from_setting(setting, diagnostics).map(|key| Evicted::One { entity, key })
            }
            (Some(entity), None, None) => {
                let is_silent = input.is_key_attempted;
                let key = evict_key(&entity, &arguments, &ident, is_silent, diagnostics);
                key.map(|key| Evicted::One { entity, key })
            }
            (None, None, _) if input.tags.is_some() => Some(Evicted::Tags),
            (None, ..) => None,
        };
        Some(Self {
            writing: writing?,
            output,
            what: what?,
            tags,
        })
    }
}

/// What is evicted of a function with a prefix.
fn evicted_value(
    input: &Input,
    function: &Ident,
    arguments: &Arguments,
    diagnostics: &mut Diagnostics,
) -> Option<Evicted> {
    let prefix = prefix(input.prefix.as_ref()?, function, diagnostics);
    if input.all.is_some() {
        return Some(Evicted::AllValues { prefix: prefix? });
    }
    let key = match &input.key {
        Some(setting) => ValueKey::from_setting(setting),
        None => ValueKey::from_arguments(arguments, diagnostics)?,
    };
    Some(Evicted::Value {
        prefix: prefix?,
        key,
    })
}

fn arguments(function: &Function, input: &Input, diagnostics: &mut Diagnostics) -> Arguments {
    let read_by = [input.cache.as_ref()];
    Arguments::from_input(function, &input.skip, &read_by, diagnostics)
}

fn writing(
    function: Function,
    shell: Shell,
    arguments: &mut Arguments,
    input: &Input,
    dialect: &Dialect,
    diagnostics: &mut Diagnostics,
) -> Option<Writing> {
    let cache = arguments.cache(input.cache.as_ref(), &function.sig, dialect, diagnostics);
    let propagate = input
        .on_unreachable
        .as_ref()
        .filter(|setting| is_propagated(setting, diagnostics))
        .map(|setting| Extent::of(&setting.value).first);
    let krate = CratePath::from_setting(input.krate.as_ref(), diagnostics);
    Some(Writing {
        shell,
        cache: cache?,
        function,
        propagate,
        krate,
    })
}

fn is_propagated(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) -> bool {
    let message = match peel_expr(&setting.value) {
        Expr::Path(path) if path.path.is_ident("propagate") => return true,
        Expr::Path(path) if path.path.is_ident("ignore") => return false,
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) if ["propagate", "ignore"].contains(&text.value().as_str()) => {
                messages::unquoted_option("on_unreachable", &text.value())
            }
            _ => messages::ON_UNREACHABLE.to_owned(),
        },
        _ => messages::ON_UNREACHABLE.to_owned(),
    };
    diagnostics.report(&setting.value, message);
    false
}

/// A function may evict several entities, and put one; but it does not read what it writes.
fn reject_company(function: &Function, dialect: &Dialect, diagnostics: &mut Diagnostics) {
    for attr in &function.attrs {
        let Some(last) = attr.path().segments.last() else {
            continue;
        };
        if last.ident == "cached" {
            diagnostics.report(attr.path(), messages::together(dialect, "cached"));
        } else if last.ident == "cache_put" && dialect.attribute == CACHE_PUT.attribute {
            diagnostics.report(attr.path(), messages::twice(dialect));
        }
    }
}

fn put_output(shell: &Shell, function: &Function, diagnostics: &mut Diagnostics) -> Option<Type> {
    let Some(output) = &shell.output else {
        diagnostics.report(&function.sig.ident, messages::nothing_to_put());
        return None;
    };
    let (node, message): (TokenStream, String) = match (unit_in(output), first_borrow(output)) {
        (Some(unit), _) => (unit.to_token_stream(), messages::nothing_to_put()),
        (None, Some(Borrow::Lifetime(node))) => (node, messages::borrowed_output()),
        (None, Some(Borrow::ImplTrait(node))) => (node, messages::impl_output()),
        (None, None) => return Some(output.clone()),
    };
    diagnostics.report(node, message);
    None
}

/// Parameters that may hold the key: those with a name, on every configuration.
fn offered(arguments: &Arguments) -> Vec<Part> {
    arguments
        .candidates()
        .filter(|parameter| parameter.cfg.is_none())
        .filter_map(|parameter| {
            let name = parameter.name.as_ref()?;
            Some(Part::from_parameter(name, parameter))
        })
        .collect()
}

/// The key of an eviction: the entity itself if a parameter is one, else all parameters.
fn evict_key(
    entity: &Type,
    arguments: &Arguments,
    function: &Ident,
    is_silent: bool,
    diagnostics: &mut Diagnostics,
) -> Option<CallKey> {
    let holds_entity = arguments
        .candidates()
        .filter(|parameter| parameter.cfg.is_none() && is_of_type(&parameter.ty, entity))
        .find_map(|parameter| parameter.name.as_ref());
    match holds_entity {
        Some(name) => Some(CallKey::Entity(name.to_token_stream())),
        None => arguments.key(function, &CACHE_EVICT, is_silent, diagnostics),
    }
}

/// Whether a type is the entity's, behind references and `Arc`s, as far as the spelling says.
fn is_of_type(ty: &Type, entity: &Type) -> bool {
    let text = |ty: &Type| peel_type(ty).to_token_stream().to_string();
    if text(ty) == text(entity) {
        return true;
    }
    match peel_type(ty) {
        Type::Reference(reference) => is_of_type(&reference.elem, entity),
        other if last_segment(other).is_some_and(|segment| segment.ident == "Arc") => {
            first_generic(other).is_some_and(|inner| is_of_type(inner, entity))
        }
        _ => false,
    }
}
