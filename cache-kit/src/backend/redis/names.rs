//! What the parts of an entry are called in Redis.
//!
//! | part | name |
//! | --- | --- |
//! | guard of a key | `ck:g:{key}` |
//! | value | `ck:v:{key}:<schema>` |
//! | lease | `ck:l:{key}:<schema>` |
//! | guard of a prefix | `ck:g:{prefix}:all`, with its namespace where there is one: `ck:g:{namespace:prefix}:all` |
//! | guard of a namespace | `ck:g:{namespace:}:all`; in a cluster there are 64, `ck:g:{namespace:%copy salt}:all`, each in a slot of its own share, numbers in hexadecimal digits |
//! | guard of a tag | `ck:g:{namespace::id}:all`, the id in hexadecimal digits |
//! | epoch of a namespace's tags | `ck:g:{namespace::}:all` |
//! | what permissions are tried on, and never stored | `ck:p:{number}` |
//!
//! What stands between the first `{` and the `}` after it decides the slot in a cluster, so all
//! parts of one key share theirs, whatever the key holds. A guard's name knows no schema: an
//! invalidation reaches every version of a type. Only the guard of a key ends with `}`, so no two
//! names are the same.

use crate::entity::shape::Shape;
use crate::key::CacheKey;

pub(super) fn guard(key: &CacheKey) -> String {
    let key = key.as_str();
    let mut name = String::with_capacity(key.len() + 7);
    for part in ["ck:g:{", key, "}"] {
        name.push_str(part);
    }
    name
}

pub(super) fn value(key: &CacheKey, shape: &Shape) -> String {
    versioned("ck:v:{", key, shape)
}

pub(super) fn lease(key: &CacheKey, shape: &Shape) -> String {
    versioned("ck:l:{", key, shape)
}

pub(super) fn scope_guard(scope: &str) -> String {
    format!("ck:g:{{{scope}}}:all")
}

/// How many guards a namespace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    One,
    /// So many, each for a share of the slots: a prefix has the one in whose share its own guard
    /// is, and which lives where most of that share does.
    #[cfg(feature = "redis-cluster")]
    BySlot,
}

impl Copies {
    /// What a cluster has, or anything else.
    pub(super) fn of(is_cluster: bool) -> Self {
        match is_cluster {
            #[cfg(feature = "redis-cluster")]
            true => Self::BySlot,
            _ => Self::One,
        }
    }

    pub(super) fn count(self) -> usize {
        match self {
            Self::One => 1,
            #[cfg(feature = "redis-cluster")]
            Self::BySlot => COPIES,
        }
    }

    /// Says which copy a prefix has.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(unused_variables, reason = "there is one")
    )]
    pub(super) fn place_of(self, prefix: &str) -> usize {
        match self {
            Self::One => 0,
            #[cfg(feature = "redis-cluster")]
            Self::BySlot => copy_of(prefix),
        }
    }

    /// The scope that is one copy of a namespace. No prefix is empty, or has a percent sign.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(unused_variables, reason = "there is one")
    )]
    pub(super) fn scope(self, namespace: &str, copy: usize) -> String {
        match self {
            Self::One => format!("{namespace}:"),
            #[cfg(feature = "redis-cluster")]
            Self::BySlot => {
                let salted = (0_u32..).map(|salt| format!("{namespace}:%{copy:02x}{salt:x}"));
                let mut there = salted.filter(|scope| copy_of(scope) == copy);
                // One in 64 is, so that there is always one.
                there.next().unwrap_or_default()
            }
        }
    }

    /// The scope that is the copy which a prefix has of its namespace.
    pub(super) fn scope_of(self, prefix: &str) -> String {
        self.scope(namespace_of(prefix), self.place_of(prefix))
    }

    /// All scopes that are a namespace.
    pub(super) fn scopes(self, namespace: &str) -> Vec<String> {
        (0..self.count())
            .map(|copy| self.scope(namespace, copy))
            .collect()
    }
}

#[cfg(feature = "redis-cluster")]
const COPIES: usize = 64;

#[cfg(feature = "redis-cluster")]
fn copy_of(prefix: &str) -> usize {
    usize::from(slot(&scope_guard(prefix))) * COPIES / usize::from(SLOTS)
}

/// The scope that is a tag. No prefix has a colon.
pub(super) fn tag_scope(namespace: &str, id: u64) -> String {
    format!("{namespace}::{id:016x}")
}

/// The scope that ends before a tag of a namespace does.
pub(super) fn epoch_scope(namespace: &str) -> String {
    format!("{namespace}::")
}

/// Splits the namespace off a prefix; empty where there is none.
pub(super) fn namespace_of(prefix: &str) -> &str {
    prefix
        .split_once(':')
        .map_or("", |(namespace, _)| namespace)
}

/// What a scope is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'s> {
    Prefix(&'s str),
    /// One copy of it.
    Namespace(&'s str, usize),
    Tag(&'s str, u64),
}

/// Says what a scope is, by its name.
pub(super) fn parse(scope: &str) -> Parsed<'_> {
    if let Some((namespace, id)) = scope.split_once("::")
        && let Ok(id) = u64::from_str_radix(id, 16)
    {
        return Parsed::Tag(namespace, id);
    }
    if let Some(namespace) = scope.strip_suffix(':') {
        return Parsed::Namespace(namespace, 0);
    }
    let copy = scope.split_once(":%").and_then(|(namespace, copy)| {
        let copy = usize::from_str_radix(copy.get(..2)?, 16).ok()?;
        Some(Parsed::Namespace(namespace, copy))
    });
    copy.unwrap_or(Parsed::Prefix(scope))
}

pub(super) fn probe(number: u32) -> String {
    format!("ck:p:{{{number}}}")
}

fn versioned(begin: &str, key: &CacheKey, shape: &Shape) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let key = key.as_str();
    let mut name = String::with_capacity(begin.len() + key.len() + 18);
    for part in [begin, key, "}:"] {
        name.push_str(part);
    }
    let digits = shape.fingerprint().to_be_bytes();
    for byte in digits {
        name.push(char::from(HEX[usize::from(byte >> 4)]));
        name.push(char::from(HEX[usize::from(byte & 15)]));
    }
    name
}

#[cfg(feature = "redis-cluster")]
const SLOTS: u16 = 16384;

/// Says which slot of a cluster a name lives in: CRC-16 of its hash tag (Redis Cluster
/// specification).
#[cfg(feature = "redis-cluster")]
pub(super) fn slot(name: &str) -> u16 {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or(name, |(tag, _)| if tag.is_empty() { name } else { tag });
    crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn key(text: &str) -> CacheKey {
        CacheKey::new(text.into(), 1)
    }

    #[test]
    fn names_are_as_documented() {
        assert_eq!(guard(&key("user:7")), "ck:g:{user:7}");
        assert_eq!(scope_guard("user"), "ck:g:{user}:all");
    }

    #[test]
    fn a_scope_is_what_its_name_says() {
        for (scope, parsed) in [
            ("user", Parsed::Prefix("user")),
            ("billing:user", Parsed::Prefix("billing:user")),
            (
                &Copies::One.scope("billing", 0),
                Parsed::Namespace("billing", 0),
            ),
            (&Copies::One.scope("", 0), Parsed::Namespace("", 0)),
            (&tag_scope("billing", 7), Parsed::Tag("billing", 7)),
            (&tag_scope("", u64::MAX), Parsed::Tag("", u64::MAX)),
        ] {
            assert_eq!(parse(scope), parsed);
        }
        assert_eq!(namespace_of("billing:user"), "billing");
        assert_eq!(namespace_of("user"), "");
    }

    #[test]
    fn a_key_cannot_be_named_like_a_prefix() {
        let names: HashSet<_> = ["user", "user}:all", "user}", "}:all"]
            .iter()
            .flat_map(|text| [guard(&key(text)), scope_guard(text)])
            .collect();
        assert_eq!(names.len(), 8);
    }

    #[cfg(feature = "redis-cluster")]
    #[test]
    fn a_namespace_has_a_guard_near_every_prefix() {
        let scopes = Copies::BySlot.scopes("billing");
        let names: HashSet<_> = scopes.iter().collect();
        assert_eq!(names.len(), COPIES);
        for (copy, scope) in scopes.iter().enumerate() {
            assert_eq!(parse(scope), Parsed::Namespace("billing", copy));
        }
        for prefix in ["user", "billing:user", "billing:order", "a", "b", "c"] {
            let near = slot(&scope_guard(&Copies::BySlot.scope_of(prefix)));
            assert_eq!(near / 256, slot(&scope_guard(prefix)) / 256);
        }
    }

    #[cfg(feature = "redis-cluster")]
    #[test]
    fn all_parts_of_a_key_share_a_slot() {
        // As `CLUSTER KEYSLOT` says.
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("ck:g:{123456789}"), 0x31C3);
        assert_eq!(slot("{}123"), slot("{}123"));
        for text in ["user:7", "a}b", "a{b}c", "a{", "a:{x}"] {
            let slots = [
                guard(&key(text)),
                format!("ck:v:{{{text}}}:0123456789abcdef"),
                format!("ck:l:{{{text}}}:0123456789abcdef"),
            ];
            assert!(slots.iter().all(|name| slot(name) == slot(&slots[0])));
        }
    }
}
