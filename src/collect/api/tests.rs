//! What the tests of this folder share.

use crate::dialect::{Context, DIALECTS, Masks, Parsed, State, read};
use crate::model::Text;

/// When the made-up rows begin: no time that a dialect doubts.
pub(super) const BEGIN_SECONDS: i64 = 1_709_193_520;

/// A row as an answer has it, so many seconds after that.
pub(super) fn parsed(kind: &str, second: i64, content: &str) -> Parsed {
    let millis = (BEGIN_SECONDS + second) * 1000;
    let row = format!(
        r#"{{"timestamp":{millis},"type":"{kind}","title":"t","severity":"INFO","owner":null,"content":"{content}"}}"#
    );
    let source = Text::from("api");
    let context = Context { source: &source, ..Context::example() };
    read(&DIALECTS[0], &State::default(), &context, &Masks::default(), row.as_bytes())
}
