//! The socket from both ends: what is answered, what a bad client can do, what is left in the trail.

mod support;

use otrail::control::protocol::{Ask, End, Reply, Request};
use otrail::control::{Client, ControlError, Limits, Server, Settings};
use otrail::model::status::Status;
use otrail::model::{Action, Outcome, Seq};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::trail::{Agent, for_user, is_query, open_journal, settings, user};

#[test]
fn an_admin_gets_the_wanted_rows_and_leaves_an_event() {
    let agent = Agent::new();
    agent.append(&["alice", "bob", "alice"]);
    let ask = Ask { claimed: Some("carol".to_owned()), ..for_user("alice") };
    let whole = End { rows: 2, ..End::default() };
    assert_eq!(agent.query(&ask), (vec!["alice".to_owned(), "alice".to_owned()], whole));
    let asked = agent.records().pop().unwrap().event;
    assert_eq!((asked.action, asked.count, asked.outcome), (Action::QUERY, Some(2), Outcome::Success));
    let told = asked.message.as_str();
    assert!(told.contains("carol before sudo, read 2 records of the trail: user=alice"), "{told}");
    assert!(told.contains(&format!("pid {}", std::process::id())), "{told}");
}

#[test]
fn an_answer_has_no_trace_of_itself() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    assert_eq!(agent.query(&Ask::default()).1.rows, 1);
    // The first query is part of the trail for the second, as the second is not.
    assert_eq!(agent.query(&Ask::default()).1.rows, 2);
}

#[test]
fn a_journal_without_records_has_an_empty_answer() {
    assert_eq!(Agent::new().query(&Ask::default()), (vec![], End::default()));
}

#[test]
fn the_newest_rows_come_in_the_wanted_order() {
    let agent = Agent::new();
    agent.append(&["a", "b", "c"]);
    let ask = Ask { limit: Some(2), reverse: true, ..Ask::default() };
    assert_eq!(agent.query(&ask).0, ["c", "b"]);
}

#[test]
fn a_long_answer_arrives_whole() {
    let agent = Agent::new();
    let users: Vec<String> = (0..3_000).map(|at| format!("user{at}")).collect();
    agent.append(&users.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(agent.query(&Ask::default()).0, users);
}

#[test]
fn a_damaged_journal_gives_an_incomplete_answer_that_says_why() {
    let agent = Agent::new();
    agent.append(&["alice", "bob", "carol"]);
    let segment = fs::read_dir(agent.dir.path().join("journal")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&segment).unwrap().replacen("entry of bob", "entry of rob", 1);
    fs::write(&segment, text).unwrap();
    let (users, end) = agent.query(&Ask::default());
    assert_eq!((users, end.incomplete), (vec!["alice".to_owned(), "carol".to_owned()], true));
    assert!(end.reason.contains("damaged at byte"), "{}", end.reason);
    assert!(agent.records_told().reason.unwrap().contains("damaged at byte"));
}

#[test]
fn status_is_told_and_leaves_no_event() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    let status = agent.client().status().unwrap();
    assert_eq!((status.sensor.as_str(), status.pid), ("plant-a", 7));
    assert_eq!(agent.records().len(), 1);
}

#[test]
fn what_is_no_request_is_answered_with_the_reason() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    for (said, reason) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "not a JSON object"),
        (b"\xff\xfe\x00\n", "not a JSON object"),
        (b"\n", "not a JSON object"),
        (b"{\"otrail\":2,\"query\":{}}\n", "speaks version 1 of the protocol, the request names 2"),
        (b"{\"otrail\":1,\"query\":{\"filters\":[[\"user\"]]}}\n", "cannot be read"),
        (b"{\"otrail\":1,\"query\":{\"filters\":[[\"colour\",\"red\"]]}}\n", "unknown filter `colour`"),
        (b"{\"otrail\":1,\"query\":{\"filters\":[[\"since\",\"noon\"]]}}\n", "no value for `since`"),
        (&[b'x'; 65 * 1024], "longer than 65536 bytes"),
        (&[b'['; 60 * 1024], "not a JSON object"),
    ] {
        let mut line = said.to_vec();
        line.push(b'\n');
        let answer = agent.say(&line);
        let Some(Ok(Reply::Error(told))) = Reply::parse(answer.trim_end().as_bytes()) else {
            panic!("{answer:?} to {:?}", String::from_utf8_lossy(&said[..said.len().min(40)]));
        };
        assert!(told.contains(reason), "{told}");
    }
    assert_eq!(agent.records().len(), 1);
}

#[test]
fn a_client_that_says_nothing_or_half_a_word_is_let_go() {
    let limits = Limits { request_wait: Duration::from_millis(20), ..Limits::default() };
    let agent = Agent::with(limits, &[]);
    for said in [&b""[..], b"{\"otrail\":1,"] {
        assert!(agent.say(said).contains("no request came within 20ms"));
    }
}

#[test]
fn a_client_that_closes_one_direction_still_has_its_answer() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    let mut stream = agent.connect();
    stream.write_all(b"{\"otrail\":1,\"query\":{}}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("{\"seq\":1,") && answer.contains("\n{\"end\":{\"rows\":1,"), "{answer}");
}

#[test]
fn a_client_that_does_not_read_is_let_go_and_the_event_says_so() {
    let limits = Limits { write_wait: Duration::from_millis(20), ..Limits::default() };
    let agent = Agent::with(limits, &[]);
    agent.append(&vec!["alice"; 10_000]);
    let mut stream = agent.connect();
    stream.write_all(b"{\"otrail\":1,\"query\":{}}\n").unwrap();
    let told = agent.wait_for(|record| is_query(record) && record.event.reason.is_some()).event;
    assert_eq!(told.reason.as_deref(), Some("the client left before the end"));
    assert!(told.count.unwrap() < 10_000);
}

#[test]
fn what_a_client_is_about_to_see_is_in_the_trail_by_then_and_how_much_it_was_when_the_agent_stops() {
    for by in [None, Some("user".to_owned())] {
        let mut agent = Agent::with(Limits { stop_wait: Duration::from_secs(600), ..Limits::default() }, &[]);
        let users: Vec<String> = (0..4_000).map(|at| format!("{at:0500}")).collect();
        agent.append(&users.iter().map(String::as_str).collect::<Vec<_>>());
        let (mut stream, is_tally) = (agent.connect(), by.is_some());
        stream.write_all(Request::Query(Ask { by, ..Ask::default() }).line().as_bytes()).unwrap();
        let told = agent.wait_for(is_query).event;
        assert_eq!((told.count, told.reason), (Some(4_000), None));
        // It takes a part and no more.
        stream.read_exact(&mut [0; 10]).unwrap();
        agent.shutdown.send(true).unwrap();
        agent.runtime.block_on(&mut agent.serving).unwrap().unwrap();
        let told = agent.records().pop().unwrap().event;
        assert_eq!((told.action, told.reason.as_deref()), (Action::QUERY, Some("the agent is stopping")));
        assert!(told.count.is_some_and(|count| (count == 4_000) == is_tally && count > 0), "{told:?}");
    }
}

#[test]
fn a_user_with_too_many_connections_is_told_to_close_one() {
    let agent = Agent::new();
    let held: Vec<UnixStream> = (0..4).map(|_| agent.connect()).collect();
    assert!(agent.say(b"").contains("has 4 connections already; close one"));
    drop(held);
}

#[test]
fn four_who_follow_leave_the_same_user_places_for_other_questions() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    let mut followers: Vec<_> =
        (0..4).map(|_| agent.client().query(&Ask { follow: true, ..Ask::default() }).unwrap()).collect();
    for follower in &mut followers {
        assert_eq!(user(&follower.next().unwrap().unwrap()), "alice");
    }
    assert_eq!(agent.client().status().unwrap().pid, 7);
    assert_eq!(agent.query(&for_user("alice")).0, ["alice"]);
    let fifth = agent.client().query(&Ask { follow: true, ..Ask::default() }).unwrap().next();
    let refused = fifth.unwrap().unwrap_err().to_string();
    assert!(refused.ends_with("follows the trail 4 times already; end one"), "{refused}");
}

#[test]
fn too_many_connections_of_all_users_are_told_to_come_again() {
    let agent = Agent::with(Limits { connections: 2, ..Limits::default() }, &[]);
    let _held = [agent.connect(), agent.connect()];
    let refused = agent.client().query(&Ask::default()).unwrap().next().unwrap().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the agent could not answer: there are 2 connections already; try again later"
    );
}

#[test]
fn a_query_that_finds_no_turn_is_told_to_come_again() {
    let limits = Limits { queries: 0, queue_wait: Duration::from_millis(1), ..Limits::default() };
    let agent = Agent::with(limits, &[]);
    let error = agent.client().query(&Ask::default()).unwrap().next().unwrap().unwrap_err();
    assert!(error.to_string().ends_with("queries are running; try again later"), "{error}");
    assert_eq!(agent.wait_for(is_query).event.outcome, Outcome::Failure);
}

#[test]
fn a_follower_sees_what_comes_but_not_itself_and_leaves_two_events() {
    let agent = Agent::new();
    agent.append(&["alice", "bob"]);
    let ask = Ask { follow: true, limit: Some(1), ..Ask::default() };
    let mut rows = agent.client().query(&ask).unwrap();
    assert_eq!(user(&rows.next().unwrap().unwrap()), "bob");
    let began = agent.wait_for(is_query).event;
    assert!(began.message.contains("follows the trail: lines=1"), "{}", began.message);
    agent.append(&["carol", "dave"]);
    assert_eq!([(); 2].map(|()| user(&rows.next().unwrap().unwrap())), ["carol", "dave"]);
    // Another's query is news like any other.
    agent.query(&for_user("nobody"));
    assert_eq!(rows.next().unwrap().unwrap().event.action, Action::QUERY);
    drop(rows);
    let ended = agent.wait_for(|record| is_query(record) && record.event.count == Some(4)).event;
    assert_eq!(ended.reason.as_deref(), Some("the client left before the end"));
}

/// Two followers of one process leave events of the same words.
#[test]
fn a_follower_passes_its_own_event_once_and_hears_that_it_is_past_it() {
    let agent = Agent::new();
    agent.append(&["dave"]);
    let ask = Ask { follow: true, marks: true, ..Ask::default() };
    let mut stream = agent.connect();
    stream.write_all(Request::Query(ask.clone()).line().as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut through_row_of = |user: &str| -> Vec<String> {
        agent.append(&[user]);
        let mut seen: Vec<String> = Vec::new();
        while !seen.last().is_some_and(|line| line.contains(&format!("entry of {user}"))) {
            seen.push(lines.next().unwrap());
        }
        seen
    };
    let own = agent.wait_for(is_query);
    let seen = [through_row_of("alice"), through_row_of("bob")].concat();
    let marks: Vec<Seq> = seen
        .iter()
        .filter_map(|line| Reply::parse(line.as_bytes()))
        .map(|reply| {
            let Ok(Reply::Through(seq)) = reply else { panic!("{reply:?}") };
            seq
        })
        .collect();
    assert!(marks.len() == 2 && marks[0] < own.seq && marks[1] >= own.seq, "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("agent.query")), "{seen:?}");
    let _other = agent.client().query(&ask).unwrap();
    let other = agent.wait_for(|record| is_query(record) && record.seq > own.seq);
    assert_eq!(other.event.message, own.event.message);
    let seen = through_row_of("carol");
    assert!(seen.iter().any(|line| line.contains("agent.query")), "{seen:?}");
}

#[test]
fn a_stop_ends_followers_with_a_word_and_takes_the_socket_away() {
    let agent = Agent::new();
    agent.append(&["alice"]);
    let mut rows = agent.client().query(&Ask { follow: true, ..Ask::default() }).unwrap();
    assert_eq!(user(&rows.next().unwrap().unwrap()), "alice");
    agent.append(&["bob"]);
    let bob = rows.next().unwrap().unwrap();
    assert_eq!(user(&bob), "bob");
    agent.shutdown.send(true).unwrap();
    assert!(rows.next().is_none());
    let end = rows.end().unwrap();
    assert_eq!((end.reason.as_str(), end.through), ("the agent is stopping", Some(bob.seq)));
    agent.runtime.block_on(agent.serving).unwrap().unwrap();
    assert!(!agent.dir.path().join("run/control.sock").exists());
}

#[test]
fn the_socket_is_open_to_all_and_its_folder_to_its_owner_alone() {
    let agent = Agent::new();
    let mode = |name: &str| fs::metadata(agent.dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("run"), mode("run/control.sock")), (0o755, 0o666));
}

#[test]
fn only_a_socket_that_nobody_answers_on_is_replaced() {
    let agent = Agent::new();
    let server = |socket: &Path| Server {
        settings: Settings { socket: socket.to_owned(), admin_groups: vec![], admin_users: vec![] },
        journal: agent.journal.clone(),
        status: Arc::new(Status::default),
        act: Arc::new(|_, _, _| Err(String::new().into())),
        limits: Limits::default(),
    };
    let taken = agent.dir.path().join("run/control.sock");
    assert!(matches!(server(&taken).bind(), Err(ControlError::InUse { .. })));
    let stale = agent.dir.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    assert!(server(&stale).bind().is_ok());
    let file = agent.dir.path().join("file");
    fs::write(&file, "keep me").unwrap();
    assert!(matches!(server(&file).bind(), Err(ControlError::NotASocket { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"keep me");
}

#[test]
fn a_question_at_which_the_agent_panics_is_answered_with_an_error_and_the_next_one_as_ever() {
    let dir = tempfile::tempdir().unwrap();
    let asked = std::sync::atomic::AtomicBool::new(false);
    let status = move || {
        assert!(asked.swap(true, std::sync::atomic::Ordering::SeqCst), "the words of the log");
        Status { pid: 7, ..Status::default() }
    };
    let server = Server {
        settings: settings(dir.path(), &[]),
        journal: open_journal(dir.path()),
        status: Arc::new(status),
        act: Arc::new(|_, _, _| Err(String::new().into())),
        limits: Limits::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_shutdown, stop) = tokio::sync::watch::channel(false);
    let _entered = runtime.enter();
    runtime.spawn(server.bind().unwrap().serve(stop));
    let status = || Client::connect(&settings(dir.path(), &[])).unwrap().status();
    let Err(ControlError::Failed(why)) = status() else { panic!("it told") };
    assert!(why.contains("by a defect of otrail") && !why.contains("words of the log"), "{why}");
    assert_eq!(status().unwrap().pid, 7);
}

#[test]
fn without_an_agent_the_client_names_the_socket_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let error = Client::connect(&settings(dir.path(), &[])).err().unwrap();
    assert!(matches!(error, ControlError::NotRunning { .. }));
    assert!(error.to_string().contains("run/control.sock"), "{error}");
}

#[test]
fn an_agent_that_knows_of_no_marks_is_asked_without_them() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("run")).unwrap();
    let listener = UnixListener::bind(dir.path().join("run/control.sock")).unwrap();
    let ask = Ask { follow: true, marks: true, ..Ask::default() };
    let mut rows = Client::connect(&settings(dir.path(), &[])).unwrap().query(&ask).unwrap();
    let older = std::thread::spawn(move || {
        let why = "the query cannot be read: unknown field `marks`, expected one of `filters`, `limit`";
        for (knows, reply) in [(false, Reply::Error(why.to_owned())), (true, Reply::End(End::default()))] {
            let (mut agent, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&agent).read_line(&mut line).unwrap();
            assert_eq!(!line.contains("marks"), knows, "{line}");
            agent.write_all(&reply.line()).unwrap();
        }
    });
    assert!(rows.next().is_none());
    assert_eq!((rows.end(), rows.is_marked(), rows.reached()), (Some(&End::default()), false, None));
    older.join().unwrap();
}

#[test]
fn an_answer_that_breaks_off_is_an_error_and_not_an_end() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("run")).unwrap();
    let listener = UnixListener::bind(dir.path().join("run/control.sock")).unwrap();
    for said in ["", "{\"seq\":1", "{\"seq\":1}\n", "{\"hello\":1}\n", "{\"status\":{}}\n", "\n"] {
        let rows = Client::connect(&settings(dir.path(), &[])).unwrap().query(&Ask::default()).unwrap();
        let (mut agent, _) = listener.accept().unwrap();
        BufReader::new(&agent).read_line(&mut String::new()).unwrap();
        agent.write_all(said.as_bytes()).unwrap();
        drop(agent);
        let all: Vec<_> = rows.collect();
        assert!(matches!(all[..], [Err(ControlError::Garbled(_))]), "{said:?}: {all:?}");
    }
}
