//! `lines`: any text, one entry a line; a time at its head is taken, the wording rules read the rest.

use super::said::{self, Said};
use super::{Claim, Context, Dialect, Parsed, State, lines, parts, time};
use std::borrow::Cow;

pub(super) const DIALECT: Dialect = Dialect {
    name: "lines",
    about: "any text, one entry a line; the wording rules say what it means",
    sign: "text",
    split: lines::split,
    parse,
    parts: |_, context, text| parts::said_parts(text, Some(read(text, context))),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Text,
};

fn parse(_: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    said::parsed(context, entry, |text, context| Some(read(text, context)))
}

/// Whether the first whole lines are text, and not the beginning of something else. A few lines prove nothing:
/// another language may still follow.
fn speaks(head: &[u8]) -> bool {
    const LINES: usize = 4;
    let head = head.strip_prefix(lines::MARK).unwrap_or(head);
    let whole = head.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let is_text = |line: &[u8]| {
        let text = std::str::from_utf8(line).ok();
        text.is_some_and(|text| !text.trim_start().starts_with(['{', '[', ']', '}']) && !text.contains('\0'))
    };
    let first: Vec<_> = whole.filter(|line| !line.trim_ascii().is_empty()).take(LINES).collect();
    first.len() == LINES && first.into_iter().all(is_text)
}

/// What a text says; also for text that stands in a syslog line.
pub(super) fn read<'t>(text: &'t str, context: &Context<'_>) -> Said<'t> {
    let text = text.trim_start();
    let message = |rest: &'t str| Some(Cow::Borrowed(rest.trim_start_matches([' ', '\t', ':', '-', ','])));
    match time::lead(text, context) {
        None => Said { message: Some(Cow::Borrowed(text)), ..Said::default() },
        Some((moment, rest)) => {
            let written = Some(Cow::Borrowed(time::before(text, rest)));
            Said { time: Some(moment), written, message: message(rest), ..Said::default() }
        }
    }
}
