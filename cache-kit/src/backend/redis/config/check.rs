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
        } else if self.tls.is_some() && cfg!(not(feature = "redis-tls")) {
            "TLS needs the feature `redis-tls` of cache-kit"
        } else if is_cluster && cfg!(not(feature = "redis-cluster")) {
            "a cluster needs the feature `redis-cluster` of cache-kit"
        } else {
            self.check_sentinel()?;
            return self.tls.as_ref().map_or(Ok(()), RedisTls::check);
        };
        Err(fault(complaint.to_owned()))
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
        let complaint = if cfg!(not(feature = "redis-sentinel")) {
            "Sentinel needs the feature `redis-sentinel` of cache-kit"
        } else if master.is_empty() {
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
