//! What is stored is read, until it ends.

use super::{Bench, LONG, Ticket, Verdict, describe, expect, shape, value};
use crate::entity::shape::Shape;
use crate::key::CacheKey;
use crate::store::{CacheBackend, Entry, Filled, Intent, Lookup, only};
use crate::testing::bytes::SHORT;
use std::time::{Duration, Instant};

pub(super) async fn a_healthy_store_says_so<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    bench
        .backend
        .health()
        .await
        .map_err(|error| format!("health is {error}"))
}

pub(super) async fn an_unknown_key_is_a_miss<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    bench.expect_miss(&bench.key("unknown")?).await
}

pub(super) async fn what_is_filled_is_read<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("filled")?;
    bench.store(&key, "text").await?;
    bench.expect_value(&key, "text").await?;
    let found = bench.open(&key).await?.found;
    expect(describe(&found).as_str(), "text", "what `open` finds")
}

pub(super) async fn what_is_absent_is_read_as_absent<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("absent")?;
    let permit = bench.open(&key).await?.permit;
    expect(
        bench.fill(permit, Entry::Absent).await?,
        Filled::Stored,
        "the fill of an absence",
    )?;
    expect(
        describe(&bench.read(&key).await?).as_str(),
        "(absent)",
        "the answer to a read",
    )?;
    bench.store(&key, "now there").await?;
    bench.expect_value(&key, "now there").await
}

pub(super) async fn a_peek_agrees_with_a_read<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("peeked")?;
    for _ in 0..2 {
        let read = describe(&bench.read(&key).await?);
        if let Some(peeked) = bench.backend.peek(key.borrowed(), shape()) {
            expect(describe(&peeked), read, "what is peeked")?;
        }
        bench.store(&key, "text").await?;
    }
    Ok(())
}

pub(super) async fn clones_share_their_entries<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let clone = Bench {
        backend: bench.backend.clone(),
        scope: bench.scope.clone(),
    };
    let key = bench.key("shared")?;
    bench.store(&key, "text").await?;
    clone.expect_value(&key, "text").await?;
    clone.invalidate(&key).await?;
    bench.expect_miss(&key).await
}

pub(super) async fn an_entry_ends_with_its_ttl<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let (short, endless) = (bench.key("short")?, bench.key("endless")?);
    let (first, second) = (
        bench.open(&short).await?.permit,
        bench.open(&endless).await?.permit,
    );
    expect(
        bench.fill_for(first, value("short"), Some(SHORT)).await?,
        Filled::Stored,
        "a short fill",
    )?;
    expect(
        bench.fill_for(second, value("endless"), None).await?,
        Filled::Stored,
        "an endless fill",
    )?;
    tokio::time::sleep(SHORT * 2).await;
    bench.expect_miss(&short).await?;
    bench.expect_value(&endless, "endless").await
}

pub(super) async fn an_entry_says_how_old_it_is<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let (known, absent) = (bench.key("aged")?, bench.key("aged absence")?);
    let begun = Instant::now();
    bench.store(&known, "text").await?;
    let permit = bench.open(&absent).await?.permit;
    expect(
        bench.fill(permit, Entry::Absent).await?,
        Filled::Stored,
        "a fill of an absence",
    )?;
    tokio::time::sleep(SHORT).await;
    for key in [known, absent] {
        let (Lookup::Hit { age, .. } | Lookup::Absent { age }) = bench.read(&key).await? else {
            return Err(format!("{key} is gone"));
        };
        let age = age.get();
        // A store may count in milliseconds.
        let at_least = SHORT.saturating_sub(Duration::from_millis(2));
        if age < at_least || age > begun.elapsed() + Duration::from_millis(2) {
            return Err(format!("{key} was stored {age:?} ago, it says"));
        }
    }
    Ok(())
}

pub(super) async fn a_stale_entry_is_kept_until_it_is_invalidated<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let (key, other) = (bench.key("kept")?, bench.key("replaced when stale")?);
    bench.store_stale(&key, LONG).await?;
    bench.store_stale(&other, LONG).await?;
    bench.expect_value(&key, "old").await?;
    tokio::time::sleep(SHORT * 2).await;
    let Lookup::Stale(stale) = bench.read(&key).await? else {
        return Err("what is kept is not stale".to_owned());
    };
    // A store may count in milliseconds.
    let at_least = SHORT.saturating_sub(Duration::from_millis(2));
    if stale.since < at_least || stale.age.get() < SHORT + at_least {
        return Err(format!("it is stale since {:?}, it says", stale.since));
    }
    let opened = bench.open(&key).await?;
    expect(stale.stamp, opened.stamp, "the stamp of what is stale")?;
    let found = describe(&opened.found);
    expect(found.as_str(), "(stale) old", "what an open finds")?;
    bench.invalidate(&key).await?;
    bench.expect_miss(&key).await?;
    bench.store(&other, "new").await?;
    bench.expect_value(&other, "new").await
}

pub(super) async fn a_stale_entry_is_gone_at_last<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("kept for a while")?;
    bench.store_stale(&key, SHORT).await?;
    tokio::time::sleep(SHORT * 3).await;
    bench.expect_miss(&key).await
}

pub(super) async fn a_later_fill_replaces_an_entry<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("replaced")?;
    bench.store(&key, "first").await?;
    bench.store(&key, "second").await?;
    bench.expect_value(&key, "second").await
}

pub(super) async fn a_value_of_another_type_is_a_miss<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("typed")?;
    bench.store(&key, "text").await?;
    let lookup = only(
        bench
            .backend
            .read(std::slice::from_ref(&key), Shape::of::<Ticket>())
            .await,
    );
    match lookup {
        Ok(Lookup::Miss(_)) => Ok(()),
        other => Err(format!("a read as another type is {other:?}")),
    }
}

pub(super) async fn long_and_strange_keys_are_keys<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let ids = [
        "",
        " ",
        "a:b",
        "{a}",
        "}{",
        "\0",
        "\r\n",
        "ключ",
        "%",
        &"x".repeat(600),
        &"x".repeat(601),
    ];
    let mut keys = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let key = bench.key(id)?;
        bench.store(&key, &number.to_string()).await?;
        keys.push(key);
    }
    for (number, key) in keys.iter().enumerate() {
        bench.expect_value(key, &number.to_string()).await?;
    }
    Ok(())
}

pub(super) async fn a_large_value_comes_back<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("large")?;
    let text = "0123456789abcdef".repeat(1 << 16);
    bench.store(&key, &text).await?;
    let seen = describe(&bench.read(&key).await?);
    expect(seen == text, true, "the sameness of a megabyte")
}

pub(super) async fn slices_are_answered_in_order<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let ids: Vec<String> = (0..20).map(|number| format!("slice-{number}")).collect();
    let keys = ids
        .iter()
        .map(|id| bench.key(id))
        .collect::<Result<Vec<_>, _>>()?;
    for number in (0..20).step_by(2) {
        bench.store(&keys[number], &number.to_string()).await?;
    }
    let asked: Vec<CacheKey> = keys
        .iter()
        .rev()
        .chain([&keys[0], &keys[0]])
        .cloned()
        .collect();
    let seen: Vec<_> = bench
        .backend
        .read(&asked, shape())
        .await
        .into_iter()
        .map(describe_answer)
        .collect();
    let wanted: Vec<_> = (0..20).rev().chain([0, 0]).map(wanted_of).collect();
    expect(seen, wanted, "the answer to a slice")?;
    let opened = bench.backend.open(&asked, shape(), Intent::Load).await;
    expect(opened.len(), asked.len(), "the number of permits")
}

fn wanted_of(number: usize) -> String {
    if number.is_multiple_of(2) {
        number.to_string()
    } else {
        "(miss)".to_owned()
    }
}

fn describe_answer(answer: crate::Result<Lookup>) -> String {
    answer.map_or_else(|error| error.to_string(), |lookup| describe(&lookup))
}

pub(super) async fn an_empty_slice_has_no_answers<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let backend = &bench.backend;
    expect(
        backend.read(&[], shape()).await.len(),
        0,
        "the number of look-ups",
    )?;
    expect(
        backend.open(&[], shape(), Intent::Load).await.len(),
        0,
        "the number of permits",
    )?;
    expect(
        backend.fill(vec![], shape()).await.len(),
        0,
        "the number of fills",
    )?;
    expect(
        backend.put(vec![], shape()).await.len(),
        0,
        "the number of puts",
    )?;
    expect(
        backend.invalidate(&[]).await.len(),
        0,
        "the number of invalidations",
    )
}
