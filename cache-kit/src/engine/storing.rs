//! What of a load is stored, and for how long.

use crate::engine::provenance::Overrides;
use crate::store::AnyPermit;
use crate::store::{Entry, Fill};
use crate::ttl::Lifetime;
use std::time::Duration;

/// Builds the fill of an entry. An absence that is not to be remembered takes away what is there:
/// that is not true.
pub(super) fn to_fill(permit: AnyPermit, entry: Entry, lifetime: &Lifetime) -> Fill<AnyPermit> {
    let (entry, ttl, stale) = match (entry, lifetime.negative_ttl()) {
        (Entry::Absent, Some(ttl)) => (Entry::Absent, Some(ttl), Duration::ZERO),
        (Entry::Absent, None) => (Entry::Gone, None, Duration::ZERO),
        (entry, _) => (entry, lifetime.draw(), lifetime.stale()),
    };
    Fill {
        permit,
        entry,
        ttl,
        stale,
        tags: Vec::new(),
    }
}

/// Builds the fill of what was loaded, if anything of it is stored; `decided` is for how long,
/// unless the value says otherwise.
///
/// Where nothing is stored, what is there and older must not go on serving: what the value itself
/// says is not to be stored takes it away, and what a policy does not want, if it is stale.
pub(super) fn fill_of(
    permit: AnyPermit,
    entry: Entry,
    decided: Option<Lifetime>,
    terms: &Overrides,
    is_stale: bool,
) -> Option<Fill<AnyPermit>> {
    match (decided.map(|decided| terms.applied(decided)), is_stale) {
        (Some(Some(lifetime)), _) => Some(to_fill(permit, entry, &lifetime)),
        (Some(None), _) | (None, true) => Some(to_fill(permit, Entry::Gone, &Lifetime::new())),
        (None, false) => None,
    }
}
