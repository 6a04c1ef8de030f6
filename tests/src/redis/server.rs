mod admin;
mod builder;

pub(super) use admin::HARNESS;
pub use builder::RedisServerBuilder;

use super::directory::Directory;
use super::patience::until;
use super::port;
use super::process::Process;
use builder::Settings;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard};

/// How many ports are tried. Each was free a moment before.
const ATTEMPTS: u32 = 20;

/// A Redis server on loopback, in a directory of its own. It ends when this is dropped, also by a
/// panic, and when the test process is killed.
pub struct RedisServer {
    process: Mutex<Option<Process>>,
    settings: Settings,
    port: u16,
    bus_port: u16,
    directory: Directory,
}

/// How a start went.
enum Started {
    Ready,
    PortTaken,
}

impl RedisServer {
    /// Starts a server without persistence or password, and waits until it answers.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Describes a server to start.
    #[must_use]
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::default()
    }

    async fn launch(settings: Settings) -> Self {
        for _ in 0..ATTEMPTS {
            let server = Self {
                process: Mutex::default(),
                port: port::free(),
                bus_port: port::free(),
                directory: Directory::new(),
                settings: settings.clone(),
            };
            let config = server.settings.config(&server);
            server.directory.write("redis.conf", &config);
            if let Started::Ready = server.run().await {
                return server;
            }
        }
        panic!("{ATTEMPTS} ports in a row were taken before a Redis server could have them");
    }

    /// Starts the process and waits until it answers, or has found its port taken.
    async fn run(&self) -> Started {
        let mut arguments = vec!["redis.conf".to_owned()];
        arguments.extend(self.settings.mode_argument());
        let process = Process::spawn(self.settings.program(), &arguments, self.directory.path());
        *self.process() = Some(process);
        until("a Redis server answers", || async {
            if self.has_ended() {
                self.kill();
                return Some(self.explain_end());
            }
            // Nobody else listens on a socket in our directory.
            let pong = self.try_command(&["PING"]).await;
            pong.is_ok().then_some(Started::Ready)
        })
        .await
    }

    fn explain_end(&self) -> Started {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let is_taken = ["Address already in use", "Failed listening on port"];
        assert!(
            is_taken.iter().any(|words| log.contains(words)),
            "a Redis server does not start:\n{log}"
        );
        Started::PortTaken
    }

    /// Kills it as `kill -9` does, and waits until it is gone. Connections break, new ones are
    /// refused.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// Starts it again on the same port with the same settings, after killing it if it runs, and
    /// waits until it answers.
    ///
    /// Without persistence it has lost its data. A node of a cluster or Sentinel has not lost what
    /// it knows of the others.
    ///
    /// # Panics
    /// If it does not start, or somebody else keeps its port for a minute.
    pub async fn restart(&self) {
        self.kill();
        until("the port of a Redis server is free again", || async {
            matches!(self.run().await, Started::Ready).then_some(())
        })
        .await;
    }

    /// Freezes it: connections stay, and new ones are still accepted by the system, but nothing is
    /// answered.
    ///
    /// # Panics
    /// If it does not run.
    pub fn freeze(&self) {
        self.process().as_mut().expect("it runs").freeze();
    }

    /// Lets it go on; it answers everything that it was asked in the meantime.
    ///
    /// # Panics
    /// If it does not run.
    pub fn thaw(&self) {
        self.process().as_mut().expect("it runs").thaw();
    }

    /// Whether its process is there, frozen or not.
    pub fn is_running(&self) -> bool {
        self.process().is_some() && !self.has_ended()
    }

    /// Whether it runs and is not frozen.
    pub fn is_awake(&self) -> bool {
        let is_frozen = self.process().as_ref().is_some_and(Process::is_frozen);
        self.is_running() && !is_frozen
    }

    /// The id of its process.
    ///
    /// # Panics
    /// If it does not run.
    pub fn process_id(&self) -> u32 {
        self.process().as_ref().expect("it runs").id()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port on which it listens, with TLS if it speaks TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on which it speaks with other nodes, if it is one of a cluster.
    pub fn bus_port(&self) -> u16 {
        self.bus_port
    }

    fn has_ended(&self) -> bool {
        self.process().as_mut().is_some_and(Process::has_ended)
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().expect("no panic while it is held")
    }
}
