//! The peer's KeyUpdates (RFC 8446 section 4.6.3), seen where they are decrypted.
//!
//! rustls takes them without a word. So the ciphers of TLS 1.3 are wrapped: they do what they did and write down which
//! record was a KeyUpdate, and that rustls took new keys because of it. Both together make one: padding does not hide
//! it, and an empty record, a warning, a session ticket or a piece of one is never taken for it.
//!
//! rustls ends a connection after 32 KeyUpdates without data in between, asked for or not, and a syslog server has no data
//! to send. So each answer that was counted is followed by `BLANK`, a record of ours without content, which the wrapped
//! cipher lets pass; nothing of the peer's is taken for it and nothing of it is handed on.
//!
//! rustls decrypts on the thread that hands it a record, so what was seen waits there for `take`.
//!
//! Not here: which of them answer a probe of ours (`forward`).

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::{CipherSuiteCommon, aws_lc_rs};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite, Tls13CipherSuite};
use std::cell::Cell;
use std::sync::LazyLock;

/// What one record of the peer was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyUpdate {
    /// Something else.
    #[default]
    None,
    /// A KeyUpdate that asks for nothing in return: the only form that an answer has.
    Given,
    /// New keys in any other form: the peer wants some in return, or said more in the same record.
    Other,
}

/// What the last record was that this thread decrypted; the next question finds nothing.
pub fn take() -> KeyUpdate {
    let seen = SEEN.take();
    match (seen.keys, seen.form) {
        (0, _) => KeyUpdate::None,
        (1, Form::Given) => KeyUpdate::Given,
        _ => KeyUpdate::Other,
    }
}

/// Lets `feed` hand `BLANK` to rustls, once, as an empty record of data.
pub fn with_blank<T>(feed: impl FnOnce(&[u8]) -> T) -> T {
    BLANK_IS_NEXT.set(true);
    let fed = feed(BLANK);
    BLANK_IS_NEXT.set(false);
    fed
}

/// The cipher suites of the crypto provider, those of TLS 1.3 with an eye on KeyUpdates.
pub(super) fn watched_suites() -> Vec<SupportedCipherSuite> {
    WATCHED.clone()
}

static WATCHED: LazyLock<Vec<SupportedCipherSuite>> =
    LazyLock::new(|| aws_lc_rs::default_provider().cipher_suites.into_iter().map(watched).collect());

/// rustls wants suites that live as long as the program: each is made once.
fn watched(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let SupportedCipherSuite::Tls13(suite) = suite else { return suite };
    let aead: &'static Watched = Box::leak(Box::new(Watched(suite.aead_alg)));
    SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
        common: CipherSuiteCommon { ..suite.common },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: aead,
        quic: None,
    })))
}

struct Watched(&'static dyn Tls13AeadAlgorithm);

impl Tls13AeadAlgorithm for Watched {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    /// rustls asks for one whenever it takes new keys to read with.
    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        let seen = SEEN.get();
        SEEN.set(Seen { keys: seen.keys.saturating_add(1), ..seen });
        Box::new(WatchedDecrypter { inner: self.0.decrypter(key, iv), blanks: 0 })
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

struct WatchedDecrypter {
    inner: Box<dyn MessageDecrypter>,
    /// Records of ours under these keys, which rustls has numbered and the peer has not.
    blanks: u64,
}

impl MessageDecrypter for WatchedDecrypter {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        if BLANK_IS_NEXT.take() {
            self.blanks += 1;
            // Its outer type is data; rustls wants the empty rest to lie in its own buffer.
            message.payload.truncate(0);
            return Ok(message.into_plain_message());
        }
        let plain = self.inner.decrypt(message, sequence.saturating_sub(self.blanks))?;
        let given = plain.typ == ContentType::Handshake && plain.payload == UPDATE_NOT_REQUESTED;
        SEEN.set(Seen { keys: 0, form: if given { Form::Given } else { Form::Else } });
        Ok(plain)
    }
}

thread_local! {
    static BLANK_IS_NEXT: Cell<bool> = const { Cell::new(false) };
    static SEEN: Cell<Seen> = const { Cell::new(Seen { keys: 0, form: Form::Else }) };
}

/// The last record, and the keys that were taken since.
#[derive(Clone, Copy, Default)]
struct Seen {
    keys: u8,
    form: Form,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    Given,
    #[default]
    Else,
}

/// A record of data (RFC 8446 section 5.2) of the smallest size that rustls accepts: a content type and a tag.
const BLANK: &[u8] = &[23, 3, 3, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// key_update, three bytes of length, update_not_requested.
const UPDATE_NOT_REQUESTED: &[u8] = &[24, 0, 0, 1, 0];
