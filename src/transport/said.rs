//! What a server says that should say nothing, and what that may mean: it is of another kind than the config has it.

/// The first bytes of what the peer says where nothing is to be said.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<u8>);

impl Said {
    pub(super) fn take(&mut self, plain: &[u8]) {
        let room = SAID_BYTES_MAX.saturating_sub(self.0.len());
        self.0.extend_from_slice(&plain[..plain.len().min(room)]);
    }

    /// A sentence about it, with a way out; none while it has said nothing.
    pub(super) fn tell(&self, secure: bool) -> Option<String> {
        let first = self.0.split(|&byte| byte == b'\n').find(|line| !line.is_empty())?;
        let relp = first.starts_with(b"0 serverclose") || first.windows(5).any(|part| part == b" rsp ");
        let meaning = match first {
            _ if relp && secure => "it speaks RELP: set transport = \"relp-tls\"",
            _ if relp => "it speaks RELP: set transport = \"relp\"",
            [ALERT, 3, ..] if !secure => return Some("it speaks TLS: set transport = \"tls\"".to_owned()),
            [b'H', b'T', b'T', b'P', b'/', ..] => "it is a web server: check the port of address",
            _ => "it may be no syslog server: check the port of address",
        };
        Some(format!("it had said {:?}, {meaning}", String::from_utf8_lossy(first).trim_end()))
    }
}

/// Enough to know a server by.
const SAID_BYTES_MAX: usize = 80;
/// Content type of a TLS alert.
const ALERT: u8 = 21;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_tell_which_kind_of_server_it_is() {
        for (words, secure, told) in [
            (
                &b"0 serverclose 0\n"[..],
                true,
                "it had said \"0 serverclose 0\", it speaks RELP: set transport = \"relp-tls\"",
            ),
            (
                b"\n1 rsp 20 500 no\n",
                false,
                "it had said \"1 rsp 20 500 no\", it speaks RELP: set transport = \"relp\"",
            ),
            (b"\x15\x03\x03\0\x02\x02\x16", false, "it speaks TLS: set transport = \"tls\""),
            (
                b"HTTP/1.1 400 Bad Request\r\nmore",
                true,
                "it had said \"HTTP/1.1 400 Bad Request\", it is a web server: check the port of address",
            ),
            (
                b"220 mail\x1b[31m\r\n",
                true,
                "it had said \"220 mail\\u{1b}[31m\", it may be no syslog server: check the port of address",
            ),
        ] {
            let mut said = Said::default();
            words.chunks(3).for_each(|part| said.take(part));
            assert_eq!(said.tell(secure).as_deref(), Some(told));
        }
        assert_eq!(Said::default().tell(true), None);
    }
}
