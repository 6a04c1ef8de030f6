use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Below the ports that systems give to outgoing connections. One of those could take the port of a server that is down for a
/// moment, or even be connected to itself, and answer a client with the client's own words.
const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;

/// Finds a port of loopback on which nobody listens; twice the same only after all others.
///
/// Another process may take it before the caller does: who cannot bind it asks for another.
pub(super) fn free() -> u16 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| {
        // Test processes that run side by side start at different places.
        AtomicU64::new(RandomState::new().hash_one(()) >> 1)
    });
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % u64::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("less than the count");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
