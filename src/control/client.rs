//! The admin's end of the socket. Plain blocking code: one question, one answer.

use super::ahead::Ahead;
use super::protocol::{Ask, CHUNK_BYTES_MAX, End, Reply, Request, Stretch, Wish};
use super::{ControlError, Settings};
use crate::journal::line;
use crate::model::act::{Act, Done, Replayed};
use crate::model::backfill::{Backfill, Backfilled};
use crate::model::delivery::History;
use crate::model::status::Status;
use crate::model::{Record, Seq};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// A connection to the agent, good for one question.
pub struct Client {
    stream: BufReader<UnixStream>,
    /// Where a long answer is taken from instead.
    ahead: Option<BufReader<Ahead>>,
    socket: PathBuf,
    /// The other end is gone, and has not said that it has ended.
    was_cut: bool,
}

impl Client {
    /// Connects to the agent of this config.
    pub fn connect(settings: &Settings) -> Result<Client, ControlError> {
        Client::connect_to(settings.socket.clone())
    }

    fn connect_to(socket: PathBuf) -> Result<Client, ControlError> {
        match UnixStream::connect(&socket) {
            Ok(stream) => {
                let stream = BufReader::with_capacity(READ_BYTES, stream);
                Ok(Client { stream, ahead: None, socket, was_cut: false })
            }
            Err(source) if is_absent(&source) => Err(ControlError::NotRunning { socket, source }),
            Err(source) => Err(ControlError::Io { action: "connect to", path: socket, source }),
        }
    }

    /// Asks for records.
    pub fn query(mut self, ask: &Ask) -> Result<Rows, ControlError> {
        self.ask_for_rows(ask)?;
        Ok(Rows { client: self, ask: ask.clone(), end: None, values: Vec::new(), reached: None })
    }

    /// Asks for the state of the agent, which has it at hand: `Silent` when it does not come within ten seconds.
    pub fn status(mut self) -> Result<Status, ControlError> {
        // Without a limit we wait as for any other answer.
        let _unlimited = self.stream.get_ref().set_read_timeout(Some(STATUS_WITHIN));
        self.ask(&Request::Status)?;
        match self.read()? {
            Answered::Reply(Reply::Status(status)) => Ok(*status),
            Answered::Reply(reply) => Err(self.unexpected(reply)),
            Answered::Record(_) => {
                Err(ControlError::Garbled("a record came instead of the status".to_owned()))
            }
        }
    }

    /// Asks how records `first` to `last` got to the destinations.
    pub fn deliveries(mut self, first: Seq, last: Seq) -> Result<Vec<History>, ControlError> {
        self.ask(&Request::Deliveries(Stretch { first, last }))?;
        match self.read()? {
            Answered::Reply(Reply::Deliveries(histories)) => Ok(histories),
            Answered::Reply(reply) => Err(self.unexpected(reply)),
            Answered::Record(_) => {
                Err(ControlError::Garbled("a record came instead of deliveries".to_owned()))
            }
        }
    }

    /// Has something done; `claimed` is who was there before sudo.
    pub fn act(self, what: Act, claimed: Option<String>) -> Result<Done, ControlError> {
        self.act_and_hear(what, claimed, &mut |_| {})
    }

    /// The same, and tells how far it has come. Who drops the connection ends a replay.
    pub fn act_and_hear(
        mut self,
        what: Act,
        claimed: Option<String>,
        heard: &mut dyn FnMut(&[Replayed]),
    ) -> Result<Done, ControlError> {
        self.ask(&Request::Act(Wish { what, claimed }))?;
        loop {
            match self.read()? {
                Answered::Reply(Reply::Going(so_far)) => heard(&so_far),
                Answered::Reply(Reply::Done(done)) => return Ok(*done),
                Answered::Reply(reply) => return Err(self.unexpected(reply)),
                Answered::Record(_) => {
                    return Err(ControlError::Garbled("a record came instead of what was done".to_owned()));
                }
            }
        }
    }

    /// Has what the trail lacks of a file added; `claimed` is who was there before sudo, `progress` hears how many bytes of it
    /// are sent.
    pub fn backfill(
        mut self,
        wish: Backfill,
        claimed: Option<String>,
        file: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Backfilled, BackfillError> {
        self.ask(&Request::Act(Wish { what: Act::Backfill(wish), claimed }))?;
        match self.read()? {
            Answered::Reply(Reply::Ready {}) => {}
            Answered::Reply(reply) => return Err(self.unexpected(reply).into()),
            Answered::Record(_) => return Err(garbled("a record came instead of what was done").into()),
        }
        let (mut chunk, mut sent) = (vec![0; CHUNK_BYTES_MAX], 0);
        let mut broken = None;
        loop {
            let count = match read_some(file, &mut chunk) {
                Ok(count) => count,
                // The agent tells what it has until then.
                Err(error) => {
                    let _gone = self.stream.get_ref().shutdown(Shutdown::Write);
                    broken = Some(error);
                    break;
                }
            };
            let length = u32::try_from(count).unwrap_or_default().to_be_bytes();
            let stream = self.stream.get_mut();
            // An agent that has enough of it says why.
            if stream.write_all(&length).and_then(|()| stream.write_all(&chunk[..count])).is_err()
                || count == 0
            {
                break;
            }
            sent += count as u64;
            progress(sent);
        }
        match self.read()? {
            Answered::Reply(Reply::Done(done)) => match (*done, broken) {
                (Done::Backfilled(backfilled), None) => Ok(backfilled),
                (Done::Backfilled(backfilled), Some(error)) => {
                    Err(BackfillError::File(error, Box::new(backfilled)))
                }
                _ => Err(garbled("it answers another question").into()),
            },
            Answered::Reply(reply) => Err(self.unexpected(reply).into()),
            Answered::Record(_) => Err(garbled("a record came instead of what was done").into()),
        }
    }

    /// An agent that refuses may close before it has read the question: its answer counts.
    fn ask(&mut self, request: &Request) -> Result<(), ControlError> {
        match self.stream.get_mut().write_all(request.line().as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(ControlError::Io { action: "ask through", path: self.socket.clone(), source: error })
            }
            _ => Ok(()),
        }
    }

    fn ask_for_rows(&mut self, ask: &Ask) -> Result<(), ControlError> {
        self.ask(&Request::Query(ask.clone()))?;
        // Where that cannot be, the answer is read as it is taken.
        let ahead = self.stream.get_ref().try_clone().and_then(Ahead::of).ok();
        self.ahead = ahead.map(|ahead| BufReader::with_capacity(READ_BYTES, ahead));
        Ok(())
    }

    /// The next line of the answer.
    fn read(&mut self) -> Result<Answered, ControlError> {
        let mut line = Vec::new();
        let count = match &mut self.ahead {
            Some(ahead) => ahead.take(LINE_BYTES_MAX).read_until(b'\n', &mut line),
            None => self.stream.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line),
        };
        self.was_cut = !matches!(count, Ok(1..)) || !line.ends_with(b"\n");
        let count = count.map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => {
                ControlError::Silent { socket: self.socket.clone(), limit: STATUS_WITHIN }
            }
            _ => ControlError::Io { action: "read the answer from", path: self.socket.clone(), source },
        })?;
        if count == 0 || line.pop() != Some(b'\n') {
            return Err(ControlError::Garbled("it has no end; the agent may have been stopped".to_owned()));
        }
        match Reply::parse(&line) {
            Some(Ok(reply)) => Ok(Answered::Reply(reply)),
            Some(Err(error)) => Err(ControlError::Garbled(error.to_string())),
            None => match line::decode(&line) {
                Ok(record) => Ok(Answered::Record(Box::new(record))),
                Err(error) => Err(ControlError::Garbled(error.to_string())),
            },
        }
    }

    fn unexpected(&self, reply: Reply) -> ControlError {
        match reply {
            Reply::Refused(sentence) => ControlError::Refused(sentence),
            Reply::Unknown(sentence) => ControlError::Unknown(sentence),
            Reply::No(sentence) => ControlError::No(sentence),
            Reply::Error(sentence) => ControlError::Failed(sentence),
            Reply::End(_)
            | Reply::Status(_)
            | Reply::Deliveries(_)
            | Reply::Values(_)
            | Reply::Going(_)
            | Reply::Ready {}
            | Reply::Through(_)
            | Reply::Done(_) => ControlError::Garbled("it answers another question".to_owned()),
        }
    }
}

fn garbled(what: &str) -> ControlError {
    ControlError::Garbled(what.to_owned())
}

fn read_some(file: &mut dyn Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Why a file was not brought.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The agent has not taken it.
    #[error(transparent)]
    Agent(#[from] ControlError),
    /// It cannot be read to its end; what became of what came before.
    #[error("the file cannot be read to its end")]
    File(#[source] io::Error, Box<Backfilled>),
}

/// A line of answer.
enum Answered {
    Record(Box<Record>),
    Reply(Reply),
}

/// The records of an answer; `end` is there once they have all come.
pub struct Rows {
    client: Client,
    ask: Ask,
    end: Option<End>,
    values: Vec<(String, u64)>,
    /// A follower that asked for marks has had all that it wants up to there.
    reached: Option<Seq>,
}

impl Rows {
    /// Where a follower could go on with another agent; `None` before the past has been answered, and where nobody says.
    pub fn reached(&self) -> Option<Seq> {
        self.reached
    }

    /// Whether the agent tells where a follower could go on, as far as is known.
    pub fn is_marked(&self) -> bool {
        self.ask.marks
    }

    /// Whether the answer has ended without an end: its agent is gone.
    pub fn was_cut(&self) -> bool {
        self.client.was_cut
    }

    /// Asks an agent that does not know of marks, or of a past, once more, without them.
    fn ask_without_marks(&mut self) -> Result<(), ControlError> {
        (self.ask.marks, self.ask.past) = (false, None);
        self.client = Client::connect_to(self.client.socket.clone())?;
        self.client.ask_for_rows(&self.ask)
    }

    /// How the answer ended; `None` before its end.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The values that came instead of records; all of them once the end is there.
    pub fn into_values(self) -> Vec<(String, u64)> {
        self.values
    }
}

impl Iterator for Rows {
    type Item = Result<Record, ControlError>;

    /// After an error there is nothing more to come.
    fn next(&mut self) -> Option<Result<Record, ControlError>> {
        if self.end.is_some() {
            return None;
        }
        let error = loop {
            match self.client.read() {
                Ok(Answered::Record(record)) => {
                    self.reached = self.reached.map(|reached| reached.max(record.seq));
                    return Some(Ok(*record));
                }
                Ok(Answered::Reply(Reply::Through(seq))) => self.reached = self.reached.max(Some(seq)),
                Ok(Answered::Reply(Reply::Error(why))) if self.ask.marks && is_of_older(&why) => {
                    match self.ask_without_marks() {
                        Ok(()) => {}
                        Err(error) => break error,
                    }
                }
                Ok(Answered::Reply(Reply::Values(values))) => self.values.extend(values),
                Ok(Answered::Reply(Reply::End(end))) => {
                    self.end = Some(end);
                    return None;
                }
                Ok(Answered::Reply(reply)) => break self.client.unexpected(reply),
                Err(error) => break error,
            }
        };
        self.end = Some(End { incomplete: true, reason: error.to_string(), ..End::default() });
        Some(Err(error))
    }
}

/// Whether an agent says that it does not know of marks, or of a past.
fn is_of_older(why: &str) -> bool {
    ["unknown field `marks`", "unknown field `past`"].iter().any(|unknown| why.contains(unknown))
}

/// Whether nobody listens there.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

const STATUS_WITHIN: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 64 << 10;
/// A record of the longest entry, every byte of it escaped, is well below.
const LINE_BYTES_MAX: u64 = 256 << 20;
