//! What every backend must do, as checks that run against any of them.
//!
//! ```
//! use cache_kit::InMemoryBackend;
//! use cache_kit::testing::conformance;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::run(async || InMemoryBackend::new()).await.assert_passed();
//! # }
//! ```

mod entries;
mod history;
mod permits;
mod promises;
mod scopes;

use crate::entity::CacheEntity;
use crate::entity::shape::{Erased, Shape};
use crate::key::CacheKey;
use crate::store::tag::{Scope, Tag};
use crate::store::{
    CacheBackend, Entry, Fill, Filled, Intent, Lookup, Opened, Stamp, TagStamps, Tagged, only,
};
use crate::testing::bytes::SHORT;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// What a check says: nothing, or what it saw in place of what it wanted.
type Verdict = Result<(), String>;

/// Says of each check whether the backend passed it.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    /// The names of the checks that were passed.
    pub passed: Vec<&'static str>,
    /// The names of the checks that were not, each with what was seen.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    /// Ends a test unless every check was passed.
    ///
    /// # Panics
    /// With the report, if a check failed.
    pub fn assert_passed(&self) {
        assert!(self.failed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} checks passed, {} failed",
            self.passed.len(),
            self.failed.len()
        )?;
        self.failed
            .iter()
            .try_for_each(|(name, seen)| writeln!(f, "  {name}: {seen}"))
    }
}

/// Runs every check against a backend that `make` gives. It may give the same store each time: no
/// two checks share a key.
///
/// Takes well under a second in memory. It needs a Tokio runtime with time.
pub async fn run<B: CacheBackend>(make: impl AsyncFn() -> B) -> Report {
    let mut report = Report::default();
    macro_rules! check {
        ($($module:ident :: $name:ident),* $(,)?) => {$(
            match $module::$name(Bench::new(make().await)).await {
                Ok(()) => report.passed.push(stringify!($name)),
                Err(seen) => report.failed.push((stringify!($name), seen)),
            }
        )*};
    }
    check!(
        entries::a_healthy_store_says_so,
        entries::an_unknown_key_is_a_miss,
        entries::what_is_filled_is_read,
        entries::what_is_absent_is_read_as_absent,
        entries::a_peek_agrees_with_a_read,
        entries::clones_share_their_entries,
        entries::an_entry_ends_with_its_ttl,
        entries::an_entry_says_how_old_it_is,
        entries::a_stale_entry_is_kept_until_it_is_invalidated,
        entries::a_stale_entry_is_gone_at_last,
        entries::a_later_fill_replaces_an_entry,
        entries::a_value_of_another_type_is_a_miss,
        entries::long_and_strange_keys_are_keys,
        entries::a_large_value_comes_back,
        entries::slices_are_answered_in_order,
        entries::an_empty_slice_has_no_answers,
        permits::what_is_gone_is_dropped_unless_something_newer_came,
        permits::an_invalidated_entry_is_a_miss,
        permits::an_invalidation_can_be_repeated,
        permits::a_cleared_prefix_is_empty_and_others_are_not,
        permits::an_invalidation_voids_a_permit,
        permits::a_clear_voids_a_permit,
        permits::a_put_voids_a_permit,
        scopes::a_cleared_namespace_is_empty_and_others_are_not,
        scopes::what_carries_a_cleared_tag_is_a_miss,
        scopes::a_tag_that_is_cleared_while_something_is_loaded_voids_it,
        scopes::an_epoch_ends_with_a_tag_of_its_namespace,
        scopes::a_tag_can_be_used_again,
        permits::a_put_is_read,
        permits::a_put_after_an_invalidation_stores_nothing,
        permits::of_two_overlapping_puts_neither_is_believed,
        permits::a_dropped_permit_harms_nothing,
        permits::a_stamp_stays_until_the_key_changes,
        permits::a_stamp_does_not_come_back,
        history::an_abandoned_call_leaves_no_stale_entry,
        history::no_reader_sees_what_was_invalidated_before_it_came,
        promises::what_answers_at_once_is_ready_when_it_is_polled_first,
    );
    report
}

/// The entity that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    id: String,
    text: String,
}

impl CacheEntity for Card {
    type Key = String;
    fn cache_key(&self) -> String {
        self.id.clone()
    }
    fn cache_prefix() -> &'static str {
        "conformance-card"
    }
}

/// Another entity, with the same prefix on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ticket {
    id: u32,
}

impl CacheEntity for Ticket {
    type Key = String;
    fn cache_key(&self) -> String {
        self.id.to_string()
    }
    fn cache_prefix() -> &'static str {
        "conformance-card"
    }
}

/// A backend, asked about one key at a time.
struct Bench<B> {
    backend: B,
    scope: String,
}

impl<B: CacheBackend> Bench<B> {
    fn new(backend: B) -> Self {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        // A store that outlives the process must not show one run what another left.
        let begun = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            backend,
            scope: format!("run-{:x}-{run}", begun.as_nanos()),
        }
    }

    fn key(&self, id: &str) -> Result<CacheKey, String> {
        CacheKey::of::<Card>(Some(&self.scope), &id.to_owned()).map_err(|error| error.to_string())
    }

    async fn read(&self, key: &CacheKey) -> Result<Lookup, String> {
        let lookup = only(self.backend.read(std::slice::from_ref(key), shape()).await);
        lookup.map_err(|error| format!("read failed: {error}"))
    }

    async fn open(&self, key: &CacheKey) -> Result<Opened<B::Permit>, String> {
        self.open_for(key, Intent::Load).await
    }

    async fn open_for(&self, key: &CacheKey, intent: Intent) -> Result<Opened<B::Permit>, String> {
        let opened = only(
            self.backend
                .open(std::slice::from_ref(key), shape(), intent)
                .await,
        );
        opened.map_err(|error| format!("open failed: {error}"))
    }

    async fn fill(&self, permit: B::Permit, entry: Entry) -> Result<Filled, String> {
        self.fill_for(permit, entry, Some(Duration::from_secs(600)))
            .await
    }

    async fn fill_for(
        &self,
        permit: B::Permit,
        entry: Entry,
        ttl: Option<Duration>,
    ) -> Result<Filled, String> {
        self.fill_with(Fill {
            permit,
            entry,
            ttl,
            stale: Duration::ZERO,
            tags: Vec::new(),
        })
        .await
    }

    async fn fill_with(&self, fill: Fill<B::Permit>) -> Result<Filled, String> {
        let filled = only(self.backend.fill(vec![fill], shape()).await);
        filled.map_err(|error| format!("fill failed: {error}"))
    }

    /// Stores what is fresh for a short time and kept for longer.
    async fn store_stale(&self, key: &CacheKey, kept: Duration) -> Verdict {
        let fill = Fill {
            permit: self.open(key).await?.permit,
            entry: value("old"),
            ttl: Some(SHORT),
            stale: kept,
            tags: Vec::new(),
        };
        let filled = self.fill_with(fill).await?;
        expect(filled, Filled::Stored, "a fill of what is kept")
    }

    async fn put(&self, permit: B::Permit, text: &str) -> Result<Filled, String> {
        let put = Fill {
            permit,
            entry: value(text),
            ttl: None,
            stale: Duration::ZERO,
            tags: Vec::new(),
        };
        only(self.backend.put(vec![put], shape()).await)
            .map_err(|error| format!("put failed: {error}"))
    }

    async fn invalidate(&self, key: &CacheKey) -> Verdict {
        let told = only(self.backend.invalidate(std::slice::from_ref(key)).await);
        told.map_err(|error| format!("invalidate failed: {error}"))
    }

    async fn clear(&self, scope: Scope<'_>) -> Verdict {
        let cleared = self.backend.clear(scope).await;
        cleared.map_err(|error| format!("clear failed: {error}"))
    }

    fn tag(&self, text: &str) -> Tag {
        Tag::new(Some(&self.scope), text)
    }

    /// Says in which states tags are, and in which epoch.
    async fn stamp_tags(&self, tags: &[Tag]) -> Result<TagStamps, String> {
        let stamped = self.backend.stamp_tags(Some(&self.scope), tags, Some(LONG));
        stamped
            .await
            .map_err(|error| format!("stamp_tags failed: {error}"))
    }

    /// Fills under a tag in a state.
    async fn fill_tagged(&self, permit: B::Permit, tag: &Tag, stamp: Stamp) -> Verdict {
        let fill = Fill {
            permit,
            entry: value("tagged"),
            ttl: None,
            stale: Duration::ZERO,
            tags: vec![Tagged {
                tag: tag.clone(),
                stamp,
            }],
        };
        // A store may see now, or when it is read, that the tag was cleared.
        let _ = self.fill_with(fill).await?;
        Ok(())
    }

    /// Stores a text under a key, as a load would.
    async fn store(&self, key: &CacheKey, text: &str) -> Verdict {
        let opened = self.open(key).await?;
        expect(
            self.fill(opened.permit, value(text)).await?,
            Filled::Stored,
            "a fill that nothing came before",
        )
    }

    async fn stamp(&self, key: &CacheKey) -> Result<Stamp, String> {
        Ok(self.open(key).await?.stamp)
    }

    async fn expect_value(&self, key: &CacheKey, text: &str) -> Verdict {
        let seen = describe(&self.read(key).await?);
        expect(seen.as_str(), text, "the value that is read")
    }

    async fn expect_miss(&self, key: &CacheKey) -> Verdict {
        let seen = describe(&self.read(key).await?);
        expect(seen.as_str(), "(miss)", "the answer to a read")
    }
}

fn shape() -> &'static Shape {
    Shape::of::<Card>()
}

fn value(text: &str) -> Entry {
    let card: Erased = Arc::new(Card {
        id: "id".to_owned(),
        text: text.to_owned(),
    });
    Entry::Value(card)
}

fn describe(lookup: &Lookup) -> String {
    let text = |value: &Erased| {
        value
            .downcast_ref::<Card>()
            .map_or_else(|| "(another type)".to_owned(), |card| card.text.clone())
    };
    match lookup {
        Lookup::Hit { value, .. } => text(value),
        Lookup::Stale(stale) => format!("(stale) {}", text(&stale.value)),
        Lookup::Absent { .. } => "(absent)".to_owned(),
        Lookup::Miss(_) => "(miss)".to_owned(),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where it is called"
)]
fn expect<T: PartialEq + fmt::Debug>(seen: T, wanted: T, what: &str) -> Verdict {
    if seen == wanted {
        Ok(())
    } else {
        Err(format!("{what} is {seen:?}, not {wanted:?}"))
    }
}
