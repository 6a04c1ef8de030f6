//! Functions of many keys: which parameter has them, and how a body is given those that are
//! missing.

mod expand;
mod spelling;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Pat, Token, Type};

use crate::arguments::Arguments;
use crate::blame::local;
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::reject_written;
use crate::signature::{
    Function, Hold, Parameter, first_generic, is_opaque, is_reference, last_segment,
};

use super::input::Input;
pub(super) use expand::expand;
use spelling::keys_in;

/// The parameter that has the keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    name: TokenStream,
    pat: Pat,
    ty: Type,
    form: Form,
    element: Element,
    /// What each call of the body has a copy of.
    copied: Vec<Other>,
    /// Parameters of a type without a name.
    opaque: Vec<Ident>,
    /// What is lent to one call of it after the other: what is borrowed for writing.
    lent: Vec<Other>,
    /// `self`, where it is a handle that a call of the body may take away.
    handle: Option<Token![self]>,
}

/// Another parameter.
#[derive(Debug, Clone)]
struct Other {
    name: Ident,
    pat: Pat,
    ty: Type,
}

/// How keys are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `&[K]`
    Slice,
    /// `Vec<K>` and the like
    Collection,
    /// `&Vec<K>` and the like
    Reference,
    /// `impl IntoIterator<Item = K>`
    Iterator,
}

/// What one key is passed as.
#[derive(Debug, Clone)]
enum Element {
    /// `K`
    Own(Type),
    /// `&Q`
    Lent(Type),
}

/// Whether an output is one for many keys, as far as the spelling says: `Vec<T>`, a map, or a
/// `Result` of one.
pub(super) fn is_many(output: &Type) -> bool {
    let Some(segment) = last_segment(output) else {
        return false;
    };
    match segment.ident.to_string().as_str() {
        // An alias is mostly called so.
        result if result.ends_with("Result") => first_generic(output).is_some_and(is_many),
        "Vec" | "HashMap" | "BTreeMap" => true,
        _ => false,
    }
}

impl Keys {
    /// Finds the parameter; it is the only one that is neither skipped nor read by an option.
    pub(super) fn from_arguments(
        function: &Function,
        arguments: &Arguments,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_options(input, diagnostics);
        let generics = &function.sig.generics;
        let mut found = None;
        let mut others = Vec::new();
        for parameter in arguments.candidates() {
            match keys_in(&parameter.ty, generics) {
                Some(keys) if found.is_none() => found = Some((parameter, keys)),
                _ => others.push(parameter),
            }
        }
        let Some((parameter, (form, element))) = found else {
            let node = others.first().map_or_else(
                || function.sig.ident.to_token_stream(),
                |parameter| parameter.ty.to_token_stream(),
            );
            if input.key.is_none() {
                diagnostics.report(node, messages::no_keys());
            }
            return None;
        };
        for other in others {
            let message = messages::beside_keys(other.name.as_ref());
            diagnostics.report(&other.pat, message);
        }
        let Some(name) = &parameter.name else {
            diagnostics.report(&parameter.pat, messages::PATTERN_KEYS);
            return None;
        };
        let rest = arguments.parameters().iter();
        let rest = rest.filter(|other| other.name.as_ref() != Some(name));
        let receiver = arguments.receiver();
        let handle = receiver.filter(|receiver| receiver.hold != Hold::Shared);
        Some(Self {
            name: name.to_token_stream(),
            pat: parameter.pat.clone(),
            ty: parameter.ty.clone(),
            form,
            element,
            copied: rest.clone().filter_map(copied).collect(),
            opaque: rest.clone().filter_map(opaque).collect(),
            lent: rest.filter_map(lent).collect(),
            handle: handle.map(|receiver| receiver.self_token),
        })
    }
}

/// What has no meaning for many keys at once.
fn reject_options(input: &Input, diagnostics: &mut Diagnostics) {
    if let Some(key) = &input.key {
        diagnostics.report(&key.name, messages::key_of_many());
    }
    let options = [
        input.soft_timeout.as_ref(),
        input.refresh.as_ref(),
        input.lifetimes.early_refresh(),
    ];
    reject_written(options, messages::useless_for_many, diagnostics);
}

/// A parameter that a body may take away, and another call of it needs again.
fn copied(parameter: &Parameter) -> Option<Other> {
    let is_kept =
        is_reference(&parameter.ty) || parameter.cfg.is_some() || is_opaque(&parameter.ty);
    (!is_kept).then(|| Other::from_parameter(parameter))?
}

/// A parameter of a type without a name, whose copy nobody can make.
fn opaque(parameter: &Parameter) -> Option<Ident> {
    let is_taken =
        is_opaque(&parameter.ty) && !is_reference(&parameter.ty) && parameter.cfg.is_none();
    parameter.name.clone().filter(|_| is_taken)
}

/// A parameter that one call of a body after the other writes to.
fn lent(parameter: &Parameter) -> Option<Other> {
    let is_lent = parameter.is_mut_reference() && parameter.cfg.is_none();
    is_lent.then(|| Other::from_parameter(parameter))?
}

impl Other {
    fn from_parameter(parameter: &Parameter) -> Option<Self> {
        Some(Self {
            name: parameter.name.clone()?,
            pat: parameter.pat.clone(),
            ty: parameter.ty.clone(),
        })
    }

    fn local(&self) -> Ident {
        local(&format!("lent_{}", self.name.unraw()))
    }
}
