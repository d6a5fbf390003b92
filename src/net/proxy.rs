//! A way through an HTTP proxy (RFC 9110 section 9.3.6): CONNECT, and then the bytes are ours.
//!
//! The name of the peer is resolved by the proxy. What the kernel knows of such a connection, such as round trips and
//! what was acknowledged, is about the proxy alone.

use super::{NetError, Proxy, keys};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

/// Asks for a tunnel to this peer, on a connection to the proxy.
pub(super) async fn tunnel(
    stream: &mut TcpStream,
    host: &str,
    port: u16,
    proxy: &Proxy,
) -> Result<(), NetError> {
    let credentials = credentials(proxy).await?;
    stream
        .write_all(request(host, port, credentials.as_deref()).as_bytes())
        .await
        .map_err(|source| broke(proxy, source))?;
    let mut room = HEAD_BYTES_MAX;
    loop {
        let head = head(stream, &mut room, proxy).await?;
        // What is not the last word may come before it, asked for or not (RFC 9110 section 15.2).
        if !matches!(status(&head), Some(100 | 102..=199)) {
            return judge(&head, proxy, credentials.is_some());
        }
    }
}

/// Everything up to the empty line, or to the end of the connection where that comes first.
async fn head(stream: &mut TcpStream, room: &mut usize, proxy: &Proxy) -> Result<Vec<u8>, NetError> {
    let mut head = Vec::new();
    // Byte by byte: what comes after the head belongs to the peer.
    while !is_whole(&head) {
        *room = room.checked_sub(1).ok_or_else(|| NetError::NoProxy { proxy: proxy.shown() })?;
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !head.is_empty() => break,
            Err(source) => return Err(broke(proxy, source)),
        }
        if !HTTP.starts_with(&head[..head.len().min(HTTP.len())]) {
            return Err(NetError::NoProxy { proxy: proxy.shown() });
        }
    }
    Ok(head)
}

fn is_whole(head: &[u8]) -> bool {
    head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n")
}

fn broke(proxy: &Proxy, source: io::Error) -> NetError {
    NetError::ProxyBroke { proxy: proxy.shown(), source }
}

fn request(host: &str, port: u16, credentials: Option<&str>) -> String {
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let authorization = credentials.map_or(String::new(), |credentials| {
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials))
    });
    format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n")
}

/// Its first line in words: `HTTP/1.1 200 Connection established`.
fn words(head: &[u8]) -> Vec<String> {
    let line = String::from_utf8_lossy(head.split(|&byte| byte == b'\n').next().unwrap_or_default());
    line.trim_end().splitn(3, ' ').map(str::to_owned).collect()
}

fn status(head: &[u8]) -> Option<u16> {
    words(head).get(1).and_then(|word| word.parse().ok())
}

/// What the proxy says of our question.
fn judge(head: &[u8], proxy: &Proxy, has_credentials: bool) -> Result<(), NetError> {
    let shown = proxy.shown();
    match status(head) {
        Some(200..=299) if is_whole(head) => Ok(()),
        Some(200..=299) => Err(broke(proxy, io::ErrorKind::UnexpectedEof.into())),
        Some(407) if has_credentials => Err(NetError::ProxyCredentials { proxy: shown }),
        Some(407) => Err(NetError::ProxyDemands { proxy: shown }),
        Some(status) => {
            let reason = words(head).into_iter().nth(2).unwrap_or_default();
            let reason = reason.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect();
            Err(NetError::ProxyRefused { proxy: shown, status, reason })
        }
        None => Err(NetError::NoProxy { proxy: shown }),
    }
}

/// `user:password`, the first line of the file.
async fn credentials(proxy: &Proxy) -> Result<Option<String>, NetError> {
    let Some(path) = proxy.credentials_file.clone() else { return Ok(None) };
    let of = path.clone();
    let read = spawn_blocking(move || keys::private(&path)).await;
    let bytes = read.map_err(|_| NetError::Absent { what: "user:password", path: of.clone() })??;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    match line.split_once(':') {
        Some((user, _)) if !user.is_empty() => Ok(Some(line.to_owned())),
        _ => Err(NetError::NoCredentials { path: of }),
    }
}

const HTTP: &[u8] = b"HTTP/";
/// A proxy that says more before it opens the way is none.
const HEAD_BYTES_MAX: usize = 8 << 10;
const REASON_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy() -> Proxy {
        Proxy { host: "proxy.example.net".to_owned(), port: 3128, credentials_file: None }
    }

    #[test]
    fn a_request_names_the_peer_twice_and_the_user_in_base64() {
        assert_eq!(
            request("siem.example.net", 6514, None),
            "CONNECT siem.example.net:6514 HTTP/1.1\r\nHost: siem.example.net:6514\r\n\r\n"
        );
        assert_eq!(
            request("2001:db8::1", 6514, Some("Aladdin:open sesame")),
            "CONNECT [2001:db8::1]:6514 HTTP/1.1\r\nHost: [2001:db8::1]:6514\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
    }

    #[test]
    fn every_answer_but_2xx_is_a_refusal_in_plain_words() {
        let said = |head: &str, known| match judge(head.as_bytes(), &proxy(), known) {
            Ok(()) => "yes".to_owned(),
            Err(error) => error.to_string(),
        };
        for head in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200\n\n",
            "HTTP/1.1 204 x\r\nA: b\r\n\r\n",
        ] {
            assert_eq!(said(head, false), "yes");
        }
        for (head, known, text) in [
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n",
                false,
                "the proxy proxy.example.net:3128 demands credentials: set proxy-credentials-file",
            ),
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n",
                true,
                "the proxy proxy.example.net:3128 does not accept our credentials: check proxy-credentials-file",
            ),
            (
                "HTTP/1.1 403 For\x1b[2Jbidden\r\n",
                false,
                "the proxy proxy.example.net:3128 refused the connection: 403 For[2Jbidden",
            ),
            (
                "HTTP/1.1 OK\r\n",
                false,
                "proxy.example.net:3128 does not answer as an HTTP proxy: check proxy",
            ),
        ] {
            assert_eq!(said(head, known), text);
        }
    }
}
