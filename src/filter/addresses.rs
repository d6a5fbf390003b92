//! Addresses that are meant: one, a network, or a name or address with wildcards. However an address is spelled it is the
//! same, and one of IPv4 that is mapped into IPv6 is one of IPv4.

use super::glob::Glob;
use super::sets::OneOf;
use super::test::Test;
use ipnet::{IpNet, Ipv4Net};
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
            return Ok(Addresses::Network(canonical(network)));
        }
        Ok(match value.parse::<IpAddr>() {
            Ok(address) => Addresses::Network(IpNet::from(address.to_canonical())),
            Err(_) => Addresses::Name(Glob::new(value)),
        })
    }

    /// The test with a text that every accepted record has in its line.
    pub(super) fn literals(&self, test: Test) -> Test {
        match self {
            Addresses::Name(_) => {
                let value = test.value().to_owned();
                test.with_literal(&value)
            }
            // Mapped it may be written in other digits.
            Addresses::Network(IpNet::V4(one)) if one.prefix_len() == 32 => {
                let texts = vec![one.addr().to_string(), "ffff:".to_owned()];
                test.with_literals(vec![OneOf { texts, is_number: false }])
            }
            Addresses::Network(_) => test,
        }
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

/// The network of IPv4 that is mapped into one of IPv6.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(wide) = network else { return network };
    let prefix = wide.prefix_len().checked_sub(MAPPED_BITS);
    let mapped = wide.addr().to_ipv4_mapped().zip(prefix);
    mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

/// What stands before the address of IPv4.
const MAPPED_BITS: u8 = 96;
