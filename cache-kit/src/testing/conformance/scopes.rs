//! What is dropped as a whole is gone, whatever was in progress.

use super::{Bench, Verdict, expect};
use crate::error::Error;
use crate::key::CacheKey;
use crate::store::CacheBackend;
use crate::store::tag::Scope;

pub(super) async fn a_cleared_namespace_is_empty_and_others_are_not<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let other = Bench::new(bench.backend.clone());
    let (key, spared) = (bench.key("within")?, other.key("without")?);
    bench.store(&key, "text").await?;
    other.store(&spared, "text").await?;
    let opened = bench.open(&bench.key("loading")?).await?;
    let cleared = bench.backend.clear(Scope::Namespace(Some(&bench.scope)));
    match cleared.await {
        Ok(()) => {}
        // A store may say that it cannot, if it then has not.
        Err(Error::ConfigError(_)) => return bench.expect_value(&key, "text").await,
        Err(error) => return Err(format!("clear failed: {error}")),
    }
    bench.expect_miss(&key).await?;
    other.expect_value(&spared, "text").await?;
    let _ = bench.fill(opened.permit, super::value("late")).await?;
    bench.expect_miss(&bench.key("loading")?).await?;
    bench.store(&key, "again").await?;
    bench.expect_value(&key, "again").await
}

/// Stores what carries a tag, as a load does that knew it before.
async fn store_tagged<B: CacheBackend>(bench: &Bench<B>, key: &CacheKey, tag: &str) -> Verdict {
    let tag = bench.tag(tag);
    let stamps = bench.stamp_tags(std::slice::from_ref(&tag)).await?;
    let opened = bench.open(key).await?;
    bench.fill_tagged(opened.permit, &tag, stamps.tags[0]).await
}

pub(super) async fn what_carries_a_cleared_tag_is_a_miss<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let (key, other) = (bench.key("tagged")?, bench.key("tagged otherwise")?);
    store_tagged(&bench, &key, "tag").await?;
    store_tagged(&bench, &other, "other").await?;
    bench.expect_value(&key, "tagged").await?;
    bench.clear(Scope::Tag(&bench.tag("tag"))).await?;
    bench.expect_miss(&key).await?;
    let found = super::describe(&bench.open(&key).await?.found);
    expect(found.as_str(), "(miss)", "what an open finds")?;
    bench.expect_value(&other, "tagged").await
}

pub(super) async fn a_tag_that_is_cleared_while_something_is_loaded_voids_it<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let (known, found) = (bench.key("known before")?, bench.key("known after")?);
    let tag = bench.tag("tag");
    let tags = std::slice::from_ref(&tag);
    let before = bench.stamp_tags(tags).await?;
    let (first, second) = (bench.open(&known).await?, bench.open(&found).await?);
    bench.clear(Scope::Tag(&tag)).await?;
    bench
        .fill_tagged(first.permit, &tag, before.tags[0])
        .await?;
    bench.expect_miss(&known).await?;
    // Who knows the tag only now is told by the epoch, or by the store when it fills.
    let after = bench.stamp_tags(tags).await?;
    if before.epoch == after.epoch {
        bench
            .fill_tagged(second.permit, &tag, after.tags[0])
            .await?;
        bench.expect_miss(&found).await?;
    }
    Ok(())
}

pub(super) async fn an_epoch_ends_with_a_tag_of_its_namespace<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let before = bench.stamp_tags(&[]).await?.epoch;
    expect(bench.stamp_tags(&[]).await?.epoch, before, "the epoch")?;
    let other = Bench::new(bench.backend.clone());
    bench.clear(Scope::Tag(&other.tag("tag"))).await?;
    expect(bench.stamp_tags(&[]).await?.epoch, before, "the epoch")
}

pub(super) async fn a_tag_can_be_used_again<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("used again")?;
    for _ in 0..3 {
        store_tagged(&bench, &key, "tag").await?;
        bench.expect_value(&key, "tagged").await?;
        bench.clear(Scope::Tag(&bench.tag("tag"))).await?;
        bench.expect_miss(&key).await?;
    }
    Ok(())
}
