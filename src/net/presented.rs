//! What certificate a server presents: to look at and to compare, not to trust.
//!
//! Invariant: nothing but a handshake is sent; what this file accepts, nobody else accepts.

use super::inspect::Certificate;
use super::{NetError, Settings};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The certificate of the server, which has shown that it holds the key to it. Whose server it is nobody knows.
/// Connects and waits for the handshake, each at most `connect-timeout`; blocks.
pub fn certificate(settings: &Settings) -> Result<Certificate, NetError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| NetError::Handshake { source })?.block_on(ask(settings))
}

async fn ask(settings: &Settings) -> Result<Certificate, NetError> {
    let names = settings.tls.as_ref().ok_or(NetError::NoTrust)?;
    let name = super::tls::server_name(names)?;
    let (peer, limit) = (format!("{}:{}", settings.host, settings.port), settings.connect_timeout);
    let witness = Arc::new(Witness::default());
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| NetError::Tls { source })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let socket = super::connect(settings).await?;
    let shaken = timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, socket)).await;
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match (shaken, seen) {
        // A server that wants to know who we are has shown its certificate before.
        (_, Some(seen)) => Ok(seen),
        (Ok(Err(error)), None) => match error.downcast::<Error>() {
            Ok(error) => Err(super::tls::explain(error, false)),
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Err(NetError::HandshakeClosed),
            Err(source) => Err(NetError::Handshake { source }),
        },
        (Err(_), None) => Err(NetError::HandshakeTimeout { peer, limit }),
        (Ok(Ok(_)), None) => Err(NetError::HandshakeClosed),
    }
}

/// Looks at a certificate and takes note of it once its key was proved.
#[derive(Debug)]
struct Witness {
    seen: Mutex<Option<Certificate>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Default for Witness {
    fn default() -> Witness {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        Witness { seen: Mutex::default(), algorithms }
    }
}

impl Witness {
    fn note(
        &self,
        der: &CertificateDer<'_>,
        proved: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        let proved = proved?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Certificate::parse(der);
        Ok(proved)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(cert, verify_tls12_signature(message, cert, dss, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(cert, verify_tls13_signature(message, cert, dss, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
