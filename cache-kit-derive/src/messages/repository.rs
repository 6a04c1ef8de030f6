//! Messages about repositories.

use syn::Ident;

use crate::options::Dialect;

use super::{did_you_mean, with_help};

pub(crate) const NOT_EXEMPT: &str = "of a method there is nothing to say but `#[cache(exempt)]`";

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
        format!("say which one the repository is: `#[cache_repository(finder({first}))]`"),
    )
}

pub(crate) fn no_glue(finder: &Ident, what: &str) -> String {
    with_help(
        format!("a `Repository` has nothing but a key, and `{finder}` also takes {what}"),
        "take it from `self`, or write `impl Repository<…>` yourself and leave `#[cache_repository]` out",
    )
}

pub(crate) fn an_argument(name: Option<&Ident>) -> String {
    match name {
        Some(name) => format!("`{name}`"),
        None => "an argument without a name".to_owned(),
    }
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
