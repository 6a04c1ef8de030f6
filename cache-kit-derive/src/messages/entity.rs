//! Messages about `#[derive(CacheEntity)]`.

use syn::ext::IdentExt as _;
use syn::{Ident, Lifetime, Type};

use crate::key::Member;
use crate::signature::{first_generic, last_segment};

use super::{did_you_mean, list, snake_case, spelt, with_help};

pub(crate) const VERSION: &str = "`version` is a whole number below 2³²; write `version = 2`";
pub(crate) const EXTRA_LABEL: &str = "not part of the key";
pub(crate) const EXTRA_NOTE: &str =
    "add it to the entity's key, or write `skip(…)` if the loaded value does not depend on it";

pub(crate) fn empty_key(example: &str) -> String {
    format!("the key is empty; name at least one field: `key = {example}`")
}

pub(crate) fn key_not_a_field(example: &str) -> String {
    format!("a key consists of fields; write `key = {example}`")
}

pub(crate) fn feeder(meant: &str) -> String {
    format!("`feeder` is a name; write `feeder = {meant}`")
}

pub(crate) fn codec(meant: &str) -> String {
    format!("`codec` is a type; write `codec = {meant}`")
}

pub(crate) fn codec_near(written: &Ident, near: &str) -> String {
    let feature = match near {
        "Bincode" => String::new(),
        _ => format!("it needs cache-kit's feature `{}`; ", near.to_lowercase()),
    };
    with_help(
        format!("there is no codec `{written}`; did you mean `{near}`?"),
        format!("{feature}a codec of your own is `codec = self::{written}`"),
    )
}

pub(crate) fn index_is_key(field: &Ident) -> String {
    format!("`{field}` is the key itself, which needs no index")
}

pub(crate) fn index_twice(field: &Ident) -> String {
    format!("`{field}` is an index twice")
}

pub(crate) fn not_a_struct(found: &str) -> String {
    with_help(
        format!("`CacheEntity` supports structs, found {found}"),
        "wrap it in a struct that has the key as a field",
    )
}

pub(crate) fn no_fields(entity: &Ident) -> String {
    format!("`{entity}` has no field to key on")
}

pub(crate) fn borrowed_entity(lifetime: &Lifetime) -> String {
    format!(
        "cached values are owned; remove `{lifetime}`, and own what it borrows (`String` for `&{lifetime} str`)"
    )
}

pub(crate) fn missing_attribute(entity: &Ident, key: &str) -> String {
    let prefix = snake_case(&entity.unraw().to_string());
    format!("missing `#[cache(prefix = \"{prefix}\", key = {key})]`")
}

pub(crate) fn bare_attribute(entity: &Ident, key: &str) -> String {
    let prefix = snake_case(&entity.unraw().to_string());
    format!("`#[cache]` needs options; write `#[cache(prefix = \"{prefix}\", key = {key})]`")
}

pub(crate) fn missing_prefix(entity: &Ident) -> String {
    let prefix = snake_case(&entity.unraw().to_string());
    format!("missing `prefix`; write `prefix = \"{prefix}\"`")
}

pub(crate) fn missing_key(example: &str) -> String {
    format!("missing `key`; write `key = {example}`")
}

pub(crate) fn unquoted_prefix(text: &str) -> String {
    format!("`prefix` is a string; write `prefix = \"{text}\"`")
}

pub(crate) fn prefix_not_a_string(entity: &Ident) -> String {
    unquoted_prefix(&snake_case(&entity.unraw().to_string()))
}

/// What is wrong with a prefix, if anything is.
pub(crate) fn bad_prefix(prefix: &str, entity: &Ident) -> Option<String> {
    if prefix.is_empty() {
        let example = snake_case(&entity.unraw().to_string());
        return Some(format!("`prefix` is empty; write `prefix = \"{example}\"`"));
    }
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || ":%{}".contains(c);
    let fact = match prefix.chars().find(|&c| is_bad(c)) {
        Some(':') => "`:` separates the parts of a key".to_owned(),
        Some('%') => "`%` starts an escape in a key".to_owned(),
        Some(c @ ('{' | '}')) => format!("`{c}` marks a slot of a Redis cluster"),
        Some(c) if c.is_control() => format!("`prefix` has a control character, {c:?}"),
        Some(_) => "`prefix` has white space".to_owned(),
        None if prefix.chars().any(char::is_uppercase) => "a prefix is lowercase".to_owned(),
        None => return None,
    };
    let words: Vec<&str> = prefix
        .split(is_bad)
        .filter(|word| !word.is_empty())
        .collect();
    let mended = snake_case(&words.join("-"));
    Some(if mended.is_empty() {
        fact
    } else {
        format!("{fact}; write `prefix = \"{mended}\"`")
    })
}

pub(crate) fn quoted_key(text: &str) -> String {
    format!("write `{text}` without quotes: `key = {text}`")
}

pub(crate) fn repeated_key(member: &Member) -> String {
    format!("`{member}` is in the key twice")
}

pub(crate) fn too_many_key_fields(count: usize) -> String {
    format!("a key has at most 16 fields, this one has {count}")
}

pub(crate) fn tuple_struct(entity: &Ident) -> String {
    format!("`{entity}` is a tuple struct; write `key = 0`")
}

pub(crate) fn named_struct(entity: &Ident, first: &str) -> String {
    format!("`{entity}` has named fields; write `key = {first}`")
}

pub(crate) fn no_such_field(
    entity: &Ident,
    field: &str,
    near: Option<&str>,
    names: &[String],
) -> String {
    let fact = format!("`{entity}` has no field `{field}`");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if near.is_some() || names.is_empty() {
        return did_you_mean(fact, near);
    }
    with_help(fact, format!("its fields are {}", list(&names, "and")))
}

/// Why a type that is spelt like this is no part of a key, if it is none. Aliases and other types
/// are left to the compiler.
pub(crate) fn no_key_part(ty: &Type) -> Option<String> {
    let name = last_segment(ty)?.ident.to_string();
    let reason = match name.as_str() {
        "f32" | "f64" => "floats that print alike may differ; use an integer or a string",
        "Option" => match first_generic(ty) {
            Some(inner) => &format!("a key has all its parts; write `{}`", spelt(inner)),
            None => "a key has all its parts",
        },
        "Vec" | "VecDeque" | "HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" => {
            "a collection names no single entity; use one field per part"
        }
        _ => return None,
    };
    let ty = spelt(ty);
    Some(with_help(
        format!("`{ty}` cannot be part of a cache key"),
        reason,
    ))
}

/// Message and label where a parameter is not called like its field.
pub(crate) fn wrong_part(
    position: usize,
    member: &Member,
    key: &str,
    entity: &Ident,
) -> (String, String) {
    let number = position + 1;
    (
        format!("part {number} of the key `{key}` of `{entity}` is `{member}`"),
        format!("this is not `{member}`"),
    )
}

/// How the parts of a key are given; `key` is how the entity names them.
pub(crate) fn part_note(key: &str, members: &[String]) -> String {
    let written = written_key(members);
    format!(
        "the parts go by these names and in this order: `{key}`; write `key = {written}` where the parameters are called otherwise, \
         and `skip(…)` for one that is not part of the key"
    )
}

/// `(person_id = …, year = …)`
fn written_key(members: &[String]) -> String {
    let parts: Vec<String> = members.iter().map(|name| format!("{name} = …")).collect();
    format!("({})", parts.join(", "))
}

pub(crate) fn missing_part(member: &Member, entity: &Ident) -> String {
    format!("the key of `{entity}` also needs `{member}`")
}

pub(crate) fn missing_part_label(key: &str, member: &Member, members: &[String]) -> String {
    let written = written_key(members);
    format!("the key is `{key}`: add a parameter `{member}`, or write `key = {written}`")
}

pub(crate) fn too_many_parts(key: &str, entity: &Ident, is_single: bool) -> String {
    let alone = if is_single { " alone" } else { "" };
    format!("the key of `{entity}` is `{key}`{alone}")
}

pub(crate) fn not_a_newtype(found: &str) -> String {
    with_help(
        format!("`KeyPart` is derived for a struct of one field, found {found}"),
        "for another type write `impl cache_kit::KeyPart`; values that differ must write different texts",
    )
}
