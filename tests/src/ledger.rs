use cache_kit::Found;
use cache_kit::prelude::*;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue};
use std::time::Duration;

/// How long the database may take to answer on a machine that is busy with other things.
const ANSWER: Duration = Duration::from_secs(60);

/// In each of so many versions of a row it is deleted.
const LIFE: u64 = 8;

/// Raises the versions of rows.
const WRITE: &str = "local versions = {}
for i, id in ipairs(ARGV) do versions[i] = redis.call('HINCRBY', 'versions', id, 1) end
return versions";

/// Raises floors: rows and versions, in turn.
const ACKNOWLEDGE: &str = "for i = 1, #ARGV, 2 do
  local floor = tonumber(redis.call('HGET', 'floors', ARGV[i]) or '0')
  if floor < tonumber(ARGV[i + 1]) then redis.call('HSET', 'floors', ARGV[i], ARGV[i + 1]) end
end";

/// A row of the [`Ledger`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "row", ttl = "1h", key = id, negative_ttl = "1h")]
pub struct Row {
    /// The key.
    pub id: u64,
    /// How often it was written.
    pub version: u64,
}

impl Row {
    /// Makes what a row is in a version: in some it is deleted.
    #[must_use]
    pub fn of(id: u64, version: u64) -> Option<Self> {
        exists(version).then_some(Self { id, version })
    }
}

/// A database of rows whose versions only rise. Of each row it also knows the *floor*: the version
/// whose writer has been told that the cache knows. Who begins to read after that must not be given
/// an older one.
///
/// It is a Redis server, but not the cache's, so that several processes can share it.
#[derive(Clone)]
pub struct Ledger(MultiplexedConnection);

impl Ledger {
    /// Connects to a server.
    ///
    /// # Panics
    /// If it cannot be reached, as all methods.
    pub async fn connect(url: &str) -> Self {
        let bounds = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(Some(ANSWER));
        let client = Client::open(url).expect("a URL");
        let connection = client
            .get_multiplexed_async_connection_with_config(&bounds)
            .await;
        Self(connection.expect("the database runs"))
    }

    async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> T {
        let answer = cmd.query_async(&mut self.0.clone()).await;
        answer.unwrap_or_else(|error| panic!("the database fails: {error}"))
    }

    async fn numbers(&self, of: &str, ids: &[u64]) -> Vec<u64> {
        let mut cmd = redis::cmd("HMGET");
        let numbers: Vec<Option<u64>> = self.ask(cmd.arg(of).arg(ids)).await;
        numbers.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Writes rows, and returns the versions that they have now.
    pub async fn write(&self, ids: &[u64]) -> Vec<u64> {
        self.ask(redis::cmd("EVAL").arg(WRITE).arg(0).arg(ids))
            .await
    }

    /// Reads rows; those that are deleted, or were never written, are not among them.
    pub async fn rows(&self, ids: &[u64]) -> Vec<Row> {
        let versions = self.numbers("versions", ids).await;
        let rows = ids.iter().zip(versions);
        rows.filter_map(|(id, version)| Row::of(*id, version))
            .collect()
    }

    /// Reads a row.
    pub async fn row(&self, id: u64) -> Option<Row> {
        self.rows(&[id]).await.pop()
    }

    /// Says that the cache has been told of these versions of these rows.
    pub async fn acknowledge(&self, ids: &[u64], versions: &[u64]) {
        let pairs: Vec<_> = ids.iter().zip(versions).collect();
        let mut cmd = redis::cmd("EVAL");
        self.ask::<()>(cmd.arg(ACKNOWLEDGE).arg(0).arg(pairs)).await;
    }

    /// Reads the floors of rows.
    pub async fn floors(&self, ids: &[u64]) -> Vec<u64> {
        self.numbers("floors", ids).await
    }

    /// Says what is wrong with what was found of a row, if anything is. The floor was read before
    /// it was looked for.
    pub async fn fault(&self, id: u64, floor: u64, found: &Found<Row>) -> Option<String> {
        let is_right = match found {
            Found::Hit(row) => row.id == id && row.version >= floor && exists(row.version),
            Found::Absent => {
                let latest = self.numbers("versions", &[id]).await[0];
                (floor..=latest).any(|version| !exists(version))
            }
            _ => true,
        };
        (!is_right).then(|| format!("row {id} with floor {floor} was {found:?}"))
    }

    /// Writes down a fault.
    pub async fn accuse(&self, fault: &str) {
        let mut cmd = redis::cmd("RPUSH");
        self.ask::<()>(cmd.arg("faults").arg(fault)).await;
    }

    /// Reads the first faults that were written down.
    pub async fn faults(&self) -> Vec<String> {
        self.ask(redis::cmd("LRANGE").arg("faults").arg(0).arg(9))
            .await
    }

    /// Adds to a count.
    pub async fn count(&self, what: &str, more: u64) {
        let mut cmd = redis::cmd("HINCRBY");
        self.ask::<()>(cmd.arg("counts").arg(what).arg(more)).await;
    }

    /// Reads a count.
    pub async fn counted(&self, what: &str) -> u64 {
        let mut cmd = redis::cmd("HGET");
        let count: Option<u64> = self.ask(cmd.arg("counts").arg(what)).await;
        count.unwrap_or(0)
    }
}

fn exists(version: u64) -> bool {
    !version.is_multiple_of(LIFE)
}
