//! Classes on one flight.

use super::{MINUTE, ask, by_role, memory, rows, under};
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{Distant, Person, settle, soon};

/// Everyone asks at once for an entry that an admin has loaded ten minutes ago.
async fn asked_at_once<B: CacheBackend>(
    cache: CacheService<B>,
    clock: ManualClock,
    classes: &[&'static str],
) -> (Vec<Option<String>>, u64) {
    let people = rows();
    ask(&cache, &people, "admin", 1).await;
    clock.advance(MINUTE * 10);
    people.write_behind(1, "new");
    people.close_gate();
    let tasks: Vec<_> = classes
        .iter()
        .map(|class| {
            let (cache, people, class) = (cache.clone(), people.clone(), *class);
            tokio::spawn(async move { ask(&cache, &people, class, 1).await })
        })
        .collect();
    settle().await;
    people.open_gate();
    let mut names = Vec::new();
    for task in tasks {
        names.push(soon(task).await.unwrap());
    }
    (names, people.loads() - 1)
}

#[tokio::test]
async fn those_it_is_too_old_for_share_one_load_and_the_others_hit() {
    let classes = ["guest", "admin", "visitor", "guest", "auditor"];
    let wanted = ["new", "person 1", "new", "new", "new"].map(|name| Some(name.to_owned()));
    let clock = ManualClock::new();
    let cache = under(by_role(), memory(&clock));
    let (names, loads) = asked_at_once(cache, clock, &classes).await;
    assert_eq!((&names[..], loads), (&wanted[..], 1));
    let clock = ManualClock::new();
    let cache = under(by_role(), ByteBackend::new(&clock));
    let (names, loads) = asked_at_once(cache, clock, &classes).await;
    assert_eq!((&names[..], loads), (&wanted[..], 1));
}

/// A flight in which somebody without an age limit leads, and finds an entry instead of loading: it
/// was stored between the leader's look-up and its `open`, and has become old while the answer was
/// on its way.
async fn a_flight_that_found_an_old_entry(leads_a_batch: bool) {
    let clock = ManualClock::new();
    let far = Distant::new(ByteBackend::new(&clock));
    let near = CacheService::new(far.near.clone());
    let (cache, people) = (under(by_role(), far.clone()), rows());
    // A failed load leaves the key with a stamp and without an entry.
    let fail = || async { Err::<Option<Person>, _>(Error::RepositoryError("down".into())) };
    near.get_or_load(&1, fail).await.unwrap_err();

    far.hold_next_read();
    let leader = tokio::spawn({
        let (cache, people) = (cache.clone(), people.clone());
        async move {
            if leads_a_batch {
                cache.load_many::<Person, _>(&[1], &people).await;
            } else {
                ask(&cache, &people, "admin", 1).await;
            }
        }
    });
    settle().await;
    near.get_or_load(&1, || people.load(1)).await.unwrap();
    far.hold_next_open();
    far.release_read();
    settle().await;

    clock.advance(MINUTE * 10);
    people.write_behind(1, "new");
    let guest = tokio::spawn({
        let (cache, people) = (cache.clone(), people.clone());
        async move { ask(&cache, &people, "guest", 1).await }
    });
    settle().await;
    assert!(!leader.is_finished() && !guest.is_finished(), "both wait");
    far.release_open();
    soon(leader).await.unwrap();
    assert_eq!(soon(guest).await.unwrap().as_deref(), Some("new"));
    assert_eq!(people.loads(), 2, "the leader has not loaded");
}

#[tokio::test]
async fn a_flight_that_finds_an_old_entry_does_not_hand_it_to_those_it_is_too_old_for() {
    a_flight_that_found_an_old_entry(false).await;
    a_flight_that_found_an_old_entry(true).await;
}
