//! How the address of a server is written, and that of a proxy.

use super::problem::quoted;
use super::raw::Value;
use rustls::pki_types::ServerName;
use std::net::Ipv6Addr;

impl Value<'_> {
    /// `host`, `host:port` or `[v6]:port`.
    pub(super) fn address(&self) -> Option<(String, Option<u16>)> {
        let text = self.text()?;
        let address = split_address(text).filter(|(host, _)| ServerName::try_from(*host).is_ok());
        let Some((host, port)) = address else {
            self.problem(format!("{} is not an address", quoted(text)), instead_of(text));
            return None;
        };
        let number = port.map(port_number);
        if number == Some(None) {
            self.problem(
                format!("{} is not a port", quoted(port.unwrap_or_default())),
                "allowed: 1 to 65535",
            );
            return None;
        }
        Some((host.to_owned(), number.flatten()))
    }

    /// An HTTP proxy: `http://host:port`.
    pub(super) fn proxy(&self) -> Option<(String, u16)> {
        let text = self.text()?;
        let Some(rest) = text.strip_prefix("http://") else {
            self.problem(format!("{} is not an HTTP proxy", quoted(text)), self.example());
            return None;
        };
        if rest.contains('@') {
            // Not under its line: that would show them.
            let message = "`proxy` has credentials, which do not belong into the config";
            self.notes.problem(0..0, message, "put them into `proxy-credentials-file`");
            return None;
        }
        let place = rest.strip_suffix('/').unwrap_or(rest);
        let address = split_address(place).filter(|(host, _)| ServerName::try_from(*host).is_ok());
        match address.map(|(host, number)| (host, number.and_then(port_number))) {
            Some((host, Some(port))) => Some((host.to_owned(), port)),
            _ => {
                self.problem(format!("{} is not a host and a port", quoted(place)), self.example());
                None
            }
        }
    }

    /// A name that a certificate can carry.
    pub(super) fn server_name(&self) -> Option<String> {
        let name = self.text()?;
        if ServerName::try_from(name).is_err() {
            self.problem(format!("{} is not a host name or address", quoted(name)), self.example());
            return None;
        }
        Some(name.to_owned())
    }
}

/// Host and port as they are written; brackets around an IPv6 address are taken off.
fn split_address(text: &str) -> Option<(&str, Option<&str>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        // What may have been meant otherwise is written in brackets, one way or the other (RFC 5952 section 6).
        return (!may_end_in_a_port(text)).then_some((text, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        // More than one colon, or a path: no port was meant.
        Some((_, port)) if port.contains([':', '/', '%']) => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// Whether an IPv6 address without brackets would be one without its last group, too, and that looks like a port.
fn may_end_in_a_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        host.parse::<Ipv6Addr>().is_ok() && port.len() >= 3 && port_number(port).is_some()
    })
}

fn port_number(port: &str) -> Option<u16> {
    let plain = port.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| port.parse().ok()).flatten().filter(|&number| number > 0)
}

/// What to write for something that is no address.
fn instead_of(text: &str) -> &'static str {
    if text.contains('/') {
        "leave out what stands before and behind host and port, for example \"siem.example.net:6514\""
    } else if text.contains('%') {
        "no zone can be given: write a name, or an address that is not link-local"
    } else if may_end_in_a_port(text) {
        "write [v6]:port for an address and a port, and [v6] for an address alone"
    } else if !text.is_ascii() {
        "write the name in its ASCII form, which begins with xn--"
    } else {
        "write host, host:port or [v6]:port, for example \"siem.example.net:6514\""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        for (text, expected) in [
            ("siem.example.net", Some(("siem.example.net", None))),
            ("siem.example.net:6514", Some(("siem.example.net", Some("6514")))),
            ("192.0.2.1:6514", Some(("192.0.2.1", Some("6514")))),
            ("[2001:db8::1]:6514", Some(("2001:db8::1", Some("6514")))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("2001:db8::1:5", Some(("2001:db8::1:5", None))),
            ("2001:db8::ab:cafe", Some(("2001:db8::ab:cafe", None))),
            ("2001:db8:0:0:0:0:1:6514", Some(("2001:db8:0:0:0:0:1:6514", None))),
            ("[::1:6514]", Some(("::1:6514", None))),
            ("::1:6514", None),
            ("[siem]:6514", None),
            ("[2001:db8::1]6514", None),
            ("fe80::1%eth0", None),
            ("https://siem:6514", None),
            ("siem:6514/path", None),
        ] {
            assert_eq!(split_address(text), expected, "{text}");
        }
    }

    #[test]
    fn a_port_is_digits_from_1_to_65535() {
        let all =
            ["1", "06514", "65535", "0", "65536", "+6514", "-1", "", " 1", "\u{666}\u{665}\u{661}\u{664}"];
        let numbers = all.map(port_number);
        assert_eq!(numbers[..3], [Some(1), Some(6514), Some(65535)]);
        assert_eq!(numbers[3..], [None; 7]);
    }
}
