//! Addresses that are meant: a network, or a name or address with wildcards.

use super::glob::Glob;
use ipnet::IpNet;
use std::net::IpAddr;

/// What is meant.
#[derive(Debug)]
pub(super) enum Addresses {
    Network(IpNet),
    Name(Glob),
}

impl Addresses {
    /// The error says what a good value is.
    pub(super) fn parse(value: &str) -> Result<Addresses, String> {
        if value.is_empty() {
            return Err("write an address, a name, or a network such as 10.2.0.0/16".to_owned());
        }
        if value.contains('/') {
            let network =
                value.parse().map_err(|_| "write a network as 10.2.0.0/16 or fd00::/8".to_owned())?;
            return Ok(Addresses::Network(network));
        }
        Ok(Addresses::Name(Glob::new(value)))
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        match self {
            Addresses::Name(glob) => glob.matches(name),
            Addresses::Network(network) => {
                name.parse::<IpAddr>().is_ok_and(|address| network.contains(&address.to_canonical()))
            }
        }
    }
}
