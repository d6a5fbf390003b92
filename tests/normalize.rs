//! `otrail normalize`: a log in, events out, as a filter in a pipe.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

fn otrail(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.arg("normalize").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn normalized(args: &[&str], input: &[u8]) -> String {
    let mut child = otrail(args).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

const LOGIN: &str = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","severity":"INFO","content":"User CORP\\al logged in, \"x\" password=hunter2"}"#;

#[test]
fn a_mask_of_the_config_counts() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("otrail.toml");
    let text = "sensor = \"plant-a\"\n[[mask]]\nname = \"assignment\"\n[[source]]\nname = \"timeline\"\npath = \"/x\"\n\
                [[destination]]\nname = \"siem\"\naddress = \"siem.example.net\"\n";
    std::fs::write(&config, text).unwrap();
    std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let json = normalized(&["-c", config.to_str().unwrap()], LOGIN.as_bytes());
    assert!(json.contains("password=***") && json.contains("masked") && !json.contains("hunter2"), "{json}");
}

#[test]
fn every_entry_is_a_row_of_the_table() {
    let input = format!("{LOGIN}\nno entry\n{LOGIN}");
    expect![[r#"
        Timestamp,Severity,Type,Title,Owner,Content,Id,Action,Outcome,Level,User,Domain,Role,Target,Client,Reason,Old,New,Flags,Sensor,Source
    "#]]
    .assert_eq(&normalized(&["-o", "csv"], b""));
    let rows = normalized(&["-o", "csv", "--sensor", "=s"], input.as_bytes());
    let first = rows.lines().nth(1).unwrap();
    assert!(first.starts_with("2024-02-29T07:58:40.000Z,INFO,USER_OPERATION,\"User Operation\",CORP\\al,\"User CORP\\al logged in, \"\"x\"\" password=hunter2\","), "{first}");
    assert!(first.ends_with(",,\"'=s\",stdin"), "{first}");
    let json = normalized(&["--dialect", "timeline-json"], input.as_bytes());
    assert_eq!(json.lines().count(), 3);
    let ids: Vec<_> =
        json.lines().map(|line| line.split("\"id\":\"").nth(1).unwrap()[..32].to_owned()).collect();
    assert_ne!(ids[0], ids[2]);
    for form in ["rfc5424", "cef", "leef", "ecs", "ocsf", "short", "raw"] {
        assert_eq!(normalized(&["-o", form], input.as_bytes()).lines().count(), 3, "{form}");
    }
}

#[test]
fn a_file_gives_the_events_of_the_same_bytes_in_a_pipe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dialect/timeline-json");
    let file = folder.join("sensor.log");
    let rows = normalized(&["-o", "csv", "--dialect", "timeline-json", file.to_str().unwrap()], b"");
    assert!(rows.lines().count() >= 30);
    let piped = normalized(&["-o", "csv", "--dialect", "timeline-json"], &std::fs::read(file).unwrap());
    let ids = |rows: &str| -> Vec<String> {
        let id = regex::Regex::new(",([0-9a-f]{32}),").unwrap();
        rows.lines().filter_map(|row| Some(id.captures(row)?[1].to_owned())).collect()
    };
    assert_eq!(ids(&rows), ids(&piped));
}

#[test]
fn what_came_is_seen_before_more_comes_and_a_closed_pipe_is_no_error() {
    let mut child = otrail(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdin.write_all(format!("{LOGIN}\n").as_bytes()).unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("\"action\":\"user.login\""), "{line}");
    drop(stdout);
    // The child may be gone already.
    let _ = stdin.write_all(format!("{LOGIN}\n{LOGIN}\n").as_bytes());
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_entry_over_the_limit_is_cut_and_the_next_one_is_read() {
    let long = format!("{}\n{LOGIN}\n", "a".repeat(5 << 20));
    let rows = normalized(&[], long.as_bytes());
    assert_eq!(rows.lines().count(), 2);
    assert!(rows.lines().next().unwrap().contains("\"truncated\""));
    assert!(rows.lines().nth(1).unwrap().contains("user.login"));
}

#[test]
fn what_is_left_of_an_array_and_files_put_together_are_read() {
    let object = |user: &str| LOGIN.replace("CORP\\\\al", user);
    let input = format!(
        "{}\n\u{feff}{}\r\n{},\n\u{feff}{} ,\r\n",
        object("a"),
        object("b"),
        object("c"),
        object("d")
    );
    let json = normalized(&[], input.as_bytes());
    for user in ["a", "b", "c", "d"] {
        assert!(json.contains(&format!("\"user\":\"{user}\"")), "{json}");
    }
    assert!(!json.contains("unparsed") && json.lines().count() == 4, "{json}");
}
