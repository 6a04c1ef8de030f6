//! The same policies without a macro: entities, repositories and calls as a library author writes
//! them.

use crate::stage::{FRESH, Found, LONG, Source, Stage, Ways};
use cache_kit::prelude::*;
use cache_kit::{Cached, Error, Retry};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Implements entities that differ in their lifetimes only.
macro_rules! entities {
    ($($name:ident, $prefix:literal, $lifetime:expr;)*) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) struct $name {
            id: u64,
            version: u64,
        }

        impl CacheEntity for $name {
            type Key = u64;

            fn cache_key(&self) -> u64 {
                self.id
            }

            fn cache_prefix() -> &'static str {
                $prefix
            }

            fn lifetime() -> Lifetime {
                $lifetime
            }
        }
    )*};
}

entities! {
    Plain, "plain", Lifetime::from(FRESH).with_negative_ttl(FRESH);
    Jittered, "jittered", Lifetime::from(LONG).with_jitter(0.9);
    Revalidated, "revalidated", Lifetime::from(FRESH).with_stale_while_revalidate(HOUR);
    Forgiven, "forgiven", Lifetime::from(FRESH).with_stale_if_error(HOUR).with_error_throttle(HOUR);
    Early, "early", Lifetime::from(HOUR).with_early_refresh(1e15);
    Endless, "endless", Lifetime::new();
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tagged {
    id: u64,
    version: u64,
}

impl CacheEntity for Tagged {
    type Key = u64;

    const TAGGED: bool = true;

    fn cache_key(&self) -> u64 {
        self.id
    }

    fn cache_prefix() -> &'static str {
        "tagged"
    }

    fn cache_tags(&self) -> Vec<String> {
        vec![format!("id:{}", self.id)]
    }
}

pub(crate) struct Shop<B: CacheBackend> {
    cache: CacheService<B>,
    /// The same cache, whose callers wait for a while only.
    hasty: CacheService<B>,
    strict: CacheService<B>,
    source: Source,
}

impl<B: CacheBackend> Shop<B> {
    pub(crate) fn on(stage: &Stage<B>) -> Self {
        let hasty = stage
            .cache
            .to_builder()
            .soft_timeout(Duration::from_millis(20));
        let strict = stage
            .cache
            .to_builder()
            .hard_timeout(Duration::from_millis(50));
        Self {
            cache: stage.cache.clone(),
            hasty: hasty.build().expect("settings that work"),
            strict: strict.build().expect("settings that work"),
            source: stage.source.clone(),
        }
    }

    async fn load_endless(&self, id: u64) -> Result<Option<Endless>, Error> {
        let version = self.source.load().await?;
        Ok(version.map(|version| Endless { id, version }))
    }
}

impl Repository<Plain> for Source {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Plain>, Error> {
        let version = self.load().await?;
        Ok(version.map(|version| Plain { id: *id, version }))
    }
}

/// Begins a load of an entity.
macro_rules! load {
    ($source:expr, $entity:ident, $id:expr) => {{
        let (source, id) = ($source.clone(), $id);
        move || {
            let source = source.clone();
            async move {
                let version = source.load().await?;
                Ok::<_, Error>(version.map(|version| $entity { id, version }))
            }
        }
    }};
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
        version!(self.cache.get_or_load(&id, load!(self.source, Plain, id)))
    }

    async fn jittered(&self, id: u64) -> Found {
        version!(
            self.cache
                .get_or_load(&id, load!(self.source, Jittered, id))
        )
    }

    async fn revalidated(&self, id: u64) -> Found {
        version!(
            self.cache
                .get_or_refresh(&id, load!(self.source, Revalidated, id))
        )
    }

    async fn forgiven(&self, id: u64) -> Found {
        version!(
            self.cache
                .get_or_load(&id, load!(self.source, Forgiven, id))
        )
    }

    async fn early(&self, id: u64) -> Found {
        version!(
            self.cache
                .get_or_refresh(&id, load!(self.source, Early, id))
        )
    }

    async fn decided(&self, id: u64) -> Found {
        let load =
            || async { Ok::<_, Error>(Cached::new(self.load_endless(id).await?).ttl(FRESH)) };
        let found = self.cache.get_or_load_as(CacheStrategy::Refresh, &id, load);
        version!(async { found.await.map(Cached::into_inner) })
    }

    async fn conditional(&self, id: u64) -> Found {
        let strategy = if id < 1000 {
            CacheStrategy::Refresh
        } else {
            CacheStrategy::Bypass
        };
        let load = load!(self.source, Endless, id);
        version!(self.cache.get_or_load_with(strategy, &id, load))
    }

    async fn unless_first(&self, id: u64) -> Found {
        let load = || async {
            let row = self.load_endless(id).await?;
            let is_first = row.as_ref().is_some_and(|row| row.version == 1);
            let row = Cached::new(row);
            Ok::<_, Error>(if is_first {
                row.ttl(Duration::ZERO)
            } else {
                row
            })
        };
        let found = self.cache.get_or_load_as(CacheStrategy::Refresh, &id, load);
        version!(async { found.await.map(Cached::into_inner) })
    }

    async fn soft(&self, id: u64) -> Found {
        version!(
            self.hasty
                .get_or_refresh(&id, load!(self.source, Forgiven, id))
        )
    }

    async fn hard(&self, id: u64) -> Found {
        version!(self.strict.get_or_load(&id, load!(self.source, Plain, id)))
    }

    async fn retried(&self, id: u64) -> Found {
        let mut feeder = GenericFeeder::<Plain>::new(id);
        let retry = Retry::new(2).first_delay(Duration::from_millis(1));
        let config = OperationConfig::new().with_retry(retry);
        let strategy = CacheStrategy::Refresh;
        let source = Arc::new(self.source.clone());
        let fed = self
            .cache
            .execute_with(&mut feeder, &*source, strategy, config)
            .await;
        fed.map_err(|error| error.to_string())?;
        Ok(feeder.entity.map(|row| row.version))
    }

    async fn tagged(&self, id: u64) -> Found {
        version!(self.cache.get_or_load(&id, load!(self.source, Tagged, id)))
    }

    async fn labelled(&self, id: u64) -> Found {
        let load = || async {
            let row = self.load_endless(id).await?;
            let label = row.as_ref().map(|row| format!("version:{}", row.version));
            Ok::<_, Error>(Cached::new(row).tags(label))
        };
        let found = self.cache.get_or_load_as(CacheStrategy::Refresh, &id, load);
        version!(async { found.await.map(Cached::into_inner) })
    }

    async fn clear(&self) {
        let cleared = self.cache.clear_prefix::<Plain>().await;
        cleared.expect("the store works");
    }
}
