//! Certificates for tests, made on the spot: a CA, and whoever it signs or does not sign.
//!
//! ```no_run
//! let ca = Ca::new("test CA");
//! let server = ca.sign(Kind::Server, &["localhost", "127.0.0.1"]);
//! let path = server.write(&folder, "server"); // server.pem, server.key (0600)
//! ```

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a certificate is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TLS server, valid now.
    Server,
    /// A TLS client, valid now.
    Client,
    /// A TLS server until 2001.
    Expired,
    /// A TLS server, for another five days at most.
    Expiring,
    /// A TLS server from 2199 on.
    NotYetValid,
    /// Code signing only.
    WrongUsage,
}

/// A certificate authority.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    pub certificate_pem: String,
    pub key_pem: String,
    serial: SerialNumber,
    /// What is shown behind it.
    behind: Vec<Certificate>,
}

/// Where an identity was written.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Ca {
    pub fn new(name: &str) -> Ca {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ca { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// A certificate for these names, DNS names or addresses; the first is the subject too.
    pub fn sign(&self, kind: Kind, names: &[&str]) -> Identity {
        let mut params = named(names.first().unwrap_or(&"nobody"), names);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match kind {
            Kind::Server | Kind::Expired | Kind::Expiring | Kind::NotYetValid => {
                ExtendedKeyUsagePurpose::ServerAuth
            }
            Kind::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Kind::WrongUsage => ExtendedKeyUsagePurpose::CodeSigning,
        }];
        match kind {
            Kind::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Kind::Expiring => {
                let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(5 * 24);
                let date = soon.to_zoned(jiff::tz::TimeZone::UTC).date();
                let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
                params.not_after = date_time_ymd(date.year().into(), month, day);
            }
            Kind::NotYetValid => params.not_before = date_time_ymd(2199, 1, 1),
            _ => {}
        }
        let serial = SerialNumber::from(SERIAL.fetch_add(1, Ordering::Relaxed));
        params.serial_number = Some(serial.clone());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            serial,
            behind: Vec::new(),
        }
    }

    /// A CA that this one signs, valid to the end of the year before.
    pub fn below(&self, name: &str, until: i32) -> Ca {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_after = date_time_ymd(until, 1, 1);
        Ca { issuer: CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer).unwrap() }
    }

    /// Itself in the place of a server.
    pub fn identity(&self) -> Identity {
        Identity {
            certificate: self.certificate(),
            certificate_pem: self.issuer.pem(),
            key_pem: self.issuer.key().serialize_pem(),
            serial: SerialNumber::from(0),
            behind: Vec::new(),
        }
    }

    /// A list that revokes these, as PEM.
    pub fn revoke(&self, identities: &[&Identity]) -> String {
        let one = |identity: &&Identity| RevokedCertParams {
            serial_number: identity.serial.clone(),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2024, 2, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: identities.iter().map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Writes `NAME.pem`.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name).with_extension("pem");
        fs::write(&path, self.issuer.pem()).unwrap();
        path
    }
}

impl Identity {
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        let behind = self.behind.iter().map(|one| one.der().clone());
        std::iter::once(self.certificate.clone()).chain(behind).collect()
    }

    /// The same with the certificate of a CA behind it.
    pub fn followed_by(mut self, ca: &Ca) -> Identity {
        let certificate: &Certificate = ca.issuer.as_ref();
        self.behind.push(certificate.clone());
        self
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(KeyPair::from_pem(&self.key_pem).unwrap().serialize_der()).into()
    }

    /// Writes `NAME.pem` and, readable for its owner only, `NAME.key`.
    pub fn write(&self, folder: &Path, name: &str) -> Files {
        let certificate = folder.join(name).with_extension("pem");
        let key = folder.join(name).with_extension("key");
        let behind: String = self.behind.iter().map(Certificate::pem).collect();
        fs::write(&certificate, self.certificate_pem.clone() + &behind).unwrap();
        fs::write(&key, &self.key_pem).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Files { certificate, key }
    }
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2200, 1, 1));
    params
}

/// Of the next certificate.
static SERIAL: AtomicU64 = AtomicU64::new(1);
