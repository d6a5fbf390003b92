//! Output for people goes through a pager when it goes to a terminal.
//!
//! The pager starts with the first byte: until then an interrupt ends otrail as usual, from then on it is the
//! pager's.

use super::warn;
use nix::sys::signal::{SigSet, Signal};
use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Stdout, perhaps with a pager before it.
pub(super) struct Pager<'a> {
    out: &'a mut dyn Write,
    wanted: Option<Command>,
    child: Option<Child>,
}

impl<'a> Pager<'a> {
    /// With a pager if that is wanted and stdout is a terminal.
    pub(super) fn new(out: &'a mut dyn Write, wanted: bool) -> Pager<'a> {
        let wanted = if wanted && io::stdout().is_terminal() { command() } else { None };
        Pager { out, wanted, child: None }
    }

    /// Writes a piece; false when nobody reads any more.
    pub(super) fn show(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.start();
        let shown = match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(pager) => pager.write_all(bytes),
            None => self.out.write_all(bytes),
        };
        still_read(shown)
    }

    /// Makes what was written visible; false when nobody reads any more.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        still_read(self.out.flush())
    }

    /// Lets the admin read to the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(failed) = self.end()?.filter(|status| !status.success()) {
            warn(&format!("the pager ended with {failed}; --no-pager does without"));
        }
        Ok(())
    }

    /// Waits for the pager, if there is one.
    fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        drop(child.stdin.take());
        child.wait().map(Some)
    }

    /// A pager that cannot be started is done without.
    fn start(&mut self) {
        let Some(mut command) = self.wanted.take() else { return };
        match command.stdin(Stdio::piped()).spawn() {
            Ok(child) => {
                self.child = Some(child);
                // The pager stops its own work on an interrupt; without us it would lose its terminal.
                if let Err(error) = SigSet::from(Signal::SIGINT).thread_block() {
                    tracing::debug!("an interrupt will end otrail and its pager alike: {error}");
                }
            }
            Err(error) => tracing::debug!("no pager: {error}"),
        }
    }
}

/// The pager of the environment, else `less`. Neither may start other programs or write files.
fn command() -> Option<Command> {
    let chosen = ["OTRAIL_PAGER", "PAGER"].into_iter().find_map(|name| env::var(name).ok());
    let chosen = chosen.unwrap_or_else(|| "less".to_owned());
    let mut words = chosen.split_whitespace();
    let program = words.next().filter(|&program| program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).env("LESSSECURE", "1");
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRSX");
    }
    Some(command)
}

fn still_read(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_that_fails_or_is_not_there_is_known() {
        let ended = |program: &str| {
            let mut out = Vec::new();
            let mut pager = Pager { out: &mut out, wanted: Some(Command::new(program)), child: None };
            // Of a pager that has ended already the pipe is closed.
            let _read = pager.show(b"a row").unwrap();
            let status = pager.end().unwrap().map(|status| status.success());
            (status, out)
        };
        assert_eq!(ended("true"), (Some(true), Vec::new()));
        assert_eq!(ended("false"), (Some(false), Vec::new()));
        assert_eq!(ended("no-such-pager"), (None, b"a row".to_vec()));
    }
}
