//! A cache in Redis, shared by all processes of a service. Here two services with backends of their
//! own stand for two processes.
//!
//! | module | what to copy from it |
//! | --- | --- |
//! | [`employments`] | annotated methods over `RedisBackend`, single and in batches |
//! | [`quickstart`] | one loads, all have it; a write is seen by all |
//! | [`cluster`] | a batch over all nodes of a cluster |
//! | [`tls`] | certificates, and a user who may do only what the cache does |
//! | [`rolling_deploy`] | two versions of one struct in one Redis |

pub mod cluster;
pub mod employments;
pub mod quickstart;
pub mod rolling_deploy;
pub mod tls;

use anyhow::Context as _;
use cache_kit::RedisConfig;

/// Finds Redis where `REDIS_URL` says, or at `otherwise`.
///
/// # Errors
///
/// When that is no URL of a Redis.
pub fn config(otherwise: &str) -> anyhow::Result<RedisConfig> {
    let config = if std::env::var_os("REDIS_URL").is_some() {
        RedisConfig::from_env()
    } else {
        otherwise.parse()
    };
    config.context("REDIS_URL says where Redis is")
}
