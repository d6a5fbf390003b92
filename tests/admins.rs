//! Who may read the trail, and the commands that admins ask with.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::config::control_of;
use otrail::control::protocol::Ask;
use otrail::control::{BackfillError, ControlError, Limits};
use otrail::journal;
use otrail::model::Action;
use otrail::model::act::{Act, Reset, To};
use otrail::model::backfill::Backfill;
use otrail::model::status::Status;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use support::process::{House, entry};
use support::trail::Agent;

/// Runs on a thread of its own that is another user in other groups; needs root.
#[expect(unsafe_code, reason = "the C library changes the user of all threads, the system call that of one")]
fn as_user<T: Send>(uid: u32, groups: &[u32], run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: the pointer and the count describe `groups`; the others are plain numbers.
            let done = unsafe {
                [
                    libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()),
                    libc::syscall(libc::SYS_setresgid, uid, uid, uid),
                    libc::syscall(libc::SYS_setresuid, uid, uid, uid),
                ]
            };
            assert_eq!(done, [0, 0, 0]);
            run()
        });
        thread.join().unwrap()
    })
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests without root sees what was not proved")]
fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("needs root: passed over");
    }
    root
}

#[test]
fn another_user_is_refused_and_leaves_an_event() {
    if !is_root() {
        return;
    }
    let agent = Agent::with(Limits::default(), &["no-such-group"]);
    agent.append(&["alice"]);
    let refused = as_user(54_321, &[], || agent.client().query(&Ask::default()).unwrap().next());
    let Some(Err(ControlError::Refused(sentence))) = refused else { panic!("{refused:?}") };
    assert!(sentence.starts_with("a user without a name (uid 54321, pid "), "{sentence}");
    assert!(sentence.contains("may not read the trail; allowed are root"), "{sentence}");
    let told = agent.wait_for(|record| record.event.action == Action::QUERY_DENIED).event;
    assert_eq!((told.message.as_str(), told.user.as_deref()), (sentence.as_str(), Some("uid 54321")));
    let status = as_user(54_321, &[], || agent.client().status());
    assert!(matches!(status, Err(ControlError::Refused(_))));
    let what = Act::ResetSource(Reset { name: "timeline".to_owned(), file: None, to: To::End, sure: true });
    let changed = as_user(54_321, &[], || agent.client().act(what, Some("root".to_owned())));
    assert!(matches!(changed, Err(ControlError::Refused(_))), "{changed:?}");
}

#[test]
fn a_member_of_an_admin_group_is_answered_however_many_groups_there_are() {
    if !is_root() {
        return;
    }
    let agent = Agent::with(Limits::default(), &["daemon"]);
    agent.append(&["alice"]);
    let daemon = nix::unistd::Group::from_name("daemon").unwrap().unwrap().gid.as_raw();
    let mut groups: Vec<u32> = (10_000..10_500).collect();
    let rows =
        |groups: &[u32]| as_user(54_321, groups, || agent.client().query(&Ask::default()).unwrap().count());
    let refused = as_user(54_321, &groups, || agent.client().query(&Ask::default()).unwrap().next());
    assert!(matches!(refused, Some(Err(ControlError::Refused(_)))));
    groups.push(daemon);
    assert!(rows(&groups) >= 1);
    assert!(rows(&[daemon]) >= 1);
}

#[test]
fn an_admin_who_may_read_the_trail_may_not_add_to_it() {
    if !is_root() {
        return;
    }
    let agent = Agent::with(Limits::default(), &["daemon"]);
    agent.append(&["alice"]);
    let daemon = nix::unistd::Group::from_name("daemon").unwrap().unwrap().gid.as_raw();
    let wish = Backfill { file: "forged.ndjson".to_owned(), source: None, dialect: None, sure: true };
    let mut file = &b"{}"[..];
    let brought = as_user(54_321, &[daemon], || agent.client().backfill(wish, None, &mut file, &mut |_| {}));
    let Err(BackfillError::Agent(ControlError::Refused(sentence))) = brought else { panic!("{brought:?}") };
    assert!(sentence.contains("may not add to the trail; allowed are root"), "{sentence}");
    let told = agent.wait_for(|record| record.event.action == Action::QUERY_DENIED).event;
    assert_eq!(told.message, sentence);
    assert!(as_user(54_321, &[daemon], || agent.client().status()).is_ok());
}

#[test]
fn whoever_may_not_read_the_usual_config_asks_at_the_usual_place() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("closed")).unwrap();
    let (usual, absent) = (folder.path().join("closed/otrail.toml"), folder.path().join("absent.toml"));
    fs::write(&usual, "").unwrap();
    fs::set_permissions(usual.parent().unwrap(), fs::Permissions::from_mode(0o750)).unwrap();
    let found = as_user(54_321, &[], || control_of(&usual, &usual)).unwrap();
    assert_eq!(found.socket, Path::new("/run/otrail/otrail.sock"));
    // A file that was named is meant, and root is told what is wrong with the usual one.
    let problems = |path: &Path, usual: &Path| control_of(path, usual).unwrap_err().to_string();
    assert!(as_user(54_321, &[], || problems(&usual, &absent)).contains("Permission denied"));
    assert!(as_user(54_321, &[], || problems(&absent, &absent)).contains("No such file"));
    assert!(problems(&usual, &usual).contains("sensor"));
}

/// Runs `otrail` with the config of that agent.
fn otrail(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let config = dir.join("otrail.toml");
    let text = format!(
        "sensor = \"plant-a\"\nstate-dir = {dir:?}\n[control]\nsocket = {:?}\n\
         [[source]]\nname = \"timeline\"\npath = \"/var/log/sensor/user-operations.ndjson\"\n\
         [[destination]]\nname = \"siem\"\naddress = \"siem.example.net\"\n",
        dir.join("run/control.sock")
    );
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.arg("-c").arg(config).args(args).env("SUDO_USER", "carol");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_line_asks_the_agent() {
    let agent = Agent::new();
    agent.append(&["alice", "bob", "bob"]);
    let dir = agent.dir.path();
    let (code, rows, errors) = otrail(dir, &["query", "-u", "BOB", "-n", "1", "-o", "json"]);
    assert_eq!((code, rows.lines().count(), errors.as_str()), (Some(0), 1, ""));
    assert_eq!(journal::line::decode(rows.trim_end().as_bytes()).unwrap().seq.0, 3);
    let told = agent.records_told().message;
    assert!(
        told.contains("by its own word carol before sudo, read 1 records of the trail: user=BOB lines=1")
    );
    let nothing = "otrail: no event matches\n".to_owned();
    assert_eq!(otrail(dir, &["--query", "-u", "dave"]), (Some(1), String::new(), nothing));
    assert_eq!(otrail(dir, &["--query", "-q", "-u", "dave"]), (Some(1), String::new(), String::new()));
    let (code, rows, _) = otrail(dir, &["query", "-r", "-o", "raw", "--class", "user-operation"]);
    assert_eq!((code, rows.as_str()), (Some(0), "entry of bob\nentry of bob\nentry of alice\n"));
}

#[test]
fn who_may_not_ask_is_told_why_by_every_command_that_asks() {
    if !is_root() {
        return;
    }
    let agent = Agent::with(Limits::default(), &["daemon"]);
    agent.append(&["alice"]);
    let config = agent.dir.path().join("otrail.toml");
    otrail(agent.dir.path(), &["status"]);
    for args in [
        &["query"][..],
        &["query", "--count"],
        &["query", "-o", "csv"],
        &["query", "--by", "user"],
        &["show", "1"],
        &["status"],
    ] {
        let output = as_user(54_321, &[], || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
            command.arg("-c").arg(&config).args(args).env_remove("SUDO_USER").output().unwrap()
        });
        let errors = String::from_utf8(output.stderr).unwrap();
        let (before, after) = errors.split_once(", pid ").unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(4), &b""[..]),
            "{args:?}: {errors}"
        );
        assert_eq!(before, "otrail: a user without a name (uid 54321", "{args:?}");
        assert_eq!(
            after.trim_start_matches(|at: char| at.is_ascii_digit()),
            ") may not read the trail; allowed are root, members of group daemon; a new membership counts from the next \
             login\n",
            "{args:?}"
        );
    }
}

#[test]
fn the_command_line_tells_how_the_agent_is_or_that_there_is_none() {
    let agent = Agent::new();
    let (code, screen, _) = otrail(agent.dir.path(), &["status"]);
    assert_eq!(code, Some(1));
    assert!(screen.starts_with("● otrail  on plant-a: not healthy"), "{screen}");
    let (code, json, _) = otrail(agent.dir.path(), &["status", "-o", "json"]);
    assert_eq!((code, serde_json::from_str::<Status>(&json).unwrap().pid), (Some(1), 7));

    let none = tempfile::tempdir().unwrap();
    for command in ["status", "query"] {
        let (code, out, errors) = otrail(none.path(), &[command]);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{errors}");
        assert!(errors.contains("no agent answers on "), "{errors}");
        assert_eq!(errors.contains("-D DIR"), command == "query", "{errors}");
    }
}

#[test]
fn a_report_of_the_agent_is_that_of_its_folder_and_an_event_of_the_trail() {
    let mut house = House::new();
    house.forward_nowhere();
    house.write_log((0..50).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("all is read", |status| status.sources[0].entries == 50);
    let of_agent = house.run(&["report", "users", "-q", "-o", "json"]);
    let state = house.path("state");
    let of_folder = house.run(&["report", "users", "-q", "-o", "json", "-D", state.to_str().unwrap()]);
    assert_eq!(of_agent, of_folder);
    let told = String::from_utf8(of_agent.stdout).unwrap();
    assert!(of_agent.status.success() && told.contains("\"events\":"), "{told}");
    house.wait_until("the report is in the trail", |_| {
        house.trail().iter().any(|record| {
            record["action"] == "agent.query"
                && record["message"].as_str().is_some_and(|said| said.contains("read 50 records"))
        })
    });
    assert_eq!(house.stop(), Some(0));
}
