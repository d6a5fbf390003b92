//! The certificates that a peer was verified by: its own, and those between it and a CA that is trusted.
//!
//! rustls does not say which of those that a peer sends it went by. It goes from issuer to issuer until a trusted CA has
//! the name; where several have the same name one that is valid is enough, so the one that ends last stands for them. The
//! end of a trusted CA does not count for rustls, nor here, nor that of a certificate which nobody needs.
//!
//! rustls verifies on the thread that hands it a record, so what was found waits there for `take`.

use super::inspect::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::cell::Cell;

/// What the certificate of this thread's last handshake was verified by, the peer's own first; the next question finds
/// nothing.
pub fn take() -> Option<Vec<Certificate>> {
    FOUND.take()
}

pub(super) fn put(path: Vec<Certificate>) {
    FOUND.set(Some(path));
}

/// From the peer's own up to the last one before a trusted CA.
pub(super) fn between(
    own: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    roots: &RootCertStore,
) -> Vec<Certificate> {
    let is_trusted = |name: &[u8]| roots.roots.iter().any(|root| named(name) == &*root.subject);
    let others: Vec<Certificate> = sent.iter().filter_map(|der| Certificate::parse(der)).collect();
    let mut path: Vec<Certificate> = Certificate::parse(own).into_iter().collect();
    while let Some(last) = path.last().filter(|last| !is_trusted(&last.issuer_der)) {
        let signs = |one: &&Certificate| one.subject_der == last.issuer_der && !path.contains(one);
        let Some(next) = others.iter().filter(signs).max_by_key(|one| one.not_after) else { break };
        path.push(next.clone());
    }
    path
}

/// What stands in a name, without tag and length, as a trusted CA has it.
fn named(name: &[u8]) -> &[u8] {
    let long =
        name.get(1).map_or(0, |&length| if length & 0x80 == 0 { 0 } else { usize::from(length & 0x7f) });
    name.get(2 + long..).unwrap_or_default()
}

thread_local! {
    static FOUND: Cell<Option<Vec<Certificate>>> = const { Cell::new(None) };
}
