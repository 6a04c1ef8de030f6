use super::fault;
use crate::error::Result;
use std::fmt;

/// Says whom a TLS connection trusts, and who we are to it.
///
/// ```
/// use cache_kit::backend::RedisTls;
///
/// # let (ca, certificate, key) = ("-----BEGIN CERTIFICATE-----", "", "");
/// let tls = RedisTls::new().root_certificate(ca).client_certificate(certificate, key);
/// assert!(!format!("{tls:?}").contains("BEGIN"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RedisTls {
    pub(in super::super) root: Option<Vec<u8>>,
    pub(in super::super) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl RedisTls {
    /// Trusts the certificates that this machine trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts this certificate authority (PEM) instead.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Shows a certificate of our own (both PEM), where the server wants one. The key is never
    /// shown.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client = Some((certificate.into(), key.into()));
        self
    }
}

impl RedisTls {
    /// Refuses what holds nothing of its kind; whether that is in order is for rustls to say.
    pub(in super::super) fn check(&self) -> Result<()> {
        let lacks = |pem: &[u8], what: &str| {
            let begin = format!("{what}-----");
            !pem.windows(begin.len())
                .any(|window| window == begin.as_bytes())
        };
        let complaint = if self
            .root
            .as_ref()
            .is_some_and(|pem| lacks(pem, "CERTIFICATE"))
        {
            "the root certificate of Redis is no certificate in PEM"
        } else if self
            .client
            .as_ref()
            .is_some_and(|(pem, _)| lacks(pem, "CERTIFICATE"))
        {
            "the client certificate for Redis is no certificate in PEM"
        } else if self
            .client
            .as_ref()
            .is_some_and(|(_, key)| lacks(key, "PRIVATE KEY"))
        {
            "the client key for Redis is no private key in PEM"
        } else {
            return Ok(());
        };
        Err(fault(complaint.to_owned()))
    }
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTls")
            .field("has_root_certificate", &self.root.is_some())
            .field("has_client_certificate", &self.client.is_some())
            .finish()
    }
}
