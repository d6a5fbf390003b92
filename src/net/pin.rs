//! Fingerprint pins, and the verifier of a peer's certificate: by chain, by pin, or by both.

use super::{Pin, inspect, path};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

impl Pin {
    /// The fingerprint of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Pin {
        Pin(Sha256::digest(certificate).into())
    }

    /// Reads `sha-256:AA:BB:..` (RFC 5425 section 4.2.2), with or without the colons and the prefix.
    pub fn parse(text: &str) -> Option<Pin> {
        let lower = text.trim().to_ascii_lowercase();
        let hex = lower.strip_prefix("sha-256:").or(lower.strip_prefix("sha256:")).unwrap_or(&lower);
        let mut pin = [0; 32];
        let colons = hex.len() == 95;
        if !(hex.is_ascii() && (colons || hex.len() == 64)) {
            return None;
        }
        for (at, byte) in pin.iter_mut().enumerate() {
            let from = at * if colons { 3 } else { 2 };
            if colons && at > 0 && hex.as_bytes()[from - 1] != b':' {
                return None;
            }
            let digits = &hex[from..from + 2];
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()?;
        }
        Some(Pin(pin))
    }
}

impl fmt::Display for Pin {
    /// Writes `sha-256:AA:BB:..` as RFC 5425 section 4.2.2 has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256")?;
        self.0.iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

/// Verifies a server's certificate; at least one of chain and pins is there.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Verifies chain, name, dates and usage (RFC 5425 sections 4.2.1 and 5.2), by these CAs.
    pub(super) chain: Option<(Arc<WebPkiServerVerifier>, Arc<RootCertStore>)>,
    /// Accepted fingerprints; any when empty.
    pub(super) pins: Vec<Pin>,
    /// How handshake signatures are verified.
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// What rustls has no word for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Objection {
    /// The peer's certificate is none of the pinned ones.
    #[error("fingerprint {0} is not pinned")]
    NotPinned(Pin),
    /// It is the certificate of a CA.
    #[error("the certificate {0} is that of a CA")]
    Authority(Pin),
    /// One between it and the CA is too old.
    #[error("a certificate in the chain expired at {}", .0.as_secs())]
    ChainExpired(UnixTime),
}

impl From<Objection> for Error {
    fn from(objection: Objection) -> Error {
        CertificateError::Other(OtherError(Arc::new(objection))).into()
    }
}

impl Verifier {
    /// Whether a list of revoked certificates has it.
    pub(super) fn revokes(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> bool {
        let Some((chain, _)) = &self.chain else { return false };
        let verified = chain.verify_server_cert(end_entity, intermediates, server_name, &[], now);
        matches!(verified, Err(Error::InvalidCertificate(CertificateError::Revoked)))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let path = match &self.chain {
            Some((chain, roots)) => {
                let verified =
                    chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
                verified.map_err(|error| closer(error, end_entity, now))?;
                path::between(end_entity, intermediates, roots)
            }
            None if self.pins.is_empty() => return Err(CertificateError::UnknownIssuer.into()),
            None => {
                verify_alone(end_entity, now)?;
                path::between(end_entity, &[], &RootCertStore::empty())
            }
        };
        path::put(path);
        let actual = Pin::of(end_entity);
        if self.pins.is_empty() || self.pins.contains(&actual) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Objection::NotPinned(actual).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Verifies as was once said, and hears of what has been revoked since.
#[derive(Debug)]
pub(super) struct Heeding {
    pub(super) verifier: Arc<Verifier>,
    /// Of what it says only that a certificate is revoked counts.
    pub(super) newest: Arc<Verifier>,
}

impl ServerCertVerifier for Heeding {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.newest.revokes(end_entity, intermediates, server_name, now) {
            return Err(CertificateError::Revoked.into());
        }
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// What the chain was refused for, closer to the cause: webpki does not say which certificate it speaks of.
fn closer(error: Error, certificate: &CertificateDer<'_>, now: UnixTime) -> Error {
    let Some(seen) = inspect::Certificate::parse(certificate) else { return error };
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })
            if now <= unix(seen.not_after) =>
        {
            Objection::ChainExpired(not_after).into()
        }
        Error::InvalidCertificate(CertificateError::Other(_)) if seen.is_authority => {
            Objection::Authority(seen.fingerprint).into()
        }
        error => error,
    }
}

fn unix(time: jiff::Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0)))
}

/// What can be verified of a certificate without its chain: a pin replaces chain and name, not dates and usage.
fn verify_alone(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let seen = inspect::Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
    let (not_before, not_after) = (unix(seen.not_before), unix(seen.not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    if seen.for_servers { Ok(()) } else { Err(CertificateError::InvalidPurpose) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_reads_what_it_writes_and_what_openssl_prints() {
        let pin = Pin::of(b"certificate");
        let written = pin.to_string();
        let bare = written.trim_start_matches("sha-256:");
        for text in [
            written.clone(),
            bare.to_owned(),
            bare.to_lowercase(),
            bare.replace(':', ""),
            format!("SHA256:{}", bare.replace(':', "")),
        ] {
            assert_eq!(Pin::parse(&text), Some(pin), "{text}");
        }
    }

    #[test]
    fn half_a_pin_is_no_pin() {
        let whole = Pin([0xab; 32]).to_string();
        for text in
            [&whole[..90], "sha-1:AA:BB", "", &whole.replace("AB:AB", "AB-AB"), &whole.replace("AB", "+B")]
        {
            assert_eq!(Pin::parse(text), None, "{text}");
        }
    }
}
