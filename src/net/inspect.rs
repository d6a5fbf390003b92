//! Certificates as an admin sees them: for `otrail check`, and for a warning before one expires.

use super::{NetError, Pin, TlsSettings, keys};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Subject as one line, such as `CN=siem.example.net`.
    pub subject: String,
    /// Issuer as one line.
    pub issuer: String,
    /// DNS names and addresses it is for.
    pub names: Vec<String>,
    /// First moment of its validity.
    pub not_before: Timestamp,
    /// Last moment of its validity.
    pub not_after: Timestamp,
    /// SHA-256 fingerprint.
    pub fingerprint: Pin,
    /// Whether its extended key usage, if any, allows a TLS server.
    pub for_servers: bool,
    /// Whether its extended key usage, if any, allows a TLS client.
    pub for_clients: bool,
    /// Whether it says that it may sign others.
    pub is_authority: bool,
    /// Subject and issuer as they are compared.
    pub subject_der: Vec<u8>,
    /// See `subject_der`.
    pub issuer_der: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate in DER form.
    pub fn parse(der: &[u8]) -> Option<Certificate> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let usage = parsed.extended_key_usage().ok()?;
        let alternatives = parsed.subject_alternative_name().ok()?;
        Some(Certificate {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: alternatives
                .iter()
                .flat_map(|names| &names.value.general_names)
                .filter_map(name)
                .collect(),
            not_before: Timestamp::from_second(parsed.validity().not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()?,
            fingerprint: Pin::of(der),
            for_servers: usage.as_ref().is_none_or(|usage| usage.value.server_auth || usage.value.any),
            for_clients: usage.is_none_or(|usage| usage.value.client_auth || usage.value.any),
            is_authority: parsed.is_ca(),
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
        })
    }
}

/// Our own certificate, after its key was found to be readable, private and the right one; `None` without `cert-file`.
pub fn identity(settings: &TlsSettings) -> Result<Option<Certificate>, NetError> {
    let mut chain = chain(settings)?;
    Ok((!chain.is_empty()).then(|| chain.swap_remove(0)))
}

/// Our own certificate as `identity` has it, and behind it those that we show as well; none without `cert-file`.
pub fn chain(settings: &TlsSettings) -> Result<Vec<Certificate>, NetError> {
    let Some((path, identity)) = keys::identity(settings)? else { return Ok(Vec::new()) };
    identity.cert.iter().map(|der| read(der, path)).collect()
}

/// The certificates of a CA file, so that an expired one can be named.
pub fn authorities(ca_file: &Path) -> Result<Vec<Certificate>, NetError> {
    keys::certificates(ca_file)?.iter().map(|der| read(der, ca_file)).collect()
}

/// What a list of revoked certificates says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The CA whose certificates it is about, as one line.
    pub issuer: String,
    /// When there is to be a newer one, if it says so (RFC 5280 section 5.1.2.5).
    pub next_update: Option<Timestamp>,
}

/// The lists of a file, so that one that is overdue can be named.
pub fn lists(crl_file: &Path) -> Result<Vec<List>, NetError> {
    let lists = keys::revocation_lists(crl_file)?;
    // Of one that cannot be read here, the verifier says so.
    let parsed = lists.iter().filter_map(|der| CertificateRevocationList::from_der(der).ok());
    let next = |list: &CertificateRevocationList<'_>| {
        list.next_update().and_then(|at| Timestamp::from_second(at.timestamp()).ok())
    };
    Ok(parsed.map(|(_, list)| List { issuer: list.issuer().to_string(), next_update: next(&list) }).collect())
}

fn read(der: &CertificateDer<'_>, path: &Path) -> Result<Certificate, NetError> {
    let source = rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
    let error = NetError::Unusable { what: "certificate", path: path.to_owned(), source };
    Certificate::parse(der).ok_or(error)
}

/// A name that RFC 5425 section 5.2 compares: a DNS name or an address.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match *name {
        GeneralName::DNSName(name) => Some(name.to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes).ok().map(|octets| std::net::IpAddr::from(octets).to_string()),
            _ => <[u8; 16]>::try_from(bytes).ok().map(|octets| std::net::IpAddr::from(octets).to_string()),
        },
        _ => None,
    }
}
