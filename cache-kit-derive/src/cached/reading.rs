//! What others may know of a cached method: what it returns, and how its arguments come from a key.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::Type;

use crate::arguments::collect_names;
use crate::key::{CallKey, Part};
use crate::messages::Lack;
use crate::signature::{Function, Parameter, Shell, is_opaque, peel_type};

use super::many::Keys;
use super::model::{Model, Strategy, Subject};

/// A cached method, read by another attribute.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) output: Type,
    subject: Subject,
    strategy: Option<String>,
    parameters: Vec<Parameter>,
    /// Types and constants of its own, if it has any.
    generics: Option<TokenStream>,
}

/// Where an argument comes from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The key's field; `None` is all of the key.
    pub(crate) field: Option<String>,
    pub(crate) given: Given,
}

/// How an argument is handed over.
#[derive(Debug)]
pub(crate) enum Given {
    /// Borrowed, as this type.
    Lent(Type),
    /// By value, as this type.
    Owned(Type),
    /// By value, as a type without a name.
    Opaque,
    /// All of many keys.
    Keys,
    /// It is no part of the key: the strategy.
    Strategy,
}

/// Reads a method as `#[cached]` does; `None` where that has something to say against it.
pub(crate) fn reading(function: &Function, options: TokenStream) -> Option<(Shell, Reading)> {
    // Without its attributes, of which this one has been taken.
    let mut bare = function.clone();
    bare.attrs.clear();
    let model = super::model(options, bare.to_tokens()).ok()?;
    let Model {
        output,
        subject,
        strategy,
        function,
        shell,
        ..
    } = model;
    let strategy = match strategy {
        Strategy::Dynamic(expr) => Some(expr.to_token_stream().to_string()),
        _ => None,
    };
    let generics = &function.sig.generics;
    let is_generic = generics.params.len() > generics.lifetimes().count();
    let reading = Reading {
        output,
        subject,
        strategy,
        parameters: function.parameters(),
        generics: is_generic.then(|| generics.params.to_token_stream()),
    };
    Some((shell, reading))
}

impl Reading {
    /// Says where each argument comes from where there is only a key; `Err` is what cannot be had
    /// from it, and the node to blame.
    pub(crate) fn sources(&self) -> Result<Vec<Source>, (TokenStream, Lack)> {
        if let Some(generics) = &self.generics {
            return Err((generics.clone(), Lack::Types));
        }
        let sources = self
            .parameters
            .iter()
            .map(|parameter| self.source(parameter));
        sources.collect()
    }

    /// Whether what it finds is no entity, or not by its key.
    pub(crate) fn is_no_finder(&self) -> bool {
        matches!(self.subject, Subject::Value(_) | Subject::Index(_))
    }

    /// The keys, of a method that finds many.
    pub(crate) fn many(&self) -> Option<&Keys> {
        match &self.subject {
            Subject::Many(keys) => Some(keys),
            Subject::One(_) | Subject::Value(_) | Subject::Index(_) => None,
        }
    }

    fn source(&self, parameter: &Parameter) -> Result<Source, (TokenStream, Lack)> {
        let blame = || parameter.pat.to_token_stream();
        let other = |name: &Ident| (blame(), Lack::Parameter(Some(name.clone())));
        let Some(name) = &parameter.name else {
            return Err((blame(), Lack::Parameter(None)));
        };
        let text = name.to_string();
        if self.strategy.as_ref() == Some(&text) {
            return Ok(Source {
                field: None,
                given: Given::Strategy,
            });
        }
        let key = match &self.subject {
            Subject::One(key) => key,
            Subject::Many(keys) if keys.is_named(name) => {
                return Ok(Source {
                    field: None,
                    given: Given::Keys,
                });
            }
            Subject::Many(_) | Subject::Value(_) | Subject::Index(_) => {
                return Err(other(name));
            }
        };
        let parts = match key {
            CallKey::Whole(part) => std::slice::from_ref(&**part),
            CallKey::Parts(parts) => parts,
            CallKey::Entity(_) => &[],
        };
        if !parts.iter().any(|part| is_of(part, &text))
            && parts.iter().any(|part| reads(part, &text))
        {
            return Err((blame(), Lack::Inverse(name.clone())));
        }
        let field = match key {
            CallKey::Whole(part) if is_of(part, &text) => None,
            CallKey::Parts(parts) => match parts.as_slice() {
                [part] if is_of(part, &text) => None,
                [_] => return Err(other(name)),
                parts => match parts.iter().find(|part| is_of(part, &text)) {
                    Some(part) => Some(part.name().to_owned()),
                    None => return Err(other(name)),
                },
            },
            _ => return Err(other(name)),
        };
        let given = match peel_type(&parameter.ty) {
            Type::Reference(reference) => Given::Lent((*reference.elem).clone()),
            ty if is_opaque(ty) => Given::Opaque,
            ty => Given::Owned(ty.clone()),
        };
        Ok(Source { field, given })
    }
}

/// Whether a part of a key is computed from a parameter.
fn reads(part: &Part, parameter: &str) -> bool {
    let mut names = BTreeSet::new();
    collect_names(part.value().clone(), &mut names);
    names.contains(parameter.trim_start_matches("r#"))
}

/// Whether a part of a key is a parameter itself.
fn is_of(part: &Part, parameter: &str) -> bool {
    part.value()
        .to_string()
        .trim_start_matches("& ")
        .trim_start_matches('&')
        == parameter
}
