mod counts;
mod gate;
mod relay;
mod writer;

pub use counts::Counts;

use super::port;
use counts::Meter;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to the bytes on their way, and to connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// Everything passes.
    #[default]
    Passes,
    /// Everything passes so much later, each way: an answer takes twice as long. What is sent at
    /// once arrives at once.
    Delayed(Duration),
    /// Nothing passes, but nothing is lost: it arrives when traffic is switched back, as after a
    /// network that was down.
    Stalled,
    /// Nothing passes, and everything is lost: connections are accepted and stay open, requests are
    /// swallowed, and nothing is answered. Connections that lost something are closed when traffic
    /// is switched back.
    Swallowed,
    /// All connections are closed, and new ones are refused, as by a process that has ended.
    Refused,
    /// So many bytes of answers pass on each connection, counted from now; then it is closed.
    Truncated(u64),
}

/// A TCP proxy in front of a server, whose traffic is switched at run time for connections old and
/// new.
///
/// It runs in the runtime of the test that starts it, and ends when it is dropped: a test that
/// blocks its only thread holds it up.
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    gate: JoinHandle<()>,
}

/// What the proxy and its connections know of each other.
struct Shared {
    target: SocketAddr,
    state: watch::Sender<State>,
    is_listening: watch::Sender<bool>,
    meter: Meter,
}

#[derive(Clone, Copy, Default)]
struct State {
    traffic: Traffic,
    /// How often traffic was switched: a connection sees even what was switched back in the
    /// meantime.
    switches: u64,
    /// How often all connections were closed.
    cuts: u64,
}

impl Proxy {
    /// Starts a proxy on a free port of loopback, in front of a server.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start(target: impl Into<SocketAddr>) -> Self {
        let listener = loop {
            let addr = (Ipv4Addr::LOCALHOST, port::free());
            if let Ok(listener) = TcpListener::bind(addr).await {
                break listener;
            }
        };
        let addr = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            target: target.into(),
            state: watch::Sender::default(),
            is_listening: watch::Sender::new(true),
            meter: Meter::default(),
        });
        let gate = tokio::spawn(gate::keep(listener, addr, Arc::clone(&shared)));
        Self { addr, shared, gate }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Switches traffic, and waits until connections are refused, or no longer.
    ///
    /// # Panics
    /// If somebody else has taken the port while it was free.
    pub async fn set(&self, traffic: Traffic) {
        let is_refused = traffic == Traffic::Refused;
        self.shared.state.send_modify(|state| {
            state.traffic = traffic;
            state.switches += 1;
            state.cuts += u64::from(is_refused);
        });
        let mut is_listening = self.shared.is_listening.subscribe();
        let switched = is_listening.wait_for(|is_listening| *is_listening != is_refused);
        switched.await.expect("we hold the sender");
    }

    /// Closes all connections; new ones are served as before.
    pub fn cut(&self) {
        self.shared.state.send_modify(|state| state.cuts += 1);
    }

    /// What has passed so far.
    pub fn counts(&self) -> Counts {
        self.shared.meter.read()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.abort();
    }
}
