//! What of a load is stored, and for how long.

use crate::backend::{Entry, Fill};
use crate::outcome::Terms;
use crate::ttl::Lifetime;
use std::time::Duration;

/// Says what is to be done with an entry after a load. An absence that is not to be remembered takes away what is there: it is not true.
pub(crate) fn to_fill<P>(permit: P, entry: Entry, lifetime: &Lifetime) -> Fill<P> {
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

/// Says what of a load is to be stored, if anything is; `decided` is for how long, unless the value says otherwise.
///
/// Where nothing is, what is stored and older must not go on serving: what the value itself says is not to be stored takes it away, and what a policy does not
/// want, if it is stale.
pub(crate) fn fill_of<P>(
    permit: P,
    entry: Entry,
    decided: Option<Lifetime>,
    terms: &Terms,
    is_stale: bool,
) -> Option<Fill<P>> {
    match (decided.map(|decided| terms.applied(decided)), is_stale) {
        (Some(Some(lifetime)), _) => Some(to_fill(permit, entry, &lifetime)),
        (Some(None), _) | (None, true) => Some(to_fill(permit, Entry::Gone, &Lifetime::new())),
        (None, false) => None,
    }
}
