//! A state directory that is otherwise than it should be: the agent says what is there and how it is put right, and neither
//! waits nor stops collecting for it.

mod support;

use nix::sys::stat::Mode;
use std::fs;
use support::process::House;

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
