//! Syslog over TLS (RFC 5425, RFC 9662).

use super::{Protocol, Transport};

/// Its row.
pub(super) const ROW: Transport = Transport {
    name: "tls",
    about: "syslog over TLS 1.2 or 1.3 (RFC 5425)",
    default_port: 6514,
    secure: true,
    protocol: Protocol::Syslog,
};
