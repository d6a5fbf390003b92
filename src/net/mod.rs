//! The network: resolve a name, connect to it, and verify who answers.
//!
//! ```text
//! resolve   a name becomes addresses, and holds nothing else up
//! connect   host and port become a TCP connection with its timeouts set
//! proxy     a way through an HTTP proxy
//! tls       a destination's TLS settings become a rustls client config
//! pin       fingerprints, and the verifier that looks at chain, name, dates, usage and fingerprint
//! path      the certificates that a peer was verified by
//! http      one connection that is asked, one question after the other
//! url       where something lives that is asked
//! presented the certificate that a server presents, to look at
//! secret    a token from a file
//! keys      certificates and keys from disk; a key that others can read is refused
//! inspect   the same files as `otrail check` and a warning before expiry show them
//! key_update   the peer's KeyUpdates, seen where they are decrypted
//! kernel    what the kernel knows about a connection: bytes not acknowledged, smallest round trip
//! ```
//!
//! Invariant: a config that `tls::client_config` makes verifies every peer, by chain or by pin.
//! Not here: what is sent (`transport`).

mod connect;
mod error;
pub mod http;
pub mod inspect;
pub mod kernel;
pub mod key_update;
mod keys;
pub mod path;
mod pin;
pub mod presented;
mod proxy;
mod resolve;
mod secret;
mod settings;
pub mod tls;
mod url;

pub use connect::{connect, connect_to, resolve};
pub use error::NetError;
pub use secret::{HIDDEN, Secret};
pub use settings::*;
pub use url::Url;
