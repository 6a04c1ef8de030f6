//! Messages about options as such.

use std::fmt::Display;

use syn::{Ident, Path};

use crate::options::{Choice, Dialect};

use super::{did_you_mean, list, with_help};

pub(crate) const NO_COMMA: &str = "expected `,` before the next option";
pub(crate) const BARE_ON_FIELD: &str =
    "`#[cache]` on a field needs an option; write `#[cache(opaque)]`";
pub(crate) const UNREADABLE: &str = "cannot read this struct";

pub(crate) fn crate_not_a_path(written: Option<&str>) -> String {
    let name = written.map(|text| text.trim_start_matches("::"));
    let name = name.filter(|name| !name.is_empty()).unwrap_or("cache_kit");
    format!("`crate` is a path; write `crate = ::{name}`")
}

pub(crate) fn brackets(options: &impl Display) -> String {
    format!("options go in parentheses; write `#[cache({options})]`")
}

pub(crate) fn crate_relative(path: &Path) -> String {
    let last = path
        .segments
        .last()
        .map(|segment| segment.ident.to_string());
    let last = last.unwrap_or_else(|| "cache_kit".to_owned());
    format!("`crate` path must be absolute; write `crate = ::{last}`")
}

pub(crate) fn expected_option(dialect: &Dialect) -> String {
    format!("expected the name of an option of `{}`", dialect.attribute)
}

pub(crate) fn duplicate(name: &str) -> String {
    format!("`{name}` is set twice")
}

pub(crate) fn foreign(name: &str, owners: &[&str]) -> String {
    let fact = format!("`{name}` belongs on {}", list(owners, "and"));
    // Fields and methods have attributes of that name too.
    fact.replace("on `#[cache(…)]`", "on the entity's `#[cache(…)]`")
        .replace("and `#[cache(…)]`", "and on the entity's `#[cache(…)]`")
}

pub(crate) fn conditional_eviction() -> String {
    with_help(
        foreign("condition", &["#[cached]"]),
        "to evict only where it holds, call `invalidate` on the cache in place of `#[cache_evict]`",
    )
}

pub(crate) fn unknown_option(name: &str, near: Option<&str>, offer: &[&str]) -> String {
    let fact = format!("unknown option `{name}`");
    match near {
        Some(_) => did_you_mean(fact, near),
        None if offer.len() == 1 => format!("{fact}; expected {}", list(offer, "and")),
        None => format!("{fact}; expected one of {}", list(offer, "and")),
    }
}

pub(crate) fn needs_value(choice: &Choice) -> String {
    format!(
        "`{}` needs a value; write `{}`",
        choice.name, choice.example
    )
}

/// `meant` is what was written as if it were the only one.
pub(crate) fn not_a_list(choice: &Choice, meant: Option<Ident>) -> String {
    let name = choice.name;
    let example = meant.map_or_else(
        || choice.example.to_owned(),
        |meant| format!("{name}({meant})"),
    );
    format!("`{name}` is a list; write `{example}`")
}

pub(crate) fn takes_no_value(choice: &Choice) -> String {
    format!(
        "`{}` takes no value; write `{}`",
        choice.name, choice.example
    )
}

pub(crate) fn on_field(option: &str) -> String {
    format!("`{option}` belongs on the struct, not on a field")
}

pub(crate) fn off_field(option: &str) -> String {
    format!("`{option}` belongs on a field of an entity")
}

pub(crate) const ON_UNREACHABLE: &str =
    "`on_unreachable` is `ignore` or `propagate`; write `on_unreachable = propagate`";

pub(crate) fn unquoted_option(name: &str, value: &str) -> String {
    format!("write `{value}` without quotes: `{name} = {value}`")
}

pub(crate) fn no_strategy(variants: &[&str]) -> String {
    format!("`strategy` is {}, without quotes", list(variants, "or"))
}
