use super::{State, Traffic};
use std::future;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// That a connection is to be closed at once.
pub(super) struct Closed;

/// Where bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    There,
    Back,
}

/// Bytes that were read at once.
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) read_at: Instant,
}

/// Brings chunks to one side of a connection, as traffic is by then.
pub(super) struct Writer {
    way: Way,
    to: OwnedWriteHalf,
    state: watch::Receiver<State>,
    /// During which traffic something was lost, if it was.
    lost: Option<u64>,
    /// How many bytes have passed, and during which traffic.
    passed: (u64, u64),
}

impl Writer {
    pub(super) fn new(way: Way, to: OwnedWriteHalf, state: watch::Receiver<State>) -> Self {
        Self {
            way,
            to,
            state,
            lost: None,
            passed: (0, 0),
        }
    }

    /// Delivers everything until the end, and that as well.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Chunk>) -> Result<(), Closed> {
        loop {
            let arrived = tokio::select! {
                biased;
                () = after_loss(&mut self.state, self.lost) => return Err(Closed),
                arrived = queue.recv() => arrived,
            };
            match arrived {
                Some(chunk) => self.deliver(&chunk).await?,
                None => return self.end().await,
            }
        }
    }

    async fn deliver(&mut self, chunk: &Chunk) -> Result<(), Closed> {
        loop {
            let now = self.now()?;
            match now.traffic {
                Traffic::Passes => return self.write(&chunk.bytes).await,
                Traffic::Delayed(time) => tokio::select! {
                    biased;
                    _ = self.state.changed() => {}
                    () = sleep_until(chunk.read_at + time) => return self.write(&chunk.bytes).await,
                },
                Traffic::Stalled => self.switched().await?,
                Traffic::Swallowed => {
                    self.lost = Some(now.switches);
                    return Ok(());
                }
                Traffic::Refused => return Err(Closed),
                Traffic::Truncated(limit) => return self.truncate(&chunk.bytes, limit).await,
            }
        }
    }

    async fn end(&mut self) -> Result<(), Closed> {
        loop {
            let now = self.now()?;
            match now.traffic {
                Traffic::Stalled => self.switched().await?,
                Traffic::Swallowed => {
                    self.lost = Some(now.switches);
                    self.switched().await?;
                }
                _ => return self.to.shutdown().await.map_err(|_| Closed),
            }
        }
    }

    /// What traffic is like, unless it was switched back since something was lost.
    fn now(&mut self) -> Result<State, Closed> {
        let now = *self.state.borrow_and_update();
        let is_whole = self.lost.is_none_or(|lost| lost == now.switches);
        is_whole.then_some(now).ok_or(Closed)
    }

    async fn switched(&mut self) -> Result<(), Closed> {
        self.state.changed().await.map_err(|_| Closed)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        self.to.write_all(bytes).await.map_err(|_| Closed)
    }

    async fn truncate(&mut self, bytes: &[u8], limit: u64) -> Result<(), Closed> {
        if self.way == Way::There {
            return self.write(bytes).await;
        }
        let switches = self.state.borrow().switches;
        if self.passed.1 != switches {
            self.passed = (0, switches);
        }
        let left = limit - self.passed.0;
        let end = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.write(&bytes[..end]).await?;
        self.passed.0 += end as u64;
        if self.passed.0 < limit {
            return Ok(());
        }
        // An orderly end first: what has passed would be thrown away with a reset.
        let _ = self.to.shutdown().await;
        Err(Closed)
    }
}

/// Waits until traffic is switched, if something was lost during the last.
async fn after_loss(state: &mut watch::Receiver<State>, lost: Option<u64>) {
    match lost {
        Some(lost) => drop(state.wait_for(|state| state.switches != lost).await),
        None => future::pending().await,
    }
}
