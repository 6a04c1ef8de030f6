//! DESIGN §4.1: what each strategy does with a hit, an absence, a miss, and a repository that is
//! down.

use cache_kit::prelude::*;
use cache_kit_tests::{People, Person, clocked_cache, counts};

/// What is in the cache and in the repository before the call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    /// The entry holds an older name than the row.
    Hit,
    /// Absence is stored, and the row has come since.
    Absent,
    /// Nothing is stored.
    Miss,
    /// Nothing is stored, and neither the row.
    MissOfNothing,
}

/// What the caller gets: a name, nothing, or an error.
type Seen = Result<Option<&'static str>, ()>;

/// One row of the table: the caller's answer, the loads, and what a `Fresh` read sees afterwards.
type Row = (CacheStrategy, Before, bool, Seen, u64, Option<&'static str>);

const OLD: Seen = Ok(Some("old"));
const NEW: Seen = Ok(Some("new"));
const NONE: Seen = Ok(None);
const DOWN: Seen = Err(());

#[rustfmt::skip]
const TABLE: &[Row] = {
    use Before::{Absent, Hit, Miss, MissOfNothing};
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    // strategy, before, is the repository up?, answer, loads, stored afterwards
    &[
        (Refresh,    Hit,           true,  OLD,  0, Some("old")),
        (Refresh,    Hit,           false, OLD,  0, Some("old")),
        (Refresh,    Absent,        true,  NONE, 0, None),
        (Refresh,    Absent,        false, NONE, 0, None),
        (Refresh,    Miss,          true,  NEW,  1, Some("new")),
        (Refresh,    Miss,          false, DOWN, 1, None),
        (Refresh,    MissOfNothing, true,  NONE, 1, None),
        (Fresh,      Hit,           true,  OLD,  0, Some("old")),
        (Fresh,      Hit,           false, OLD,  0, Some("old")),
        (Fresh,      Absent,        true,  NONE, 0, None),
        (Fresh,      Miss,          true,  NONE, 0, None),
        (Fresh,      Miss,          false, NONE, 0, None),
        (Invalidate, Hit,           true,  NEW,  1, Some("new")),
        (Invalidate, Hit,           false, DOWN, 1, None),
        (Invalidate, Absent,        true,  NEW,  1, Some("new")),
        (Invalidate, Miss,          true,  NEW,  1, Some("new")),
        (Invalidate, Miss,          false, DOWN, 1, None),
        (Invalidate, MissOfNothing, true,  NONE, 1, None),
        (Bypass,     Hit,           true,  NEW,  1, Some("old")),
        (Bypass,     Hit,           false, DOWN, 1, Some("old")),
        (Bypass,     Absent,        true,  NEW,  1, None),
        (Bypass,     Miss,          true,  NEW,  1, None),
        (Bypass,     Miss,          false, DOWN, 1, None),
    ]
};

async fn arrange(before: Before) -> People {
    let people = People::new(clocked_cache().0);
    match before {
        Before::Hit => {
            people.write_behind(20, "old");
            people.find(20).await.unwrap();
        }
        Before::Absent => assert_eq!(people.find(20).await, Ok(None)),
        Before::Miss | Before::MissOfNothing => {}
    }
    if before != Before::MissOfNothing {
        people.write_behind(20, "new");
    }
    people
}

#[tokio::test]
async fn every_strategy_does_what_the_table_says() {
    for (strategy, before, is_up, answer, loads, stored) in TABLE.iter().copied() {
        let people = arrange(before).await;
        people.set_down(!is_up);
        let earlier = people.loads();
        let seen = people.find_by(20, strategy).await;
        let seen = seen
            .as_ref()
            .map(|person| person.as_ref().map(|person| person.name.as_str()))
            .map_err(|_| ());
        let case = format!("{strategy:?} with {before:?}, up: {is_up}");
        assert_eq!(seen, answer, "{case}: the answer");
        assert_eq!(people.loads() - earlier, loads, "{case}: loads");
        let left = people.cache.get::<Person>(&20).await.unwrap();
        assert_eq!(
            left.as_ref().map(|person| person.name.as_str()),
            stored,
            "{case}: stored"
        );
    }
}

#[tokio::test]
async fn bypass_neither_counts_as_a_read_nor_stores() {
    let people = arrange(Before::Hit).await;
    let before = counts(&people.cache);
    people.find_by(20, CacheStrategy::Bypass).await.unwrap();
    let after = counts(&people.cache);
    assert_eq!(after.loads, before.loads + 1);
    assert_eq!(
        (after.hits, after.misses, after.fills),
        (before.hits, before.misses, before.fills)
    );
}

#[tokio::test]
async fn a_fresh_miss_is_an_error_where_the_output_has_no_other_word_for_it() {
    struct Strict {
        cache: CacheService<InMemoryBackend>,
    }
    impl Strict {
        #[cached(strategy = Fresh)]
        async fn find(&self, id: u64) -> cache_kit::Result<Person> {
            Ok(Person {
                id,
                name: "never loaded".into(),
            })
        }
    }
    let strict = Strict {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert!(matches!(
        strict.find(1).await,
        Err(cache_kit::Error::CacheMiss)
    ));
    let person = Person {
        id: 1,
        name: "put".into(),
    };
    strict.cache.put(person.clone()).await.unwrap();
    assert_eq!(strict.find(1).await.unwrap(), person);
}
