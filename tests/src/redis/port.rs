use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::Mutex;

/// Below the ports that systems give to outgoing connections. One of those could take the port of a
/// server that is down for a moment, or even be connected to itself, and answer a client with the
/// client's own words.
const FIRST: u16 = 15_000;
const BLOCKS: u16 = 85;
const BLOCK: u16 = 200;

/// The ports that no other test process uses.
static OURS: Mutex<Ours> = Mutex::new(Ours {
    claims: Vec::new(),
    left: 0..0,
});

struct Ours {
    /// Listens on the first port of each of our blocks, and so keeps others from it as long as we
    /// live.
    claims: Vec<TcpListener>,
    left: Range<u16>,
}

/// Finds a port of loopback on which nobody listens, and that no test process has used before as
/// long as this one runs: Sentinels and nodes go on to ask for a server that is down, and would
/// take whoever has its port for it.
///
/// Somebody else may still take it before the caller does: who cannot bind it asks for another.
pub(super) fn free() -> u16 {
    let mut ours = OURS.lock().expect("no panic while it is held");
    loop {
        match ours.left.next() {
            Some(port) if listen(port).is_some() => return port,
            Some(_) => {}
            None => ours.claim(),
        }
    }
}

impl Ours {
    /// Claims another block. Processes that start at once begin to look at different places.
    fn claim(&mut self) {
        let start = RandomState::new().hash_one(()) % u64::from(BLOCKS);
        let start = u16::try_from(start).expect("less than the number of blocks");
        for block in (start..BLOCKS).chain(0..start) {
            let first = FIRST + block * BLOCK;
            if let Some(claim) = listen(first) {
                self.claims.push(claim);
                self.left = first + 1..first + BLOCK;
                return;
            }
        }
        panic!("test processes have claimed all ports from {FIRST} on");
    }
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ports_are_free_and_never_the_same_twice() {
        let ports: Vec<_> = (0..u32::from(BLOCK) * 3).map(|_| free()).collect();
        let different: HashSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
        assert!(ports.iter().all(|port| *port < FIRST + BLOCKS * BLOCK));
    }
}
