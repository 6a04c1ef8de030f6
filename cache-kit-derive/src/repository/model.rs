//! A repository as meant.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Attribute, Meta, Type};

use crate::cached::{self, Keys, Reading, Source};
use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::options::CACHE_REPOSITORY;
use crate::signature::{Function, Shell, first_generic, last_segment, payload_in, second_generic};
use crate::{messages, suggest};

use super::block::{Block, Member, is_mark};
use super::input::Input;
use super::twin::Twin;

/// What becomes of each member, and what the block is a repository of.
#[derive(Debug)]
pub(super) struct Model {
    /// In the order of the block's members: the twin of each that is cached.
    pub(super) twins: Vec<Option<Twin>>,
    pub(super) repositories: Vec<Finders>,
    pub(super) krate: CratePath,
}

/// A method that loads the entity of a key.
#[derive(Debug)]
pub(super) struct Finder {
    pub(super) twin: Ident,
    pub(super) has_receiver: bool,
    pub(super) output: Type,
    /// As it is spelt, where there are several: two that are only known as somebody's entities
    /// might be the same, to the compiler.
    pub(super) entity: Option<Type>,
    pub(super) arguments: Vec<Source>,
    /// How it is given its keys, if it loads many.
    pub(super) many: Option<Keys>,
}

/// What loads one entity: a method for one key, one for many, or both.
#[derive(Debug, Default)]
pub(super) struct Finders {
    pub(super) one: Option<Finder>,
    pub(super) many: Option<Finder>,
}

/// A method with `#[cached]`, which may be a finder.
struct Candidate<'b> {
    function: &'b Function,
    reading: Reading,
    twin: Ident,
}

/// A method that can be a finder, and where its arguments come from.
type Found<'b> = (&'b Candidate<'b>, Vec<Source>);

impl Model {
    /// Checks block and options, and reports all that is wrong at once.
    pub(super) fn from_input(
        block: &Block,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let krate = CratePath::from_setting(input.krate.as_ref(), diagnostics);
        if input.audit.is_some() {
            audit(block, diagnostics);
        }
        reject_other_marks(block, diagnostics);
        let (mut twins, mut candidates) = (Vec::new(), Vec::new());
        let mut is_any_cached = false;
        for member in &block.members {
            let Member::Function(function) = member else {
                twins.push(None);
                continue;
            };
            let attribute = function.attrs.iter().find(|attr| is_named(attr, "cached"));
            is_any_cached |= attribute.is_some();
            let read = attribute.and_then(|attribute| read(function, attribute));
            let twin = read.and_then(|(shell, reading)| {
                let twin = Twin::of(function, &shell)?;
                candidates.push(Candidate {
                    function,
                    reading,
                    twin: twin.name.clone(),
                });
                Some(twin)
            });
            twins.push(twin);
        }
        reject_taken_names(block, &candidates, diagnostics);
        let is_known = reject_unknown_finders(block, input, diagnostics);
        let finders = finders(&candidates, input, diagnostics);
        if !is_any_cached && input.audit.is_none() {
            diagnostics.report(&block.self_ty, messages::no_finder(&CACHE_REPOSITORY));
        }
        Some(Self {
            twins,
            repositories: is_known.then_some(finders)?,
            krate,
        })
    }
}

/// Reads what `#[cached]` will; what is wrong with it, it says itself.
fn read(function: &Function, attribute: &Attribute) -> Option<(Shell, Reading)> {
    let options = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    cached::reading(function, options)
}

/// Whether an attribute has this name, whatever path leads to it.
fn is_named(attr: &Attribute, name: &str) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == name)
}

/// Each method says what it is to the cache; what has no `self` has no cache.
fn audit(block: &Block, diagnostics: &mut Diagnostics) {
    let methods = block.functions();
    for function in methods.filter(|function| function.receiver().is_some()) {
        let said = ["cached", "cache_put", "cache_evict"];
        let is_said = |attr: &Attribute| said.iter().any(|name| is_named(attr, name));
        if !function
            .attrs
            .iter()
            .any(|attr| is_said(attr) || is_mark(attr))
        {
            let ident = &function.sig.ident;
            diagnostics.report(ident, messages::unmarked(ident));
        }
    }
}

/// `#[cache(exempt)]` is all there is to say on a function.
fn reject_other_marks(block: &Block, diagnostics: &mut Diagnostics) {
    for function in block.functions() {
        for mark in function.attrs.iter().filter(|attr| is_mark(attr)) {
            match mark.parse_args::<Ident>() {
                Ok(word) if word == "exempt" => {}
                Ok(word) => {
                    let text = word.to_string();
                    let near = suggest::nearest(&text, ["exempt"]);
                    diagnostics.report(word, messages::unknown_option(&text, near, &["exempt"]));
                }
                Err(_) => diagnostics.report(mark.path(), messages::NOT_EXEMPT),
            }
        }
    }
}

fn reject_taken_names(block: &Block, candidates: &[Candidate<'_>], diagnostics: &mut Diagnostics) {
    for function in block.functions() {
        let ident = &function.sig.ident;
        let twin = candidates.iter().find(|candidate| candidate.twin == *ident);
        if let Some(twin) = twin {
            let of = &twin.function.sig.ident;
            diagnostics.report(ident, messages::taken_name(ident, of));
        }
    }
}

/// Whether each method that was chosen is one that is cached.
fn reject_unknown_finders(block: &Block, input: &Input, diagnostics: &mut Diagnostics) -> bool {
    let is_cached =
        |function: &&Function| function.attrs.iter().any(|attr| is_named(attr, "cached"));
    let cached = block.functions().filter(is_cached);
    let names: Vec<String> = cached
        .map(|function| function.sig.ident.unraw().to_string())
        .collect();
    let mut is_known = true;
    for chosen in &input.finder {
        let text = chosen.unraw().to_string();
        if !names.contains(&text) {
            let near = suggest::nearest(&text, names.iter().map(String::as_str));
            diagnostics.report(chosen, messages::no_such_finder(&text, near));
            is_known = false;
        }
    }
    is_known
}

/// The methods that load each entity.
fn finders(
    candidates: &[Candidate<'_>],
    input: &Input,
    diagnostics: &mut Diagnostics,
) -> Vec<Finders> {
    let mut by_entity: BTreeMap<String, [Vec<Found<'_>>; 2]> = BTreeMap::new();
    let mut reasons = Vec::new();
    for candidate in candidates {
        let is_chosen = input.finder.contains(&candidate.function.sig.ident);
        if candidate.reading.is_no_finder() && !is_chosen {
            continue;
        }
        match candidate.reading.sources() {
            Ok(sources) => {
                let entity = entity_in(&candidate.reading.output).to_token_stream();
                let entity = entity.to_string().replace(' ', "");
                let is_many = candidate.reading.many().is_some();
                let all = &mut by_entity.entry(entity).or_default()[usize::from(is_many)];
                if is_chosen {
                    all.retain(|(other, _)| input.finder.contains(&other.function.sig.ident));
                }
                let is_out = all
                    .iter()
                    .any(|(other, _)| input.finder.contains(&other.function.sig.ident));
                if is_chosen || !is_out {
                    all.push((candidate, sources));
                }
            }
            // A batch that needs more than keys is nobody's loss: keys are then asked for one by
            // one.
            Err(_) if candidate.reading.many().is_some() && !is_chosen => {}
            Err(reason) => reasons.push((is_chosen, candidate, reason)),
        }
    }
    let has_none = by_entity.is_empty();
    for (is_chosen, candidate, (node, lack)) in reasons {
        if is_chosen || has_none {
            let finder = &candidate.function.sig.ident;
            let entity = entity_in(&candidate.reading.output);
            diagnostics.report(node, messages::no_glue(finder, entity, &lack));
        }
    }
    let is_only = by_entity.len() == 1;
    by_entity
        .into_iter()
        .map(|(entity, [one, many])| {
            let mut only = |all: Vec<Found<'_>>| {
                if let [(first, _), (second, _), ..] = all.as_slice() {
                    let (first, second) = (&first.function.sig.ident, &second.function.sig.ident);
                    diagnostics.report(second, messages::two_finders(first, second, &entity));
                }
                let (candidate, arguments) = all.into_iter().next()?;
                Some(Finder::of(candidate, arguments, is_only))
            };
            Finders {
                one: only(one),
                many: only(many),
            }
        })
        .collect()
}

impl Finder {
    fn of(candidate: &Candidate<'_>, arguments: Vec<Source>, is_only: bool) -> Self {
        let output = &candidate.reading.output;
        Self {
            twin: candidate.twin.clone(),
            has_receiver: candidate.function.receiver().is_some(),
            output: output.clone(),
            entity: (!is_only).then(|| entity_in(output).clone()),
            arguments,
            many: candidate.reading.many().cloned(),
        }
    }
}

/// What an output is of, as far as the spelling says.
fn entity_in(ty: &Type) -> &Type {
    let payload = payload_in(ty);
    let within = last_segment(payload).and_then(|list| match list.ident.to_string().as_str() {
        "Vec" => first_generic(payload),
        "HashMap" | "BTreeMap" => second_generic(payload),
        _ => None,
    });
    within.map_or(payload, entity_in)
}
