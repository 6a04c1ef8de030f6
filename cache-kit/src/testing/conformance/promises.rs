//! A backend that says that it answers at once does.

use super::{Bench, Verdict, shape, value};
use crate::store::tag::Scope;
use crate::store::{CacheBackend, Fill, Intent};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[expect(clippy::unused_async, reason = "as every check is")]
pub(super) async fn what_answers_at_once_is_ready_when_it_is_polled_first<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    if !bench.backend.answers_at_once() {
        return Ok(());
    }
    let backend = &bench.backend;
    let keys = [bench.key("first")?, bench.key("second")?];
    let shape = shape();
    ready("read", backend.read(&keys, shape))?;
    let opened = ready("open", backend.open(&keys, shape, Intent::Load))?;
    let fills = opened.into_iter().zip(["first", "second"]);
    let fills = fills.map(|(opened, id)| {
        let opened = opened.map_err(|error| format!("open failed: {error}"))?;
        Ok(to_fill(opened.permit, id))
    });
    let fills = fills.collect::<Result<Vec<_>, String>>()?;
    ready("fill", backend.fill(fills, shape))?;
    let opened = ready("open", backend.open(&keys[..1], shape, Intent::Write))?;
    let puts = opened.into_iter().filter_map(Result::ok);
    let puts = puts.map(|opened| to_fill(opened.permit, "put"));
    ready("put", backend.put(puts.collect(), shape))?;
    ready("invalidate", backend.invalidate(&keys))?;
    let tag = bench.tag("promised");
    let tags = std::slice::from_ref(&tag);
    // What they answer is no promise of this kind.
    let _ = ready(
        "stamp_tags",
        backend.stamp_tags(Some(&bench.scope), tags, None),
    )?;
    let _ = ready("clear", backend.clear(Scope::Tag(&tag)))?;
    let _ = ready("health", backend.health())?;
    Ok(())
}

fn to_fill<P>(permit: P, text: &str) -> Fill<P> {
    Fill {
        permit,
        entry: value(text),
        ttl: None,
        stale: Duration::ZERO,
        tags: Vec::new(),
    }
}

/// Polls once.
fn ready<T>(name: &str, work: impl Future<Output = T>) -> Result<T, String> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => Err(format!(
            "the backend says that it answers at once, and `{name}` has to be waited for"
        )),
    }
}
