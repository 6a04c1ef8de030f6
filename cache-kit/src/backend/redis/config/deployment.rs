//! Who is asked, and as whom.

use std::fmt;
use std::path::PathBuf;

/// What kind of Redis it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend::redis) enum Deployment {
    Standalone(Address),
    Sentinel {
        sentinels: Vec<Address>,
        master: String,
        credentials: Credentials,
    },
    Cluster(Vec<Address>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::backend::redis) enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::backend::redis) struct Credentials {
    pub(in crate::backend::redis) username: Option<String>,
    pub(in crate::backend::redis) password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
