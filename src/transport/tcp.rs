//! Syslog over plain TCP (RFC 6587): for laboratories, anyone on the way can read and change it.

use super::{Protocol, Transport};

/// Its row; 601 is the port that IANA gives to syslog over connections.
pub(super) const ROW: Transport = Transport {
    name: "tcp",
    about: "syslog over plain TCP (RFC 6587), laboratory only",
    default_port: 601,
    secure: false,
    protocol: Protocol::Syslog,
};
