use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_examples::patterns::staff::{Employment, EmploymentRepository};
use cache_kit_examples::patterns::ttl_strategies::{by_hand, with_macros};

use crate::{lives_for, table};

type Cache = CacheService<InMemoryBackend>;

fn cache(policy: Option<TtlPolicy>) -> (Cache, ManualClock) {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build();
    let mut builder = CacheService::builder(backend.expect("settings that work"));
    if let Some(policy) = policy {
        builder = builder.ttl_policy(policy);
    }
    (builder.build().expect("settings that work"), clock)
}

async fn store(cache: &Cache, strategy: CacheStrategy) {
    let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
    let fetched = cache
        .execute(&mut feeder, &EmploymentRepository, strategy)
        .await;
    assert_eq!(fetched.is_err(), strategy == CacheStrategy::Fresh);
}

#[tokio::test]
async fn a_fixed_ttl_is_everyones() {
    let (cache, clock) = cache(Some(by_hand::fixed()));
    store(&cache, CacheStrategy::Refresh).await;
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 3600).await;
}

#[tokio::test]
async fn a_ttl_per_type_goes_by_prefix() {
    let (cache, clock) = cache(Some(by_hand::per_type()));
    let id = || "1".to_owned();
    let transaction = by_hand::Transaction { id: id() };
    cache.put(transaction).await.expect("memory does not fail");
    lives_for::<by_hand::Transaction>(&cache, &clock, id(), 60).await;
    let term = by_hand::LendingTerm { id: id() };
    cache.put(term).await.expect("memory does not fail");
    lives_for::<by_hand::LendingTerm>(&cache, &clock, id(), 86_400).await;
    store(&cache, CacheStrategy::Refresh).await;
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 1800).await;
}

#[tokio::test]
async fn a_ttl_by_context_goes_by_strategy() {
    let (cache, clock) = cache(Some(by_hand::context_aware()));
    store(&cache, CacheStrategy::Refresh).await;
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 3600).await;
    store(&cache, CacheStrategy::Invalidate).await;
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 300).await;
}

#[tokio::test]
async fn fresh_and_bypass_store_nothing_whatever_a_policy_says() {
    for seconds in [None, Some(60)] {
        let always = move |_: &CacheContext<'_>| seconds.map(Duration::from_secs);
        let (cache, _) = cache(Some(TtlPolicy::Custom(Box::new(always))));
        store(&cache, CacheStrategy::Fresh).await;
        store(&cache, CacheStrategy::Bypass).await;
        assert_eq!(cache.stats().fills, 0);
    }
}

/// Returns how many queries an operation of a role makes when the entry is so old.
async fn queries_after(seconds: u64, role: &'static str, policy: TtlPolicy) -> usize {
    let (cache, clock) = cache(Some(policy));
    let repository = table();
    let expander = CacheExpander::from(cache);
    for _ in 0..2 {
        by_hand::fetch_as(&expander, "emp_1", &repository, role)
            .await
            .expect("the table does not fail");
        clock.advance(Duration::from_secs(seconds));
    }
    repository.queries()
}

#[tokio::test(start_paused = true)]
async fn a_role_sees_nothing_older_than_its_ttl() {
    for policy in [by_hand::role_based, with_macros::role_based] {
        for (role, ttl) in [("admin", 7200), ("user", 1800), ("guest", 300)] {
            assert_eq!(queries_after(ttl - 1, role, policy()).await, 1, "{role}");
            assert_eq!(queries_after(ttl, role, policy()).await, 2, "{role}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_roles_share_one_entry() {
    let (cache, clock) = cache(Some(with_macros::role_based()));
    let repository = table();
    let employments = with_macros::Employments {
        cache,
        repository: repository.clone(),
    };
    let mut queries = Vec::new();
    for role in ["admin", "guest", "admin"] {
        let found = employments.find_as("emp_1", role).await;
        assert!(found.is_ok_and(|found| found.is_some()));
        queries.push(repository.queries());
        clock.advance(Duration::from_secs(200));
    }
    assert_eq!(queries, [1, 1, 1], "200 s is not too old for a guest");
    employments
        .find_as("emp_1", "guest")
        .await
        .expect("it does not fail");
    assert_eq!(repository.queries(), 2, "600 s is");
}

#[tokio::test]
async fn a_role_without_a_policy_to_ask_is_a_config_error() {
    let employments = with_macros::Employments {
        cache: cache(None).0,
        repository: table(),
    };
    let found = employments.find_as("emp_1", "guest").await;
    assert!(matches!(found, Err(Error::ConfigError(_))));
}

#[tokio::test]
async fn a_declared_ttl_goes_by_type_and_a_method_has_its_own() {
    let (cache, clock) = cache(None);
    let id = || "1".to_owned();
    let transaction = with_macros::Transaction { id: id() };
    cache.put(transaction).await.expect("memory does not fail");
    lives_for::<with_macros::Transaction>(&cache, &clock, id(), 60).await;
    let term = with_macros::LendingTerm { id: id() };
    cache.put(term).await.expect("memory does not fail");
    lives_for::<with_macros::LendingTerm>(&cache, &clock, id(), 86_400).await;

    let employments = with_macros::Employments {
        cache: cache.clone(),
        repository: table(),
    };
    employments.find("emp_1").await.expect("it does not fail");
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 3600).await;
    employments.reload("emp_1").await.expect("it does not fail");
    lives_for::<Employment>(&cache, &clock, "emp_1".to_owned(), 300).await;
}
