//! Who has which slot, as `CLUSTER SLOTS` says.

use super::super::config::Address;
use super::super::names;
use super::super::wire::{integer, unexpected};
use crate::error::{Error, Result};
use redis::Value;
use std::collections::HashSet;

/// So many probes are looked through: a master with a single slot is among those whom one of them
/// concerns.
const PROBES: u32 = 1 << 18;

#[derive(Debug)]
pub(super) struct Slots {
    /// Ranges by their last slot, in order.
    ranges: Vec<Range>,
}

#[derive(Debug)]
struct Range {
    first: u16,
    last: u16,
    master: Address,
}

impl Slots {
    /// Reads the answer of a node.
    pub(super) fn read(value: &Value, from: &Address) -> Result<Self> {
        let Value::Array(entries) = value else {
            return Err(unexpected("`CLUSTER SLOTS`"));
        };
        let ranges: Option<Vec<_>> = entries
            .iter()
            .map(|entry| Range::read(entry, from))
            .collect();
        let mut ranges = ranges.ok_or_else(|| unexpected("`CLUSTER SLOTS`"))?;
        if ranges.is_empty() {
            let empty = format!("Redis at {from} is in a cluster that has no slots yet");
            return Err(Error::BackendError(empty.into()));
        }
        ranges.sort_by_key(|range| range.last);
        Ok(Self { ranges })
    }

    pub(super) fn master(&self, slot: u16) -> Option<&Address> {
        let index = self.ranges.partition_point(|range| range.last < slot);
        let range = self.ranges.get(index).filter(|range| range.first <= slot)?;
        Some(&range.master)
    }

    /// All masters, each once.
    pub(super) fn masters(&self) -> impl Iterator<Item = &Address> {
        let ranges = self.ranges.iter().enumerate();
        ranges
            .filter(|(index, range)| {
                self.ranges[..*index]
                    .iter()
                    .all(|other| other.master != range.master)
            })
            .map(|(_, range)| &range.master)
    }

    /// Finds a probe for each master, by its number.
    pub(super) fn probes(&self) -> Vec<u32> {
        let mut left: HashSet<_> = self.masters().collect();
        let count = left.len();
        (0..PROBES)
            .filter(|number| {
                let master = self.master(names::slot(&names::probe(*number)));
                master.is_some_and(|master| left.remove(master))
            })
            .take(count)
            .collect()
    }
}

impl Range {
    fn read(entry: &Value, from: &Address) -> Option<Self> {
        let Value::Array(parts) = entry else {
            return None;
        };
        let [first, last, Value::Array(master), ..] = parts.as_slice() else {
            return None;
        };
        let [host, port, ..] = master.as_slice() else {
            return None;
        };
        let host = match (host, from) {
            (Value::BulkString(host), _) if !host.is_empty() && host != b"?" => {
                String::from_utf8(host.clone()).ok()?
            }
            // Not said: the one that was asked.
            (_, Address::Tcp(host, _)) => host.clone(),
            _ => return None,
        };
        Some(Self {
            first: u16::try_from(integer(first)?).ok()?,
            last: u16::try_from(integer(last)?).ok()?,
            master: Address::Tcp(host, u16::try_from(integer(port)?).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
        let master = Value::Array(vec![
            host,
            Value::Int(port),
            Value::BulkString(b"id".to_vec()),
        ]);
        Value::Array(vec![Value::Int(first), Value::Int(last), master])
    }

    fn text(host: &str) -> Value {
        Value::BulkString(host.as_bytes().to_vec())
    }

    fn from() -> Address {
        Address::Tcp("asked".to_owned(), 7000)
    }

    #[test]
    fn each_slot_has_its_master() {
        let value = Value::Array(vec![
            range(8192, 16383, text("b"), 2),
            range(0, 4095, text("a"), 1),
            range(4096, 8000, text("b"), 2),
        ]);
        let slots = Slots::read(&value, &from()).unwrap();
        let master = |slot| slots.master(slot).map(ToString::to_string);
        assert_eq!(master(0).as_deref(), Some("a:1"));
        assert_eq!(master(4095).as_deref(), Some("a:1"));
        assert_eq!(master(4096).as_deref(), Some("b:2"));
        assert_eq!(master(8001), None);
        assert_eq!(master(16383).as_deref(), Some("b:2"));
        assert_eq!(slots.masters().count(), 2);
    }

    #[test]
    fn each_master_has_a_probe_however_few_slots_it_has() {
        let value = Value::Array(vec![
            range(0, 99, text("a"), 1),
            range(100, 100, text("b"), 2),
            range(101, 16383, text("a"), 1),
        ]);
        let slots = Slots::read(&value, &from()).unwrap();
        let probes = slots.probes();
        let masters: Vec<_> = probes
            .iter()
            .filter_map(|number| slots.master(names::slot(&names::probe(*number))))
            .map(ToString::to_string)
            .collect();
        assert_eq!(masters, ["a:1", "b:2"]);
    }

    #[test]
    fn a_host_that_is_not_said_is_the_one_that_was_asked() {
        for host in [Value::Nil, text(""), text("?")] {
            let value = Value::Array(vec![range(0, 16383, host, 7001)]);
            let slots = Slots::read(&value, &from()).unwrap();
            assert_eq!(
                slots.master(5).map(ToString::to_string).as_deref(),
                Some("asked:7001")
            );
        }
    }

    #[test]
    fn what_is_no_list_of_slots_is_refused() {
        for value in [
            Value::Nil,
            Value::Array(vec![]),
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![range(0, 99999, text("a"), 1)]),
            Value::Array(vec![range(-1, 5, text("a"), 1)]),
            Value::Array(vec![range(0, 5, text("a"), 70000)]),
        ] {
            assert!(Slots::read(&value, &from()).is_err(), "{value:?}");
        }
    }
}
