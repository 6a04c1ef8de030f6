//! Real Redis for tests: servers, a Sentinel topology and a cluster on loopback, each started by
//! the test that needs it and gone when the test is, and a proxy that misbehaves as networks do.

mod certificates;
mod cluster;
mod directory;
mod patience;
mod port;
mod process;
mod proxy;
mod sentinels;
mod server;

pub use certificates::{Certificates, Identity};
pub use cluster::{Cluster, ClusterBuilder, SlotMove};
pub use patience::until;
pub use proxy::{Counts, Proxy, Traffic};
pub use sentinels::{Sentinels, SentinelsBuilder};
pub use server::{RedisServer, RedisServerBuilder};
