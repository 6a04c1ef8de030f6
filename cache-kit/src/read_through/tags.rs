//! The tags of what is stored: those known before the load are stamped before it, the others after it.

use super::Reader;
use crate::backend::{CacheBackend, Fill, Filled, Stamp, Tagged};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::observe::Operation;
use crate::outcome::Terms;
use crate::tag::Tag;
use std::time::Duration;

/// What is known of tags before a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foretold {
    pub(crate) tags: Vec<Tagged>,
    /// The epoch in which the load begins, where it may bring other tags.
    pub(crate) epoch: Option<Stamp>,
    /// How long what carries them may be kept: as long as their states are remembered, and no longer.
    kept: Option<Duration>,
}

/// Something to store, and the tags it has that are still to be stamped.
pub(crate) struct Filling<P> {
    pub(crate) fill: Fill<P>,
    wanted: Vec<Tag>,
    epoch: Option<Stamp>,
}

impl<P> Filling<P> {
    pub(crate) fn new(mut fill: Fill<P>, foretold: &Foretold, found: Vec<Tag>) -> Self {
        let outlives = match (fill.kept(), foretold.kept) {
            (None, kept) => kept.is_some(),
            (Some(kept), most) => most.is_some_and(|most| kept > most),
        };
        if outlives {
            // They are asked about again, for longer.
            let known = foretold.tags.iter().map(|known| known.tag.clone());
            let found = found
                .into_iter()
                .filter(|tag| !foretold.tags.iter().any(|known| known.tag == *tag));
            return Self {
                wanted: known.chain(found).collect(),
                fill,
                epoch: foretold.epoch,
            };
        }
        let is_known = |tag: &Tag| foretold.tags.iter().any(|known| known.tag == *tag);
        fill.tags.clone_from(&foretold.tags);
        Self {
            fill,
            wanted: found.into_iter().filter(|tag| !is_known(tag)).collect(),
            epoch: foretold.epoch,
        }
    }
}

impl<B: CacheBackend, T: CacheEntity> Reader<'_, B, T> {
    /// Asks what has to be known of tags before a load.
    ///
    /// What is loaded may say others than its entity does by itself, where `says_more`.
    pub(crate) async fn foretell(
        &self,
        known: &[String],
        says_more: bool,
        kept: impl FnOnce() -> Option<Duration>,
    ) -> Result<Foretold> {
        if known.is_empty() && !T::TAGGED && !says_more {
            return Ok(Foretold::default());
        }
        // Boxed, here and below: most loads have no tags, and every caller would carry the room.
        Box::pin(self.foretell_tags(self.tags(known), kept())).await
    }

    async fn foretell_tags(&self, tags: Vec<Tag>, kept: Option<Duration>) -> Result<Foretold> {
        let (stamps, epoch) = self.stamp_tags(&tags, twice(kept)).await?;
        let tags = tags.into_iter().zip(stamps);
        Ok(Foretold {
            tags: tags.map(|(tag, stamp)| Tagged { tag, stamp }).collect(),
            epoch: Some(epoch),
            kept,
        })
    }

    /// Says which tags an entity has, and those that were said of it.
    pub(crate) fn tags_of(&self, entity: Option<&T>, terms: &Terms) -> Vec<Tag> {
        let own = entity.map(T::cache_tags).unwrap_or_default();
        self.tags(own.iter().chain(&terms.tags))
    }

    fn tags<'t>(&self, texts: impl IntoIterator<Item = &'t String>) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        for text in texts {
            let tag = self.cache.tag(text);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    async fn stamp_tags(
        &self,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<(Vec<Stamp>, Stamp)> {
        let namespace = self.cache.inner().settings.namespace();
        let stamping = self.cache.backend().stamp_tags(namespace, tags, lasts);
        let stamping = async { vec![stamping.await] };
        let stamps = self.answers(Operation::Open, 1, stamping).await;
        let stamps = crate::backend::only(stamps)?;
        if stamps.tags.len() != tags.len() {
            return Err(Error::BackendError("a tag was left unanswered".into()));
        }
        Ok((stamps.tags, stamps.epoch))
    }

    /// Stamps the tags that are still to be; `Err` is why something is not to be stored, or that a tag of it may have been cleared since its load began.
    pub(crate) async fn stamp_fills<P>(
        &self,
        fills: Vec<Filling<P>>,
    ) -> Vec<std::result::Result<Fill<P>, Result<Filled>>> {
        let mut wanted: Vec<Tag> = Vec::new();
        let mut lasts = Some(Duration::ZERO);
        for filling in fills.iter().filter(|filling| !filling.wanted.is_empty()) {
            wanted.extend(filling.wanted.iter().cloned());
            lasts = lasts.zip(twice(filling.fill.kept())).map(|(a, b)| a.max(b));
        }
        let stamped = if wanted.is_empty() {
            None
        } else {
            Some(Box::pin(self.stamp_tags(&wanted, lasts)).await)
        };
        let (mut stamps, now) = match stamped {
            None => (Vec::new().into_iter(), None),
            Some(Ok((stamps, epoch))) => (stamps.into_iter(), Some(Ok(epoch))),
            Some(Err(error)) => (Vec::new().into_iter(), Some(Err(error))),
        };
        let fills = fills.into_iter().map(|filling| {
            let Filling {
                mut fill,
                wanted,
                epoch,
            } = filling;
            if wanted.is_empty() {
                return Ok(fill);
            }
            match &now {
                Some(Ok(now)) => {
                    let stamps: Vec<_> = stamps.by_ref().take(wanted.len()).collect();
                    let tags = wanted.into_iter().zip(stamps);
                    fill.tags
                        .extend(tags.map(|(tag, stamp)| Tagged { tag, stamp }));
                    match epoch {
                        Some(epoch) if epoch == *now => Ok(fill),
                        Some(_) => Err(Ok(Filled::Superseded)),
                        None => Err(Err(untagged::<T>())),
                    }
                }
                Some(Err(error)) => Err(Err(error.clone())),
                None => Ok(fill),
            }
        });
        fills.collect()
    }
}

/// How long the state of a tag is to be remembered for the sake of an entry that is kept for so long.
fn twice(kept: Option<Duration>) -> Option<Duration> {
    kept.map(|kept| kept.saturating_mul(2))
}

fn untagged<T: CacheEntity>() -> Error {
    let name = std::any::type_name::<T>();
    let fault = format!("`{name}` has tags, and does not say so; set `const TAGGED: bool = true`");
    Error::ConfigError(fault.into())
}
