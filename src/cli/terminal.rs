//! What is known of the terminal.

use crate::query::render::safe;
use std::env;
use std::io::{self, IsTerminal, Write};

/// How many columns stdout has: as COLUMNS says, else as the terminal does, up to 65,535; `None` for a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let wished = env::var("COLUMNS").ok().and_then(|columns| wished(&columns));
    let terminal = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    wished.or_else(terminal).filter(|&columns| columns > 0)
}

/// No terminal is wider than it can say, and lines are filled up to its width.
fn wished(columns: &str) -> Option<usize> {
    columns.parse().ok().map(|columns: usize| columns.min(usize::from(u16::MAX)))
}

/// Lines of JSON on their way to stdout: for a terminal without anything that it would take for a command.
pub(super) struct JsonLines<'a> {
    out: &'a mut dyn Write,
    for_terminal: bool,
    /// The rest of what was written, up to its line feed.
    begun: Vec<u8>,
}

impl<'a> JsonLines<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> JsonLines<'a> {
        JsonLines { out, for_terminal: io::stdout().is_terminal(), begun: Vec::new() }
    }
}

impl Write for JsonLines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.for_terminal {
            return self.out.write(bytes);
        }
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if let Some(line) = self.begun.strip_suffix(b"\n") {
                let mut shown = Vec::new();
                safe::json(line, &mut shown);
                shown.push(b'\n');
                self.begun.clear();
                self.out.write_all(&shown)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_has_a_limit() {
        let wishes = ["80", "0", "18446744073709551615", "99999999999999999999", "-1", "wide"];
        assert_eq!(wishes.map(wished), [Some(80), Some(0), Some(65_535), None, None, None]);
    }

    #[test]
    fn a_line_of_json_commands_no_terminal_and_comes_to_a_file_as_it_is() {
        let line = "{\"message\":\"\u{9b}31m\u{202e}é\"}\n".as_bytes();
        let shown = |for_terminal| {
            let mut out = Vec::new();
            let mut lines = JsonLines { out: &mut out, for_terminal, begun: Vec::new() };
            for piece in line.chunks(3) {
                lines.write_all(piece).unwrap();
            }
            out
        };
        assert_eq!(shown(false), line);
        assert_eq!(String::from_utf8(shown(true)).unwrap(), "{\"message\":\"\\u009b31m\\u202eé\"}\n");
    }
}
