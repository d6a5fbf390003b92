//! Asking the real agent: what it says of delivery, that nobody is there to ask, and a trail that is followed for long.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::control::protocol::Ask;
use otrail::control::{self, Client};
use otrail::model::Action;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use support::process::{House, entry, patiently, rotate};
use support::receiver::Receiver;

fn told(output: &std::process::Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_agent_that_is_not_there_is_told_with_the_way_out() {
    let house = House::new();
    for command in [&["query"][..], &["show", "1"], &["query", "--undelivered"], &["report"]] {
        let (code, rows, errors) = told(&house.run(command));
        let socket = house.path("control.sock");
        assert_eq!((code, rows.as_str()), (Some(3), ""), "{command:?}");
        assert_eq!(
            errors,
            format!(
                "otrail: there is nobody to ask; -D DIR reads a state directory without an agent\n  \
                 because no agent answers on {}: it is not running, or runs with another config\n  \
                 because No such file or directory (os error 2)\n",
                socket.display()
            )
        );
    }
}

#[test]
fn a_follower_that_nobody_reads_is_told_all_the_same_that_there_is_no_agent() {
    let house = House::new();
    let mut command = house.otrail();
    command.args(["query", "-f"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut follower = command.spawn().unwrap();
    drop(follower.stdout.take());
    let (code, _, errors) = told(&follower.wait_with_output().unwrap());
    assert!(code == Some(3) && errors.contains("nobody to ask"), "{code:?}: {errors}");
}

#[test]
fn an_agent_that_hangs_is_told_from_one_that_is_well() {
    let mut house = House::new();
    house.forward_nowhere();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("it is well", |status| status.sources[0].entries == 1);
    house.signal(nix::sys::signal::Signal::SIGSTOP);
    let (code, out, errors) = told(&house.run(&["status"]));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
    let socket = house.path("control.sock");
    assert!(
        errors.starts_with(&format!(
            "otrail: the agent on {} has not answered for 10 s: it hangs",
            socket.display()
        )),
        "{errors}"
    );
    house.signal(nix::sys::signal::Signal::SIGCONT);
    assert_eq!(house.run(&["status"]).stderr, b"");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn what_is_at_the_siem_and_what_waits_is_told_of_each_event() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.forward("soc", support::process::free_port(), "[destination.select]\nseverity = \"9..\"");
    house.forward("archive", support::process::free_port(), "");
    house.write_log((0..5).map(entry).collect::<String>().as_bytes());
    house.start();
    let done = house.wait_until("the SIEM has it", |status| {
        status.destinations[0].confirmed.0 >= 5
            && status.sources[0].entries == 5
            && status.destinations[2].state == "waiting"
    });
    assert!(done.destinations[2].confirmed.0 == 0);
    let newest = house.records().iter().rfind(|record| record.event.source == "timeline").unwrap().seq.0;
    let (code, card, errors) = told(&house.run(&["show", &newest.to_string()]));
    assert_eq!(code, Some(0), "{errors}");
    let line =
        |name: &str| card.lines().find(|line| line.starts_with(&format!("{name} ("))).unwrap().to_owned();
    // What the cursor says is written down within a second.
    assert!(patiently(|| sentence(&house, newest).contains("): delivered 20")), "{card}");
    let siem = sentence(&house, newest);
    let port = receiver.port;
    assert!(
        siem.contains("): delivered 20")
            && siem.contains(&format!(" to localhost:{port} [127.0.0.1:{port}]")),
        "{siem}"
    );
    assert!(["ack", "probe", "barrier", "fin"].iter().any(|by| siem.ends_with(&format!("; evidence: {by}"))));
    assert!(line("soc").ends_with("): not selected: severity=9..10"), "{card}");
    assert!(line("archive").contains("): not sent yet, "), "{card}");

    let count =
        |args: &[&str]| told(&house.run(&[&["query", "-q", "--count", "source=timeline"], args].concat())).1;
    assert_eq!(count(&["--undelivered=archive"]), "5\n");
    assert_eq!(count(&["--undelivered=soc"]), "0\n");
    assert_eq!(count(&["--undelivered=siem"]), "0\n");
    assert_eq!(count(&["--undelivered"]), "5\n");
    assert_eq!(count(&["--delivered=siem"]), "5\n");
    assert_eq!(count(&["--delivered"]), "0\n");
    let users = told(&house.run(&["query", "-q", "source=timeline", "--by", "user", "-o", "csv"]));
    assert_eq!(users, (Some(0), "user,records\nalice,5\n".to_owned(), String::new()));
    let asked = house.records();
    let asked = asked.iter().rfind(|record| record.event.action.name() == "agent.query").unwrap();
    assert!(asked.event.message.ends_with("counted 5 records of the trail: source=timeline by=user"));
    let file = house.path("cursor");
    let again = ["query", "-q", "--cursor-file", file.to_str().unwrap(), "source=timeline"];
    assert_eq!(told(&house.run(&again)).1.lines().count(), 5);
    assert_eq!(told(&house.run(&again)).0, Some(1));
    assert_eq!(house.stop(), Some(0));
}

/// What `show` says of the delivery to `siem`.
fn sentence(house: &House, seq: u64) -> String {
    let (code, card, errors) = told(&house.run(&["show", "--utc", &seq.to_string()]));
    assert_eq!(code, Some(0), "{errors}");
    card.lines().find(|line| line.starts_with("siem (")).unwrap().to_owned()
}

#[test]
fn when_to_whom_and_on_which_evidence_is_known_after_kills() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    let (mut written, mut newest) = (0, 0);
    let mut all = std::collections::BTreeMap::new();
    for round in 0..3 {
        house.write_log((written..written + 3).map(entry).collect::<String>().as_bytes());
        written += 3;
        house.start();
        house.wait_until("the SIEM has it", |status| {
            status.destinations[0].confirmed == status.journal.newest && status.sources[0].entries > 0
        });
        let last = house.records().iter().rfind(|record| record.event.source == "timeline").unwrap().seq.0;
        assert!(patiently(|| sentence(&house, last).contains("): delivered 20")));
        for seq in 1..=last {
            let now = sentence(&house, seq);
            let then = all.entry(seq).or_insert_with(|| now.clone());
            assert_eq!(*then, now, "round {round}: what was told of {seq} stays");
        }
        house.kill();
        newest = last;
    }
    // In all cards of a query, of the folder alone, too: by then the file has lost its end to a power cut.
    let path = house.path("state").join("deliveries/siem");
    let lines = std::fs::read_to_string(&path).unwrap();
    let is_before = |line: &&str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["through"].as_u64().unwrap() < newest
    };
    let before: usize = lines.split_inclusive('\n').take_while(is_before).map(str::len).sum();
    std::fs::write(&path, &lines[..before + 99]).unwrap();
    let dir = house.path("state");
    let args = ["query", "-q", "--utc", "-o", "card", "source=timeline", "-D", dir.to_str().unwrap()];
    let (code, cards, errors) = told(&house.run(&args));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let lines: Vec<&str> = cards.lines().filter(|line| line.starts_with("   delivery  siem: ")).collect();
    assert_eq!(lines.len(), written, "{cards}");
    assert!(lines[0].contains(": delivered 20") && lines[0].contains("; evidence: "), "{cards}");
    assert!(lines[written - 1].contains("siem: confirmed, or not selected, set aside"), "{cards}");
}

#[test]
fn a_follower_goes_on_through_rotated_logs_and_rolled_segments_in_lines_and_frames() {
    follow_in(["short", "json", "rfc5424"]);
}

#[test]
fn a_follower_goes_on_in_tables_and_cards() {
    follow_in(["table", "card", "csv"]);
}

/// The session that a line names.
fn session(line: &str) -> Option<usize> {
    let (_, after) = line.split_once("session ")?;
    after.get(..7)?.parse().ok()
}

fn follow(house: &House, args: &[&str]) -> Child {
    let mut query = house.otrail();
    query.args(["query", "-f"]).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn follow_in(forms: [&str; 3]) {
    let mut house = House::new();
    house.forward_nowhere();
    house.set("[journal]\nsegment-max = \"64 KiB\"");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("read", |status| status.sources[0].entries == 1);
    // One connection is left for the questions of the test.
    let mut followers = forms.map(|form| follow(&house, &["-q", "-n", "all", "source=timeline", "-o", form]));
    let mut readers = followers.each_mut().map(|it| BufReader::new(it.stdout.take().unwrap()).lines());
    let mut see = |from: usize, to: usize| {
        for reader in &mut readers {
            for number in from..to {
                // A head names none, and what is left of the former card names that.
                loop {
                    let row = reader.next().unwrap().unwrap();
                    match session(&row) {
                        Some(found) if found == number => break,
                        found => assert!(found.is_none_or(|found| found + 1 == number), "{number}: {row}"),
                    }
                }
            }
        }
    };
    see(0, 1);
    for round in 0..4 {
        let (from, to) = (1 + round * 200, 201 + round * 200);
        house.write_log((from..to).map(entry).collect::<String>().as_bytes());
        see(from, to);
        house.wait_until("read", |status| status.sources[0].entries == to as u64);
        rotate(&house.log());
    }
    let segments = house.wait_until("rolled", |status| status.journal.segments > 3).journal.segments;
    assert!(segments > 3);
    for mut follower in followers {
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_follower_of_an_agent_that_is_killed_goes_on_with_the_next_one() {
    let mut house = House::new();
    house.forward_nowhere();
    house.write_log((0..5).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("read", |status| status.sources[0].entries == 5);
    let asked = [["3", "source=timeline"], ["0", "source=timeline"], ["0", "class=agent"]];
    let mut followers = asked.map(|[lines, filter]| follow(&house, &["-o", "json", "-n", lines, filter]));
    let mut readers = followers.each_mut().map(|it| BufReader::new(it.stdout.take().unwrap()).lines());
    let mut next = |reader: usize| readers[reader].next().unwrap().unwrap();
    assert_eq!([2, 3, 4].map(|_| session(&next(0))), [Some(2), Some(3), Some(4)]);
    let follows = |house: &House| {
        house.records().iter().filter(|it| it.event.message.contains("follows the trail")).count()
    };
    assert!(patiently(|| follows(&house) == 3));
    for round in 1..3 {
        house.write_log(entry(round * 10).as_bytes());
        // Two have had a row of this agent when it is killed.
        for reader in [0, 1] {
            assert_eq!(session(&next(reader)), Some(round * 10));
        }
        house.kill();
        house.write_log(entry(round * 10 + 1).as_bytes());
        house.start();
        house.write_log(entry(round * 10 + 2).as_bytes());
        for reader in [0, 1] {
            let rows = [next(reader), next(reader)].map(|row| session(&row));
            assert_eq!(rows, [Some(round * 10 + 1), Some(round * 10 + 2)], "{reader}");
        }
        assert!(patiently(|| follows(&house) == 3 * (round + 1)));
    }
    house.otrail().args(["query", "user=marker"]).output().unwrap();
    let mut seqs = Vec::new();
    loop {
        let row = next(2);
        let seq = row.strip_prefix("{\"seq\":").and_then(|rest| rest.split_once(',')).unwrap().0;
        seqs.push(seq.parse::<u64>().unwrap());
        if row.contains("user=marker") {
            break;
        }
    }
    assert!(seqs.is_sorted_by(|one, other| one < other), "none twice: {seqs:?}");
    for follower in &mut followers {
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_follower_whose_agent_is_killed_in_the_middle_of_the_past_is_told_the_rest_of_it_by_the_next_one() {
    let mut house = House::new();
    house.forward_nowhere();
    house.write_log((0..12_000).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("read", |status| status.sources[0].entries == 12_000);
    // More than pipes and sockets hold: the agent has most of it to send while nobody reads.
    let mut follower = follow(&house, &["-q", "-o", "json", "-n", "10000", "source=timeline"]);
    let mut rows = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || rows.next().and_then(|row| session(&row.unwrap()));
    assert_eq!(next(), Some(2_000));
    house.kill();
    house.write_log((12_000..12_100).map(entry).collect::<String>().as_bytes());
    house.start();
    for number in 2_001..12_100 {
        assert_eq!(next(), Some(number));
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_follower_waits_for_the_next_agent_and_goes_on_where_it_was_left() {
    let mut house = House::new();
    house.forward_nowhere();
    house.write_log((0..3).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("read", |status| status.sources[0].entries == 3);
    // The second has had no row yet when it is left.
    let mut followers = ["1", "0"].map(|lines| follow(&house, &["-n", lines, "source=timeline"]));
    let mut readers = followers.each_mut().map(|it| BufReader::new(it.stdout.take().unwrap()).lines());
    let mut next = |reader: usize| {
        let row = readers[reader].next().unwrap().unwrap();
        session(&row).unwrap_or_else(|| panic!("{row}"))
    };
    assert_eq!(next(0), 2);
    let follows =
        || house.records().iter().filter(|it| it.event.message.contains("follows the trail")).count();
    assert!(patiently(|| follows() == 2));
    for round in 1..3 {
        assert_eq!(house.stop(), Some(0));
        house.write_log(entry(round * 10).as_bytes());
        house.start();
        house.write_log(entry(round * 10 + 1).as_bytes());
        for reader in [0, 1] {
            assert_eq!([next(reader), next(reader)], [round * 10, round * 10 + 1]);
        }
    }
    assert_eq!(house.stop(), Some(0));
    std::fs::remove_dir_all(house.path("state")).unwrap();
    house.start();
    let waiting = "otrail: the agent has stopped; waiting 60 s for the next one\n";
    for follower in followers {
        let (code, _, errors) = told(&follower.wait_with_output().unwrap());
        let lost = "otrail: the answer is incomplete: the agent has another journal now\n";
        assert_eq!((code, errors), (Some(5), format!("{}{lost}", waiting.repeat(3))));
    }
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn every_query_is_in_the_trail_by_itself_or_in_a_number_also_when_the_agent_stops() {
    let mut house = House::new();
    house.start();
    house.wait_until("runs", |_| true);
    let settings = control::Settings {
        socket: house.path("control.sock"),
        admin_groups: Vec::new(),
        admin_users: Vec::new(),
    };
    let asked = 80;
    for _ in 0..asked {
        let mut rows =
            Client::connect(&settings).unwrap().query(&Ask { limit: Some(1), ..Ask::default() }).unwrap();
        assert!(rows.by_ref().all(|row| row.is_ok()) && rows.end().is_some());
    }
    assert_eq!(house.stop(), Some(0));
    let events: Vec<_> = house.records().into_iter().map(|record| record.event).collect();
    let queries = events.iter().filter(|event| event.action == Action::QUERY).count() as u64;
    let told = events.iter().filter(|event| event.action == Action::EVENTS_SUPPRESSED);
    let held_back: u64 = told.filter_map(|event| event.count).sum();
    assert!(held_back > 0, "{queries} of {asked} are in the trail");
    assert_eq!(queries + held_back, asked);
}

#[test]
fn a_follower_that_nobody_reads_any_more_ends_though_no_row_comes() {
    let mut house = House::new();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("reads", |status| status.sources[0].entries == 1);
    let mut follower = follow(&house, &["-q", "source=timeline"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("session 0000000"));
    assert_eq!(follower.try_wait().unwrap(), None);
    drop(lines);
    assert!(patiently(|| follower.try_wait().unwrap().is_some_and(|status| status.code() == Some(0))));
    assert_eq!(house.stop(), Some(0));
}
