//! Names and addresses as text has them.

use crate::model::Text;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An actor: the name alone, its domain, and how it was spelled when that says more than the name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub name: Text,
    pub domain: Option<Text>,
    pub spelled: Option<Text>,
}

/// Reads `alice`, `CORP\alice` and `alice@corp.example`; any other form is a name as it stands.
pub(super) fn account(spelled: &str) -> Account {
    let name = unquoted(spelled);
    let (name, domain) = match split_once_only(name, b'\\') {
        Some((domain, user)) => (user, Some(domain)),
        None => split_once_only(name, b'@').map_or((name, None), |(user, domain)| (user, Some(domain))),
    };
    let plain = spelled.trim_matches(QUOTES);
    Account {
        name: name.into(),
        domain: domain.map(Text::from),
        spelled: (plain != name).then(|| plain.into()),
    }
}

/// The parts around `mark`, an ASCII one, when it stands there once and both have something.
fn split_once_only(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == mark)?;
    let (left, right) = (&text[..at], &text[at + 1..]);
    (!left.is_empty() && !right.is_empty() && !right.as_bytes().contains(&mark)).then_some((left, right))
}

/// A name without the quotes around it; a bare one without the punctuation of the sentence behind it.
pub(super) fn unquoted(spelled: &str) -> &str {
    for quote in QUOTES {
        if let Some(inner) = spelled.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    let bare = spelled.trim_end_matches(PUNCTUATION);
    if bare.is_empty() { spelled } else { bare }
}

/// The network address at the head of `text`, in the spelling of the entry; punctuation and a port behind it do not
/// count, nor brackets around it.
pub(super) fn address(text: &str) -> Option<Text> {
    let valid = |text: &str| text.parse::<IpAddr>().is_ok();
    let bare = text.trim_end_matches(PUNCTUATION);
    [text, bare].into_iter().find(|text| valid(text)).or_else(|| without_port(bare)).map(Text::from)
}

/// `10.2.3.4` of `10.2.3.4:51234`, `2001:db8::7` of `[2001:db8::7]:51234`.
fn without_port(text: &str) -> Option<&str> {
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, rest)| (address, rest.strip_prefix(':')))?,
        None => text.split_once(':').map(|(address, port)| (address, Some(port)))?,
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_address = match text.starts_with('[') {
        true => address.parse::<Ipv6Addr>().is_ok(),
        false => address.parse::<Ipv4Addr>().is_ok(),
    };
    (is_port && is_address).then_some(address)
}

/// The network addresses that stand in `text` as words of their own, but for `except`; at most 16, each once.
pub(super) fn addresses(text: &str, except: Option<&str>) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_' | b'-');
    let (bytes, mut done) = (text.as_bytes(), 0);
    // Every address has such a mark in it.
    while let Some(mark) = memchr::memchr2(b'.', b':', &bytes[done..]).filter(|_| found.len() < DEVICES_MAX) {
        let (before, behind) = bytes.split_at(done + mark);
        let start = before.iter().rposition(|byte| !in_word(byte)).map_or(0, |at| at + 1);
        let end = before.len() + behind.iter().position(|byte| !in_word(byte)).unwrap_or(behind.len());
        match address(&text[start..end]) {
            Some(device) if Some(device.as_str()) != except && !found.contains(&device) => found.push(device),
            _ => {}
        }
        done = end;
    }
    found
}

/// The names in quotes that follow the word device; each once.
pub(super) fn device_names(text: &str) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest.as_bytes(), b"evice") {
        let (before, after) = (&rest[..at], &rest[at + "evice".len()..]);
        rest = after;
        if !before.ends_with(['d', 'D']) {
            continue;
        }
        let after = after.strip_prefix('s').unwrap_or(after).trim_start_matches([' ', ':']);
        let quote = after.chars().next().filter(|first| QUOTES.contains(first));
        let name = quote.and_then(|quote| after[1..].split_once(quote)).map(|(name, _)| name);
        let is_new = |name: &&str| !name.is_empty() && !found.iter().any(|known| known == name);
        if let Some(name) = name.filter(is_new) {
            found.push(name.into());
        }
        if found.len() == DEVICES_MAX {
            break;
        }
    }
    found
}

const QUOTES: [char; 2] = ['"', '\''];
const PUNCTUATION: [char; 5] = ['.', ',', ';', ':', ')'];
pub(super) const DEVICES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(spelled: &str) -> (String, Option<String>, Option<String>) {
        let Account { name, domain, spelled } = account(spelled);
        (name.into(), domain.map(Into::into), spelled.map(Into::into))
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_account_is_split_at_its_domain() {
        assert_eq!(parts("alice"), ("alice".into(), None, None));
        assert_eq!(parts("CORP\\alice"), ("alice".into(), some("CORP"), some("CORP\\alice")));
        assert_eq!(parts("a@corp.example"), ("a".into(), some("corp.example"), some("a@corp.example")));
        assert_eq!(parts("\"alice b\""), ("alice b".into(), None, None));
    }

    #[test]
    fn a_form_that_is_none_of_these_stays_a_name() {
        for odd in ["A\\B\\c", "@home", "x@", "\\x", "a@b@c"] {
            assert_eq!(parts(odd), (odd.into(), None, None), "{odd}");
        }
    }

    #[test]
    fn punctuation_cut_from_a_name_is_still_to_be_seen() {
        assert_eq!(parts("admin."), ("admin".into(), None, some("admin.")));
        assert_eq!(parts("..."), ("...".into(), None, None));
    }

    #[test]
    fn only_a_valid_address_is_one() {
        assert_eq!(address("10.2.3.4.").as_deref(), Some("10.2.3.4"));
        assert_eq!(address("fe80::").as_deref(), Some("fe80::"));
        assert_eq!(address("2001:db8::7:").as_deref(), Some("2001:db8::7"));
        assert_eq!(address("10.2.3.4:51234").as_deref(), Some("10.2.3.4"));
        assert_eq!(address("[2001:db8::7]:443").as_deref(), Some("2001:db8::7"));
        assert_eq!(address("[2001:db8::7]").as_deref(), Some("2001:db8::7"));
        for odd in ["10.2.3", "10.2.3.400", "ad", "", "::::", "10.2.3.4:x", "[10.2.3.4]:1", "10.2.3.4:65536"]
        {
            assert_eq!(address(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_name_in_quotes_behind_the_word_device_is_one_of_a_device() {
        let text = "Device \"PLC 7\" sent to device 'HMI-1', device 10.2.1.14, devices: \"PLC 7\", vice \"x\" device \"";
        assert_eq!(device_names(text), ["PLC 7", "HMI-1"]);
    }

    #[test]
    fn addresses_are_words_of_their_own() {
        let text = "from 10.2.1.14 (at 10:31:52) to [fe80::1], v10.2.1.15 and 10.2.1.14, not 10.9.9.9";
        assert_eq!(addresses(text, Some("10.9.9.9")), ["10.2.1.14", "fe80::1"]);
    }
}
