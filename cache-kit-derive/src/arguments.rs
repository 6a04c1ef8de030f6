//! Which parameters of an annotated function are its cache, its key, or neither.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Expr, Pat, Type};

use crate::blame::{Extent, arguments_at, local, spread};
use crate::diagnostics::Diagnostics;
use crate::key::{CallKey, Part};
use crate::options::{Dialect, Setting, peel_expr};
use crate::signature::{Function, Hold, Parameter, Receiver, is_opaque, is_reference};
use crate::tags::Names;
use crate::{messages, suggest};

/// The parameters of a function, and what is known of their roles.
#[derive(Debug)]
pub(crate) struct Arguments {
    receiver: Option<Receiver>,
    parameters: Vec<Parameter>,
    skipped: BTreeSet<String>,
    /// Parameters that an option's expression reads.
    mentioned: BTreeSet<String>,
}

impl Arguments {
    /// Sorts the parameters of a function; `read_by` are the expressions of its options.
    pub(crate) fn from_input(
        function: &Function,
        skip: &[Ident],
        read_by: &[Option<&Setting<Expr>>],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let parameters = function.parameters();
        reject_unknown_skips(skip, function, &parameters, diagnostics);
        let mut mentioned = BTreeSet::new();
        for setting in read_by.iter().copied().flatten() {
            collect_names(setting.value.to_token_stream(), &mut mentioned);
        }
        Self {
            receiver: function.receiver(),
            parameters,
            skipped: skip.iter().map(|name| name.unraw().to_string()).collect(),
            mentioned,
        }
    }

    /// What they are called, for options that name them.
    pub(crate) fn names(&self) -> Names<'static> {
        let names = self.parameters.iter().filter_map(|p| p.name.as_ref());
        Names {
            all: names.map(|name| name.unraw().to_string()).collect(),
            missing: "there is no parameter",
            called: "parameter",
        }
    }

    /// All of them, but the receiver.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// How the method holds its `self`.
    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.receiver.as_ref()
    }

    /// Parameters that are neither skipped nor read by an option.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| {
            let Some(name) = &parameter.name else {
                return true;
            };
            let name = name.unraw().to_string();
            !self.skipped.contains(&name) && !self.mentioned.contains(&name)
        })
    }

    /// Refuses parameters that the body would fill in: a hit does not run it.
    pub(crate) fn reject_mut_arguments(&self, diagnostics: &mut Diagnostics) {
        for parameter in self.candidates().filter(|p| p.is_mut_reference()) {
            let message = messages::mut_argument(parameter.name.as_ref());
            diagnostics.report(&parameter.ty, message);
        }
    }

    /// The key of all candidates. Where there is none, `is_silent` says that this follows from a
    /// fault that was already reported.
    pub(crate) fn key(
        &self,
        function: &Ident,
        dialect: &Dialect,
        is_silent: bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<CallKey> {
        let key = CallKey::from_parts(self.parts(diagnostics)?);
        if key.is_none() && !is_silent {
            diagnostics.report(function, messages::no_arguments(dialect));
        }
        key
    }

    /// Refuses parameters that a written key leaves out: what is cached for one would be returned
    /// for another.
    pub(crate) fn reject_left_out(&self, key: &Setting<Expr>, diagnostics: &mut Diagnostics) {
        let mut named = BTreeSet::new();
        collect_values(&key.value, &mut named);
        for parameter in self.candidates().filter(|p| !p.is_mut_reference()) {
            for name in bound_by(&parameter.pat) {
                let text = name.unraw().to_string();
                if !named.contains(&text) && !self.skipped.contains(&text) {
                    diagnostics.report(&name, messages::left_out(&name));
                }
            }
        }
    }

    /// Turns every candidate into a part of the key.
    fn parts(&self, diagnostics: &mut Diagnostics) -> Option<Vec<Part>> {
        let mut is_complete = true;
        let mut parts = Vec::new();
        for parameter in self.candidates() {
            match &parameter.name {
                None => {
                    diagnostics.report(&parameter.pat, messages::PATTERN);
                    is_complete = false;
                }
                Some(name) if parameter.cfg.is_some() => {
                    diagnostics.report(&parameter.cfg, messages::cfg_in_key(name));
                    is_complete = false;
                }
                Some(name) => parts.push(Part::from_parameter(name, parameter)),
            }
        }
        is_complete.then_some(parts)
    }

    /// Finds the cache: where `cache = …` says, else a parameter `cache`, else `self.cache`.
    pub(crate) fn cache(
        &mut self,
        written: Option<&Setting<Expr>>,
        sig: &syn::Signature,
        dialect: &Dialect,
        diagnostics: &mut Diagnostics,
    ) -> Option<CacheAccess> {
        if let Some(setting) = written {
            return Some(self.written_cache(&setting.value));
        }
        if let Some(parameter) = self.parameters.iter().find(|p| p.is_named("cache")) {
            let is_nameable = !is_opaque(&parameter.ty);
            let access = CacheAccess {
                value: at_type(parameter),
                ty: is_nameable.then(|| parameter.ty.clone()),
                blame: Extent::of(&parameter.ty),
                is_cloned: !is_reference(&parameter.ty),
            };
            self.mentioned.insert("cache".to_owned());
            return Some(access);
        }
        let Some(receiver) = &self.receiver else {
            diagnostics.report(&sig.ident, messages::no_cache(dialect));
            return None;
        };
        let self_token = receiver.self_token;
        let span = self_token.span;
        let field = quote_spanned!(span=> .cache);
        Some(CacheAccess {
            value: quote!(#self_token #field),
            ty: None,
            blame: Extent {
                first: span,
                last: span,
            },
            is_cloned: receiver.hold != Hold::Shared,
        })
    }

    fn written_cache(&self, value: &Expr) -> CacheAccess {
        let mut names = BTreeSet::new();
        collect_names(value.to_token_stream(), &mut names);
        let moves = |ty: &Type| !is_reference(ty);
        let reads_value = self.parameters.iter().any(|parameter| {
            let is_read = |name: &Ident| names.contains(&name.unraw().to_string());
            parameter.name.as_ref().is_some_and(is_read) && moves(&parameter.ty)
        });
        let is_self_held = self
            .receiver
            .as_ref()
            .is_some_and(|receiver| receiver.hold != Hold::Shared);
        CacheAccess {
            value: value.to_token_stream(),
            ty: None,
            blame: Extent::of(value),
            is_cloned: reads_value || (is_self_held && names.contains("self")),
        }
    }
}

/// Where the cache is.
#[derive(Debug)]
pub(crate) struct CacheAccess {
    value: TokenStream,
    /// Its type, where that was spelt and can be repeated.
    ty: Option<Type>,
    blame: Extent,
    /// Whether the body may move, or borrow for writing, what holds the cache.
    is_cloned: bool,
}

impl CacheAccess {
    /// The statement that binds the cache's handle.
    pub(crate) fn expand(&self, private: &TokenStream) -> TokenStream {
        // expands to:
        //     let cache = K::cache(&self.cache);
        // where the body takes the holder away:
        //     let cache = &Clone::clone(K::cache(&self.cache));
        // where an expression makes what has to be kept alive:
        //     let holder = &self.cache();
        //     let cache = K::cache(holder);
        let Self {
            value,
            ty,
            blame,
            is_cloned,
        } = self;
        let cache = local("cache");
        let find = spread(*blame, quote!(#private::cache));
        let ty = ty.as_ref().map(|ty| {
            let (open, close) = (
                quote_spanned!(blame.first=> ::<),
                quote_spanned!(blame.last=> >),
            );
            quote!(#open #ty #close)
        });
        let borrow = quote_spanned!(blame.first=> &);
        let arguments = arguments_at(*blame, quote!(#borrow #value));
        if *is_cloned {
            quote!(let #cache = &::core::clone::Clone::clone(#find #ty #arguments);)
        } else if is_place(value) {
            quote!(let #cache = #find #ty #arguments;)
        } else {
            let holder = local("holder");
            quote!(let #holder = #borrow #value; let #cache = #find #ty (#holder);)
        }
    }
}

/// Says whether an expression names something that is there already.
fn is_place(value: &TokenStream) -> bool {
    let parsed = syn::parse2::<Expr>(value.clone());
    parsed.is_ok_and(|expr| matches!(expr, Expr::Path(_) | Expr::Field(_)))
}

/// A parameter's name, placed at the end of its type: that is what does not fit if it is no cache.
fn at_type(parameter: &Parameter) -> TokenStream {
    let mut name = parameter.name.clone();
    if let Some(name) = &mut name {
        name.set_span(Extent::of(&parameter.ty).last.resolved_at(name.span()));
    }
    name.to_token_stream()
}

/// What can be skipped is a parameter, a type of the function's own, or `Self`.
fn reject_unknown_skips(
    skip: &[Ident],
    function: &Function,
    parameters: &[Parameter],
    diagnostics: &mut Diagnostics,
) {
    let names = parameters
        .iter()
        .flat_map(|parameter| bound_by(&parameter.pat));
    let names: Vec<String> = names.map(|name| name.unraw().to_string()).collect();
    let types: Vec<&Ident> = function.own_types().collect();
    for skipped in skip {
        let text = skipped.unraw().to_string();
        let is_type = skipped == "Self" || types.contains(&skipped);
        if !is_type && !names.contains(&text) {
            let near = suggest::nearest(&text, names.iter().map(String::as_str));
            diagnostics.report(skipped, messages::no_such_parameter(&text, near));
        }
    }
}

/// Collects what the parts of a written key may read: not the names of the parts.
fn collect_values(key: &Expr, names: &mut BTreeSet<String>) {
    match peel_expr(key) {
        Expr::Tuple(tuple) => tuple
            .elems
            .iter()
            .for_each(|part| collect_values(part, names)),
        Expr::Paren(paren) => collect_values(&paren.expr, names),
        Expr::Assign(assign) => collect_names(assign.right.to_token_stream(), names),
        other => collect_names(other.to_token_stream(), names),
    }
}

/// The variables of a pattern; what begins with a capital is no variable.
fn bound_by(pat: &Pat) -> Vec<Ident> {
    fn collect(tokens: TokenStream, bound: &mut Vec<Ident>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => collect(group.stream(), bound),
                TokenTree::Ident(ident) => bound.push(ident),
                _ => {}
            }
        }
    }
    let mut bound = Vec::new();
    collect(pat.to_token_stream(), &mut bound);
    bound.retain(|ident| {
        let text = ident.to_string();
        !["mut", "ref", "box"].contains(&text.as_str()) && !text.starts_with(char::is_uppercase)
    });
    bound
}

/// Collects what a format string captures: `{from}`, `{from:>5}`.
fn collect_captures(text: &str, names: &mut BTreeSet<String>) {
    let places = text.split('{').skip(1);
    names.extend(places.map(|place| {
        let name = place.split(|c: char| !c.is_alphanumeric() && c != '_');
        name.take(1).collect::<String>()
    }));
}

/// Collects identifiers that may be variables: not those behind `.` or `::`.
pub(crate) fn collect_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut is_member = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) => collect_names(group.stream(), names),
            TokenTree::Literal(literal) => collect_captures(&literal.to_string(), names),
            TokenTree::Ident(ident) if !is_member => {
                names.insert(ident.unraw().to_string());
            }
            _ => {}
        }
        is_member = matches!(&token, TokenTree::Punct(punct) if ".:".contains(punct.as_char()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tokens: TokenStream) -> Vec<String> {
        let mut names = BTreeSet::new();
        collect_names(tokens, &mut names);
        names.into_iter().collect()
    }

    #[test]
    fn members_are_no_variables() {
        assert_eq!(names(quote!(options.strategy)), ["options"]);
        assert_eq!(
            names(quote!(pick(now, self.cache))),
            ["now", "pick", "self"]
        );
        assert_eq!(names(quote!(CacheStrategy::Refresh)), ["CacheStrategy"]);
    }
}
