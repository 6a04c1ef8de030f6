//! What a policy's closures are asked, and what comes of odd answers.

use super::{HOUR, Readers, WAYS, Way, feed, setting, store};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Bulk, Person};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test]
async fn what_a_policy_does_not_want_stored_is_not_stored_and_does_not_stay() {
    let policies = || -> [TtlPolicy; 3] {
        [
            TtlPolicy::Custom(Box::new(|_| None)),
            TtlPolicy::Custom(Box::new(|_| Some(Duration::ZERO))),
            TtlPolicy::PerType(Box::new(|_| Duration::ZERO)),
        ]
    };
    for way in WAYS {
        for policy in policies() {
            let what = format!("{way:?} under {policy:?}");
            let setting = setting(policy);
            store(&setting.cache, way).await;
            assert_eq!(setting.cache.stats().entries, Some(0), "{what}");
            let stored = setting.cache.get::<Person>(&1).await.unwrap();
            assert_eq!(stored, None, "{what}");
        }
    }
    for policy in policies() {
        let setting = setting(policy);
        setting.load_nobody().await;
        assert_eq!(setting.cache.stats().entries, Some(0), "an absence");
    }
}

#[tokio::test]
async fn a_put_that_is_not_stored_drops_what_is_there() {
    for way in [Way::Put, Way::PutWith, Way::MacroPut] {
        let setting = setting(TtlPolicy::Custom(Box::new(|_| None)));
        let readers = Readers {
            cache: setting.cache.clone(),
        };
        readers.long(1).await;
        assert!(setting.cache.get::<Person>(&1).await.unwrap().is_some());
        store(&setting.cache, way).await;
        let stored = setting.cache.get::<Person>(&1).await.unwrap();
        assert_eq!(stored, None, "{way:?}");
    }
}

#[tokio::test]
async fn a_policy_that_panics_is_counted_and_the_declaration_is_used() {
    for way in WAYS {
        for policy in [
            TtlPolicy::PerType(Box::new(|_| panic!("per type"))),
            TtlPolicy::Custom(Box::new(|_| panic!("custom"))),
        ] {
            let setting = setting(policy);
            store(&setting.cache, way).await;
            let events = setting.metrics.take();
            let failures = events.iter().filter(|event| *event == "failure:policy");
            assert_eq!(failures.count(), 1, "{way:?}: {events:?}");
            assert_eq!(setting.cache.stats().failures, 1, "{way:?}");
            let what = format!("{way:?}");
            setting.assert_lives::<Person>(&1, HOUR, &what).await;
        }
    }
}

#[test]
fn a_fixed_policy_of_zero_is_refused() {
    let policy = TtlPolicy::Fixed(Duration::ZERO);
    let built = CacheService::builder(InMemoryBackend::new())
        .ttl_policy(policy)
        .build();
    let Err(Error::ConfigError(cause)) = built else {
        panic!("it is accepted");
    };
    assert!(cause.to_string().contains("TtlPolicy::Fixed"), "{cause}");
}

type Context = (CacheStrategy, String, Option<String>);

fn asked_in(contexts: &Mutex<Vec<Context>>) -> Vec<Context> {
    std::mem::take(&mut contexts.lock().unwrap())
}

#[tokio::test]
async fn a_custom_policy_is_told_the_strategy_the_prefix_and_the_class() {
    let contexts: Arc<Mutex<Vec<Context>>> = Arc::default();
    let seen = Arc::clone(&contexts);
    let setting = setting(TtlPolicy::Custom(Box::new(move |context| {
        let class = context.ttl_class.map(str::to_owned);
        let context = (context.strategy, context.prefix.to_owned(), class);
        seen.lock().unwrap().push(context);
        Some(HOUR)
    })));
    let named = setting.cache.to_builder().namespace("app").build().unwrap();
    let plain = |strategy| (strategy, "person".to_owned(), None);
    for way in WAYS {
        store(&named, way).await;
        let strategy = match way {
            Way::ExecuteInvalidate => CacheStrategy::Invalidate,
            _ => CacheStrategy::Refresh,
        };
        assert_eq!(asked_in(&contexts), [plain(strategy)], "{way:?}");
        named.invalidate::<Person>(&1).await.unwrap();
    }
    feed(&named, CacheStrategy::Bypass).await;
    assert_eq!(asked_in(&contexts), [], "nothing is to be stored");
    named.load_many(&[1, 2, 3], &Bulk::below(10)).await;
    let once = [plain(CacheStrategy::Refresh)];
    assert_eq!(asked_in(&contexts), once, "once for a batch");
    let (mut feeder, config) = (GenericFeeder::<Person>::new(1), OperationConfig::new());
    let config = config.ttl_class("guest");
    let (strategy, bulk) = (CacheStrategy::Fresh, Bulk::below(10));
    let fed = named.execute_with(&mut feeder, &bulk, strategy, config);
    fed.await.unwrap();
    let classed = (strategy, "person".to_owned(), Some("guest".to_owned()));
    assert_eq!(asked_in(&contexts), [classed], "for the age limit");
}

#[tokio::test]
async fn a_policy_that_returns_what_is_declared_changes_nothing() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "endless", key = id)]
    struct Endless {
        id: u64,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "hourly", ttl = "1h", key = id)]
    struct Hourly {
        id: u64,
    }
    for default in [None, Some(HOUR * 3)] {
        let clock = cache_kit::ManualClock::new();
        let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
        let builder = CacheService::builder(backend)
            .ttl_policy(TtlPolicy::Custom(Box::new(|context| context.declared)));
        let builder = match default {
            Some(ttl) => builder.default_lifetime(ttl),
            None => builder,
        };
        let cache = builder.build().unwrap();
        cache.put(Endless { id: 1 }).await.unwrap();
        cache.put(Hourly { id: 1 }).await.unwrap();
        clock.advance(HOUR);
        assert!(cache.get::<Hourly>(&1).await.unwrap().is_none());
        assert!(cache.get::<Endless>(&1).await.unwrap().is_some());
        clock.advance(HOUR * 2);
        let is_left = cache.get::<Endless>(&1).await.unwrap().is_some();
        assert_eq!(is_left, default.is_none(), "{default:?}");
    }
}
