//! Reads the options of an attribute, tolerantly: a fault in one does not hide the next.

mod dialect;

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Lit, Token, Type, parenthesized, token};

use crate::blame::Extent;
use crate::diagnostics::Diagnostics;
use crate::{messages, suggest};

use dialect::DIALECTS;
pub(crate) use dialect::{
    CACHE_EVICT, CACHE_PUT, CACHE_REPOSITORY, CACHED, Choice, Dialect, ENTITY, FIELD, Form,
    KEY_PART,
};

/// An option as written: its name, to blame, and its value.
#[derive(Debug, Clone)]
pub(crate) struct Setting<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
}

enum Written {
    Value(Expr),
    Type(Type),
    List(Vec<Ident>),
    Word,
}

/// The options of one attribute, until each is taken by name.
pub(crate) struct Options {
    written: BTreeMap<&'static str, Setting<Written>>,
    seen: Vec<&'static str>,
}

impl Options {
    /// Starts without options.
    pub(crate) fn new() -> Self {
        Self {
            written: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    /// Reads `name = value, name(list), …` and reports what is not an option of `dialect`.
    pub(crate) fn read(
        &mut self,
        tokens: TokenStream,
        dialect: &Dialect,
        diagnostics: &mut Diagnostics,
    ) {
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.read_one(input, dialect, diagnostics);
            }
            Ok(())
        };
        let outcome = read.parse2(tokens);
        diagnostics.keep(outcome);
    }

    /// Takes an option whose value is an expression.
    pub(crate) fn take(&mut self, name: &str) -> Option<Setting<Expr>> {
        match self.written.remove(name)? {
            Setting {
                name,
                value: Written::Value(value),
            } => Some(Setting { name, value }),
            _ => None,
        }
    }

    /// Takes an option whose value is a type.
    pub(crate) fn take_type(&mut self, name: &str) -> Option<Setting<Type>> {
        match self.written.remove(name)? {
            Setting {
                name,
                value: Written::Type(value),
            } => Some(Setting { name, value }),
            _ => None,
        }
    }

    /// Takes an option that is a list of names.
    pub(crate) fn take_list(&mut self, name: &str) -> Vec<Ident> {
        match self.written.remove(name) {
            Some(Setting {
                value: Written::List(names),
                ..
            }) => names,
            _ => Vec::new(),
        }
    }

    /// Takes an option that is its name alone.
    pub(crate) fn take_word(&mut self, name: &str) -> Option<Ident> {
        self.written.remove(name).map(|setting| setting.name)
    }

    /// Takes options for attempted: what was meant could not be read.
    pub(crate) fn mark_attempted(&mut self, names: &[&'static str]) {
        self.seen.extend(names);
    }

    /// Whether the user wrote this option, or something that was reported as a near miss of it:
    /// then calling it missing would be noise.
    pub(crate) fn was_attempted(&self, name: &str) -> bool {
        self.seen.contains(&name)
    }

    fn read_one(
        &mut self,
        input: ParseStream<'_>,
        dialect: &Dialect,
        diagnostics: &mut Diagnostics,
    ) {
        let Ok(name) = input.call(Ident::parse_any) else {
            diagnostics.report_at(input.span(), messages::expected_option(dialect));
            skip_to_next(input);
            return;
        };
        let text = name.unraw().to_string();
        let Some(choice) = dialect.choice(&text) else {
            self.report_unusable(&name, &text, dialect, diagnostics);
            skip_to_next(input);
            return;
        };
        let is_duplicate = self.seen.contains(&choice.name);
        self.seen.push(choice.name);
        match read_value(&name, choice, input) {
            Ok(_) if is_duplicate => diagnostics.report(&name, messages::duplicate(&text)),
            Ok(value) => {
                self.written.insert(choice.name, Setting { name, value });
            }
            Err(error) => {
                diagnostics.keep::<()>(Err(error));
                skip_to_next(input);
                return;
            }
        }
        expect_comma(input, diagnostics);
    }

    fn report_unusable(
        &mut self,
        name: &Ident,
        text: &str,
        dialect: &Dialect,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(message) = misplaced(text, dialect) {
            diagnostics.report(name, message);
            return;
        }
        let near = suggest::nearest(text, dialect.names());
        self.seen.extend(near);
        let offer: Vec<&str> = dialect.names().collect();
        diagnostics.report(name, messages::unknown_option(text, near, &offer));
    }
}

/// Says where an option belongs that is not one of this dialect, if it is one of another.
fn misplaced(text: &str, dialect: &Dialect) -> Option<String> {
    if FIELD.choice(text).is_some() {
        return Some(messages::off_field(text));
    }
    if dialect.is_of_a_field() && ENTITY.choice(text).is_some() {
        return Some(messages::on_field(text));
    }
    let owners: Vec<&str> = DIALECTS
        .iter()
        .filter(|other| other.choice(text).is_some())
        .map(|other| other.attribute)
        .collect();
    if *dialect == CACHE_EVICT && text == "condition" {
        return Some(messages::conditional_eviction());
    }
    (!owners.is_empty()).then(|| messages::foreign(text, &owners))
}

/// Sees through the invisible group that a `macro_rules!` fragment arrives in.
pub(crate) fn peel_expr(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => peel_expr(&group.expr),
        other => other,
    }
}

/// Refuses options that were written and have no place here.
pub(crate) fn reject_written<'s>(
    options: impl IntoIterator<Item = Option<&'s Setting<Expr>>>,
    message: fn(&Ident) -> String,
    diagnostics: &mut Diagnostics,
) {
    for option in options.into_iter().flatten() {
        diagnostics.report(&option.name, message(&option.name));
    }
}

/// An expression as an operand of `&`.
pub(crate) fn operand(expr: &Expr) -> TokenStream {
    match peel_expr(expr) {
        loose @ (Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_)) => {
            let mut group = Group::new(Delimiter::Parenthesis, loose.to_token_stream());
            group.set_span(Extent::of(loose).first);
            group.into_token_stream()
        }
        other => other.to_token_stream(),
    }
}

/// The text of a string literal, which may have been meant as a name.
pub(crate) fn text_of(expr: &Expr) -> Option<String> {
    match peel_expr(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn read_value(name: &Ident, choice: &Choice, input: ParseStream<'_>) -> syn::Result<Written> {
    if choice.form == Form::Word {
        return read_nothing(choice, input);
    }
    let has_list = input.peek(token::Paren);
    if choice.form == Form::List && has_list {
        let content;
        parenthesized!(content in input);
        let names =
            Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, Ident::parse_any)?;
        return Ok(Written::List(names.into_iter().collect()));
    }
    if choice.form == Form::List {
        return Err(syn::Error::new(
            name.span(),
            messages::not_a_list(choice, named_alone(input)),
        ));
    }
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), messages::needs_value(choice)));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(
            equals,
            messages::needs_value(choice),
        ));
    }
    if choice.form == Form::Type {
        input.parse().map(Written::Type)
    } else {
        input.parse().map(Written::Value)
    }
}

/// The name in `= name`, which may have been meant as a list.
fn named_alone(input: ParseStream<'_>) -> Option<Ident> {
    let ahead = input.fork();
    ahead.parse::<Token![=]>().ok()?;
    let name = ahead.call(Ident::parse_any).ok()?;
    (ahead.is_empty() || ahead.peek(Token![,])).then_some(name)
}

/// Refuses what follows a name that says everything.
fn read_nothing(choice: &Choice, input: ParseStream<'_>) -> syn::Result<Written> {
    if !input.peek(Token![=]) && !input.peek(token::Paren) {
        return Ok(Written::Word);
    }
    let mut value = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        value.extend([input.parse::<TokenTree>()?]);
    }
    let message = messages::takes_no_value(choice);
    Err(syn::Error::new_spanned(value, message))
}

fn expect_comma(input: ParseStream<'_>, diagnostics: &mut Diagnostics) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    let is_next_option = input.peek(Ident::peek_any);
    diagnostics.report_at(input.span(), messages::NO_COMMA);
    if !is_next_option {
        skip_to_next(input);
    }
}

/// Skips what cannot be understood, up to where the next option seems to start. A comma alone does
/// not count: `HashMap<K, V>` has one.
fn skip_to_next(input: ParseStream<'_>) {
    while !input.is_empty() {
        let is_comma = input.peek(Token![,]);
        let _: Option<TokenTree> = input.parse().ok();
        if is_comma && (input.is_empty() || starts_option(input)) {
            return;
        }
    }
}

fn starts_option(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.call(Ident::parse_any).is_ok()
        && (ahead.is_empty()
            || ahead.peek(Token![,])
            || ahead.peek(token::Paren)
            || (ahead.peek(Token![=]) && !ahead.peek(Token![==])))
}
