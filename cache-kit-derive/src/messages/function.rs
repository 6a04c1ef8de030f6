//! Messages about annotated functions.

use quote::ToTokens as _;
use syn::{Expr, Ident, Signature};

use crate::options::{CACHE_EVICT, CACHED, Dialect};
use crate::signature::future_of;

use super::{did_you_mean, spelt, with_help};

pub(crate) const PATTERN_KEYS: &str = "name this parameter: it has the keys";
pub(crate) const PATTERN: &str = "this parameter has no name; name it, or write `key = …`";
pub(crate) const EMPTY_CALL_KEY: &str =
    "the key is empty; write `key = …` with at least one parameter";
pub(crate) const KEY_PART_NAME: &str =
    "the left of `=` is the name of a key field; write `key = (field = expression, …)`";

pub(crate) const REFRESH: &str =
    "`refresh` is `background` or `inline`; write `refresh = background`";

pub(crate) const RETRY: &str = "`retry` is a number, or a `Retry`; write `retry = 3`";
pub(crate) const RETRY_IF_ALONE: &str = "`retry_if` needs `retry`; write `retry = 3, retry_if = …`";

pub(crate) fn key_part_unnamed(value: &Expr) -> String {
    let value = value.to_token_stream();
    format!(
        "this part of the key has no name; write `field = {value}`, with the name of the key's field"
    )
}

pub(crate) const UNLESS: &str =
    "`unless` is a closure over what was loaded; write `unless = |found| …`";

pub(crate) fn unless_captures(name: &Ident) -> String {
    with_help(
        format!("`unless` sees only what was loaded, not `{name}`"),
        "test parameters with `condition = …`: where it does not hold, the cache is left alone",
    )
}

pub(crate) fn repeated_inline(option: &Ident) -> String {
    let fact = if option == "retry" {
        "runs the body more than once"
    } else {
        "lets the body go on in a task"
    };
    with_help(
        format!("`{option}` {fact}, which `refresh = inline` rules out"),
        format!("remove `refresh = inline`, or `{option}`"),
    )
}

/// `repeated` is the option that runs the body again, or without its caller, if one does.
pub(crate) fn unkept(what: &str, repeated: Option<&Ident>) -> String {
    match repeated {
        Some(option) => with_help(
            format!("{what} cannot be kept for `{option}`"),
            format!("`{option}` needs owned parameters, or plain references; else remove it"),
        ),
        None => with_help(
            format!("{what} cannot be kept for a refresh in the background"),
            "write `refresh = inline`: a caller then loads, and the others get the stale value meanwhile",
        ),
    }
}

pub(crate) fn wrong_item(dialect: &Dialect, found: &str) -> String {
    // What is read may be read without waiting.
    let place = if *dialect == CACHED {
        "a function"
    } else {
        "an `async fn`"
    };
    format!("`{}` belongs on {place}, found {found}", dialect.attribute)
}

pub(crate) fn bodiless(dialect: &Dialect) -> String {
    with_help(
        format!("`{}` needs a body", dialect.attribute),
        "put it on the method of the `impl`",
    )
}

pub(crate) fn not_async(dialect: &Dialect, sig: &Signature) -> String {
    let name = &sig.ident;
    let help = match future_of(sig) {
        Some((output, is_boxed)) => {
            let block = if is_boxed {
                "Box::pin(async move { … })"
            } else {
                "async move { … }"
            };
            let output = spelt(&output);
            format!("write `async fn {name}(…) -> {output}`, or make the whole body `{block}`")
        }
        None => format!("write `async fn {name}`"),
    };
    with_help(format!("`{}` needs an `async fn`", dialect.attribute), help)
}

pub(crate) fn qualified(dialect: &Dialect, qualifier: &str) -> String {
    let attribute = dialect.attribute;
    match qualifier {
        "const" => format!("`{attribute}` cannot be on a `const fn`; write `async fn`"),
        _ => format!("`{attribute}` cannot be on an `{qualifier}` function"),
    }
}

pub(crate) fn twice(dialect: &Dialect) -> String {
    format!("`{}` is set twice", dialect.attribute)
}

pub(crate) fn together(dialect: &Dialect, other: &str) -> String {
    with_help(
        format!(
            "`{}` and `#[{other}]` exclude each other",
            dialect.attribute
        ),
        "a function either reads an entity or writes it; remove one of the two",
    )
}

pub(crate) fn self_by_value() -> String {
    "a hit would drop `self`; take `&self`".to_owned()
}

pub(crate) fn self_by_mut() -> String {
    "a hit skips the mutation; take `&self`".to_owned()
}

pub(crate) fn mut_argument(name: Option<&Ident>) -> String {
    match name {
        Some(name) => with_help(
            format!("a hit leaves `{name}` unwritten"),
            format!(
                "write `skip({name})` if it is only a means of loading, such as a connection; \
                 within an open transaction write `strategy = Bypass` too"
            ),
        ),
        None => "a hit leaves this parameter unwritten".to_owned(),
    }
}

pub(crate) fn nothing_to_cache() -> String {
    with_help(
        "there is nothing to cache in `()`",
        "return the entity, as `E`, `Arc<E>`, `Option<E>`, `Option<Arc<E>>` or a `Result` of one of these",
    )
}

pub(crate) fn nothing_to_put() -> String {
    with_help(
        "`#[cache_put]` needs the entity in the return type",
        "return what was saved, or use `#[cache_evict(entity = …)]`",
    )
}

pub(crate) fn impl_output() -> String {
    "an `impl Trait` cannot be stored; name the type".to_owned()
}

pub(crate) fn borrowed_output() -> String {
    with_help(
        "a borrowed value cannot be stored",
        "return an owned value, or `Arc<T>` to share it",
    )
}

pub(crate) fn no_cache(dialect: &Dialect) -> String {
    with_help(
        format!("`{}` cannot tell where the cache is", dialect.attribute),
        "add a parameter `cache: &CacheService<InMemoryBackend>`, or write `cache = …`",
    )
}

pub(crate) fn no_arguments(dialect: &Dialect) -> String {
    let all = if *dialect == CACHE_EVICT {
        ", or `all` to drop every entry"
    } else {
        ""
    };
    with_help(
        "no parameter is left to make the key of",
        format!("add a parameter for each field of the key, or write `key = …`{all}"),
    )
}

pub(crate) fn needs_async(option: &Ident) -> String {
    format!("`{option}` needs an `async fn`: it waits")
}

pub(crate) fn untold_generic(ident: &Ident, is_const: bool) -> String {
    let part = if is_const {
        format!("key = (…, {ident})")
    } else {
        format!("key = (…, std::any::type_name::<{ident}>())")
    };
    with_help(
        format!(
            "`{ident}` is not part of the key: what is cached for one would be returned for another"
        ),
        format!("write `{part}`, or `skip({ident})` if the value does not depend on it"),
    )
}

pub(crate) fn left_out(name: &Ident) -> String {
    with_help(
        format!("`{name}` is not part of the key"),
        format!(
            "add it to `key = …`, or write `skip({name})` if what is loaded does not depend on it"
        ),
    )
}

pub(crate) fn index_name(meant: &str) -> String {
    format!("`index` is the name of a field; write `index = {meant}`")
}

pub(crate) fn no_index_argument(index: &Ident) -> String {
    format!("nothing to look up; add a parameter for `{index}`, or set `key`")
}

pub(crate) fn beside_index(index: &Ident, name: Option<&Ident>) -> String {
    match name {
        Some(name) => with_help(
            format!("an index has one field, and `{name}` is not `{index}`"),
            format!("write `skip({name})` if what is loaded does not depend on it"),
        ),
        None => "an index has one field".to_owned(),
    }
}

pub(crate) fn useless_for_index(option: &Ident) -> String {
    format!("`{option}` has no effect on a look-up by an index")
}

pub(crate) fn no_keys() -> String {
    with_help(
        "a function that returns many entities takes their keys: a slice, a `Vec` or an iterator",
        "write `ids: &[…]`; of a list that is cached as a whole, under one key, write `prefix = \"…\"`",
    )
}

pub(crate) fn beside_keys(name: Option<&Ident>) -> String {
    match name {
        Some(name) => with_help(
            format!("`{name}` is no part of the keys of this batch"),
            format!(
                "write `skip({name})` if what is loaded does not depend on it, else make it a field of the key; \
                 of a list that is cached as a whole write `prefix = \"…\"`"
            ),
        ),
        None => "this parameter is no part of the keys of this batch".to_owned(),
    }
}

pub(crate) fn key_of_many() -> String {
    with_help(
        "a batch has many keys, and no `key`",
        "pass the keys themselves, as `keys: &[…]`, and leave `key` out",
    )
}

pub(crate) fn useless_for_many(option: &Ident) -> String {
    format!("`{option}` has no effect on a batch: its callers load for themselves")
}

pub(crate) fn cfg_in_key(name: &Ident) -> String {
    format!("a parameter under a `cfg` cannot be part of the key; write `skip({name})`")
}

pub(crate) fn no_such_parameter(name: &str, near: Option<&str>) -> String {
    did_you_mean(format!("there is no parameter `{name}`"), near)
}

pub(crate) fn no_entity() -> String {
    "cannot tell what to evict; add `entity = …`, the type whose entry is dropped".to_owned()
}
