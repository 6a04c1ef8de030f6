//! What is sent to Redis, and what comes back.

use super::script;
use crate::error::{Error, Result};
use crate::runtime::clock::Age;
use redis::aio::MultiplexedConnection;
use redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use std::fmt::Display;
use std::time::{Duration, Instant};

/// One command, about names of one slot.
pub(super) struct Request {
    pub(super) cmd: Cmd,
    /// The name that decides which node of a cluster is asked.
    #[cfg(feature = "redis-cluster")]
    pub(super) slot: u16,
}

impl Request {
    pub(super) fn new(cmd: Cmd, name: &str) -> Self {
        #[cfg(not(feature = "redis-cluster"))]
        let _ = name;
        Self {
            cmd,
            #[cfg(feature = "redis-cluster")]
            slot: super::names::slot(name),
        }
    }
}

/// An answer, and by which clock the node that gave it tells the time.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) value: Value,
    /// What a server error comes to.
    pub(super) refusal: Option<Error>,
    pub(super) clock: ServerClock,
}

/// How a server's clock compares with ours. Clocks of two nodes are never compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    at: Instant,
    millis: u64,
}

impl ServerClock {
    /// Reads the answer to `TIME`.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let Value::Array(parts) = value else {
            return None;
        };
        let [seconds, micros] = parts.as_slice() else {
            return None;
        };
        let millis = integer(seconds)?
            .checked_mul(1000)?
            .checked_add(integer(micros)? / 1000)?;
        Some(Self {
            at: Instant::now(),
            millis,
        })
    }

    /// Tells the age of what was written at a time of this clock; what is from its future has none.
    pub(super) fn age(self, written: u64) -> Age {
        let before = Duration::from_millis(self.millis.saturating_sub(written));
        let after = Duration::from_millis(written.saturating_sub(self.millis));
        match self.at.checked_sub(before) {
            Some(at) => at.checked_add(after).map_or(Age::new(before), Age::since),
            None => Age::new(before),
        }
    }
}

/// What is sent in one go.
pub(super) enum Parcel {
    One(Cmd),
    Many(Pipeline),
}

impl Parcel {
    pub(super) fn of(mut commands: Vec<Cmd>) -> Self {
        match (commands.len(), commands.pop()) {
            (1, Some(only)) => Self::One(only),
            (_, last) => {
                let mut pipeline = Pipeline::with_capacity(commands.len() + 1);
                for cmd in commands.into_iter().chain(last) {
                    pipeline.add_command(cmd);
                }
                Self::Many(pipeline)
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(pipeline) => pipeline.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&Cmd> {
        match self {
            Self::One(cmd) => (index == 0).then_some(cmd),
            Self::Many(pipeline) => pipeline.cmd_iter().nth(index),
        }
    }

    /// Makes what is sent once more after its answer was lost.
    pub(super) fn repeated(&self) -> Result<Self> {
        let commands: Result<Vec<_>> = match self {
            Self::One(cmd) => script::repeated(cmd).map(|cmd| vec![cmd]),
            Self::Many(pipeline) => pipeline.cmd_iter().map(script::repeated).collect(),
        };
        commands.map(Self::of)
    }

    /// Sends it; scripts that the server does not know are sent along once more. `Err` is a failure
    /// of the connection; what the server refuses is among the values.
    pub(super) async fn send(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Vec<Value>> {
        let mut values = self.send_as_it_is(connection).await?;
        let unknown: Vec<_> = (0..values.len())
            .filter(|index| is_refusal(&values[*index], ServerErrorKind::NoScript))
            .collect();
        if unknown.is_empty() {
            return Ok(values);
        }
        let (mut again, mut places) = (Vec::new(), Vec::with_capacity(unknown.len()));
        for index in unknown {
            let before = index.checked_sub(1).and_then(|before| self.get(before));
            // It was good for one command.
            again.extend(before.filter(|cmd| is_asking(cmd)).cloned());
            places.push((index, again.len()));
            again.extend(self.get(index).and_then(script::with_source));
        }
        let mut answers = Box::pin(Self::of(again).send_as_it_is(connection)).await?;
        for (index, place) in places {
            if let Some((value, answer)) = values.get_mut(index).zip(answers.get_mut(place)) {
                std::mem::swap(value, answer);
            }
        }
        Ok(values)
    }

    async fn send_as_it_is(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Vec<Value>> {
        match self {
            Self::One(cmd) => connection
                .send_packed_command(cmd)
                .await
                .map(|value| vec![value]),
            Self::Many(pipeline) if pipeline.is_empty() => Ok(Vec::new()),
            Self::Many(pipeline) => {
                let count = pipeline.len();
                connection.send_packed_commands(pipeline, 0, count).await
            }
        }
    }
}

/// Says whether a command is the word that the next one was sent on, which a node of a cluster
/// wants for a slot that is on its way to it.
fn is_asking(cmd: &Cmd) -> bool {
    matches!(cmd.args_iter().next(), Some(Arg::Simple(b"ASKING")))
}

pub(super) fn is_refusal(value: &Value, kind: ServerErrorKind) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(kind))
}

/// Says what a server refused, which one it is, and what would help.
pub(super) fn refused(server: &dyn Display, error: &RedisError) -> Error {
    let said = error.to_string();
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    let is_denied = error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm);
    let help = if is_denied || says(&DENIED) {
        "; the user needs the keys `~ck:*`, and the commands that the docs of `RedisBackend` list under \"What Redis has to allow\""
    } else if error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot) {
        "; a node of a cluster has a URL that begins with `redis-cluster://`, or `rediss-cluster://` over TLS (feature `redis-cluster`)"
    } else if says(&["cluster support disabled"]) {
        "; one server has a URL that begins with `redis://`, or `rediss://` over TLS"
    } else {
        ""
    };
    Error::BackendError(format!("Redis at {server}: {said}{help}").into())
}

/// What a script is told that does what its user may not, by Redis up to 7.0 and after it.
const DENIED: [&str; 2] = ["The user executing the script", "ACL failure in script"];

pub(super) fn unexpected(what: &str) -> Error {
    Error::BackendError(format!("Redis gave an answer to {what} that is none").into())
}

/// Refuses to work where nothing can be waited for: outside of a Tokio runtime, as when a write is
/// dropped there.
pub(super) fn check_runtime() -> Result<()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::BackendError("Redis needs a Tokio runtime".into())),
    }
}

/// Reads a number, as an integer or as text.
pub(super) fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::SimpleString(text) => text.parse().ok(),
        _ => None,
    }
}

/// Reads a stored value; what is none is nothing.
pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: &str, micros: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(vec![text(seconds), text(micros)])
    }

    #[test]
    fn an_age_is_told_by_the_servers_clock() {
        let clock = ServerClock::read(&time("1790000000", "500999")).unwrap();
        assert_eq!(clock.millis, 1_790_000_000_500);
        let age = clock.age(1_790_000_000_000).get();
        assert!(age >= Duration::from_millis(500) && age < Duration::from_secs(60));
    }

    #[test]
    fn what_the_servers_future_wrote_has_no_age() {
        let clock = ServerClock::read(&time("1790000000", "0")).unwrap();
        assert_eq!(clock.age(1_790_000_100_000).get(), Duration::ZERO);
        // Nor does a time that no clock reaches panic.
        assert!(clock.age(u64::MAX).get() < Duration::from_secs(60));
        let _ = clock.age(0).get();
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for value in [
            Value::Nil,
            Value::Array(vec![]),
            time("x", "0"),
            time("-1", "0"),
            time("18446744073709551615", "0"),
        ] {
            assert!(ServerClock::read(&value).is_none(), "{value:?}");
        }
    }
}
