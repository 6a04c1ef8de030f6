//! Every message, in one place and one voice: a lowercase fact, code in backticks, no full stop;
//! then, where it helps, what to write.

mod entity;
mod function;
mod lifetime;
mod option;
mod repository;
mod schema;
mod tag;

pub(crate) use entity::*;
pub(crate) use function::*;
pub(crate) use lifetime::*;
pub(crate) use option::*;
pub(crate) use repository::*;
pub(crate) use schema::*;
pub(crate) use tag::*;

use std::fmt::Display;

use quote::ToTokens as _;
use syn::Type;

/// A type as people write it.
fn spelt(ty: &Type) -> String {
    let loose = [
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ::", "::"),
        (":: ", "::"),
        ("& ", "&"),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" ;", ";"),
    ];
    let text = ty.to_token_stream().to_string();
    loose
        .into_iter()
        .fold(text, |text, (apart, close)| text.replace(apart, close))
}

/// A fact with advice below it.
fn with_help(fact: impl Display, help: impl Display) -> String {
    format!("{fact}\n\nhelp: {help}")
}

/// `a`, `b` and `c`, each in backticks.
fn list(names: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {conjunction} {last}", before.join(", ")),
    }
}

/// A fact with the nearest name, if there is one.
fn did_you_mean(fact: impl Display, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{fact}; did you mean `{near}`?"),
        None => fact.to_string(),
    }
}

/// `FlightStatus` as `flight_status`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = !c.is_uppercase() && c != '_';
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a"], "or"), "`a`");
        assert_eq!(list(&["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }

    #[test]
    fn types_are_spelt_as_written() {
        for text in [
            "u64",
            "Option<User>",
            "Result<Option<Arc<User>>, std::io::Error>",
            "&'a str",
            "HashMap<u64, (A, [u8; 4])>",
        ] {
            assert_eq!(spelt(&syn::parse_str(text).unwrap()), text);
        }
    }

    #[test]
    fn names_become_prefixes() {
        assert_eq!(snake_case("User"), "user");
        assert_eq!(snake_case("FlightStatus"), "flight_status");
        assert_eq!(snake_case("HTTPHost"), "httphost");
    }
}
