//! A deploy that adds a field, while the version before it still runs: neither reads what the other
//! has stored, and an invalidation by either reaches both. Nobody has to flush Redis, raise a
//! number or rename a prefix.

use std::io::Write;

use anyhow::ensure;
use cache_kit::RedisConfig;
use cache_kit::prelude::*;

/// The version that is running.
mod before {
    use cache_kit::prelude::*;

    #[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "contract", ttl = "1h", key = id)]
    pub(super) struct Contract {
        pub(super) id: u64,
        pub(super) employer: String,
    }
}

/// The version that is being deployed.
mod after {
    use cache_kit::prelude::*;

    #[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "contract", ttl = "1h", key = id)]
    pub(super) struct Contract {
        pub(super) id: u64,
        pub(super) employer: String,
        pub(super) salary: Option<f64>,
    }
}

/// Runs both versions at once, and tells what each of them loads.
///
/// # Errors
///
/// When Redis cannot be reached, or something this example claims is not so.
pub async fn run(config: RedisConfig, out: &mut impl Write) -> anyhow::Result<()> {
    let process = || -> cache_kit::Result<CacheService<RedisBackend>> {
        let backend = RedisBackend::new(config.clone())?;
        CacheService::builder(backend).namespace("example").build()
    };
    let (old, new) = (process()?, process()?);
    old.clear_prefix::<before::Contract>().await?;

    for _ in 0..3 {
        read_old(&old).await?;
        read_new(&new).await?;
    }
    ensure!((old.stats().loads, new.stats().loads) == (1, 1));
    ensure!(old.stats().failures + new.stats().failures == 0);
    writeln!(out, "each version loaded once, and read its own after that")?;

    old.invalidate::<before::Contract>(&7).await?;
    read_old(&old).await?;
    read_new(&new).await?;
    new.invalidate::<after::Contract>(&7).await?;
    read_old(&old).await?;
    read_new(&new).await?;
    ensure!((old.stats().loads, new.stats().loads) == (3, 3));
    writeln!(out, "an invalidation by either reached both")?;
    Ok(())
}

async fn read_old(cache: &CacheService<RedisBackend>) -> anyhow::Result<()> {
    let load = || async {
        let (id, employer) = (7, "Analytical Engines".to_owned());
        Ok::<_, cache_kit::Error>(Some(before::Contract { id, employer }))
    };
    let found = cache.get_or_load(&7, load).await?;
    ensure!(found.is_some_and(|found| found.employer == "Analytical Engines"));
    Ok(())
}

async fn read_new(cache: &CacheService<RedisBackend>) -> anyhow::Result<()> {
    let load = || async {
        Ok::<_, cache_kit::Error>(Some(after::Contract {
            id: 7,
            employer: "Analytical Engines".to_owned(),
            salary: Some(1.0),
        }))
    };
    let found = cache.get_or_load(&7, load).await?;
    ensure!(found.is_some_and(|found| found.salary == Some(1.0)));
    Ok(())
}
