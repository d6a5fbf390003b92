//! TLS as RFC 5425 and RFC 9662 want it: versions 1.2 and 1.3, no early data, a peer that is verified.

use super::pin::{Heeding, Objection, Verifier};
use super::{NetError, Pin, TlsSettings, TlsVersion, key_update, keys};
use jiff::Timestamp;
use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore};
use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

/// What a connection is made with, and whom it trusts.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// For rustls.
    pub config: Arc<ClientConfig>,
    /// As the config has it.
    pub trust: Trust,
}

impl Prepared {
    /// The config for a peer that must not be revoked by what is trusted now either.
    pub fn heeding(&self, now: &Trust) -> Arc<ClientConfig> {
        let (verifier, newest) = (Arc::clone(&self.trust.0), Arc::clone(&now.0));
        if Arc::ptr_eq(&verifier, &newest) {
            return Arc::clone(&self.config);
        }
        let mut config = ClientConfig::clone(&self.config);
        config.dangerous().set_certificate_verifier(Arc::new(Heeding { verifier, newest }));
        Arc::new(config)
    }
}

/// Whom to trust: CAs, lists of revoked certificates and pins, as they were when they were read.
#[derive(Debug, Clone)]
pub struct Trust(Arc<Verifier>);

impl Trust {
    /// Reads them. Blocks on the disk.
    pub fn read(settings: &TlsSettings) -> Result<Trust, NetError> {
        verifier(settings, &Arc::new(provider())).map(|verifier| Trust(Arc::new(verifier)))
    }

    /// Whether a list has the certificate of a peer, which comes first in what the peer has shown.
    pub fn revokes(&self, shown: &[CertificateDer<'_>]) -> bool {
        let Some((own, others)) = shown.split_first() else { return false };
        // The chain and the lists are judged before the name.
        let name = ServerName::from(Ipv4Addr::UNSPECIFIED);
        self.0.revokes(own, others, &name, UnixTime::now())
    }
}

/// What `prepare` makes, for who connects but once.
pub fn client_config(settings: &TlsSettings) -> Result<Arc<ClientConfig>, NetError> {
    prepare(settings).map(|prepared| prepared.config)
}

/// Reads the files and makes a config from them. Blocks on the disk; made anew for every connection, so that
/// replaced files count at once.
pub fn prepare(settings: &TlsSettings) -> Result<Prepared, NetError> {
    let provider = Arc::new(provider());
    let verifier = Arc::new(verifier(settings, &provider)?);
    let trust = Trust(Arc::clone(&verifier));
    let versions: &[_] = match settings.version_min {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|source| NetError::Tls { source })?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match keys::identity(settings)? {
        Some((_, identity)) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
        None => builder.with_no_client_auth(),
    };
    // Every connection verifies the peer afresh; and OpenSSL servers without a session id context refuse
    // resumption with client certificates.
    config.resumption = Resumption::disabled();
    Ok(Prepared { config: Arc::new(config), trust })
}

fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: key_update::watched_suites(), ..aws_lc_rs::default_provider() }
}

/// What the files hold, as one hash, so that a change is noticed. Blocks on the disk.
pub fn files_hash(settings: &TlsSettings) -> [u8; 32] {
    let files = [&settings.ca_file, &settings.crl_file, &settings.cert_file, &settings.key_file];
    let mut hash = Sha256::new();
    for path in files.into_iter().flatten() {
        // One that cannot be read is like an empty one: what it is worth shows when it is used.
        hash.update(Sha256::digest(keys::bytes(path).unwrap_or_default()));
    }
    hash.finalize().into()
}

/// The fingerprint of our own certificate; none without one that can be used. Blocks on the disk.
pub fn own_fingerprint(settings: &TlsSettings) -> Option<Pin> {
    super::inspect::identity(settings).ok().flatten().map(|own| own.fingerprint)
}

/// The name to verify, also the one sent to the peer (SNI) when it is a DNS name.
pub fn server_name(settings: &TlsSettings) -> Result<ServerName<'static>, NetError> {
    let name = super::connect::bare_host(&settings.server_name);
    ServerName::try_from(name.to_owned()).map_err(|_| NetError::ServerName { name: name.to_owned() })
}

fn verifier(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Verifier, NetError> {
    if !settings.verify_chain && settings.pins.is_empty() {
        return Err(NetError::NoTrust);
    }
    let chain = if settings.verify_chain {
        let roots = Arc::new(roots(settings)?);
        let mut builder =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
        if let Some(path) = &settings.crl_file {
            // A list past its next update still says who is revoked, and must not stop the trail.
            builder = builder.with_crls(keys::revocation_lists(path)?).only_check_end_entity_revocation();
        }
        let built = builder.build().map_err(|error| match (error, &settings.crl_file) {
            (VerifierBuilderError::InvalidCrl(error), Some(path)) => {
                let source = Error::InvalidCertRevocationList(error);
                NetError::Unusable { what: "certificate revocation list", path: path.clone(), source }
            }
            _ => NetError::NoTrust,
        });
        Some((built?, roots))
    } else {
        None
    };
    let algorithms = provider.signature_verification_algorithms;
    Ok(Verifier { chain, pins: settings.pins.clone(), algorithms })
}

/// The CAs to trust: those of the file, every one of them usable, or what the system trusts.
fn roots(settings: &TlsSettings) -> Result<RootCertStore, NetError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.ca_file {
        for certificate in keys::certificates(path)? {
            let unusable =
                |source| NetError::Unusable { what: "CA certificate", path: PathBuf::from(path), source };
            roots.add(certificate).map_err(unusable)?;
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(NetError::NoSystemStore) } else { Ok(roots) }
}

/// What a TLS error means to an admin. `identified`: whether we have a client certificate to show.
pub fn explain(error: Error, identified: bool) -> NetError {
    match error {
        Error::InvalidCertificate(reason) => refused_by_us(reason),
        Error::AlertReceived(alert) => refused_by_peer(alert, identified),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => NetError::NotTls,
        Error::PeerIncompatible(_) => NetError::NothingInCommon { source: error },
        source => NetError::Tls { source },
    }
}

fn refused_by_us(reason: CertificateError) -> NetError {
    match reason {
        CertificateError::NotValidForNameContext { expected, presented } if presented.is_empty() => {
            NetError::Nameless { expected: expected.to_str().into_owned() }
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            NetError::WrongName { expected: expected.to_str().into_owned(), presented: plain(&presented) }
        }
        CertificateError::UnknownIssuer => NetError::UnknownCa,
        CertificateError::Revoked => NetError::Revoked,
        CertificateError::UnknownRevocationStatus => NetError::NoRevocationList,
        CertificateError::ExpiredContext { not_after, .. } => {
            NetError::Expired { not_after: moment(not_after) }
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            NetError::NotYetValid { not_before: moment(not_before) }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            NetError::WrongUsage
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<Objection>() {
            Some(&Objection::NotPinned(actual)) => NetError::PinMismatch { actual },
            Some(&Objection::Authority(actual)) => NetError::Authority { actual },
            Some(&Objection::ChainExpired(not_after)) => {
                NetError::ChainExpired { not_after: moment(not_after) }
            }
            None => NetError::Tls { source: CertificateError::Other(other).into() },
        },
        reason => NetError::Tls { source: reason.into() },
    }
}

/// Alerts of RFC 8446 section 6.2 and RFC 5246 section 7.2.2 in plain words.
fn refused_by_peer(alert: AlertDescription, identified: bool) -> NetError {
    use AlertDescription as Alert;
    let reason = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => return NetError::IdentityDemanded,
        Alert::UnknownCA => "it does not know the CA",
        Alert::CertificateExpired => "it expired",
        Alert::CertificateRevoked => "it was revoked",
        Alert::UnsupportedCertificate => "its kind or usage is not supported",
        Alert::AccessDenied => "access denied",
        Alert::BadCertificate | Alert::CertificateUnknown => "it is not accepted",
        Alert::ProtocolVersion | Alert::InsufficientSecurity => {
            return NetError::NothingInCommon { source: Error::AlertReceived(alert) };
        }
        Alert::HandshakeFailure => {
            let identity = if identified {
                "it does not take our client certificate"
            } else {
                "if it demands a client certificate, set cert-file and key-file"
            };
            let alert = format!("handshake failure; {identity}, or it has no cipher in common with us");
            return NetError::PeerRefused { alert };
        }
        Alert::UnrecognisedName => {
            return NetError::PeerRefused { alert: "it does not know the server name".to_owned() };
        }
        other => return NetError::PeerRefused { alert: format!("TLS alert {other:?}") },
    };
    if identified { NetError::IdentityRefused { alert: reason } } else { NetError::IdentityDemanded }
}

/// Names out of rustls' own notation, `DnsName("siem.example.net")`.
fn plain(presented: &[String]) -> Vec<String> {
    let inner = |name: &String| {
        let quoted = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        quoted.map_or(name.clone(), |quoted| quoted.trim_matches('"').to_owned())
    };
    presented.iter().map(inner).collect()
}

fn moment(time: UnixTime) -> Timestamp {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
