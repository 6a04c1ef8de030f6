//! Durations as users write them: `"1h30m"`, or a constant of type `Duration`.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, TokenStreamExt as _, quote};
use syn::{Expr, Lit, LitStr, UnOp};

use crate::diagnostics::Diagnostics;
use crate::options::{Setting, peel_expr};
use crate::{messages, suggest};

/// A lifetime, checked here or by the compiler.
#[derive(Debug, Clone)]
pub(crate) enum Lifetime {
    /// A literal, within what `Duration` holds; zero only where that says something.
    Literal(Duration),
    /// A constant of the user's; the compiler checks its type, the runtime's `const fn` its value.
    Constant(Expr),
}

impl Lifetime {
    /// Reads a setting such as `ttl = "1h"`.
    pub(crate) fn from_setting(
        setting: &Setting<Expr>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let option = setting.name.to_string();
        let refusal = match peel_expr(&setting.value) {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => return Self::from_text(&option, text, diagnostics),
                Lit::Int(number) if !number.suffix().is_empty() => {
                    messages::unquoted_duration(&number.to_string())
                }
                Lit::Int(number) => messages::unitless(number.base10_digits()),
                Lit::Float(number) => {
                    let text = number.to_string();
                    messages::fractional_duration(&text, in_whole_numbers(&text).as_deref())
                }
                _ => messages::not_a_duration(&option),
            },
            Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => {
                messages::negative_duration(&option)
            }
            constant => return Some(Self::Constant(constant.clone())),
        };
        diagnostics.report(&setting.value, refusal);
        None
    }

    fn from_text(option: &str, text: &LitStr, diagnostics: &mut Diagnostics) -> Option<Self> {
        match parse(&text.value()) {
            Ok(duration) => Some(Self::Literal(duration)),
            // Off, where an entity or a service says otherwise.
            Err(Fault::Zero) if may_be_zero(option) => Some(Self::Literal(Duration::ZERO)),
            Err(fault) => {
                diagnostics.report(text, fault.message(option, &text.value()));
                None
            }
        }
    }
}

impl Lifetime {
    /// The duration, where it is known here.
    pub(crate) fn known(&self) -> Option<Duration> {
        match self {
            Self::Literal(duration) => Some(*duration),
            Self::Constant(_) => None,
        }
    }
}

impl ToTokens for Lifetime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(match self {
            Self::Literal(duration) => {
                let seconds = Literal::u64_unsuffixed(duration.as_secs());
                let nanoseconds = Literal::u32_unsuffixed(duration.subsec_nanos());
                quote!(::core::time::Duration::new(#seconds, #nanoseconds))
            }
            Self::Constant(expr) => quote!(#expr),
        });
    }
}

/// What is wrong with a duration's text.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Empty,
    Unitless(String),
    NoNumber(String),
    UnknownUnit(String),
    Space,
    Fraction,
    Negative,
    Overflow,
    Zero,
}

impl Fault {
    fn message(&self, option: &str, text: &str) -> String {
        match self {
            Self::Empty => messages::not_a_duration(option),
            Self::Unitless(number) if text == number => messages::unitless(number),
            Self::Unitless(number) => messages::unitless_rest(number),
            Self::NoNumber(unit) => messages::numberless(unit),
            Self::UnknownUnit(unit) => messages::unknown_unit(unit, meant_unit(unit)),
            Self::Space => messages::spaced_duration(text),
            Self::Fraction => {
                messages::fractional_duration(text, in_whole_numbers(text).as_deref())
            }
            Self::Negative => messages::negative_duration(option),
            Self::Overflow => messages::overflowing_duration(option),
            Self::Zero => messages::zero_duration(option),
        }
    }
}

/// Whether no time at all says something.
fn may_be_zero(option: &str) -> bool {
    !matches!(option, "ttl" | "negative_ttl" | "hard_timeout")
}

/// Nanoseconds of every unit.
const UNITS: [(&str, u128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// What people write for units in other places.
const SYNONYMS: [(&str, &[&str]); 8] = [
    (
        "ns",
        &["nano", "nanos", "nsec", "nanosecond", "nanoseconds"],
    ),
    (
        "us",
        &[
            "µs",
            "μs",
            "micro",
            "micros",
            "usec",
            "microsecond",
            "microseconds",
        ],
    ),
    (
        "ms",
        &["milli", "millis", "msec", "millisecond", "milliseconds"],
    ),
    ("s", &["S", "sec", "secs", "second", "seconds"]),
    ("min", &["M", "mins", "minute", "minutes"]),
    ("h", &["H", "hr", "hrs", "hour", "hours"]),
    ("d", &["D", "day", "days"]),
    ("w", &["W", "wk", "week", "weeks"]),
];

fn meant_unit(written: &str) -> Option<&'static str> {
    SYNONYMS
        .iter()
        .find(|(_, synonyms)| synonyms.contains(&written))
        .map(|&(unit, _)| unit)
        .or_else(|| suggest::nearest(written, UNITS.iter().map(|&(unit, _)| unit)))
}

/// Parses pairs of a whole number and a unit, without spaces.
fn parse(text: &str) -> Result<Duration, Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if text.starts_with('-') {
        return Err(Fault::Negative);
    }
    let mut nanoseconds: u128 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (pair, after) = parse_pair(rest)?;
        nanoseconds = nanoseconds.checked_add(pair).ok_or(Fault::Overflow)?;
        rest = after;
    }
    if nanoseconds == 0 {
        return Err(Fault::Zero);
    }
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).map_err(|_| Fault::Overflow)?;
    let subsecond = u32::try_from(nanoseconds % 1_000_000_000).map_err(|_| Fault::Overflow)?;
    Ok(Duration::new(seconds, subsecond))
}

fn parse_pair(text: &str) -> Result<(u128, &str), Fault> {
    let (number, rest) = split_where(text, |c| !c.is_ascii_digit());
    let (unit, after) = split_where(rest, |c| c.is_ascii_digit() || ".,_".contains(c));
    if text.contains(char::is_whitespace) {
        return Err(Fault::Space);
    }
    if unit.is_empty() {
        let is_fraction = rest.starts_with(['.', ',', '_']);
        return Err(if is_fraction {
            Fault::Fraction
        } else {
            Fault::Unitless(number.to_owned())
        });
    }
    if number.is_empty() {
        return Err(Fault::NoNumber(unit.to_owned()));
    }
    let nanoseconds = UNITS
        .iter()
        .find(|&&(name, _)| name == unit)
        .map(|&(_, nanoseconds)| nanoseconds)
        .ok_or_else(|| Fault::UnknownUnit(unit.to_owned()))?;
    let number: u128 = number.parse().map_err(|_| Fault::Overflow)?;
    let pair = number.checked_mul(nanoseconds).ok_or(Fault::Overflow)?;
    Ok((pair, after))
}

/// `1.5h` as `1h30m`.
fn in_whole_numbers(text: &str) -> Option<String> {
    let (number, unit) = split_where(text, char::is_alphabetic);
    let (whole, fraction) = number.split_once(['.', ','])?;
    let &(_, unit) = UNITS.iter().find(|&&(name, _)| name == unit)?;
    let places = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let fraction = fraction.parse::<u128>().ok()?.checked_mul(unit)? / places;
    let mut rest = whole.checked_add(fraction)?;
    let mut written = String::new();
    for name in ["d", "h", "m", "s", "ms", "us", "ns"] {
        let &(_, unit) = UNITS.iter().find(|&&(other, _)| other == name)?;
        if rest >= unit {
            written.push_str(&(rest / unit).to_string());
            written.push_str(name);
            rest %= unit;
        }
    }
    (!written.is_empty()).then_some(written)
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_durations() {
        for (text, seconds, nanoseconds) in [
            ("1ns", 0, 1),
            ("7us", 0, 7_000),
            ("500ms", 0, 500_000_000),
            ("1s", 1, 0),
            ("90s", 90, 0),
            ("5m", 300, 0),
            ("5min", 300, 0),
            ("1h", 3_600, 0),
            ("1h30m", 5_400, 0),
            ("1d", 86_400, 0),
            ("2w", 1_209_600, 0),
            ("1s500ms", 1, 500_000_000),
            ("0h1s", 1, 0),
            ("18446744073709551615s", u64::MAX, 0),
        ] {
            let expected = Duration::new(seconds, nanoseconds);
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_durations() {
        let unit = |unit: &str| Fault::UnknownUnit(unit.to_owned());
        for (text, fault) in [
            ("", Fault::Empty),
            ("300", Fault::Unitless("300".to_owned())),
            ("1h30", Fault::Unitless("30".to_owned())),
            ("h", Fault::NoNumber("h".to_owned())),
            ("forever", Fault::NoNumber("forever".to_owned())),
            ("5minz", unit("minz")),
            ("5M", unit("M")),
            ("1 h", Fault::Space),
            ("1h 30m", Fault::Space),
            ("1.5h", Fault::Fraction),
            ("-5s", Fault::Negative),
            ("0s", Fault::Zero),
            ("0h0m", Fault::Zero),
            ("18446744073709551616s", Fault::Overflow),
            (
                "99999999999999999999999999999999999999999s",
                Fault::Overflow,
            ),
            ("340282366920938463463374607431768211455w", Fault::Overflow),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn fractions_are_written_in_whole_numbers() {
        for (text, whole) in [
            ("1.5h", Some("1h30m")),
            ("2.5d", Some("2d12h")),
            ("0,25s", Some("250ms")),
            ("1.5", None),
            ("1.5fortnights", None),
            ("1.2.3h", None),
        ] {
            assert_eq!(in_whole_numbers(text).as_deref(), whole, "{text}");
        }
    }

    #[test]
    fn units_of_other_places_are_understood() {
        assert_eq!(meant_unit("minz"), Some("min"));
        assert_eq!(meant_unit("hours"), Some("h"));
        assert_eq!(meant_unit("µs"), Some("us"));
        assert_eq!(meant_unit("fortnight"), None);
    }
}
