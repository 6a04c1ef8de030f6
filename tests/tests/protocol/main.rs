//! The protocol on Redis, explored: every state that two or three readers and two writers can bring
//! a key into, whatever is evicted, ends or crashes meanwhile. The rules as they are built hold;
//! each rule made weaker fails, and the shortest way to the failure is printed.
//!
//! [`world`] is what there is, [`rules`] what may be made weaker, [`readers`], [`writers`] and
//! [`nature`] what can happen next, [`explorer`] tries it all.

mod explorer;
mod nature;
mod readers;
mod rules;
mod world;
mod writers;

use explorer::{Found, explore};
use rules::{Act, Belief, Join, Lease, Put, Rules, Stale, Tag};

/// The rules hold in every state.
fn holds(name: &str, rules: &Rules) {
    match explore(rules) {
        Found::Nothing { states } => eprintln!("{name}: holds in {states} states"),
        Found::Fault { fault, way } => panic!("{name}: {fault}\n  {}", way.join("\n  ")),
    }
}

/// The rules are too weak, and that is found out.
fn fails(name: &str, rules: &Rules) {
    match explore(rules) {
        Found::Nothing { states } => panic!("{name}: nothing was found in {states} states"),
        Found::Fault { fault, way } => eprintln!("{name}: {fault}\n  {}", way.join("\n  ")),
    }
}

/// The rules as they are built, for readers of two processes and writers who do this.
fn two<const N: usize>(acts: [Act; N]) -> Rules {
    Rules::of(2, acts)
}

/// The same for one reader, who comes again and again.
fn one<const N: usize>(acts: [Act; N]) -> Rules {
    Rules::of(1, acts)
}

#[test]
fn what_was_loaded_before_an_invalidation_is_never_read_after_it() {
    holds("two readers", &two([Act::Invalidate, Act::Invalidate]));
    holds("three", &Rules::of(3, [Act::Invalidate]));
    let mut rules = two([Act::Invalidate, Act::Invalidate]);
    rules.fills_blindly = true;
    holds("a fill that compares nothing leaves what is dead", &rules);
    let mut rules = one([Act::Invalidate]);
    rules.invalidates_early = true;
    fails("an invalidation before the commit", &rules);
    let mut rules = one([Act::Invalidate]);
    rules.loads_lag = true;
    fails("a load from a replica that lags", &rules);
}

#[test]
fn a_put_replaces_what_it_was_opened_on_and_nothing_else() {
    for acts in [[Act::Put, Act::Put], [Act::Put, Act::Invalidate]] {
        holds("opened before the write", &two(acts));
    }
    let weaker = |put| two([Act::Put, Act::Invalidate]).putting(put);
    fails(
        "no guard then and none now taken for the same",
        &weaker(Put::MissingIsUnchanged),
    );
    fails("opened after the write", &weaker(Put::OpenedLate));
    fails("without comparing", &weaker(Put::Blind));
    let rules = two([Act::Put, Act::Put]).putting(Put::SameGuard);
    fails("under the guard that others load with", &rules);
}

#[test]
fn a_flight_is_shared_by_those_who_found_the_same_guard() {
    let rules = |join| Rules::of(3, [Act::Invalidate]).joining(join);
    holds("by stamp", &rules(Join::ByStamp));
    fails("by key", &rules(Join::ByKey));
}

#[test]
fn a_lease_saves_loads_and_holds_nobody_up_for_ever() {
    let as_built = Lease::AS_BUILT;
    holds("leases", &Rules::of(3, [Act::Invalidate]).leasing(as_built));
    let endless = Lease {
        expires: false,
        ..as_built
    };
    let mut rules = two([Act::Invalidate]).leasing(endless);
    fails("of those who crash, without an end", &rules);
    rules.has_crashes = false;
    holds("of those who do not crash, without an end", &rules);
    let greedy = Lease {
        loser_takes_anything: true,
        ..as_built
    };
    fails(
        "whoever loses takes what is there",
        &two([Act::Invalidate]).leasing(greedy),
    );
}

#[test]
fn what_is_stale_serves_and_what_was_invalidated_does_not() {
    for acts in [
        [Act::Invalidate, Act::Invalidate],
        [Act::Put, Act::Invalidate],
    ] {
        holds("stale values", &one(acts).keeping(Stale::Checked));
    }
    let rules = two([Act::Invalidate]).keeping(Stale::Checked);
    holds(
        "one refresh of all processes",
        &rules.leasing(Lease::AS_BUILT),
    );
    fails(
        "whatever is stored serves",
        &one([Act::Invalidate]).keeping(Stale::Unchecked),
    );
}

#[test]
fn what_a_cleared_scope_had_is_not_read_after_the_clear() {
    for act in [Act::ClearPrefix, Act::ClearNamespace] {
        holds("two readers", &two([act]));
        holds("and an invalidation", &one([act, Act::Invalidate]));
        holds("and a put", &one([act, Act::Put]));
        let mut rules = one([act]);
        rules.takes_missing_for_unchanged = true;
        fails("a guard that is gone taken for unchanged", &rules);
    }
    holds("both", &one([Act::ClearPrefix, Act::ClearNamespace]));
}

#[test]
fn a_scope_that_is_believed_for_a_while_is_old_by_that_much_and_here_by_nothing() {
    let as_built = Belief::AS_BUILT;
    for act in [Act::ClearPrefix, Act::ClearNamespace, Act::ClearTag] {
        let rules = |belief| two([act]).tagging(Tag::Known).believing(belief);
        holds("believed", &rules(as_built));
        let before = Belief {
            forgets_after: false,
            ..as_built
        };
        fails(
            "forgotten before it is cleared, and not then",
            &rules(before),
        );
        let careless = Belief {
            learns_anything: true,
            ..as_built
        };
        fails(
            "an answer from before the clear, learnt after it",
            &rules(careless),
        );
        let late = Belief {
            dates_by_answer: true,
            ..as_built
        };
        fails(
            "believed from the answer on, and not from the question",
            &rules(late),
        );
    }
    let after = Belief {
        forgets_before: false,
        ..as_built
    };
    let rules = two([Act::ClearPrefix]).believing(after);
    holds("forgotten when it is cleared, and not before", &rules);
}

#[test]
fn what_has_a_cleared_tag_is_not_read_after_the_clear() {
    for tag in [Tag::Known, Tag::Found] {
        holds("two readers", &two([Act::ClearTag]).tagging(tag));
        for other in [Act::ClearTag, Act::Invalidate, Act::Put] {
            holds(
                "and another writer",
                &one([Act::ClearTag, other]).tagging(tag),
            );
        }
    }
    let weaker = |tag| one([Act::ClearTag]).tagging(tag);
    fails("without an epoch", &weaker(Tag::FoundWithoutEpoch));
    fails(
        "the epoch looked at before the tag",
        &weaker(Tag::FoundEpochFirst),
    );
    fails(
        "the tag dropped before the epoch",
        &weaker(Tag::FoundDroppedFirst),
    );
    let mut rules = weaker(Tag::Known);
    rules.takes_missing_for_unchanged = true;
    fails("a guard that is gone taken for unchanged", &rules);
}

#[test]
fn everything_at_once_holds_for_one_reader() {
    let rules = one([Act::ClearTag])
        .tagging(Tag::Found)
        .believing(Belief::AS_BUILT);
    let rules = rules.keeping(Stale::Checked).leasing(Lease::AS_BUILT);
    holds("tags that are believed, stale values, leases", &rules);
}
