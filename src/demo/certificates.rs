//! A CA, and the certificates it signs for the syslog server and for the agent.

use super::DemoError;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// A certificate authority of our own.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(super) struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub(super) fn new() -> Result<Authority, DemoError> {
        let mut params = named("otrail demo CA", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for the server on this machine.
    pub(super) fn server(&self) -> Result<Identity, DemoError> {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        self.sign("siem.demo.example", &names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for the agent.
    pub(super) fn client(&self, name: &str) -> Result<Identity, DemoError> {
        self.sign(name, &[name.to_owned()], ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        name: &str,
        names: &[String],
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, DemoError> {
        let mut params = named(name, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// Valid from yesterday on, for three months.
fn named(name: &str, names: &[String]) -> Result<CertificateParams, DemoError> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let (year, month, day) = in_days(-1);
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = in_days(90);
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

/// Year, month and day in so many days.
fn in_days(after: i64) -> (i32, u8, u8) {
    let then = Timestamp::now().saturating_add(SignedDuration::from_hours(24 * after));
    let date = then.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date();
    (date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}
