//! Messages about tags.

use syn::ext::IdentExt as _;
use syn::{Expr, Lit};

use crate::options::{peel_expr, text_of};

use super::{did_you_mean, list, with_help};

pub(crate) const NO_TAGS: &str = "`tags` names no tag; remove it, or write `tags = [\"…\"]`";
pub(crate) const EMPTY_TAG: &str = "an empty tag names nothing; remove it";
pub(crate) const ALL_OF_WHAT: &str =
    "`all` needs the type whose entries are dropped; write `entity = …, all`";
pub(crate) const PREFIX_OF_ENTITY: &str =
    "`entity` has a prefix of its own; `prefix` is of a function that returns no entity";

pub(crate) fn tags_not_a_list(written: &Expr) -> String {
    let tag = text_of(written).unwrap_or_else(|| "…".to_owned());
    format!("`tags` is a list of strings; write `tags = [\"{tag}\"]`")
}

pub(crate) fn tag_not_a_string(written: &Expr) -> String {
    let meant = match peel_expr(written) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.to_string(),
            Lit::Bool(value) => value.value.to_string(),
            _ => "…".to_owned(),
        },
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) => format!("{0}:{{{0}}}", name.unraw()),
            None => "…".to_owned(),
        },
        _ => "…".to_owned(),
    };
    format!("a tag is a string; write `\"{meant}\"`")
}

/// A place without a name; `before` is the text in front of it, which often says what is meant.
pub(crate) fn nameless_place(place: &str, before: &str, called: &str, names: &[String]) -> String {
    let fact = format!("`{{{place}}}` names nothing");
    let before = before.trim_end_matches([':', '=', '-', '/', ' ']);
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let meant = before.rsplit(|c| !is_part(c)).next();
    match names.iter().find(|name| Some(name.as_str()) == meant) {
        Some(name) => format!("{fact}; write `{{{name}}}`"),
        None if names.is_empty() => fact,
        None => format!("{fact}; {}", called_names(called, names)),
    }
}

/// `its fields are …`
fn called_names(called: &str, names: &[String]) -> String {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    match all.as_slice() {
        [one] => format!("its only {called} is `{one}`"),
        all => format!("its {called}s are {}", list(all, "and")),
    }
}

pub(crate) fn formatted_place(name: &str) -> String {
    with_help(
        format!("a tag has no formats; write `{{{name}}}`"),
        "a tag is always written by `Display`, so that whoever drops it can write the same",
    )
}

/// `from` begins with the brace.
pub(crate) fn unclosed_place(from: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let fact = match from.strip_prefix('{') {
        None => "`}` closes nothing".to_owned(),
        Some(inner) => match inner.split(|c| !is_part(c)).next() {
            Some(name) if !name.is_empty() => format!("`{{` is not closed; write `{{{name}}}`"),
            _ => "`{` is not closed".to_owned(),
        },
    };
    with_help(fact, "a literal brace is `{{` or `}}`")
}

/// `missing` says of what kind it is, together with `called`.
pub(crate) fn unknown_place(
    missing: &str,
    name: &str,
    near: Option<&str>,
    called: &str,
    names: &[String],
) -> String {
    let fact = format!("{missing} `{name}`");
    if near.is_some() || names.is_empty() {
        return did_you_mean(fact, near);
    }
    with_help(fact, called_names(called, names))
}
