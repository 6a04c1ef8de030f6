use super::*;

on_each_store! {
    a_batch_loads_what_is_stale_with_what_is_missing
    a_batch_that_fails_has_what_is_stale
    a_batch_that_fails_and_has_not_all_fails
    a_batch_takes_what_another_caller_refreshes
    where_one_key_fails_that_one_has_what_is_stale
}

async fn batch<B: CacheBackend>(bench: &Bench<B>, ids: &[u64]) -> Result<Vec<u64>, Error> {
    let source = &bench.rates.source;
    let load = |ids: Vec<u64>| async move {
        let mut loaded = Vec::new();
        for id in ids {
            loaded.extend(source.load(id).await?);
        }
        Ok(loaded)
    };
    let found = bench
        .rates
        .cache
        .get_or_load_many::<Rate, Error, _>(ids, load);
    let found = found.await?.into_iter().flatten();
    Ok(found.map(|rate| rate.version).collect())
}

async fn a_batch_loads_what_is_stale_with_what_is_missing<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    let mut versions = batch(&bench, &[1, 2]).await.unwrap();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3]);
    assert_eq!(batch(&bench, &[1, 2]).await.unwrap().len(), 2);
    assert_eq!(bench.loads(), 3);
}

async fn a_batch_that_fails_has_what_is_stale<B: CacheBackend>(bench: Bench<B>) {
    for age in [15, 25] {
        bench.rates.source.fail(false);
        bench.rates.cache.clear_prefix::<Rate>().await.unwrap();
        let begun = batch(&bench, &[1, 2]).await.unwrap();
        bench.clock.advance(SECOND * age);
        bench.rates.source.fail(true);
        let loads = bench.loads();
        assert_eq!(batch(&bench, &[1, 2]).await.unwrap(), begun);
        assert_eq!(batch(&bench, &[2, 1]).await.unwrap().len(), 2);
        assert_eq!(bench.loads(), loads + 1);
        tokio::time::advance(Lifetime::DEFAULT_ERROR_THROTTLE).await;
    }
}

async fn a_batch_that_fails_and_has_not_all_fails<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(40).await;
    bench.rates.source.fail(true);
    let failed = batch(&bench, &[1, 2]).await;
    assert!(
        matches!(failed, Err(Error::RepositoryError(_))),
        "{failed:?}"
    );
}

async fn a_batch_takes_what_another_caller_refreshes<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.hold().await;
    assert_eq!(bench.rates.version().await, 1);
    settle().await;
    assert_eq!(batch(&bench, &[1]).await.unwrap(), [1]);
    assert_eq!(bench.loads(), 2);
}

/// Has every rate but the first.
struct AllButOne;

impl Repository<Rate> for AllButOne {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Rate>> {
        if *id == 1 {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok(Some(Rate {
            id: *id,
            version: 7,
        }))
    }
}

async fn where_one_key_fails_that_one_has_what_is_stale<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(40).await;
    let found = bench.rates.cache.load_many(&[1, 2], &AllButOne).await;
    let versions: Vec<_> = found
        .into_iter()
        .map(|rate| rate.unwrap().unwrap().version)
        .collect();
    assert_eq!(versions, [1, 7]);
}
