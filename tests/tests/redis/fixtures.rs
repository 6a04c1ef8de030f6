//! What the tests of hostile contents, layouts and lifetimes share.

use cache_kit::prelude::*;
use cache_kit::{Encryption, Error, RedisBackend, RedisConfig};
use cache_kit_tests::{Person, RedisServer, until};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Value};

/// Where the header of an entry has what.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 3;
    pub(crate) const CODEC: usize = 4;
    pub(crate) const FLAGS: usize = 5;
    pub(crate) const TAGS: usize = 6;
    pub(crate) const STAMP: usize = 16;
    pub(crate) const LENGTH: usize = 48;
    pub(crate) const CHECKSUM: usize = 52;
    pub(crate) const TIME: usize = 56;
    pub(crate) const PAYLOAD: usize = 68;
}

/// The database that every load of these tests finds in order.
pub(crate) fn row(id: u64) -> Person {
    Person {
        id,
        name: "Grace Brewster Hopper, ".repeat(4),
    }
}

pub(crate) fn config(server: &RedisServer) -> RedisConfig {
    server.url().parse().expect("a URL")
}

/// Compresses and encrypts everything.
pub(crate) fn wrapped(config: RedisConfig) -> RedisConfig {
    let encryption = Encryption::new(1, [7; 32]);
    config.compress_above(1).encryption(encryption)
}

pub(crate) fn cache(config: RedisConfig) -> CacheService<RedisBackend> {
    CacheService::new(RedisBackend::new(config).expect("a config that works"))
}

/// A server, and a connection to look behind the cache's back.
pub(crate) struct Store {
    pub(crate) server: RedisServer,
    connection: MultiplexedConnection,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let server = RedisServer::start().await;
        let connection = server.connect().await;
        Self { server, connection }
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> T {
        let mut connection = self.connection.clone();
        let answer = cmd.query_async(&mut connection).await;
        answer.unwrap_or_else(|error| panic!("{cmd:?}: {error}"))
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Value {
        self.ask(redis::cmd(words[0]).arg(&words[1..])).await
    }

    pub(crate) async fn get(&self, name: &str) -> Vec<u8> {
        self.ask(redis::cmd("GET").arg(name)).await
    }

    pub(crate) async fn set(&self, name: &str, bytes: &[u8]) {
        self.ask::<Value>(redis::cmd("SET").arg(name).arg(bytes))
            .await;
    }

    pub(crate) async fn names(&self, pattern: &str) -> Vec<String> {
        let mut names: Vec<String> = self.ask(redis::cmd("KEYS").arg(pattern)).await;
        names.sort_unstable();
        names
    }

    /// What a stored entry's parts are called.
    pub(crate) async fn parts<T: CacheEntity>(&self, key: &T::Key) -> Parts {
        let key = CacheKey::of::<T>(None, key).expect("a key");
        let values = self.names(&format!("ck:v:{{{}}}:*", key.as_str())).await;
        let [value] = values.as_slice() else {
            panic!("one entry of this key was to be there: {values:?}");
        };
        Parts {
            guard: format!("ck:g:{{{}}}", key.as_str()),
            prefix: format!("ck:g:{{{}}}:all", key.prefix()),
            lease: value.replacen("ck:v:", "ck:l:", 1),
            value: value.clone(),
        }
    }
}

/// What a key's parts are called.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) guard: String,
    pub(crate) prefix: String,
    pub(crate) lease: String,
    pub(crate) value: String,
}

/// Reads a row, and says whether it had to be loaded.
pub(crate) async fn refresh(cache: &CacheService<RedisBackend>, id: u64) -> bool {
    let mut is_loaded = false;
    let load = || {
        is_loaded = true;
        async move { Ok::<_, Error>(Some(row(id))) }
    };
    let read = cache.get_or_load(&id, load).await.expect("no error");
    assert_eq!(read.as_deref(), Some(&row(id)));
    is_loaded
}

/// Waits until a row is served from the cache: what was loaded may be stored behind its caller's
/// back.
pub(crate) async fn until_hit(cache: &CacheService<RedisBackend>, id: u64) {
    until("what was loaded is a hit", || async {
        let found = cache.get::<Person>(&id).await.expect("no error");
        found.map(|found| assert_eq!(*found, row(id)))
    })
    .await;
}

/// Makes the checksum of an entry right again: whoever can write there can do that too.
pub(crate) fn seal_again(bytes: &mut [u8]) {
    let summed = bytes[..at::CHECKSUM].iter().chain(&bytes[at::PAYLOAD..]);
    let sum = !summed.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    });
    bytes[at::CHECKSUM..at::TIME].copy_from_slice(&sum.to_le_bytes());
}
