//! Messages about repositories.

use syn::{Ident, Type};

use crate::options::Dialect;

use super::{did_you_mean, spelt, with_help};

pub(crate) const NOT_EXEMPT: &str = "on a method, `#[cache]` is only `#[cache(exempt)]`";

pub(crate) fn not_an_impl(dialect: &Dialect, found: &str) -> String {
    format!(
        "`{}` belongs on an `impl` block, found {found}",
        dialect.attribute
    )
}

pub(crate) fn no_finder(dialect: &Dialect) -> String {
    with_help(
        format!("`{}` finds no method that loads", dialect.attribute),
        "put `#[cached]` on the method that finds an entity by its key",
    )
}

pub(crate) fn no_such_finder(name: &str, near: Option<&str>) -> String {
    did_you_mean(format!("no method `{name}` here has `#[cached]`"), near)
}

pub(crate) fn two_finders(first: &Ident, second: &Ident, entity: &str) -> String {
    with_help(
        format!("`{first}` and `{second}` both load `{entity}` by its key"),
        format!("choose the one that the repository is: `#[cache_repository(finder({first}))]`"),
    )
}

/// What a method takes that a repository cannot give it.
#[derive(Debug)]
pub(crate) enum Lack {
    /// Generics.
    Types,
    /// A parameter that is not of the key.
    Parameter(Option<Ident>),
    /// A parameter that the key is computed from.
    Inverse(Ident),
}

pub(crate) fn no_glue(finder: &Ident, entity: &Type, lack: &Lack) -> String {
    let by_hand = format!(
        "write `impl Repository<{}>` yourself and leave `#[cache_repository]` out",
        spelt(entity)
    );
    let also =
        |what: &str| format!("a `Repository` has only the key, and `{finder}` also takes {what}");
    let (fact, advice) = match lack {
        Lack::Types => (also("types of its own"), "take them from the `impl`"),
        Lack::Parameter(Some(name)) => (also(&format!("`{name}`")), "take it from `self`"),
        Lack::Parameter(None) => (also("a parameter without a name"), "take it from `self`"),
        Lack::Inverse(name) => (
            format!("a `Repository` has only the key, and cannot make `{name}` of it"),
            "take the key itself as the parameter",
        ),
    };
    with_help(fact, format!("{advice}, or {by_hand}"))
}

pub(crate) fn taken_name(name: &Ident, of: &Ident) -> String {
    format!("`{name}` is what `#[cache_repository]` calls the body of `{of}`; rename this method")
}

pub(crate) fn unmarked(method: &Ident) -> String {
    with_help(
        format!("`{method}` neither reads, puts nor evicts"),
        "annotate it with `#[cached]`, `#[cache_put]` or `#[cache_evict]`, or mark it `#[cache(exempt)]`",
    )
}
