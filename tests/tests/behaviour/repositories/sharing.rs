//! Attributes and feeders over one service.

use super::{REFRESH, memory};
use cache_kit::prelude::*;
use cache_kit_tests::{People, Person, counts, settle, soon};

#[tokio::test]
async fn a_macro_and_a_feeder_share_flights_entries_and_counts() {
    let people = People::new(memory());
    let cache = CacheExpander::from(people.cache.clone());
    let feed = || {
        let (cache, people) = (cache.clone(), people.clone());
        tokio::spawn(async move {
            let mut feeder = GenericFeeder::<Person>::new(1);
            cache.with(&mut feeder, &people, REFRESH).await.unwrap();
            feeder.entity.unwrap().name
        })
    };
    let find = || {
        let people = people.clone();
        tokio::spawn(async move { people.find(1).await.unwrap().unwrap().name.clone() })
    };
    for feed_leads in [true, false] {
        let before = counts(&people.cache);
        people.close_gate();
        let (one, other) = if feed_leads {
            (feed(), find())
        } else {
            (find(), feed())
        };
        settle().await;
        people.open_gate();
        for task in [one, other] {
            assert_eq!(soon(task).await.unwrap(), "person 1");
        }
        let now = counts(&people.cache);
        let (loads, coalesced) = (now.loads - before.loads, now.coalesced - before.coalesced);
        assert_eq!((loads, coalesced), (1, 1), "{feed_leads}");
        assert_eq!(feed().await.unwrap(), find().await.unwrap());
        assert_eq!(counts(&people.cache).hits - now.hits, 2);
        people.cache.invalidate::<Person>(&1).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_macro_writes_is_what_a_feeder_is_fed() {
    let people = People::new(memory());
    let cache = CacheExpander::from(people.cache.clone());
    let fed = async || {
        let mut feeder = GenericFeeder::<Person>::new(1);
        cache.with(&mut feeder, &people, REFRESH).await.unwrap();
        feeder.entity.map(|person| person.name)
    };
    assert_eq!(fed().await.as_deref(), Some("person 1"));
    let ada = Person {
        id: 1,
        name: "Ada".into(),
    };
    people.save(ada).await.unwrap();
    assert_eq!(fed().await.as_deref(), Some("Ada"), "put by the macro");
    people.write_behind(1, "Augusta");
    let mut feeder = GenericFeeder::<Person>::new(1);
    let invalidate = CacheStrategy::Invalidate;
    cache.with(&mut feeder, &people, invalidate).await.unwrap();
    let found = people.find(1).await.unwrap().unwrap();
    assert_eq!(found.name, "Augusta", "replaced by the feeder's call");
    people.remove(1).await.unwrap();
    assert_eq!(fed().await, None, "evicted by the macro");
    assert_eq!(people.loads(), 3);
}
