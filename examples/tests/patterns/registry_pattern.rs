use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_examples::patterns::counting::Counting;
use cache_kit_examples::patterns::registry_pattern::by_hand::{CacheRegistry, EntityRegistry};
use cache_kit_examples::patterns::registry_pattern::with_macros;
use cache_kit_examples::patterns::staff::{
    Borrower, BorrowerRepository, Employment, EmploymentFeeder, EmploymentRepository,
    employment_ids,
};

use crate::table;

#[tokio::test(start_paused = true)]
async fn the_guides_registry_fetches_one_by_one_and_keeps_what_it_fetched() {
    let mut expander = CacheExpander::new(InMemoryBackend::new());
    let mut registry = EntityRegistry::new();
    let employments = Counting::new(EmploymentRepository);
    let ids = vec!["emp_2".to_owned(), "emp_404".to_owned()];
    registry
        .fetch_employment_batch(&mut expander, ids, &employments)
        .await;
    registry
        .fetch_borrower_batch(&mut expander, vec!["bor_1".to_owned()], &BorrowerRepository)
        .await;
    let [(first, found), (second, missing)] = &registry.employment_feeders[..] else {
        panic!("two were asked for");
    };
    assert_eq!((first.as_str(), second.as_str()), ("emp_2", "emp_404"));
    assert!(found.is_some() && missing.is_none());
    assert!(registry.borrower_feeders[0].1.is_some());
    assert_eq!(employments.queries(), 2);
}

#[test]
fn a_feeder_kept_by_name_comes_back_as_its_own_type_only() {
    let mut registry = CacheRegistry::new(InMemoryBackend::new());
    let feeder = Box::new(EmploymentFeeder::new("emp_1"));
    registry.register_feeder::<EmploymentFeeder>("first".to_owned(), feeder);
    let feeder = registry.get_feeder::<EmploymentFeeder>("first");
    assert_eq!(feeder.map(|feeder| feeder.key.as_str()), Some("emp_1"));
    assert!(
        registry
            .get_feeder::<GenericFeeder<Employment>>("first")
            .is_none()
    );
    assert!(registry.get_feeder::<EmploymentFeeder>("second").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_shipped_registry_makes_one_query_of_many_ids() {
    let employments = table();
    let registry = with_macros::registry(employments.clone(), BorrowerRepository)
        .expect("nothing is registered twice");
    let ids = employment_ids(3);
    for _ in 0..2 {
        let found = registry.fetch_many::<Employment>(&ids).await;
        let found: Vec<_> = found
            .into_iter()
            .map(|found| {
                found
                    .expect("the table does not fail")
                    .expect("in the table")
            })
            .map(|employment| employment.id.clone())
            .collect();
        assert_eq!(found, ids);
    }
    assert_eq!(employments.queries(), 1);
}

#[tokio::test]
async fn the_shipped_registry_makes_feeders_and_knows_each_entitys_repository() {
    let registry = with_macros::registry(EmploymentRepository, BorrowerRepository)
        .expect("nothing is registered twice");
    let mut feeder: EmploymentFeeder = registry
        .feeder("emp_1".to_owned())
        .expect("it is registered");
    registry
        .with(&mut feeder, CacheStrategy::Refresh)
        .await
        .expect("the table does not fail");
    assert!(feeder.entity.is_some());
    let borrower = registry.fetch::<Borrower>(&"bor_7".to_owned()).await;
    assert!(borrower.is_ok_and(|borrower| borrower.is_some()));
    let unknown = registry.feeder::<Employment, GenericFeeder<Employment>>("emp_1".to_owned());
    assert!(matches!(unknown, Err(Error::ConfigError(_))));
}
