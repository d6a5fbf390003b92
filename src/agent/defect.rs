//! A panic that nobody guards ends the process, before anything else is done with what it leaves behind.
//!
//! ```text
//! guarded     the computation has no result; whoever wanted it goes on without (`model::guard`)
//! any other   a line on stderr, SIGABRT: as after kill -9 the journal is safe, and the service manager starts the agent again
//! ```
//!
//! A task or thread that ended alone would leave half an agent that looks whole, and a lock that it held would guard
//! something half changed. What a panic says may quote the log, so only words that are the program's own are told.
//!
//! Invariant: of this process no unguarded panic is ever unwound to its end.

use crate::model::guard;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// From here on a panic ends the process. For a process that is an agent and nothing else.
pub fn ends_the_process() {
    panic::set_hook(Box::new(|info| {
        if guard::seen(info.location()) {
            return tell_guarded(info);
        }
        // Whoever reads stderr may have stopped: SIGALRM ends what cannot be told.
        nix::unistd::alarm::set(TELL_WITHIN_SECONDS);
        say(&last_words(info));
        process::abort();
    }));
}

/// Whoever has guarded it tells more, where there is somebody to tell; not without end.
fn tell_guarded(info: &PanicHookInfo<'_>) {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    if TOLD.fetch_add(1, Ordering::Relaxed) < GUARDED_TOLD_MAX {
        say(&format!("a defect of otrail, which costs one result: {}", what(info)));
    }
}

fn last_words(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    format!(
        "otrail ends at once by a defect of its own, in thread {}: {}. The journal is safe, as after kill -9: the next \
         start goes on where it ends. Please report this line and the version, otrail {}",
        thread.name().unwrap_or("without a name"),
        what(info),
        crate::VERSION
    )
}

/// Where it was, and what it says if that is written in the program: other words may be those of the log.
fn what(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "a place that is not known".to_owned(), ToString::to_string);
    match info.payload().downcast_ref::<&'static str>() {
        Some(said) => format!("a panic at {place}: {said}"),
        None => format!("a panic at {place}"),
    }
}

/// One line. There is nobody to tell that it cannot be written.
fn say(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// How long the last line may take.
const TELL_WITHIN_SECONDS: u32 = 2;
/// Guarded panics that are told: an entry that causes one may come again and again.
const GUARDED_TOLD_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::sync::Mutex;
    use std::time::Duration;

    const CHILD: &str = "OTRAIL_TEST_OF_A_PANIC";

    /// This very test, in a process of its own, as that child: how it ended, and what it said.
    fn as_child(test: &str, what: &str) -> (process::ExitStatus, String) {
        let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child.args([&name, "--exact", "--nocapture"]).env(CHILD, what).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    #[test]
    fn a_panic_in_a_task_or_a_thread_ends_the_process_before_a_lock_is_free() {
        let Ok(what) = std::env::var(CHILD) else {
            for what in ["task", "blocking", "thread"] {
                let (status, said) =
                    as_child("a_panic_in_a_task_or_a_thread_ends_the_process_before_a_lock_is_free", what);
                assert_eq!(status.signal(), Some(nix::libc::SIGABRT), "{what}: {said}");
                let line = said.lines().find(|line| line.starts_with("otrail ends at once")).unwrap();
                assert!(
                    line.contains("src/agent/defect.rs:") && line.contains("The journal is safe"),
                    "{line}"
                );
                assert!(!said.contains("secret") && !said.contains("went on"), "{said}");
            }
            return;
        };
        ends_the_process();
        static LOCK: Mutex<()> = Mutex::new(());
        let fails = || {
            let _held = LOCK.lock();
            let words = ["secret"];
            panic!("{}", words[0]);
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let work = async move {
            let ended = match what.as_str() {
                "task" => tokio::spawn(async move { fails() }).await.is_err(),
                "blocking" => tokio::task::spawn_blocking(fails).await.is_err(),
                _ => thread::spawn(fails).join().is_err(),
            };
            say(&format!("went on: {ended}"));
        };
        runtime.block_on(work);
        runtime.shutdown_timeout(Duration::ZERO);
    }

    #[test]
    fn a_guarded_panic_costs_its_result_and_is_told_without_the_words_of_the_log() {
        if std::env::var(CHILD).is_err() {
            let (status, said) = as_child(
                "a_guarded_panic_costs_its_result_and_is_told_without_the_words_of_the_log",
                "guarded",
            );
            assert!(status.success(), "{said}");
            assert_eq!(
                said.matches("which costs one result: a panic at src/agent/defect.rs:").count(),
                16,
                "{said}"
            );
            assert!(!said.contains("secret"), "{said}");
            return;
        }
        ends_the_process();
        let entry = String::from("ü, a secret");
        for _ in 0..100 {
            let panicked = guard::guard(|| entry[1..].len()).unwrap_err();
            assert!(panicked.to_string().starts_with("src/agent/defect.rs:"), "{panicked}");
        }
        // Whoever asserts in vain must not end the process of a test by its last words.
        drop(panic::take_hook());
    }
}
