//! The policies as attributes.

use crate::stage::{Found, Source, Stage, Ways};
use cache_kit::prelude::*;
use cache_kit::{Cached, Error, Retry};
use std::time::Duration;

/// Declares entities that differ in their policies only.
macro_rules! entities {
    ($($name:ident { $($option:tt)* })*) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
        #[cache(key = id, $($option)*)]
        pub(crate) struct $name {
            id: u64,
            version: u64,
        }

        impl $name {
            fn of(id: u64, version: u64) -> Self {
                Self { id, version }
            }
        }
    )*};
}

entities! {
    Plain { prefix = "plain", ttl = "500ms", negative_ttl = "500ms" }
    Jittered { prefix = "jittered", ttl = "2s", jitter = 0.9 }
    Revalidated { prefix = "revalidated", ttl = "500ms", stale_while_revalidate = "1h" }
    Forgiven { prefix = "forgiven", ttl = "500ms", stale_if_error = "1h", error_throttle = "1h" }
    Early { prefix = "early", ttl = "1h", early_refresh = 1e15 }
    Endless { prefix = "endless" }
    Tagged { prefix = "tagged", ttl = "1h", tags = ["id:{id}"] }
}

#[derive(Clone)]
pub(crate) struct Shop<B: CacheBackend> {
    cache: CacheService<B>,
    source: Source,
}

impl<B: CacheBackend> Shop<B> {
    pub(crate) fn on(stage: &Stage<B>) -> Self {
        Self {
            cache: stage.cache.clone(),
            source: stage.source.clone(),
        }
    }

    #[cached]
    async fn find_plain(&self, id: u64) -> Result<Option<Plain>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Plain::of(id, version)))
    }

    #[cached]
    async fn find_jittered(&self, id: u64) -> Result<Option<Jittered>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Jittered::of(id, version)))
    }

    #[cached(refresh = background)]
    async fn find_revalidated(&self, id: u64) -> Result<Option<Revalidated>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Revalidated::of(id, version)))
    }

    #[cached]
    async fn find_forgiven(&self, id: u64) -> Result<Option<Forgiven>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Forgiven::of(id, version)))
    }

    #[cached(refresh = background)]
    async fn find_early(&self, id: u64) -> Result<Option<Early>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Early::of(id, version)))
    }

    #[cached]
    async fn find_decided(&self, id: u64) -> Result<Cached<Option<Endless>>, Error> {
        let row = self
            .source
            .load()
            .await?
            .map(|version| Endless::of(id, version));
        Ok(Cached::new(row).ttl(Duration::from_millis(500)))
    }

    #[cached(condition = id < 1000)]
    async fn find_conditional(&self, id: u64) -> Result<Option<Endless>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Endless::of(id, version)))
    }

    #[cached(unless = |row| row.as_ref().is_some_and(|row| row.version == 1))]
    async fn find_unless_first(&self, id: u64) -> Result<Option<Endless>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Endless::of(id, version)))
    }

    #[cached(soft_timeout = "20ms")]
    async fn find_soft(&self, id: u64) -> Result<Option<Forgiven>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Forgiven::of(id, version)))
    }

    #[cached(hard_timeout = "50ms")]
    async fn find_hard(&self, id: u64) -> Result<Option<Plain>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Plain::of(id, version)))
    }

    #[cached(retry = Retry::new(2).first_delay(Duration::from_millis(1)))]
    async fn find_retried(&self, id: u64) -> Result<Option<Plain>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Plain::of(id, version)))
    }

    #[cached]
    async fn find_tagged(&self, id: u64) -> Result<Option<Tagged>, Error> {
        Ok(self
            .source
            .load()
            .await?
            .map(|version| Tagged::of(id, version)))
    }

    #[cached]
    async fn find_labelled(&self, id: u64) -> Result<Cached<Option<Endless>>, Error> {
        let row = self
            .source
            .load()
            .await?
            .map(|version| Endless::of(id, version));
        let label = row.as_ref().map(|row| format!("version:{}", row.version));
        Ok(Cached::new(row).tags(label))
    }

    #[cache_evict(entity = Plain, all)]
    async fn clear_plain(&self) {}
}

/// Tells the version of what was found.
macro_rules! version {
    ($found:expr) => {
        match $found.await {
            Ok(row) => Ok(row.map(|row| row.version)),
            Err(error) => Err(error.to_string()),
        }
    };
}

impl<B: CacheBackend> Ways for Shop<B> {
    async fn plain(&self, id: u64) -> Found {
        version!(self.find_plain(id))
    }

    async fn jittered(&self, id: u64) -> Found {
        version!(self.find_jittered(id))
    }

    async fn revalidated(&self, id: u64) -> Found {
        version!(self.find_revalidated(id))
    }

    async fn forgiven(&self, id: u64) -> Found {
        version!(self.find_forgiven(id))
    }

    async fn early(&self, id: u64) -> Found {
        version!(self.find_early(id))
    }

    async fn decided(&self, id: u64) -> Found {
        version!(async { self.find_decided(id).await.map(Cached::into_inner) })
    }

    async fn conditional(&self, id: u64) -> Found {
        version!(self.find_conditional(id))
    }

    async fn unless_first(&self, id: u64) -> Found {
        version!(self.find_unless_first(id))
    }

    async fn soft(&self, id: u64) -> Found {
        version!(self.find_soft(id))
    }

    async fn hard(&self, id: u64) -> Found {
        version!(self.find_hard(id))
    }

    async fn retried(&self, id: u64) -> Found {
        version!(self.find_retried(id))
    }

    async fn tagged(&self, id: u64) -> Found {
        version!(self.find_tagged(id))
    }

    async fn labelled(&self, id: u64) -> Found {
        version!(async { self.find_labelled(id).await.map(Cached::into_inner) })
    }

    async fn clear(&self) {
        self.clear_plain().await;
    }
}
