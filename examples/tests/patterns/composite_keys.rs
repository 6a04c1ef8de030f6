use cache_kit::prelude::*;
use cache_kit_examples::patterns::composite_keys::{by_hand, with_macros};
use cache_kit_examples::patterns::counting::Counting;

fn key(person_id: &str, year: i32) -> by_hand::EmploymentKey {
    by_hand::EmploymentKey {
        person_id: person_id.to_owned(),
        year,
    }
}

#[tokio::test]
async fn each_pair_of_person_and_year_is_loaded_once() {
    let mut expander = CacheExpander::new(InMemoryBackend::new());
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    for (person_id, year) in [("ada", 2024), ("ada", 2023), ("joe", 2024), ("ada", 2024)] {
        by_hand::fetch_employment(&mut expander, person_id.to_owned(), year).await;
        with_macros::fetch_employment(&employments, person_id, year).await;
    }
    assert_eq!(expander.service().stats().loads, 3);
    assert_eq!(employments.cache.stats().loads, 3);
}

#[tokio::test]
async fn the_repository_is_given_the_key_as_it_is_and_asked_once() {
    let expander = CacheExpander::new(InMemoryBackend::new());
    let repository = Counting::new(by_hand::EmploymentRepository);
    for _ in 0..3 {
        let mut feeder = GenericFeeder::<by_hand::Employment>::new(key("ada", 2024));
        expander
            .with(&mut feeder, &repository, CacheStrategy::Refresh)
            .await
            .expect("the table does not fail");
        let employment = feeder.entity.expect("in the table");
        assert_eq!(employment.employer, "Analytical Engines");
    }
    assert_eq!(repository.queries(), 1);
}

#[tokio::test]
async fn both_versions_find_the_same() {
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let found = employments.find("ada", 2023).await.expect("in the table");
    let by_hand = by_hand::EmploymentRepository
        .fetch_by_id(&key("ada", 2023))
        .await
        .expect("the table does not fail")
        .expect("in the table");
    assert_eq!(
        (found.employer, found.salary, found.year),
        (by_hand.employer, by_hand.salary, by_hand.year)
    );
    assert!(employments.find("ada", 1999).await.is_none());
}

#[test]
fn a_derived_key_is_injective_and_the_guides_is_its_authors_business() {
    assert_eq!(key("ada", 2024).to_string(), "ada:2024");
    let derived = with_macros::EmploymentKey::new("ada", 2024);
    assert_eq!(derived.to_string(), "ada:2024");
    assert_eq!(key("a:b", 2024).to_string(), "a:b:2024");
    let derived = with_macros::EmploymentKey::new("a:b", 2024);
    assert_eq!(derived.to_string(), "a%3Ab:2024");
}
