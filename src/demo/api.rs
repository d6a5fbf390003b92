//! A sensor that is asked: its timeline API as the vendor documents it (page "sensor-alert-apis"), on loopback.
//!
//! ```text
//! GET /api/v1/events?minutesTimeFrame=N&type=T     Authorization: TOKEN; below any prefix, as behind a proxy
//! N      minutes back from now; more than 4320 count as 4320
//! T      one documented type; any other is ignored, and everything comes
//! []     the latest 100 rows, newest first, six fields, no id
//! cache  who asks for exactly the same within an hour gets the old answer
//! ```
//!
//! It shows a certificate that it has signed itself, as a sensor does that nobody has given another. It keeps account
//! of what stood in its answers.

use super::DemoError;
use super::http::{self, Reply};
use crate::dialect::Type;
use crate::model::Time;
use crate::net::Pin;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A row of the timeline: the six documented fields.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The title.
    pub title: String,
    /// `INFO`, `NOTICE` or `ALERT`.
    pub severity: String,
    /// Who made it by hand.
    pub owner: Option<String>,
    /// Free text.
    pub content: String,
}

/// How the sensor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answering {
    /// As documented.
    #[default]
    Well,
    /// The same after a while.
    Late(Duration),
    /// With the rows of all types, whichever was asked for: as behind a proxy that drops what follows the first `&`.
    AllTypes,
    /// The connection breaks in the middle of the body.
    Half,
    /// The body ends in the middle, and the connection does not show it.
    HalfJson,
    /// What it was asked with, as a proxy that is looked for a fault in.
    Echo,
    /// A page where somebody could sign in.
    LoginPage,
    /// This status and nothing else.
    Status(u16),
}

/// A sensor's API.
pub struct SensorApi {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

pub(super) struct Shared {
    state: Mutex<State>,
    config: Mutex<Arc<ServerConfig>>,
    pub closing: AtomicBool,
}

#[derive(Default)]
struct State {
    token: String,
    pin: Option<Pin>,
    answering: Answering,
    /// How far its clock is ahead, in milliseconds.
    ahead: i64,
    rows: Vec<Row>,
    cache: HashMap<String, (i64, Vec<usize>)>,
    shown: BTreeSet<usize>,
    asked: Vec<String>,
    answers: u64,
}

impl SensorApi {
    /// A sensor on a port of its own that accepts that token.
    pub fn open(token: &str) -> Result<SensorApi, DemoError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(DemoError::Port)?;
        let port = listener.local_addr().map_err(DemoError::Port)?.port();
        let (config, pin) = certificate()?;
        let state = State { token: token.to_owned(), pin: Some(pin), ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            config: Mutex::new(config),
            closing: AtomicBool::new(false),
        });
        listener.set_nonblocking(true).map_err(DemoError::Port)?;
        let serving = Arc::clone(&shared);
        let thread = thread::Builder::new().name("otrail-api".into());
        let thread = thread.spawn(move || http::accept(&listener, &serving)).map_err(DemoError::Port)?;
        Ok(SensorApi { port, shared, thread: Some(thread) })
    }

    /// The address to ask.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The fingerprint of its certificate.
    pub fn pin(&self) -> Option<Pin> {
        self.state().pin
    }

    /// Something happens now; its time.
    pub fn add(&self, kind: &str, content: &str) -> i64 {
        let now = self.now();
        self.add_at(now, kind, content);
        now
    }

    /// Something has happened at that time, in milliseconds since 1970.
    pub fn add_at(&self, timestamp: i64, kind: &str, content: &str) {
        let title = Type::find(kind).map_or("Event", |known| known.title).to_owned();
        let (kind, severity, content) = (kind.to_owned(), "INFO".to_owned(), content.to_owned());
        self.add_row(Row { timestamp, kind, title, severity, owner: None, content });
    }

    /// The same with every field.
    pub fn add_row(&self, row: Row) {
        self.state().rows.push(row);
    }

    /// From now on it answers so.
    pub fn answer(&self, answering: Answering) {
        self.state().answering = answering;
    }

    /// From now on only this token counts.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// Its clock is so far ahead of ours, in milliseconds.
    pub fn set_clock(&self, ahead: i64) {
        self.state().ahead = ahead;
    }

    /// New connections see another certificate.
    pub fn replace_certificate(&self) -> Result<(), DemoError> {
        let (config, pin) = certificate()?;
        *self.shared.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        self.state().pin = Some(pin);
        Ok(())
    }

    /// What stood in an answer that went out whole, in the order in which it happened.
    pub fn shown(&self) -> Vec<Row> {
        let state = self.state();
        state.shown.iter().map(|&at| state.rows[at].clone()).collect()
    }

    /// All that happened.
    pub fn rows(&self) -> Vec<Row> {
        self.state().rows.clone()
    }

    /// Every query so far.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// How many answers went out whole.
    pub fn answers(&self) -> u64 {
        self.state().answers
    }

    fn now(&self) -> i64 {
        now() + self.state().ahead
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for SensorApi {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a question, and the rows in it.
    pub(super) fn reply(&self, target: &str, token: &str) -> Reply {
        let mut state = self.state();
        let now = now() + state.ahead;
        let answering = state.answering;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        state.asked.push(query.to_owned());
        let (status, rows) = match () {
            () if token != state.token => (401, Vec::new()),
            () if !path.ends_with("/api/v1/events") => (404, Vec::new()),
            () if answering == Answering::AllTypes => {
                let query = query.split('&').next().unwrap_or_default();
                (200, state.rows_for(target, query, now))
            }
            () => (200, state.rows_for(target, query, now)),
        };
        let rows = if status == 200 && answering != Answering::Echo { rows } else { Vec::new() };
        let body: Vec<&Row> = rows.iter().map(|&at| &state.rows[at]).collect();
        let body = match status {
            200 if answering == Answering::Echo => format!("{{\"authorization\":\"{token}\"}}"),
            200 => serde_json::to_string_pretty(&body).unwrap_or_default(),
            _ => String::new(),
        };
        Reply { status, body, date: Time::from_millis(now).unwrap_or_default(), answering, rows }
    }

    /// An answer went out whole.
    pub(super) fn sent(&self, rows: &[usize]) {
        let mut state = self.state();
        state.answers += 1;
        state.shown.extend(rows);
    }
}

impl State {
    fn rows_for(&mut self, target: &str, query: &str, now: i64) -> Vec<usize> {
        if let Some((at, rows)) = self.cache.get(target)
            && (0..CACHED_MILLIS).contains(&(now - at))
        {
            return rows.clone();
        }
        let value = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|pair| pair.0 == name)
                .map(|pair| pair.1)
        };
        let minutes = value("minutesTimeFrame").and_then(|text| text.parse::<i64>().ok());
        let since = now - minutes.unwrap_or(MINUTES_MAX).clamp(0, MINUTES_MAX) * 60_000;
        let kind = value("type").filter(|name| Type::find(name).is_some());
        let wanted =
            |row: &Row| (since..=now).contains(&row.timestamp) && kind.is_none_or(|kind| kind == row.kind);
        let mut rows: Vec<usize> = (0..self.rows.len()).filter(|&at| wanted(&self.rows[at])).collect();
        rows.sort_by_key(|&at| (std::cmp::Reverse(self.rows[at].timestamp), std::cmp::Reverse(at)));
        rows.truncate(ROWS_MAX);
        self.cache.insert(target.to_owned(), (now, rows.clone()));
        rows
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A certificate that nobody but itself vouches for.
fn certificate() -> Result<(Arc<ServerConfig>, Pin), DemoError> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["sensor.local".to_owned()])?.self_signed(&key)?;
    let pin = Pin::of(certificate.der());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let private = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|source| DemoError::Tls { source: source.into() })?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private)
        });
    Ok((Arc::new(config.map_err(|source| DemoError::Tls { source: source.into() })?), pin))
}

const ROWS_MAX: usize = 100;
const MINUTES_MAX: i64 = 4320;
const CACHED_MILLIS: i64 = 3_600_000;
