//! A sensor that goes on writing while a test does something else.

use super::process::{House, entry};
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Writes entry after entry until it is told to stop.
pub struct Writer {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Writer {
    /// Begins with entry 0 of this house.
    pub fn start(house: &House) -> Writer {
        let enough = Arc::new(AtomicBool::new(false));
        let (log, told) = (house.log(), Arc::clone(&enough));
        let thread = std::thread::spawn(move || {
            let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
            let mut written = 0;
            while !told.load(Ordering::Relaxed) {
                log.write_all(entry(written).as_bytes()).unwrap();
                written += 1;
                std::thread::sleep(PAUSE);
            }
            written
        });
        Writer { enough, thread }
    }

    /// How many it has written.
    pub fn stop(self) -> usize {
        self.enough.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// About 400 entries a second.
const PAUSE: Duration = Duration::from_millis(2);
