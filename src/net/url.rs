//! Where something that is asked by HTTP lives: `https://HOST[:PORT][/PATH]`.

use hyper::Uri;
use std::fmt;

/// An address of something that answers HTTP over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Host name or address literal; an IPv6 address in brackets.
    pub host: String,
    /// TCP port, 443 when the address names none.
    pub port: u16,
    /// Begins with `/`.
    pub path: String,
}

impl Url {
    /// Reads it; the error is a sentence and a way out.
    pub fn parse(text: &str) -> Result<Url, (&'static str, &'static str)> {
        let uri: Uri = text.trim().parse().map_err(|_| ("is no address", EXAMPLE))?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") => return Err(("would send the token in the clear", EXAMPLE)),
            _ => return Err(("does not begin with https://", EXAMPLE)),
        }
        let authority = uri.authority().ok_or(("has no host", EXAMPLE))?;
        if authority.as_str().contains('@') {
            return Err(("holds a user or password", "leave it out: the token has a file of its own"));
        }
        if uri.query().is_some() {
            return Err(("has a query", "leave out what begins with `?`: otrail asks in its own way"));
        }
        let is_bare = authority.as_str().len() == authority.host().len();
        let port = authority.port_u16().or(is_bare.then_some(HTTPS_PORT));
        let port = port.filter(|&port| port > 0).ok_or(("has no usable port", EXAMPLE))?;
        Ok(Url { host: authority.host().to_ascii_lowercase(), port, path: uri.path().to_owned() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host)?;
        if self.port != HTTPS_PORT {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

const HTTPS_PORT: u16 = 443;
const EXAMPLE: &str = "for example: https://sensor-01.example.net";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for (text, host, port, path) in [
            ("https://sensor.example", "sensor.example", 443, "/"),
            ("https://10.1.2.3:8443/api/v1/events", "10.1.2.3", 8443, "/api/v1/events"),
            ("https://[fd00::1]:9/", "[fd00::1]", 9, "/"),
            ("https://SENSOR", "sensor", 443, "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.path.as_str()), (host, port, path), "{text}");
            assert_eq!(Url::parse(&url.to_string()).unwrap(), url);
        }
    }

    #[test]
    fn what_is_no_safe_address_says_why() {
        for (text, why) in [
            ("http://sensor", "in the clear"),
            ("sensor", "does not begin"),
            ("ftp://sensor", "does not begin"),
            ("https://", "no address"),
            ("https://admin:pw@sensor", "user or password"),
            ("https://sensor/?type=X", "query"),
            ("https://sensor:0", "port"),
            ("https://sensor:99999", "port"),
            ("https://a b", "no address"),
        ] {
            let (problem, _) = Url::parse(text).unwrap_err();
            assert!(problem.contains(why), "{text}: {problem}");
        }
    }
}
