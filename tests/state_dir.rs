//! A state directory that is otherwise than it should be: the agent says what is there and how it is put right, and neither
//! waits nor stops collecting for it.

mod support;

use nix::sys::stat::Mode;
use otrail::model::{Action, Outcome, Severity};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use support::disk;
use support::process::{House, entry};

#[test]
fn one_that_others_can_write_is_told_at_every_start_and_collecting_goes_on() {
    let mut house = House::new();
    let state = house.path("state");
    let modes = [(None, 0o700, ""), (None, 0o777, ""), (Some("journal"), 0o770, "/journal")];
    for (at, (inner, mode, shown)) in modes.into_iter().enumerate() {
        if at > 0 {
            let path = inner.map_or_else(|| state.clone(), |inner| state.join(inner));
            fs::set_permissions(&state, Permissions::from_mode(0o711)).unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        house.write_log(entry(at).as_bytes());
        house.start();
        house.wait_until("the entry is read", |status| {
            status.sources.first().is_some_and(|it| it.entries == 1)
        });
        assert_eq!(house.stop(), Some(0));
        let records = house.records();
        let of_the_folder = records.iter().filter(|record| record.event.action == Action::JOURNAL_ERROR);
        let told: Vec<&str> = of_the_folder.map(|record| record.event.message.as_str()).collect();
        assert_eq!(told.len(), at, "{told:?}");
        let Some(told) = told.last() else { continue };
        assert_eq!(
            *told,
            format!(
                "others than otrail's own user can write in the trail: {}{shown} has mode {mode:04o}; records may be \
                 taken away, or put in their place: `chmod 0700 {}{shown}` ends that",
                state.display(),
                state.display()
            )
        );
        assert!(
            house.said().contains(&format!("`chmod 0700 {}{shown}`", state.display())),
            "{}",
            house.said()
        );
        assert!(records.iter().all(|record| record.event.action != Action::JOURNAL_ERROR
            || (record.event.outcome, record.event.severity) == (Outcome::Failure, Severity(9))));
    }
}

#[test]
fn one_of_another_user_is_told() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut house = House::new();
    let state = house.path("state");
    fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(12_345), None).unwrap();
    house.start();
    house.wait_until("it is there", |_| true);
    assert_eq!(house.stop(), Some(0));
    assert!(house.said().contains(&format!("`chown 0 {}`", state.display())), "{}", house.said());
    let is_told = |message: &str| message.contains(" belongs to the user with id 12345; ");
    assert_eq!(house.records().iter().filter(|record| is_told(&record.event.message)).count(), 1);
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for() {
    let house = House::new();
    let lock = house.path("state").join("LOCK");
    fs::create_dir(house.path("state")).unwrap();
    nix::unistd::mkfifo(&lock, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let output = house.run(&["run"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    let told = format!(
        "cannot open {}\n  because there is a named pipe in its place, no file: move it away",
        lock.display()
    );
    assert!(said.contains(&told), "{said}");
}

#[test]
fn one_on_a_disk_that_is_read_only_is_told_as_that() {
    let Some(disk) = disk::mount(4 << 20) else { return };
    let mut house = House::new();
    let state = disk.path().join("state");
    house.keep_state_in(state.clone());
    house.write_log(entry(1).as_bytes());
    for is_there in [false, true] {
        if is_there {
            fs::create_dir(&state).unwrap();
            fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
        }
        disk.read_only(true);
        let checked = house.run(&["check"]);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(1), "{said}");
        let found = said.lines().find(|line| line.contains("state-dir")).unwrap();
        let expected = format!(
            "problem  state-dir: {} is on a file system that is read-only; `findmnt -T ",
            state.display()
        );
        assert!(found.starts_with(&expected), "{found}");
        disk.read_only(false);
    }
    assert!(fs::read_dir(&state).unwrap().next().is_none(), "looking leaves nothing behind");
}
