//! Whoever interrupts the demo gets an orderly end: the signal is noted, and every wait looks at the note.

use super::DemoError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether a signal to stop has come.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    came: Arc<AtomicBool>,
}

impl Interrupt {
    /// Notes SIGINT, SIGTERM, SIGHUP and SIGQUIT from now on.
    pub fn listen() -> Result<Interrupt, DemoError> {
        let interrupt = Interrupt::default();
        let (runtime, signals) = handlers().map_err(DemoError::Signals)?;
        let came = Arc::clone(&interrupt.came);
        let listener = thread::Builder::new().name("otrail-signals".into());
        let spawned = listener.spawn(move || {
            runtime.block_on(any(signals));
            came.store(true, Ordering::Relaxed);
        });
        spawned.map_err(DemoError::Signals)?;
        Ok(interrupt)
    }

    /// Whether one has come.
    pub fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }
}

/// The handlers are there before anything else is.
fn handlers() -> io::Result<(Runtime, [Signal; 4])> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let signals = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::quit())?,
    ];
    drop(entered);
    Ok((runtime, signals))
}

async fn any(signals: [Signal; 4]) {
    let [mut interrupt, mut terminate, mut hangup, mut quit] = signals;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = quit.recv() => {}
    }
}
