//! An authority made on the fly, and a certificate of its for the loopback interface.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::{Error, Result};

/// A server's end of TLS.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate, which a client has to trust.
    pub(crate) ca_pem: String,
}

/// Makes the authority and the certificate. The authority's key is thrown away.
pub(crate) fn make() -> Result<Tls> {
    let fail = |error: &dyn std::fmt::Display| Error::Config(format!("tls: {error}"));
    let params = |names: &[&str], name: &str| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        // Some platforms refuse what is valid for longer than about two years.
        params.not_before = OffsetDateTime::now_utc() - Duration::DAY;
        params.not_after = OffsetDateTime::now_utc() + Duration::days(365);
        Ok::<_, rcgen::Error>(params)
    };
    let made = || {
        let mut authority = params(&[], "market-dev-server authority")?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = params(&["localhost", "127.0.0.1"], "market-dev-server")?.signed_by(&key, &authority)?;
        Ok::<_, rcgen::Error>((authority.pem(), leaf, key))
    };
    let (ca_pem, leaf, key) = made().map_err(|error| fail(&error))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key))
        .map_err(|error| fail(&error))?;
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem })
}
