//! What is traced: a span for each call that is not answered at once, each question to the store
//! and each load; keys at `trace` only.
//!
//! A program of its own, whose tests take turns: what is wanted of a place in the code is decided
//! once for all threads, by whoever comes there first.

mod bodies;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Person, clocked_cache};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

/// What was written, line by line.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static TURN: Mutex<()> = Mutex::const_new(());

/// What is written down while it lives: each event, and each span that begins.
struct Traced {
    log: Log,
    _default: tracing::subscriber::DefaultGuard,
    _turn: MutexGuard<'static, ()>,
}

async fn traced(level: Level) -> Traced {
    let turn = TURN.lock().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::NEW)
        .with_writer(move || writer.clone())
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .finish();
    Traced {
        log,
        _default: tracing::subscriber::set_default(subscriber),
        _turn: turn,
    }
}

async fn find(cache: &CacheService<InMemoryBackend>) {
    let load = || async {
        Ok::<_, Error>(Some(Person {
            id: 4711,
            name: "Ada".into(),
        }))
    };
    assert!(cache.get_or_load(&4711, load).await.unwrap().is_some());
}

#[tokio::test]
async fn a_call_is_a_span_that_holds_its_questions_and_its_load() {
    let traced = traced(Level::DEBUG).await;
    let cache = CacheService::new(InMemoryBackend::new());
    find(&cache).await;
    let call = r#"cache_call{prefix="person" strategy=Refresh}"#;
    let asked = |operation| {
        format!(r#"DEBUG {call}:cache_store{{prefix="person" operation={operation} keys=1}}: new"#)
    };
    let wanted = [
        format!("DEBUG {call}: new"),
        asked("read"),
        asked("open"),
        format!(r#"DEBUG {call}:cache_load{{prefix="person"}}: new"#),
        asked("fill"),
    ];
    assert_eq!(traced.log.take(), wanted);
    find(&cache).await;
    assert_eq!(
        traced.log.take(),
        [""; 0],
        "a hit that is answered at once is no span"
    );
    cache.invalidate::<Person>(&4711).await.unwrap();
    let invalidated = r#"DEBUG cache_store{prefix="person" operation=invalidate keys=1}: new"#;
    assert_eq!(traced.log.take(), [invalidated]);
}

#[tokio::test]
async fn a_refresh_by_a_task_is_a_span_of_its_own() {
    #[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "stale", ttl = "1s", stale_while_revalidate = "1m", key = id)]
    struct Stale {
        id: u64,
    }
    let traced = traced(Level::DEBUG).await;
    let (cache, clock) = clocked_cache();
    cache.put(Stale { id: 1 }).await.unwrap();
    clock.advance(Duration::from_secs(2));
    traced.log.take();
    let load = || async { Ok::<_, Error>(Some(Stale { id: 1 })) };
    cache.get_or_refresh(&1, load).await.unwrap();
    cache.run_pending_tasks().await.unwrap();
    let refresh = r#"DEBUG cache_refresh{prefix="stale"}"#;
    let begun: Vec<_> = traced
        .log
        .take()
        .into_iter()
        .filter(|line| line.starts_with(refresh))
        .collect();
    assert_eq!(begun[0], format!("{refresh}: new"));
    let load = r#":cache_load{prefix="stale"}: new"#;
    assert!(begun.iter().any(|line| line.ends_with(load)), "{begun:?}");
}

/// Callers have the stale value, and nobody else would hear why there is no other.
#[tokio::test]
async fn a_load_that_fails_behind_a_stale_value_is_logged_once_with_what_its_error_says() {
    #[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "stale", ttl = "1s", stale_while_revalidate = "1m", key = id)]
    struct Stale {
        id: u64,
    }
    #[derive(Debug, thiserror::Error)]
    #[error("the database is down")]
    struct DbError;
    #[cached(refresh = background)]
    async fn find(cache: CacheService<InMemoryBackend>, id: u64) -> Result<Stale, DbError> {
        let _ = (cache, id);
        Err(DbError)
    }
    let traced = traced(Level::WARN).await;
    let (cache, clock) = clocked_cache();
    cache.put(Stale { id: 1 }).await.unwrap();
    clock.advance(Duration::from_secs(2));
    for _ in 0..3 {
        assert!(find(cache.clone(), 1).await.is_ok());
        cache.run_pending_tasks().await.unwrap();
    }
    let said = traced.log.take();
    assert_eq!(said.len(), 1, "{said:?}");
    let wanted =
        r#"a load failed, and what is stale serves prefix="stale" error="the database is down""#;
    assert!(said[0].contains(wanted), "{said:?}");
}

#[tokio::test]
async fn what_a_caller_says_that_waits_for_another_one_lies_in_its_call() {
    let cache = CacheService::builder(InMemoryBackend::new())
        .flight_deadline(Duration::from_millis(20))
        .build()
        .unwrap();
    let leading = tokio::spawn({
        let cache = cache.clone();
        async move {
            let hang = std::future::pending::<Result<Option<Person>, Error>>;
            cache.get_or_load(&4711, hang).await
        }
    });
    while cache.stats().misses == 0 {
        tokio::task::yield_now().await;
    }
    let traced = traced(Level::DEBUG).await;
    find(&cache).await;
    leading.abort();
    let lines = traced.log.take();
    let said = lines.iter().find(|line| line.contains("the cache failed"));
    let said = said.expect("it gave up on the leader");
    assert!(said.starts_with("WARN cache_call{"), "{said}");
}

#[tokio::test]
async fn keys_are_traced_and_said_at_no_other_level() {
    for (level, is_said) in [(Level::TRACE, true), (Level::DEBUG, false)] {
        let traced = traced(level).await;
        let cache = CacheService::new(InMemoryBackend::new());
        find(&cache).await;
        find(&cache).await;
        cache.invalidate::<Person>(&4711).await.unwrap();
        let lines = traced.log.take();
        let with_key: Vec<_> = lines.iter().filter(|line| line.contains("4711")).collect();
        assert_eq!(!with_key.is_empty(), is_said, "{with_key:?}");
        if is_said {
            for said in [
                "asked key=person:4711",
                "loading key=person:4711",
                "hit key=person:4711",
            ] {
                let is_there = |line: &&&String| line.starts_with("TRACE") && line.contains(said);
                assert!(
                    with_key.iter().any(|line| is_there(&line)),
                    "{said}: {with_key:?}"
                );
            }
        }
    }
}
