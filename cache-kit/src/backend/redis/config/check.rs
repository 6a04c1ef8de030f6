//! What a config is refused for before anybody connects.

use super::{Address, Credentials, Deployment, RedisConfig, RedisTls, fault};
use crate::error::Result;
use std::time::Duration;

impl RedisConfig {
    /// Refuses what cannot work.
    pub(in super::super) fn check(&self) -> Result<()> {
        let is_cluster = matches!(self.deployment, Deployment::Cluster(_));
        let is_unix = matches!(self.deployment, Deployment::Standalone(Address::Unix(_)));
        let complaint = if self.deadline.is_zero() {
            "a `deadline` of zero asks nobody"
        } else if self.connect_deadline.is_zero() {
            "a `connect_deadline` of zero connects to nobody"
        } else if self.lease < Duration::from_millis(1) {
            "a `lease` of less than a millisecond holds nobody off"
        } else if self.max_entry == 0 {
            "a `max_entry` of zero stores nothing"
        } else if is_cluster && self.database != 0 {
            "a cluster has no database but 0"
        } else if self.credentials.is_incomplete() {
            "a user name is of no use without a password"
        } else if is_unix && self.tls.is_some() {
            "a unix socket takes no TLS"
        } else {
            self.check_features()?;
            self.check_sentinel()?;
            return self.tls.as_ref().map_or(Ok(()), RedisTls::check);
        };
        Err(fault(complaint.to_owned()))
    }

    /// Names all features that are missing, so that nobody builds once for each.
    fn check_features(&self) -> Result<()> {
        let (tls, cluster, sentinel) = (
            cfg!(feature = "redis-tls"),
            cfg!(feature = "redis-cluster"),
            cfg!(feature = "redis-sentinel"),
        );
        let mut missing = Vec::new();
        match self.deployment {
            Deployment::Cluster(_) if !cluster => missing.push("`redis-cluster` (for a cluster)"),
            Deployment::Sentinel { .. } if !sentinel => {
                missing.push("`redis-sentinel` (for Sentinel)");
            }
            _ => {}
        }
        if self.tls.is_some() && !tls {
            missing.push("`redis-tls` (for TLS)");
        }
        let features = match missing.as_slice() {
            [] => return Ok(()),
            [_] => "the feature",
            _ => "the features",
        };
        let missing = missing.join(" and ");
        Err(fault(format!(
            "cache-kit is built without {features} {missing}"
        )))
    }

    fn check_sentinel(&self) -> Result<()> {
        let Deployment::Sentinel {
            master,
            credentials,
            ..
        } = &self.deployment
        else {
            return Ok(());
        };
        let complaint = if master.is_empty() {
            "Sentinel has to be asked for a master by name"
        } else if credentials.is_incomplete() {
            "a sentinel's user name is of no use without a password"
        } else {
            return Ok(());
        };
        Err(fault(complaint.to_owned()))
    }
}

impl Credentials {
    fn is_incomplete(&self) -> bool {
        self.username.is_some() && self.password.is_none()
    }
}

#[cfg(all(
    test,
    not(any(
        feature = "redis-tls",
        feature = "redis-cluster",
        feature = "redis-sentinel"
    ))
))]
mod tests {
    use super::RedisConfig;

    #[test]
    fn all_features_that_are_missing_are_named_at_once() {
        for (url, said) in [
            ("redis://h", None),
            ("rediss://h", Some("the feature `redis-tls` (for TLS)")),
            (
                "rediss-cluster://h",
                Some("the features `redis-cluster` (for a cluster) and `redis-tls` (for TLS)"),
            ),
            (
                "rediss+sentinel://h/main",
                Some("the features `redis-sentinel` (for Sentinel) and `redis-tls` (for TLS)"),
            ),
        ] {
            let config: RedisConfig = url.parse().unwrap();
            let refused = config.check().err().map(|error| error.to_string());
            let said = said
                .map(|said| format!("cache is misconfigured: cache-kit is built without {said}"));
            assert_eq!(refused, said, "{url}");
        }
    }
}
