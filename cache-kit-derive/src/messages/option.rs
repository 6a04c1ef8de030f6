//! Messages about options as such.

use syn::{Ident, Path};

use crate::options::{Choice, Dialect, Form};

use super::{did_you_mean, list, with_help};

pub(crate) const CRATE_NOT_A_PATH: &str = "`crate` is a path; write `crate = ::cache_kit`";
pub(crate) const NO_COMMA: &str = "expected `,` before the next option";
pub(crate) const BRACKETS: &str = "options go in parentheses; write `#[cache(…)]`";
pub(crate) const BARE_ON_FIELD: &str = "`#[cache]` belongs on the struct, not on a field";
pub(crate) const UNREADABLE: &str = "cannot read this struct";

pub(crate) fn crate_relative(path: &Path) -> String {
    let last = path
        .segments
        .last()
        .map(|segment| segment.ident.to_string());
    let last = last.unwrap_or_else(|| "cache_kit".to_owned());
    format!("`crate` path must be absolute; write `::{last}`")
}

pub(crate) fn expected_option(dialect: &Dialect) -> String {
    format!("expected the name of an option of `{}`", dialect.attribute)
}

pub(crate) fn duplicate(name: &str) -> String {
    format!("`{name}` is set twice")
}

pub(crate) fn unavailable(name: &str) -> String {
    format!("`{name}` is not available in this version of cache-kit")
}

pub(crate) fn foreign(name: &str, owners: &[&str]) -> String {
    format!("`{name}` belongs on {}", list(owners, "and"))
}

pub(crate) fn unknown_option(name: &str, near: Option<&str>, offer: &[&str]) -> String {
    let fact = format!("unknown option `{name}`");
    match near {
        Some(_) => did_you_mean(fact, near),
        None => format!("{fact}; expected one of {}", list(offer, "and")),
    }
}

pub(crate) fn needs_value(choice: &Choice) -> String {
    let need = if choice.form == Form::List {
        "is a list"
    } else {
        "needs a value"
    };
    format!("`{}` {need}; write `{}`", choice.name, choice.example)
}

pub(crate) fn on_field(option: &Ident) -> String {
    if option == "opaque" {
        return unavailable("opaque");
    }
    format!("`{option}` belongs on the struct, not on a field")
}

pub(crate) const ON_UNREACHABLE: &str =
    "`on_unreachable` is `ignore` or `propagate`; write `on_unreachable = propagate`";

pub(crate) fn unquoted_option(name: &str, value: &str) -> String {
    format!("write `{value}` without quotes: `{name} = {value}`")
}

pub(crate) fn quoted_strategy(value: &str) -> String {
    with_help(
        "a strategy is no string",
        format!("write `{value}` without quotes"),
    )
}
