//! HTTP/1.1 over TLS, as a source that must be asked needs it: one connection, one question after the other.
//!
//! Invariant: the token leaves only over a connection whose peer is verified.
//! Invariant: every wait and every answer has a limit.

use super::{NetError, Secret, Settings, tls};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::{ClientConfig, Error};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection to a server; dropping it closes it.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Empty<Bytes>>,
    host: HeaderValue,
    peer: String,
    driver: JoinHandle<()>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code (RFC 9110 section 15).
    pub status: u16,
    /// When the server thinks it is (RFC 9110 section 6.6.1), to the second.
    pub date: Option<Timestamp>,
    /// What the server says the body is; empty if it does not.
    pub content_type: String,
    /// The whole body, without the token if it repeats that.
    pub body: Vec<u8>,
    /// It repeats the token, in whose place there is `HIDDEN`.
    pub hides: bool,
}

impl Client {
    /// Connects and completes the handshake, each within `connect-timeout`. `config` is what `tls::client_config` made
    /// of the same settings.
    pub async fn connect(settings: &Settings, config: Arc<ClientConfig>) -> Result<Client, NetError> {
        let names = settings.tls.as_ref().ok_or(NetError::NoTrust)?;
        let identified = config.client_auth_cert_resolver.has_certs();
        let name = tls::server_name(names)?;
        let socket = super::connect(settings).await?;
        let peer = format!("{}:{}", settings.host, settings.port);
        let limit = settings.connect_timeout;
        let handshake = timeout(limit, TlsConnector::from(config).connect(name, socket)).await;
        let stream = match handshake {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(in_handshake(error, identified)),
            Err(_) => return Err(NetError::HandshakeTimeout { peer, limit }),
        };
        let shaken = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| broken(&peer, error))?;
        // What ends the connection is what the next question fails with.
        let driver = tokio::spawn(async move { drop(connection.await) });
        let host = match settings.port {
            443 => settings.host.clone(),
            port => format!("{}:{port}", settings.host),
        };
        let host = HeaderValue::from_str(&host).map_err(|_| NetError::ServerName { name: host })?;
        Ok(Client { sender, host, peer, driver })
    }

    /// Asks for `target`, a path with its query, and waits for the whole answer: at most `limit`, at most `bytes_max`
    /// bytes.
    pub async fn get(
        &mut self,
        target: &str,
        token: &Secret,
        limit: Duration,
        bytes_max: usize,
    ) -> Result<Answer, NetError> {
        let asked = timeout(limit, self.ask(target, token, bytes_max)).await;
        asked.unwrap_or_else(|_| Err(super::connect::took_too_long("the answer of", &self.peer, limit)))
    }

    async fn ask(&mut self, target: &str, token: &Secret, bytes_max: usize) -> Result<Answer, NetError> {
        let mut authorization = HeaderValue::from_bytes(token.bytes()).map_err(|_| NetError::BadToken)?;
        authorization.set_sensitive(true);
        let request = Request::get(target)
            .header(HOST, self.host.clone())
            .header(USER_AGENT, concat!("otrail/", env!("CARGO_PKG_VERSION")))
            .header(AUTHORIZATION, authorization)
            .body(Empty::new())
            .map_err(|_| NetError::ServerName { name: target.to_owned() })?;
        let failed = |error| broken(&self.peer, error);
        self.sender.ready().await.map_err(failed)?;
        let response = self.sender.send_request(request).await.map_err(failed)?;
        let answer = self.whole(response, bytes_max).await?;
        // Whoever is asked knows it; whoever reads what is told of the answer need not.
        Ok(match token.hidden_in(&answer.body) {
            Some(body) => Answer { body, hides: true, ..answer },
            None => answer,
        })
    }

    async fn whole(&self, response: Response<Incoming>, bytes_max: usize) -> Result<Answer, NetError> {
        let (head, body) = response.into_parts();
        let text = |name: HeaderName| header(&head.headers, name);
        let date = jiff::fmt::rfc2822::parse(&text(DATE)).ok().map(|date| date.timestamp());
        let content_type = text(CONTENT_TYPE);
        let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return NetError::TooLong { peer: self.peer.clone(), bytes_max };
            }
            match error.downcast::<hyper::Error>() {
                Ok(error) => broken(&self.peer, *error),
                Err(_) => NetError::HungUp { peer: self.peer.clone() },
            }
        })?;
        let (status, body) = (head.status.as_u16(), body.to_bytes().into());
        Ok(Answer { status, date, content_type, body, hides: false })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What ended a connection that was up.
fn broken(peer: &str, error: hyper::Error) -> NetError {
    let ends = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let hung_up = error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || cause.is_some_and(|cause| ends.contains(&cause.kind()));
    match hung_up {
        true => NetError::HungUp { peer: peer.to_owned() },
        false => NetError::Http { peer: peer.to_owned(), source: error },
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// tokio-rustls hands rustls' errors on within I/O errors.
fn in_handshake(error: io::Error, identified: bool) -> NetError {
    match error.downcast::<Error>() {
        Ok(error) => tls::explain(error, identified),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => NetError::HandshakeClosed,
        Err(source) => NetError::Handshake { source },
    }
}

/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 << 10;
