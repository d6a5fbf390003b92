//! What is known of the terminal.

use std::env;
use std::io;

/// How many columns stdout has: as COLUMNS says, else as the terminal does; `None` for a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let wished = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    wished.or_else(terminal).filter(|&columns| columns > 0)
}
