//! When and how output is coloured.

use clap::ValueEnum;
use std::env;
use std::io::{self, IsTerminal};

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A few colours that read well on dark and light terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// All is well.
    Green,
    /// Somebody should look.
    Yellow,
    /// Something is wrong.
    Red,
    /// Of less weight.
    Dim,
    /// Of more weight.
    Bold,
}

impl Color {
    /// Whether stdout is coloured.
    pub fn on_stdout(self) -> bool {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        self.chosen(io::stdout().is_terminal(), set("NO_COLOR") || dumb)
    }

    /// A wish on the command line counts more than the environment.
    fn chosen(self, terminal: bool, unwanted: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !unwanted,
        }
    }
}

impl Paint {
    /// `text` in this colour if `colored`, else as it is.
    pub fn over(self, text: &str, colored: bool) -> String {
        let code = match self {
            Paint::Green => 32,
            Paint::Yellow => 33,
            Paint::Red => 31,
            Paint::Dim => 2,
            Paint::Bold => 1,
        };
        if colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_needs_a_terminal_or_a_wish() {
        assert!(Color::Auto.chosen(true, false));
        assert!(!Color::Auto.chosen(true, true));
        assert!(!Color::Auto.chosen(false, false));
        assert!(Color::Always.chosen(false, true));
        assert!(!Color::Never.chosen(true, false));
    }

    #[test]
    fn paint_ends_where_the_text_ends() {
        assert_eq!(Paint::Red.over("bad", true), "\u{1b}[31mbad\u{1b}[0m");
        assert_eq!(Paint::Red.over("bad", false), "bad");
    }
}
