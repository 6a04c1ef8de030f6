//! The tags of what is stored: those known before the load are stamped before it, the others after
//! it.

use super::{Engine, Kind};
use crate::engine::provenance::Overrides;
use crate::entity::shape::Erased;
use crate::error::{Error, Result};
use crate::observe::Operation;
use crate::store::AnyPermit;
use crate::store::tag::Tag;
use crate::store::{Fill, Filled, Stamp, TagStamps, Tagged, only};
use smallvec::SmallVec;
use std::time::Duration;

/// What is known of tags before a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagSnapshot {
    tags: Vec<Tagged>,
    /// The epoch in which the load begins, where it can bring other tags.
    epoch: Option<Stamp>,
    /// How long what carries them is kept at most: as long as their states are remembered.
    kept: Option<Duration>,
}

/// Something to store, and the tags it has that are still to be stamped.
pub(crate) struct PendingFill {
    fill: Fill<AnyPermit>,
    wanted: Vec<Tag>,
    epoch: Option<Stamp>,
}

/// What is to be stored of one load. Most loads bring one value.
pub(super) type Fills = SmallVec<[PendingFill; 1]>;

/// A fill that is ready, or why there is none: the answer to give in its place.
pub(super) type Stamped = std::result::Result<Fill<AnyPermit>, Result<Filled>>;

impl PendingFill {
    pub(super) fn new(
        mut fill: Fill<AnyPermit>,
        snapshot: Option<&TagSnapshot>,
        found: Vec<Tag>,
    ) -> Self {
        let Some(snapshot) = snapshot else {
            return Self {
                fill,
                wanted: found,
                epoch: None,
            };
        };
        let outlives = match (fill.kept(), snapshot.kept) {
            (None, kept) => kept.is_some(),
            (Some(kept), most) => most.is_some_and(|most| kept > most),
        };
        let is_known = |tag: &Tag| snapshot.tags.iter().any(|known| known.tag == *tag);
        let unknown = found.into_iter().filter(|tag| !is_known(tag));
        let wanted = if outlives {
            // They are asked about again, for longer.
            let known = snapshot.tags.iter().map(|known| known.tag.clone());
            known.chain(unknown).collect()
        } else {
            fill.tags.clone_from(&snapshot.tags);
            unknown.collect()
        };
        Self {
            fill,
            wanted,
            epoch: snapshot.epoch,
        }
    }
}

impl Engine {
    /// Asks what has to be known of tags before a load; `brings_tags` if a load can bring tags that
    /// its value does not have by itself.
    pub(super) async fn tag_snapshot(
        &self,
        kind: &'static Kind,
        known: &[String],
        brings_tags: bool,
        kept: impl FnOnce() -> Option<Duration>,
    ) -> Result<TagSnapshot> {
        if known.is_empty() && !kind.is_tagged && !brings_tags {
            return Ok(TagSnapshot::default());
        }
        let (tags, kept) = (self.distinct_tags(known), kept());
        let stamps = self.stamp_tags(kind, &tags, twice(kept)).await?;
        let tags = tags.into_iter().zip(stamps.tags);
        Ok(TagSnapshot {
            tags: tags.map(|(tag, stamp)| Tagged { tag, stamp }).collect(),
            epoch: Some(stamps.epoch),
            kept,
        })
    }

    /// Returns the tags of a value, and those that its load said of it.
    pub(super) fn tags_of(
        &self,
        kind: &Kind,
        value: Option<&Erased>,
        terms: &Overrides,
    ) -> Vec<Tag> {
        let own = value.map(|value| kind.tags(value)).unwrap_or_default();
        self.distinct_tags(own.iter().chain(&terms.tags))
    }

    fn distinct_tags<'t>(&self, texts: impl IntoIterator<Item = &'t String>) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        for text in texts {
            let tag = self.tag(text);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    async fn stamp_tags(
        &self,
        kind: &'static Kind,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        let namespace = self.settings.namespace();
        let stamps = || self.store.stamp_tags(namespace, tags, lasts);
        let ask = || stamps().map(|stamps| vec![stamps]);
        let stamps = only(self.request(kind, Operation::Open, 1, ask).await)?;
        if stamps.tags.len() != tags.len() {
            return Err(Error::BackendError("a tag was left unanswered".into()));
        }
        Ok(stamps)
    }

    /// Stamps the tags that are still to be. `Err` of a fill says why it is not to be stored, or
    /// that a tag of it may have been dropped since its load began.
    pub(super) async fn stamp_fills(
        &self,
        kind: &'static Kind,
        fills: Vec<PendingFill>,
    ) -> Vec<Stamped> {
        let mut wanted: Vec<Tag> = Vec::new();
        let mut lasts = Some(Duration::ZERO);
        for pending in fills.iter().filter(|pending| !pending.wanted.is_empty()) {
            wanted.extend(pending.wanted.iter().cloned());
            lasts = lasts.zip(twice(pending.fill.kept())).map(|(a, b)| a.max(b));
        }
        if wanted.is_empty() {
            return fills.into_iter().map(|pending| Ok(pending.fill)).collect();
        }
        let (mut stamps, epoch) = match self.stamp_tags(kind, &wanted, lasts).await {
            Ok(stamps) => (stamps.tags.into_iter(), Ok(stamps.epoch)),
            Err(error) => (Vec::new().into_iter(), Err(error)),
        };
        let fills = fills.into_iter().map(|pending| {
            let stamps = stamps.by_ref().take(pending.wanted.len()).collect();
            pending.stamped(stamps, &epoch, kind)
        });
        fills.collect()
    }
}

impl PendingFill {
    /// Whether all its tags are stamped.
    pub(super) fn is_ready(&self) -> bool {
        self.wanted.is_empty()
    }

    pub(super) fn into_ready(self) -> Fill<AnyPermit> {
        self.fill
    }

    fn stamped(mut self, stamps: Vec<Stamp>, now: &Result<Stamp>, kind: &Kind) -> Stamped {
        if self.wanted.is_empty() {
            return Ok(self.fill);
        }
        let now = now.as_ref().map_err(|error| Err(error.clone()))?;
        let tags = self.wanted.into_iter().zip(stamps);
        let tags = tags.map(|(tag, stamp)| Tagged { tag, stamp });
        self.fill.tags.extend(tags);
        match self.epoch {
            Some(epoch) if epoch == *now => Ok(self.fill),
            Some(_) => Err(Ok(Filled::Superseded)),
            None => Err(Err(untagged(kind))),
        }
    }
}

/// How long the state of a tag is remembered for the sake of an entry that is kept for so long.
fn twice(kept: Option<Duration>) -> Option<Duration> {
    kept.map(|kept| kept.saturating_mul(2))
}

fn untagged(kind: &Kind) -> Error {
    let name = kind.shape.type_name();
    let fault = format!("`{name}` has tags, and does not say so; set `const TAGGED: bool = true`");
    Error::ConfigError(fault.into())
}
