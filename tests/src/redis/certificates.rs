use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// An authority made on the spot, and what it has certified: a server on loopback, and a client.
/// Everything is PEM.
///
/// Two of them do not trust each other: a second one has the wrong authority, and the wrong client.
#[derive(Clone)]
pub struct Certificates {
    /// The certificate of the authority, which a client is to trust.
    pub authority: String,
    /// What the server shows.
    pub server: Identity,
    /// What a client shows where it is asked who it is.
    pub client: Identity,
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Certificates {
    /// Makes certificates for a server that is called `localhost` or `127.0.0.1`.
    #[must_use]
    pub fn new() -> Self {
        Self::for_hosts(&["localhost", "127.0.0.1"])
    }

    /// Makes certificates for a server with other names or addresses.
    ///
    /// # Panics
    /// If these cannot be names.
    #[must_use]
    pub fn for_hosts(hosts: &[&str]) -> Self {
        let mut authority = named("cache-kit authority", &[]);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, new_key()).expect("it is in order");
        Self {
            authority: authority.pem(),
            server: Identity::issue(&authority, "cache-kit server", hosts),
            client: Identity::issue(&authority, "cache-kit client", &[]),
        }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    fn issue(authority: &CertifiedIssuer<'_, KeyPair>, name: &str, hosts: &[&str]) -> Self {
        let mut params = named(name, hosts);
        // Nodes of a cluster are clients of each other, with what they show as servers.
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let key = new_key();
        let certificate = params.signed_by(&key, authority).expect("it is in order");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}
