use super::RedisServer;
use super::admin::HARNESS;
use crate::redis::certificates::Certificates;
use crate::redis::directory::Directory;
use std::path::{Path, PathBuf};

/// Describes a Redis server to start.
#[derive(Clone, Default)]
pub struct RedisServerBuilder(Settings);

/// What a server is started with, again at each restart.
#[derive(Clone, Default)]
pub(super) struct Settings {
    program: Option<PathBuf>,
    password: Option<String>,
    mode: Mode,
    tls: Option<Tls>,
    lines: Vec<Vec<String>>,
}

/// How a server speaks TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) certificates: Certificates,
    is_mutual: bool,
}

/// What a server is.
#[derive(Clone, Copy, Default)]
enum Mode {
    #[default]
    Standalone,
    Cluster,
    Sentinel,
}

impl RedisServerBuilder {
    /// Adds a line of `redis.conf`, word by word; of lines that contradict each other the last
    /// counts.
    ///
    /// Users are lines too, so there can be no `aclfile`.
    #[must_use]
    pub fn option(mut self, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned());
        self.0.lines.push(words.collect());
        self
    }

    /// Demands a password of the default user.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.0.password = Some(password.to_owned());
        self.option(&["requirepass", password])
    }

    /// Adds a user with rules as `ACL SETUSER` takes them:
    /// `user("alice", &["on", ">secret", "~app:*", "+@read"])`.
    #[must_use]
    pub fn user(self, name: &str, rules: &[&str]) -> Self {
        self.option(&[&["user", name], rules].concat())
    }

    /// Limits its memory, as in `100mb`, and says what is evicted, as in `allkeys-lru`.
    #[must_use]
    pub fn max_memory(self, limit: &str, policy: &str) -> Self {
        self.option(&["maxmemory", limit])
            .option(&["maxmemory-policy", policy])
    }

    /// Starts another program than the `redis-server` of the `PATH`.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.0.program = Some(program.into());
        self
    }

    /// Makes it speak only TLS, with certificates that were made for it; clients need not show any.
    #[must_use]
    pub fn tls(mut self, certificates: &Certificates) -> Self {
        self.0.tls = Some(Tls {
            certificates: certificates.clone(),
            is_mutual: false,
        });
        self
    }

    /// Makes it speak only TLS, and only with clients that show a certificate of the same
    /// authority.
    #[must_use]
    pub fn mutual_tls(mut self, certificates: &Certificates) -> Self {
        self.0.tls = Some(Tls {
            certificates: certificates.clone(),
            is_mutual: true,
        });
        self
    }

    /// Makes it a node of a cluster that is yet to be formed.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.0.mode = Mode::Cluster;
        self
    }

    /// Makes it a Sentinel.
    #[must_use]
    pub fn sentinel(mut self) -> Self {
        self.0.mode = Mode::Sentinel;
        self
    }

    /// Starts the server, and waits until it answers.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start(self) -> RedisServer {
        RedisServer::launch(self.0).await
    }
}

impl Settings {
    pub(super) fn program(&self) -> &Path {
        let program = self.program.as_deref();
        program.unwrap_or(Path::new("redis-server"))
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// What is said on the command line, as it cannot be in the file.
    pub(super) fn mode_argument(&self) -> Option<String> {
        matches!(self.mode, Mode::Sentinel).then(|| "--sentinel".to_owned())
    }

    /// Writes `redis.conf` for a server. As the server can rewrite it, what Sentinel has told a
    /// server survives its restart.
    pub(super) fn config(&self, server: &RedisServer) -> String {
        let mut config = self.tls.as_ref().map_or_else(
            || format!("port {}\n", server.port),
            |tls| tls.config(server.port, &server.directory),
        );
        config += "bind 127.0.0.1\n";
        config += &line(&["unixsocket", &server.socket()]);
        let password = format!(">{HARNESS}");
        config += &line(&["user", HARNESS, "on", &password, "~*", "&*", "+@all"]);
        if !matches!(self.mode, Mode::Sentinel) {
            config += DATA;
        }
        if let Mode::Cluster = self.mode {
            config += &line(&["cluster-enabled", "yes"]);
            config += &line(&["cluster-port", &server.bus_port.to_string()]);
        }
        for words in &self.lines {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            config += &line(&words);
        }
        config
    }
}

/// Tells a server with data to keep nothing on disk, and to take replicas in at once.
const DATA: &str = "\
save \"\"
appendonly no
repl-diskless-sync-delay 0
enable-debug-command yes
";

impl Tls {
    /// Writes the files that a server needs, and the lines that name them.
    fn config(&self, port: u16, directory: &Directory) -> String {
        let Certificates {
            authority, server, ..
        } = &self.certificates;
        let file = |option, name, content| {
            let path = directory.write(name, content);
            line(&[option, path.to_str().expect("a name of ours")])
        };
        [
            line(&["port", "0"]),
            line(&["tls-port", &port.to_string()]),
            file("tls-ca-cert-file", "authority.pem", authority),
            file("tls-cert-file", "server.pem", &server.certificate),
            file("tls-key-file", "server.key", &server.key),
            line(&[
                "tls-auth-clients",
                if self.is_mutual { "yes" } else { "no" },
            ]),
            line(&["tls-replication", "yes"]),
            line(&["tls-cluster", "yes"]),
        ]
        .concat()
    }
}

/// Writes a line of `redis.conf`.
fn line(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        let escaped = word.replace('\\', r"\\").replace('"', r#"\""#);
        format!("\"{escaped}\"")
    });
    quoted.collect::<Vec<_>>().join(" ") + "\n"
}
