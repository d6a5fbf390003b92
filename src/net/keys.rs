//! Certificates and keys from disk.
//!
//! Invariant: a key that others than its owner can read or change is not used.
//! Invariant: no error carries a byte of a key.

use super::{NetError, TlsSettings};
use nix::unistd::{Group, getegid, geteuid};
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The chain and key we show to a peer that asks, and the file it came from; `None` without `cert-file`.
pub(super) fn identity(settings: &TlsSettings) -> Result<Option<(&Path, CertifiedKey)>, NetError> {
    let (cert_file, key_file) = match (&settings.cert_file, &settings.key_file) {
        (None, None) => return Ok(None),
        (Some(cert_file), Some(key_file)) => (cert_file, key_file),
        _ => return Err(NetError::HalfIdentity),
    };
    let (chain, key) = (certificates(cert_file)?, private_key(key_file)?);
    let provider = aws_lc_rs::default_provider();
    let is_further_down = || {
        let mut others = chain.iter().skip(1);
        others.any(|one| CertifiedKey::from_der(vec![one.clone()], key.clone_key(), &provider).is_ok())
    };
    let pair = CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider);
    let identity = pair.map_err(|source| match source {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) if is_further_down() => {
            NetError::ChainOrder { path: cert_file.clone() }
        }
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            NetError::KeyMismatch { key: key_file.clone(), certificate: cert_file.clone() }
        }
        rustls::Error::InvalidCertificate(_) => {
            NetError::Unusable { what: "certificate", path: cert_file.clone(), source }
        }
        _ => NetError::Unusable { what: "key", path: key_file.clone(), source },
    })?;
    Ok(Some((cert_file, identity)))
}

/// All certificates of a PEM file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let pem = read(&open(path)?, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let absent = || absent("certificate", "openssl x509 -inform der", "openssl pkcs12 -nokeys", path, &pem);
    found.ok().filter(|found| !found.is_empty()).ok_or_else(absent)
}

/// All lists of revoked certificates of a PEM file, at least one.
pub(super) fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, NetError> {
    let pem = read(&open(path)?, path)?;
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
    let what = "certificate revocation list";
    let absent = || absent(what, "openssl crl -inform der", "openssl pkcs12", path, &pem);
    found.ok().filter(|found| !found.is_empty()).ok_or_else(absent)
}

/// What a file holds.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, NetError> {
    read(&open(path)?, path)
}

/// The first private key of a PEM file that nobody else can get at.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, NetError> {
    let pem = private(path)?;
    if ENCRYPTED.iter().any(|mark| memchr::memmem::find(&pem, mark).is_some()) {
        return Err(NetError::EncryptedKey { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| absent("key", "openssl pkey -inform der", "openssl pkcs12 -nocerts -noenc", path, &pem))
}

/// What a file is that has no PEM of that kind, with the command that makes it PEM.
fn absent(
    what: &'static str,
    der: &'static str,
    pkcs12: &'static str,
    path: &Path,
    bytes: &[u8],
) -> NetError {
    let path = path.to_owned();
    // A SEQUENCE and its length; that of PKCS #12 begins with its version, 3 (RFC 7292 section 4).
    match bytes {
        [0x30, 0x82, _, _, 0x02, 0x01, 0x03, ..] | [0x30, 0x80, 0x02, 0x01, 0x03, ..] => {
            NetError::OtherForm { form: "PKCS #12", command: pkcs12, path }
        }
        [0x30, 0x81..=0x83, ..] => NetError::OtherForm { form: "DER", command: der, path },
        [0x30, length, rest @ ..] if usize::from(*length) == rest.len() => {
            NetError::OtherForm { form: "DER", command: der, path }
        }
        _ => NetError::Absent { what, path },
    }
}

/// What a file holds that nobody else can get at.
pub(super) fn private(path: &Path) -> Result<Vec<u8>, NetError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|source| unreadable(path, source))?;
    if is_loose(metadata.mode(), metadata.uid()) {
        let way_out = tightened(path, metadata.uid(), geteuid().as_raw(), service_group().as_deref());
        return Err(NetError::LooseKey { path: path.to_owned(), mode: metadata.mode() & 0o7777, way_out });
    }
    read(&file, path)
}

/// 0600 is right, and so is 0640 root:otrail: a group may read only what root gave it.
fn is_loose(mode: u32, owner: u32) -> bool {
    let allowed = if owner == 0 { 0o740 } else { 0o700 };
    mode & 0o777 & !allowed != 0
}

/// How to shut out the others and not the agent: what is not its own it reads through its group.
fn tightened(path: &Path, owner: u32, caller: u32, service_group: Option<&str>) -> String {
    let path = path.display();
    let is_own = owner == caller || caller == 0;
    match service_group {
        Some(group) if owner == 0 || !is_own => format!("chown root:{group} {path} && chmod 640 {path}"),
        _ => format!("chmod 600 {path}"),
    }
}

/// The group of the agent: that of the caller, or for root that of the service, if it is installed here.
fn service_group() -> Option<String> {
    let group =
        if geteuid().is_root() { Group::from_name(SERVICE_GROUP) } else { Group::from_gid(getegid()) };
    group.ok().flatten().map(|group| group.name)
}

/// Opens a regular file; a pipe in its place does not make us wait.
fn open(path: &Path) -> Result<File, NetError> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(|source| unreadable(path, source))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(unreadable(path, io::Error::other("not a regular file"))),
        Err(source) => Err(unreadable(path, source)),
    }
}

fn read(file: &File, path: &Path) -> Result<Vec<u8>, NetError> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(path, io::Error::other("larger than 4 MiB")));
    }
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    Ok(bytes)
}

fn unreadable(path: &Path, source: io::Error) -> NetError {
    NetError::File { action: "read", path: path.to_owned(), source }
}

/// As the package makes it.
const SERVICE_GROUP: &str = "otrail";
/// A bundle of all public CAs has about a quarter of a mebibyte.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// What editors put before text in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// How PEM files say that a passphrase is needed: PKCS #8, and the older OpenSSL form.
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_may_share_a_key_and_only_with_a_group_that_reads() {
        for (mode, owner, loose) in [
            (0o100600, 990, false),
            (0o100400, 990, false),
            (0o100640, 0, false),
            (0o100640, 990, true),
            (0o100660, 0, true),
            (0o100604, 0, true),
            (0o100602, 990, true),
            (0o100644, 0, true),
        ] {
            assert_eq!(is_loose(mode, owner), loose, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
        nix::unistd::mkfifo(&path, mode).unwrap();
        let errors = [
            certificates(&path).map(drop),
            revocation_lists(&path).map(drop),
            private_key(&path).map(drop),
            private(&path).map(drop),
            bytes(&path).map(drop),
        ];
        for error in errors {
            assert!(
                matches!(error, Err(NetError::File { source, .. }) if source.to_string() == "not a regular file")
            );
        }
    }

    #[test]
    fn what_the_way_out_leaves_the_agent_can_read() {
        let (otrail, alice) = (990, 1000);
        let (own, shared) = ("chmod 600 k", "chown root:otrail k && chmod 640 k");
        for (owner, caller, group, way_out) in [
            (otrail, otrail, Some("otrail"), own),
            (0, otrail, Some("otrail"), shared),
            (alice, otrail, Some("otrail"), shared),
            (0, 0, Some("otrail"), shared),
            (otrail, 0, Some("otrail"), own),
            (0, 0, None, own),
        ] {
            assert_eq!(
                tightened(Path::new("k"), owner, caller, group),
                way_out,
                "of {owner}, read by {caller}"
            );
        }
    }
}
