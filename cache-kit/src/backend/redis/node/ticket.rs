//! A call that was let through to a server, and what its end says about it.

use super::Node;
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::time::Instant;

/// Why there is no answer.
pub(super) enum Fault {
    /// There is no connection: the breaker knows already.
    Unreached(Error),
    /// There is no connection yet.
    Waited(Error),
    /// The connection ended.
    Lost(Error),
    /// None came in time, to anybody.
    Silent,
    /// None came in time.
    Late,
}

impl Fault {
    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Unreached(error) | Self::Waited(error) | Self::Lost(error) => error,
            Self::Silent | Self::Late => &Error::Timeout,
        }
    }
}

/// A call that was let through. A probe that is dropped makes way for the next.
pub(super) struct Ticket {
    pub(super) node: Arc<Node>,
    pub(super) is_open: bool,
}

impl Ticket {
    pub(super) fn report<T>(&mut self, answer: &Result<T, Fault>) {
        self.is_open = false;
        let mut state = self.node.state();
        match answer {
            Ok(_) => {
                state.breaker.succeed();
                return self.node.tell(state, Some(true));
            }
            // Whoever waits for an attempt has learnt nothing of its end.
            Err(Fault::Waited(_)) => state.breaker.forget_probe(Instant::now()),
            Err(Fault::Unreached(_)) => {}
            Err(fault) => {
                let now = Instant::now();
                state.lost = Some(fault.error().clone());
                match fault {
                    Fault::Silent => state.breaker.trip(now),
                    _ => state.breaker.fail(now),
                }
            }
        }
        let is_open = state.breaker.is_open();
        self.node.tell(state, is_open.then_some(false));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_open {
            self.node.state().breaker.forget_probe(Instant::now());
        }
    }
}
