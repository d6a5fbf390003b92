//! The words on the socket: one request line, then lines of answer.
//!
//! ```text
//! {"otrail":1,"query":{"filters":[["user","alice"]],"limit":50,"reverse":false,"follow":false,"claimed":"bob"}}
//! {"otrail":1,"status":{}}
//! {"otrail":1,"deliveries":{"first":41,"last":50}}
//! {"otrail":1,"act":{"what":{"reset-source":{...}},"claimed":"bob"}}       the words are in `model::act`
//!
//! {"seq":1,...}                                              a record, as `-o json` has it
//! {"status":{...}}                                           the status
//! {"deliveries":[{...}]}                                     of each destination, how those records got there
//! {"values":[["alice",12],...]}                              instead of records, where a query is `by` a field
//! {"going":[{...}]}                                          how far a replay has come, now and then
//! {"ready":{}}                                               the act takes a file: the client sends its chunks
//! {"done":{"reset":{...}}}                                   what came of an act
//! {"through":41}                                             a follower that asked for `marks` has had all that it wants up to there
//! {"end":{"rows":1,"incomplete":false,"reason":""}}          last line of an answer; `through` where a stop ended a follower
//! {"refused":"..."}   {"no":"..."}   {"error":"..."}         instead of it
//! ```
//!
//! A file comes in chunks: four bytes, the highest first, that say how many bytes follow, and these, at most
//! `CHUNK_BYTES_MAX`. One of no bytes is the end: a client that is gone before it has broken off.

use crate::model::Seq;
use crate::model::act::{Act, Done, Replayed};
use crate::model::delivery::History;
use crate::model::status::Status;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version that a request names and this agent speaks.
pub const VERSION: u64 = 1;
/// Why an answer is incomplete when the agent has to go.
pub const STOPPING: &str = "the agent is stopping";
/// Longest request line.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Longest chunk of a file.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// What a client may want.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Records.
    Query(Ask),
    /// The state of the agent.
    Status,
    /// How some records got to the destinations.
    Deliveries(Stretch),
    /// Something to be done.
    Act(Wish),
}

/// Records next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
}

/// Something that the agent is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// What.
    pub what: Act,
    /// Who the client says was there before sudo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
}

/// A query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// Words of the filter; times should be absolute, others count from the agent's clock in UTC.
    pub filters: Vec<(String, String)>,
    /// The newest so many; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Newest first.
    pub reverse: bool,
    /// Go on with new records until the client leaves.
    pub follow: bool,
    /// Say through which record the past was answered, when following begins; agents older than that refuse the word.
    #[serde(skip_serializing_if = "is_false")]
    pub marks: bool,
    /// The past of a follower ends there: what is newer follows. So it can ask for the same past again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past: Option<Seq>,
    /// Send no record, only how many there are.
    #[serde(skip_serializing_if = "is_false")]
    pub count: bool,
    /// Send no record, only how many have each value of this field; `limit` is of values then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who the client says was there before sudo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A line of answer that is not a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// The state of the agent.
    Status(Box<Status>),
    /// How the records got to each destination.
    Deliveries(Vec<History>),
    /// Values of a field, each with how many records have it.
    Values(Vec<(String, u64)>),
    /// How far a replay has come, for each destination.
    Going(Vec<Replayed>),
    /// The agent takes the file now.
    Ready {},
    /// What came of an act.
    Done(Box<Done>),
    /// Of a follower: it has had all that it wants up to this record, and what comes now comes in the order of the journal.
    Through(Seq),
    /// Nothing more follows.
    End(End),
    /// The caller may not ask.
    Refused(String),
    /// What is wanted names what is not there.
    Unknown(String),
    /// It cannot be done like that.
    No(String),
    /// The agent cannot answer.
    Error(String),
}

/// How an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Rows sent, or counted.
    pub rows: u64,
    /// Whether rows are missing.
    pub incomplete: bool,
    /// Why, and the way out; empty if none are.
    pub reason: String,
    /// Of a follower that the agent leaves since it has to stop: it has had all that it wants up to this record, and may ask
    /// the next agent for what comes after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Seq>,
}

impl Request {
    /// The request as one line.
    pub fn line(&self) -> String {
        let (name, body) = match self {
            Request::Query(ask) => ("query", serde_json::to_value(ask).unwrap_or_default()),
            Request::Status => ("status", Value::Object(Map::new())),
            Request::Deliveries(of) => ("deliveries", serde_json::to_value(of).unwrap_or_default()),
            Request::Act(wish) => ("act", serde_json::to_value(wish).unwrap_or_default()),
        };
        format!("{{\"otrail\":{VERSION},\"{name}\":{body}}}\n")
    }

    /// Reads a request line; the error is a sentence for the client.
    pub fn parse(line: &[u8]) -> Result<Request, String> {
        let mut request: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|_| "the request is not a JSON object on one line".to_owned())?;
        let version = request.remove("otrail").and_then(|version| version.as_u64());
        if version != Some(VERSION) {
            let named = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            return Err(format!(
                "this agent speaks version {VERSION} of the protocol, the request names {named}"
            ));
        }
        let mut parts = request.into_iter();
        match (parts.next(), parts.next()) {
            (Some((name, body)), None) if name == "query" => serde_json::from_value(body)
                .map(Request::Query)
                .map_err(|error| format!("the query cannot be read: {error}")),
            (Some((name, Value::Object(_))), None) if name == "status" => Ok(Request::Status),
            (Some((name, body)), None) if name == "deliveries" => serde_json::from_value(body)
                .map(Request::Deliveries)
                .map_err(|error| format!("which records are meant cannot be read: {error}")),
            (Some((name, body)), None) if name == "act" => serde_json::from_value(body)
                .map(Request::Act)
                .map_err(|error| format!("what is to be done cannot be read: {error}")),
            _ => Err("the request has not one of `query`, `status`, `deliveries` and `act`".to_owned()),
        }
    }
}

impl Reply {
    /// The reply as one line.
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// The reply in a line of answer; `None` if it is a record, which begins with its `seq`.
    pub fn parse(line: &[u8]) -> Option<Result<Reply, serde_json::Error>> {
        (!line.starts_with(b"{\"seq\":")).then(|| serde_json::from_slice(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::act::{Reset, To};

    fn problem(line: &str) -> String {
        Request::parse(line.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_request_reads_back() {
        let ask = Ask {
            filters: vec![("user".to_owned(), "al\"ice\n".to_owned())],
            limit: Some(50),
            claimed: Some("bob".to_owned()),
            ..Ask::default()
        };
        let reset = Reset { name: "a".to_owned(), file: None, to: To::Offset(7), sure: true };
        let wish = Wish { what: Act::ResetSource(reset), claimed: Some("bob".to_owned()) };
        let acts = [Request::Act(wish), Request::Deliveries(Stretch { first: Seq(3), last: Seq(9) })];
        for request in
            acts.into_iter().chain([Request::Query(ask), Request::Query(Ask::default()), Request::Status])
        {
            let line = request.line();
            assert_eq!(line.find('\n'), Some(line.len() - 1));
            assert_eq!(Request::parse(line.as_bytes()), Ok(request));
        }
    }

    #[test]
    fn a_query_may_leave_out_what_it_does_not_need() {
        assert_eq!(Request::parse(br#"{"otrail":1,"query":{}}"#), Ok(Request::Query(Ask::default())));
    }

    #[test]
    fn another_version_is_told_which_is_spoken() {
        assert_eq!(
            problem(r#"{"otrail":2,"dance":{}}"#),
            "this agent speaks version 1 of the protocol, the request names 2"
        );
        assert!(problem(r#"{"query":{}}"#).ends_with("the request names none"));
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        assert!(problem("GET / HTTP/1.1").contains("not a JSON object"));
        assert!(problem(r#"{"otrail":1}"#).contains("not one of"));
        assert!(problem(r#"{"otrail":1,"status":{},"query":{}}"#).contains("not one of"));
        assert!(problem(r#"{"otrail":1,"query":{"fliters":[]}}"#).contains("unknown field `fliters`"));
        assert!(problem(r#"{"otrail":1,"query":{"limit":-1}}"#).contains("cannot be read"));
    }

    /// An older client knows neither marks nor a past, and an older agent refuses the word instead of passing it over.
    #[test]
    fn marks_are_asked_for_and_are_no_records() {
        let plain = Request::Query(Ask { follow: true, ..Ask::default() }).line();
        assert!(!plain.contains("marks") && !plain.contains("past"), "{plain}");
        let mark = Reply::Through(Seq(41));
        assert_eq!(mark.line(), b"{\"through\":41}\n");
        assert_eq!(Reply::parse(&mark.line()).unwrap().unwrap(), mark);
        assert!(problem(r#"{"otrail":1,"query":{"markers":true}}"#).contains("unknown field `markers`"));
    }

    #[test]
    fn a_record_is_no_reply() {
        assert!(Reply::parse(br#"{"seq":1,"end":{"rows":1}}"#).is_none());
        let end = Reply::End(End { rows: 3, incomplete: true, reason: "why".to_owned(), through: None });
        assert_eq!(end.line(), b"{\"end\":{\"rows\":3,\"incomplete\":true,\"reason\":\"why\"}}\n");
        assert_eq!(Reply::parse(&end.line()).unwrap().unwrap(), end);
    }
}
