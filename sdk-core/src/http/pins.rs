//! Pinned keys: beside the system's own judgement of a server's certificate, one of some known keys has to vouch for it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

const PREFIX: &str = "sha256/";
const LENGTH: usize = 32;

/// SHA-256 digests of keys, each as a certificate holds it (SubjectPublicKeyInfo, in DER).
#[derive(Clone, Default)]
pub(crate) struct Pins(BTreeSet<[u8; LENGTH]>);

impl Pins {
    /// False if it is no pin: `sha256/` and 32 bytes in base64, as RFC 7469 writes them.
    pub(crate) fn add(&mut self, pin: &str) -> bool {
        let digest = pin.strip_prefix(PREFIX).and_then(|digest| STANDARD.decode(digest).ok());
        let digest = digest.and_then(|digest| <[u8; LENGTH]>::try_from(digest).ok());
        digest.map(|digest| self.0.insert(digest)).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn has_key_of(&self, certificate: &EndEntityCert<'_>) -> bool {
        let key = digest::digest(&digest::SHA256, &certificate.subject_public_key_info());
        self.0.iter().any(|pin| pin == key.as_ref())
    }

    /// Whether a pinned key is that of the certificate, or signed it, be it through others that came with it. A server can
    /// send along certificates that have nothing to do with its own: those vouch for nothing.
    fn vouch_for(
        &self,
        certificate: &CertificateDer<'_>,
        sent_along: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<bool, webpki::Error> {
        let certificate = EndEntityCert::try_from(certificate)?;
        if self.has_key_of(&certificate) {
            return Ok(true);
        }
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
        Ok(sent_along.iter().any(|authority| {
            let pinned =
                EndEntityCert::try_from(authority).is_ok_and(|authority| self.has_key_of(&authority));
            let Some(anchor) = pinned.then(|| anchor_from_trusted_cert(authority).ok()).flatten() else {
                return false;
            };
            let usage = KeyUsage::server_auth();
            let anchors = [anchor];
            certificate.verify_for_usage(algorithms, &anchors, sent_along, now, usage, None, None).is_ok()
        }))
    }
}

/// Asks `inner` first, and then for a pinned key.
#[derive(Debug)]
pub(crate) struct Pinned {
    inner: Arc<dyn ServerCertVerifier>,
    pins: Pins,
}

impl Pinned {
    /// `inner` alone where nothing is pinned.
    pub(crate) fn over(inner: Arc<dyn ServerCertVerifier>, pins: &Pins) -> Arc<dyn ServerCertVerifier> {
        if pins.0.is_empty() { inner } else { Arc::new(Self { inner, pins: pins.clone() }) }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        sent_along: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(certificate, sent_along, server, ocsp, now)?;
        match self.pins.vouch_for(certificate, sent_along, now) {
            Ok(true) => Ok(verified),
            _ => Err(CertificateError::Other(OtherError(Arc::new(NotPinned))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct NotPinned;

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no pinned key vouches for the server's certificate")
    }
}

impl std::error::Error for NotPinned {}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|pin| format!("{PREFIX}{}", STANDARD.encode(pin)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_sha256_digest_in_base64() {
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let mut pins = Pins::default();
        assert!(pins.add(&format!("sha256/{zeros}")) && pins.add(&format!("sha256/{zeros}")));
        assert_eq!(pins.len(), 1, "the same");
        for text in
            ["", zeros, "sha256/", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256/AAAA", "sha256/not base64"]
        {
            assert!(!pins.add(text), "{text}");
        }
        assert_eq!(pins.len(), 1);
    }
}
