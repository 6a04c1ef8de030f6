//! URLs of Redis servers. They name several hosts where there are several, which general URLs
//! cannot. A complaint repeats nothing but the scheme: in a URL that is wrong anything else may be
//! a password.

use super::{Address, Credentials, Deployment, RedisConfig, RedisTls, fault};
use crate::error::Result;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;

pub(super) const REDIS_PORT: u16 = 6379;
pub(super) const SENTINEL_PORT: u16 = 26379;

/// A URL as it is written.
struct Parts<'u> {
    user: Option<&'u str>,
    hosts: &'u str,
    path: Vec<&'u str>,
    query: Vec<(&'u str, &'u str)>,
}

pub(super) fn parse(url: &str) -> Result<RedisConfig> {
    let (scheme, rest) = url.trim().split_once("://").ok_or_else(|| {
        fault("the Redis URL has no scheme; write `redis://host:port`".to_owned())
    })?;
    let parts = Parts::of(rest)?;
    let (config, has_tls) = match scheme {
        "redis" => (parts.standalone()?, false),
        "rediss" => (parts.standalone()?, true),
        "unix" | "redis+unix" => (parts.unix()?, false),
        "redis+sentinel" => (parts.sentinel()?, false),
        "rediss+sentinel" => (parts.sentinel()?, true),
        "redis-cluster" => (parts.cluster()?, false),
        "rediss-cluster" => (parts.cluster()?, true),
        _ => return Err(unknown_scheme(scheme)),
    };
    Ok(if has_tls {
        config.tls(RedisTls::new())
    } else {
        config
    })
}

/// Schemes are not secret, but what stands in front of `://` may be a whole URL that was pasted
/// wrongly.
fn unknown_scheme(scheme: &str) -> crate::Error {
    let shown = if scheme.len() <= 20 && !scheme.contains([':', '@']) {
        format!(" `{scheme}`")
    } else {
        String::new()
    };
    fault(format!(
        "the Redis URL has the unknown scheme{shown}; write `redis`, `rediss`, `unix`, `redis+sentinel`, `rediss+sentinel`, `redis-cluster` or \
         `rediss-cluster`"
    ))
}

impl<'u> Parts<'u> {
    fn of(rest: &'u str) -> Result<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // The last one: a password that somebody forgot to encode may hold others.
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let options = query.split('&').filter(|option| !option.is_empty());
        let query: Option<Vec<_>> = options.map(|option| option.split_once('=')).collect();
        Ok(Self {
            user,
            hosts,
            path: path.split('/').filter(|part| !part.is_empty()).collect(),
            query: query.ok_or_else(|| {
                fault("the Redis URL has an option without a value; write `?name=value`".to_owned())
            })?,
        })
    }

    fn standalone(self) -> Result<RedisConfig> {
        self.accept(&["db"])?;
        let address = address(self.hosts, REDIS_PORT)?;
        self.finish(Deployment::Standalone(address), &self.path)
    }

    fn unix(self) -> Result<RedisConfig> {
        self.accept(&["db"])?;
        if !self.hosts.is_empty() || self.path.is_empty() {
            return Err(fault(
                "a unix socket has a path; write `unix:///run/redis.sock`".to_owned(),
            ));
        }
        let path = PathBuf::from(format!("/{}", decode(&self.path.join("/"))?));
        self.finish(Deployment::Standalone(Address::Unix(path)), &[])
    }

    fn sentinel(self) -> Result<RedisConfig> {
        self.accept(&["db", "sentinel_user", "sentinel_password"])?;
        let Some((master, path)) = self.path.split_first() else {
            return Err(fault(
                "the Redis URL names no master; write `redis+sentinel://host:26379/mymaster`"
                    .to_owned(),
            ));
        };
        let deployment = Deployment::Sentinel {
            sentinels: addresses(self.hosts.split(','), SENTINEL_PORT)?,
            master: decode(master)?,
            credentials: Credentials {
                username: self.option("sentinel_user").map(decode).transpose()?,
                password: self.option("sentinel_password").map(decode).transpose()?,
            },
        };
        self.finish(deployment, path)
    }

    fn cluster(self) -> Result<RedisConfig> {
        self.accept(&["db"])?;
        let nodes = addresses(self.hosts.split(','), REDIS_PORT)?;
        self.finish(Deployment::Cluster(nodes), &self.path)
    }

    fn finish(&self, deployment: Deployment, path: &[&str]) -> Result<RedisConfig> {
        let mut config = RedisConfig::of(deployment);
        if let Some(user) = self.user {
            let (username, password) = match user.split_once(':') {
                Some((username, password)) => (username, Some(password)),
                None => (user, None),
            };
            config.credentials = Credentials {
                username: Some(decode(username)?).filter(|name| !name.is_empty()),
                password: password.map(decode).transpose()?,
            };
        }
        let number = match (path, self.option("db")) {
            ([], None) => return Ok(config),
            ([number], None) => number,
            ([], Some(number)) => number,
            _ => {
                return Err(fault(
                    "the Redis URL has more than a database behind its hosts".to_owned(),
                ));
            }
        };
        let number = number
            .parse()
            .map_err(|_| fault("the Redis URL has a database that is no number".to_owned()))?;
        Ok(config.database(number))
    }

    fn option(&self, name: &str) -> Option<&'u str> {
        let found = self.query.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    fn accept(&self, known: &[&str]) -> Result<()> {
        if self.query.iter().all(|(name, _)| known.contains(name)) {
            return Ok(());
        }
        let known = known.join("`, `");
        Err(fault(format!(
            "the Redis URL has an unknown option; known here: `{known}`"
        )))
    }
}

pub(super) fn addresses<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    default_port: u16,
) -> Result<Vec<Address>> {
    let parsed: Result<Vec<_>> = texts
        .into_iter()
        .map(|text| address(text, default_port))
        .collect();
    let parsed = parsed?;
    if parsed.is_empty() {
        return Err(fault("no address of Redis is given".to_owned()));
    }
    Ok(parsed)
}

/// Reads `host`, `host:port`, `[::1]` or `[::1]:port`.
pub(super) fn address(text: &str, default_port: u16) -> Result<Address> {
    if text.contains(',') {
        return Err(fault(
            "one Redis server has one host; write `redis-cluster://host,host2` for a cluster, or `redis+sentinel://host,host2/mymaster` for Sentinel"
                .to_owned(),
        ));
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err(fault(
            "the Redis URL has no host; write `redis://host:port`".to_owned(),
        ));
    }
    let port = match port {
        None => default_port,
        // Not repeated: it may be a password whose host was forgotten.
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
            fault("the Redis URL has a port that is no number from 1 to 65535".to_owned())
        })?,
    };
    Ok(Address::Tcp(host.to_owned(), port))
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| fault("the Redis URL holds percent-encoded bytes that are no text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    fn complaint(url: &str) -> String {
        parse(url).unwrap_err().to_string()
    }

    #[test]
    fn one_server_is_read_with_all_its_parts_or_few() {
        let config = parse("redis://app:p%40ss@cache:6380/2").unwrap();
        assert_eq!(
            config.deployment,
            Deployment::Standalone(tcp("cache", 6380))
        );
        assert_eq!(config.credentials.username.as_deref(), Some("app"));
        assert_eq!(config.credentials.password.as_deref(), Some("p@ss"));
        assert_eq!((config.database, config.tls.is_some()), (2, false));
        let config = parse("rediss://:secret@[::1]").unwrap();
        assert_eq!(config.deployment, Deployment::Standalone(tcp("::1", 6379)));
        assert_eq!(config.credentials.username, None);
        assert_eq!(config.credentials.password.as_deref(), Some("secret"));
        assert!(config.tls.is_some());
    }

    #[test]
    fn a_unix_socket_is_a_path() {
        let config = parse("unix:///run/redis.sock?db=3").unwrap();
        let socket = Address::Unix("/run/redis.sock".into());
        assert_eq!(config.deployment, Deployment::Standalone(socket));
        assert_eq!(config.database, 3);
    }

    #[test]
    fn sentinels_and_clusters_have_several_hosts() {
        let config = parse("redis+sentinel://u:p@a,b:1/main/4?sentinel_password=q").unwrap();
        let sentinel = Deployment::Sentinel {
            sentinels: vec![tcp("a", 26379), tcp("b", 1)],
            master: "main".to_owned(),
            credentials: Credentials {
                username: None,
                password: Some("q".to_owned()),
            },
        };
        assert_eq!((config.deployment, config.database), (sentinel, 4));
        let config = parse("rediss-cluster://a:7000,[::1]:7001").unwrap();
        let nodes = vec![tcp("a", 7000), tcp("::1", 7001)];
        assert_eq!(config.deployment, Deployment::Cluster(nodes));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, part) in [
            ("localhost:6379", "no scheme"),
            ("http://localhost", "unknown scheme `http`"),
            ("redis://", "no host"),
            ("redis://:6379", "no host"),
            ("redis://h:0", "a port"),
            ("redis://h:65536", "a port"),
            ("redis://h1,h2", "`redis-cluster://host,host2`"),
            (
                "rediss://h1:1,h2:2/0",
                "`redis+sentinel://host,host2/mymaster`",
            ),
            ("redis://h/x", "a database"),
            ("redis://h/1/2", "more than a database"),
            ("redis://h/1?db=2", "more than a database"),
            ("redis://h?tls=1", "unknown option"),
            ("redis://h?db", "without a value"),
            ("redis://a:%FF@h", "no text"),
            ("redis+sentinel://h", "names no master"),
            ("unix://run/redis.sock", "has a path"),
            ("redis-cluster://", "no host"),
        ] {
            let complaint = complaint(url);
            assert!(complaint.contains(part), "{url}: {complaint}");
        }
    }

    #[test]
    fn no_complaint_repeats_a_password() {
        for url in [
            "redis://app:s3cret",
            "redis://app:s3cret@h:port",
            "redis://app:s3cret,h",
            "redis://app:s3cret@h/x",
            "redis://app:s3cret@h?x=1",
            "redis://app:6/s3cret@h",
            "redis://app:6?s3cret=@h",
            "app:s3cret@h://x",
        ] {
            let complaint = complaint(url);
            assert!(!complaint.contains("s3cret"), "{url}: {complaint}");
        }
    }
}
