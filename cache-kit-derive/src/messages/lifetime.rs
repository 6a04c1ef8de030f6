//! Messages about durations and lifetimes.

use quote::ToTokens as _;
use syn::{Expr, Ident};

use crate::options::Setting;

use super::{did_you_mean, with_help};

pub(crate) const JITTER_RANGE: &str = "`jitter` is a fraction from 0 to 1; write `jitter = 0.1`";

pub(crate) const BETA_RANGE: &str =
    "`early_refresh` is a number, 0 or more; write `early_refresh = 1.0`";

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

/// `mended` is the same in whole numbers, where that is known.
pub(crate) fn fractional_duration(text: &str, mended: Option<&str>) -> String {
    match mended {
        Some(mended) => format!("durations have whole numbers; write `\"{mended}\"`"),
        None => with_help(
            format!("durations have whole numbers, and `{text}` is none"),
            "write `\"1h30m\"` for one and a half hours",
        ),
    }
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
    match option {
        "hard_timeout" => {
            "`hard_timeout` is zero: every load would fail; write `hard_timeout = \"2s\"`"
                .to_owned()
        }
        _ => format!(
            "`{option}` is zero: nothing would be cached; remove it, or write `{option} = \"30s\"`"
        ),
    }
}

pub(crate) const SOFT_AFTER_HARD: &str =
    "`soft_timeout` is longer than `hard_timeout`, so it never applies; make it shorter";

pub(crate) fn endless(option: &Setting<Expr>) -> String {
    let Setting { name, value } = option;
    let value = value.to_token_stream();
    with_help(
        format!("`{name}` needs a `ttl`"),
        format!("without one nothing expires; write `ttl = \"1h\", {name} = {value}`"),
    )
}

pub(crate) fn useless_lifetime(option: &Ident, strategy: &str) -> String {
    with_help(
        format!("`{option}` has no effect with `{strategy}`"),
        format!("`{strategy}` stores nothing; remove `{option}`"),
    )
}
