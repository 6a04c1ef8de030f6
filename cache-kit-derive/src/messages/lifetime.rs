//! Messages about durations and lifetimes.

use syn::Ident;

use super::{did_you_mean, with_help};

pub(crate) const JITTER_RANGE: &str = "`jitter` is a fraction from 0 to 1; write `jitter = 0.1`";

pub(crate) const BETA_RANGE: &str =
    "`early_refresh` is a number from 0 on; write `early_refresh = 1.0`";

const UNITS: &str = "units are `ns`, `us`, `ms`, `s`, `m` or `min`, `h`, `d` and `w`";

pub(crate) fn unitless(number: &str) -> String {
    format!("`{number}` has no unit; write `\"{number}s\"`")
}

pub(crate) fn unitless_rest(number: &str) -> String {
    with_help(
        format!("`{number}` has no unit"),
        "every number has one, as in `\"1h30m\"`",
    )
}

pub(crate) fn numberless(unit: &str) -> String {
    with_help(format!("`{unit}` has no number"), "write `\"1h30m\"`")
}

pub(crate) fn unknown_unit(unit: &str, meant: Option<&str>) -> String {
    let fact = format!("unknown unit `{unit}`");
    match meant {
        Some(_) => did_you_mean(fact, meant),
        None => with_help(fact, UNITS),
    }
}

pub(crate) fn spaced_duration(text: &str) -> String {
    let closed: String = text.split_whitespace().collect();
    format!("a duration has no spaces; write `\"{closed}\"`")
}

pub(crate) fn fractional_duration(text: &str) -> String {
    with_help(
        format!("`{text}` is no whole number of a unit"),
        "write `\"1h30m\"` for one and a half hours",
    )
}

pub(crate) fn unquoted_duration(text: &str) -> String {
    format!("a duration is a string; write `\"{text}\"`")
}

pub(crate) fn not_a_duration(option: &str) -> String {
    with_help(
        format!("`{option}` is a duration"),
        format!("write `{option} = \"1h30m\"`, or the path of a `const` of type `Duration`"),
    )
}

pub(crate) fn negative_duration(option: &str) -> String {
    format!("`{option}` cannot be negative")
}

pub(crate) fn overflowing_duration(option: &str) -> String {
    format!("`{option}` is longer than a `Duration` can be")
}

pub(crate) fn zero_duration(option: &str) -> String {
    let vain = if option == "hard_timeout" {
        "loads"
    } else {
        "caches"
    };
    format!("zero `{option}` {vain} nothing")
}

pub(crate) const SOFT_AFTER_HARD: &str =
    "`soft_timeout` is longer than `hard_timeout`: it would never come to it";

pub(crate) fn endless(option: &Ident) -> String {
    with_help(
        format!("`{option}` needs a `ttl`"),
        format!("without one nothing ends; write `ttl = \"1h\", {option} = …`"),
    )
}

pub(crate) fn useless_lifetime(option: &Ident, strategy: &str) -> String {
    with_help(
        format!("`{option}` has no effect with `{strategy}`"),
        format!("`{strategy}` stores nothing; remove `{option}`"),
    )
}
