//! Which server is the master, as Sentinel has it.

use super::config::{Address, Credentials};
use super::connect::{Dialer, Dialled, ask};
use super::wire::unexpected;
use crate::error::{Error, Result};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryFutureExt};
use redis::Value;
use std::collections::HashSet;
use std::fmt;

/// Those who know where the master is.
#[derive(Clone, Debug)]
pub(super) struct Sentinels {
    addresses: Vec<Address>,
    master: String,
    dialer: Dialer,
}

/// What comes of a step on the way to the master.
enum Step {
    Named(Address),
    Dialled(Dialled),
}

impl Sentinels {
    pub(super) fn new(
        addresses: Vec<Address>,
        master: String,
        credentials: Credentials,
        dialer: &Dialer,
    ) -> Self {
        Self {
            addresses,
            master,
            dialer: dialer.signed_in_as(credentials),
        }
    }

    /// Connects to the master: asks all sentinels at once, and takes the first server named that
    /// says itself that it is one. A sentinel that is cut off may name another.
    pub(super) async fn dial_master(&self, dialer: &Dialer) -> Result<Dialled> {
        let mut steps: FuturesUnordered<BoxFuture<'_, Result<Step>>> = FuturesUnordered::new();
        for address in &self.addresses {
            steps.push(Box::pin(async { self.ask(address).await.map(Step::Named) }));
        }
        let (mut tried, mut lost) = (HashSet::new(), None);
        while let Some(step) = steps.next().await {
            match step {
                Ok(Step::Named(address)) if tried.insert(address.clone()) => {
                    // Beside the others: it may never answer.
                    let dialled = async move { dialer.dial_master(&address).await };
                    steps.push(Box::pin(dialled.map_ok(Step::Dialled)));
                }
                Ok(Step::Named(_)) => {}
                Ok(Step::Dialled(dialled)) => return Ok(dialled),
                Err(error) => lost = Some(error),
            }
        }
        Err(lost.unwrap_or(Error::Timeout))
    }

    async fn ask(&self, sentinel: &Address) -> Result<Address> {
        let mut connection = self.dialer.connect(sentinel).await?;
        let mut cmd = redis::cmd("SENTINEL");
        cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer = ask(&mut connection, sentinel, &cmd).await?;
        let Value::Array(named) = &answer else {
            let unknown = format!(
                "the sentinel at {sentinel} knows no master `{}`",
                self.master
            );
            return Err(Error::BackendError(unknown.into()));
        };
        let [host, port] = named.as_slice() else {
            return Err(unexpected("`SENTINEL GET-MASTER-ADDR-BY-NAME`"));
        };
        address_of(host, port).ok_or_else(|| unexpected("`SENTINEL GET-MASTER-ADDR-BY-NAME`"))
    }
}

fn address_of(host: &Value, port: &Value) -> Option<Address> {
    let Value::BulkString(host) = host else {
        return None;
    };
    let host = String::from_utf8(host.clone()).ok()?;
    let port = u16::try_from(super::wire::integer(port)?).ok()?;
    Some(Address::Tcp(host, port))
}

impl fmt::Display for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the master `{}`", self.master)
    }
}
