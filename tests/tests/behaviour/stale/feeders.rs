use super::*;

impl<B: CacheBackend> Repository<Rate> for Rates<B> {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Rate>> {
        self.source.load(*id).await
    }
}

on_each_store! {
    a_shared_repository_refreshes_by_a_task
    a_borrowed_one_has_the_first_caller_refresh
    hooks_take_what_is_stale_for_a_hit
}

async fn fed_by<B: CacheBackend>(bench: &Bench<B>, is_shared: bool) -> u64 {
    let expander = CacheExpander::from(bench.rates.cache.clone());
    let mut feeder = GenericFeeder::<Rate>::new(1);
    let strategy = CacheStrategy::Refresh;
    if is_shared {
        let shared = Arc::new(bench.rates.clone());
        expander.with_shared(&mut feeder, shared, strategy).await
    } else {
        expander.with(&mut feeder, &bench.rates, strategy).await
    }
    .unwrap();
    feeder.entity.unwrap().version
}

async fn a_shared_repository_refreshes_by_a_task<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    assert_eq!(fed_by(&bench, true).await, 1);
    settle().await;
    assert_eq!(fed_by(&bench, true).await, 2);
}

async fn a_borrowed_one_has_the_first_caller_refresh<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    assert_eq!(fed_by(&bench, false).await, 2);
    assert_eq!(fed_by(&bench, false).await, 2);
}

/// Counts what its hooks are told.
#[derive(Default)]
struct Hooked {
    hits: usize,
    misses: usize,
    version: u64,
}

impl CacheFeed<Rate> for Hooked {
    fn entity_id(&mut self) -> u64 {
        1
    }
    fn feed(&mut self, entity: Option<Rate>) {
        self.version = entity.map_or(0, |rate| rate.version);
    }
    fn on_hit(&mut self, _: &u64) -> cache_kit::Result<()> {
        self.hits += 1;
        Ok(())
    }
    fn on_miss(&mut self, _: &u64) -> cache_kit::Result<()> {
        self.misses += 1;
        Ok(())
    }
}

async fn hooks_take_what_is_stale_for_a_hit<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    let expander = CacheExpander::from(bench.rates.cache.clone());
    let mut feeder = Hooked::default();
    let shared = Arc::new(bench.rates.clone());
    let fed = expander.with_shared(&mut feeder, shared, CacheStrategy::Refresh);
    fed.await.unwrap();
    assert_eq!((feeder.hits, feeder.misses, feeder.version), (1, 0, 1));
}
