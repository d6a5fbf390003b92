//! The answer to one request. Whatever reads the journal does so where it may block.

use super::apart::apart;
use super::audit::Asked;
use super::protocol::{Ask, End, Reply, Request, STOPPING};
use super::server::{Shared, note, now, stopped};
use super::{Peer, follow, ongoing, request, watch};
use crate::filter::{Clock, Filter};
use crate::journal::{self, Journal, JournalError};
use crate::model::status::Status;
use crate::model::{Record, Seq};
use crate::query::render::{Column, json_line};
use crate::query::{self, Answer, Order, Query, ROWS_MAX};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::UnixStream;
use tokio::sync::SemaphorePermit;
use tokio::sync::watch::Receiver;
use tokio::time::timeout;

/// Answers, and returns the last line to send; `None` if the client is gone.
pub(super) async fn give(
    shared: &Shared,
    stream: &mut UnixStream,
    peer: &Peer,
    request: Request,
    shutdown: Receiver<bool>,
) -> Option<Reply> {
    match request {
        Request::Status => {
            let status = Arc::clone(&shared.server.status);
            Some(match apart("the telling of the agent's state", move || status()).await {
                Ok(status) => Reply::Status(Box::new(Status { control: watch::again(shared), ..status })),
                Err(why) => Reply::Error(why),
            })
        }
        Request::Deliveries(of) => {
            let dir = shared.server.journal.dir().to_owned();
            let read = move || journal::deliveries(&dir, (of.first, of.last));
            Some(match apart("the reading of what was delivered", read).await {
                Ok(Ok(histories)) => Reply::Deliveries(histories),
                Ok(Err(error)) => Reply::Error(error.to_string()),
                Err(why) => Reply::Error(why),
            })
        }
        Request::Act(wish) => ongoing::act(shared, stream, peer, wish, shutdown).await,
        Request::Query(ask) => {
            let words = ask.filters.clone();
            let parse = move || Filter::parse(words.iter().map(|(n, v)| (n, v)), &Clock::utc(now()));
            match apart("the reading of the filter", parse).await {
                Ok(Ok(filter)) => query(shared, stream, peer, &ask, Arc::new(filter), shutdown).await,
                Ok(Err(error)) => Some(Reply::Error(error.to_string())),
                Err(why) => Some(Reply::Error(why)),
            }
        }
    }
}

/// Searches, sends, follows if wanted, and leaves the event about it before the end is told.
async fn query(
    shared: &Shared,
    stream: &mut UnixStream,
    peer: &Peer,
    ask: &Ask,
    filter: Arc<Filter>,
    shutdown: Receiver<bool>,
) -> Option<Reply> {
    let journal = &shared.server.journal;
    let newest = journal.newest();
    let through = ask.past.filter(|_| ask.follow).map_or(newest, |past| past.min(newest));
    let asked = Asked::new(peer, ask, &filter);
    let mut work = Work { shared, stream, shutdown, sent: End::default(), marks: ask.marks };
    let own = journal.as_noted(asked.began(now()));
    if ask.follow {
        note(journal, own.clone()).await;
    }
    let order = if ask.reverse { Order::NewestFirst } else { Order::OldestFirst };
    let query = Query { filter: Arc::clone(&filter), limit: ask.limit, order, rows_max: ROWS_MAX };
    let by = match ask.by.as_deref().map(|name| Column::named(name).ok_or(name)).transpose() {
        Ok(by) => by,
        Err(name) => return Some(Reply::Error(format!("`{name}` is no field"))),
    };
    let searched = match by {
        Some(by) => work.tally(query, by, through).await,
        None => work.search(query, through, ask.count).await,
    };
    let outcome = match searched {
        Ok(()) if ask.follow => follow::follow(&mut work, filter, through, &own.message).await,
        outcome => outcome,
    };
    let end = work.sent;
    let event = match &outcome {
        Err(Broken::Failed(why)) if end.rows == 0 => asked.failed(now(), why),
        Err(Broken::Failed(why)) => asked.ended(now(), end.rows, why),
        Err(Broken::Gone) => asked.ended(now(), end.rows, "the client left before the end"),
        Ok(()) => asked.ended(now(), end.rows, &end.reason),
    };
    note(journal, event).await;
    match outcome {
        Ok(()) => Some(Reply::End(end)),
        Err(Broken::Failed(why)) => Some(Reply::Error(why)),
        Err(Broken::Gone) => None,
    }
}

/// Why an answer has no end.
pub(super) enum Broken {
    /// Nobody reads it.
    Gone,
    /// It cannot be given; a sentence for the client.
    Failed(String),
}

/// An answer on its way.
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) stream: &'a mut UnixStream,
    pub(super) shutdown: Receiver<bool>,
    /// What the end line will say.
    pub(super) sent: End,
    /// The follower wants to know from where it could go on.
    pub(super) marks: bool,
}

impl Work<'_> {
    /// A place among the running searches.
    async fn turn(shared: &Shared) -> Result<SemaphorePermit<'_>, Broken> {
        let limits = &shared.server.limits;
        match timeout(limits.queue_wait, shared.queries.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Broken::Failed(format!("{} queries are running; try again later", limits.queries))),
        }
    }

    /// Searches where it may block; who asks may leave meanwhile, and the agent may have to stop.
    async fn run<T: Send + 'static>(
        &mut self,
        search: impl FnOnce(&Journal, &AtomicBool) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, Broken> {
        let mut shutdown = self.shutdown.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (journal, stop_seen) = (self.shared.server.journal.clone(), Arc::clone(&stop));
        let mut search = pin!(apart("the search", move || search(&journal, &stop_seen)));
        let found = tokio::select! {
            found = &mut search => found,
            () = request::gone(self.stream) => {
                stop.store(true, Ordering::Relaxed);
                let _unwanted = (&mut search).await;
                return Err(Broken::Gone);
            }
            () = stopped(&mut shutdown) => {
                stop.store(true, Ordering::Relaxed);
                self.incomplete(STOPPING);
                (&mut search).await
            }
        };
        match found {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Broken::Failed(query::sentence(&error))),
            Err(why) => Err(Broken::Failed(why)),
        }
    }

    async fn search(&mut self, query: Query, through: Seq, is_count: bool) -> Result<(), Broken> {
        let _turn = Work::turn(self.shared).await?;
        let search = move |journal: &Journal, stop: &AtomicBool| match is_count {
            true => query::count(journal, &query, through, stop),
            false => query::answer(journal, &query, through, stop),
        };
        let mut answer = self.run(search).await?;
        let counted = answer.counted();
        while let Some(rest) = self.send_some(answer, Answer::next).await? {
            answer = rest;
            if *self.shutdown.borrow() {
                self.incomplete(STOPPING);
                break;
            }
        }
        self.sent.rows = counted.unwrap_or(self.sent.rows);
        Ok(())
    }

    /// The same of the values of a field.
    async fn tally(&mut self, query: Query, by: &'static Column, through: Seq) -> Result<(), Broken> {
        let _turn = Work::turn(self.shared).await?;
        let tally = self.run(move |journal, stop| query::tally(journal, &query, by, through, stop)).await?;
        let mut left = &tally.values[..];
        while !left.is_empty() {
            let (mut count, mut bytes) = (0, 0);
            while count < left.len() && bytes < CHUNK_BYTES {
                bytes += left[count].0.len() + VALUE_BYTES;
                count += 1;
            }
            let (now, later) = left.split_at(count);
            let line = Reply::Values(now.to_vec()).line();
            request::send(self.stream, &line, &self.shared.server.limits).await.map_err(|_| Broken::Gone)?;
            left = later;
        }
        self.sent.rows = tally.records;
        tally.missing.iter().for_each(|why| self.incomplete(why));
        Ok(())
    }

    /// Sends the next rows, and returns what has more of them.
    pub(super) async fn send_some<R: Rows>(
        &mut self,
        mut rows: R,
        next: fn(&mut R) -> Option<Record>,
    ) -> Result<Option<R>, Broken> {
        let read = apart("the reading of the journal", move || {
            let mut bytes = Vec::new();
            let mut count = 0;
            while bytes.len() < CHUNK_BYTES {
                let Some(record) = next(&mut rows) else { return (None, rows.incomplete(), bytes, count) };
                json_line(&record, &mut bytes);
                count += 1;
            }
            (Some(rows), None, bytes, count)
        });
        let (rest, incomplete, bytes, count) = read.await.map_err(Broken::Failed)?;
        if !bytes.is_empty() {
            let limits = &self.shared.server.limits;
            request::send(self.stream, &bytes, limits).await.map_err(|_| Broken::Gone)?;
        }
        self.sent.rows += count;
        if let Some(why) = incomplete {
            self.incomplete(&why);
        }
        Ok(rest)
    }

    /// Tells a follower that it has had all that it wants up to there.
    pub(super) async fn mark(&mut self, through: Seq) -> Result<(), Broken> {
        if !self.marks {
            return Ok(());
        }
        let line = Reply::Through(through).line();
        request::send(self.stream, &line, &self.shared.server.limits).await.map_err(|_| Broken::Gone)
    }

    /// Says that rows are missing; the first reason stays.
    pub(super) fn incomplete(&mut self, why: &str) {
        if !self.sent.incomplete {
            self.sent.incomplete = true;
            why.clone_into(&mut self.sent.reason);
        }
    }
}

/// Rows that are read bit by bit.
pub(super) trait Rows: Send + 'static {
    /// Why rows are missing, once all have been read.
    fn incomplete(&self) -> Option<String>;
}

impl Rows for Answer {
    fn incomplete(&self) -> Option<String> {
        Answer::incomplete(self)
    }
}

/// How much is read and sent at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// What a value takes besides itself.
const VALUE_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::server::{Limits, Server};
    use crate::control::settings::Settings;
    use std::sync::Mutex;
    use std::time::Duration;
    use tokio::sync::{Semaphore, watch};

    #[tokio::test]
    async fn a_search_that_panics_gives_its_turn_back_and_the_next_one_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(
            journal::Settings {
                state_dir: dir.path().to_owned(),
                sensor: String::new(),
                bytes_max: 1 << 20,
                age_max: Duration::MAX,
                segment_bytes_max: 1 << 20,
                recent_bytes_max: 1 << 20,
                reserve_bytes: 4096,
                seal: false,
                destinations: Vec::new(),
            },
            now(),
        );
        let settings =
            Settings { socket: dir.path().join("socket"), admin_groups: vec![], admin_users: vec![] };
        let limits = Limits { queries: 1, ..Limits::default() };
        let status = Arc::new(Status::default);
        let journal = journal.unwrap();
        let server =
            Server { settings, journal, status, act: Arc::new(|_, _, _| Err(String::new().into())), limits };
        let shared = Shared { server, queries: Semaphore::new(1), again: Mutex::default() };
        let (mut stream, _client) = UnixStream::pair().unwrap();
        let (_stop, shutdown) = watch::channel(false);
        let mut work =
            Work { shared: &shared, stream: &mut stream, shutdown, sent: End::default(), marks: false };
        for panics in [true, false, true, false] {
            let _turn = Work::turn(&shared).await;
            let found = work.run(move |journal, _| {
                assert!(!panics, "the words of the log");
                Ok(journal.newest())
            });
            match found.await {
                Ok(newest) => assert!(!panics && newest == Seq::NONE),
                Err(Broken::Failed(why)) => {
                    assert!(panics && why.starts_with("the search broke down, by a defect"), "{why}");
                }
                Err(Broken::Gone) => panic!("nobody has left"),
            }
        }
    }
}
