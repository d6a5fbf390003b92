//! What an answer of the API is worth: pure.

use super::plan::Round;
use crate::collect::cutter::{Cutter, Reading};
use crate::dialect::{DIALECTS, End, Parsed};
use crate::model::Flag;
use crate::net::HIDDEN;
use crate::net::http::Answer;
use memchr::memmem;
use std::io;

/// The rows of an answer, newest first.
#[derive(Debug)]
pub(super) struct Rows {
    pub rows: Vec<Parsed>,
    /// Why there may be more than these.
    pub fault: Option<String>,
}

/// The rows in an answer; else how it counts, and a sentence about it.
pub(super) fn rows(answer: &Answer, reading: Reading<'_>) -> Result<Rows, (Round, String)> {
    let failed = |text: String| Err((Round::Failed, text));
    match answer.status {
        200 => {}
        401 | 403 => {
            let text = format!(
                "the sensor refuses the token (HTTP {}): make one in System Settings, Integrations, Access Tokens, \
                 and put it into token-file",
                answer.status
            );
            return Err((Round::Refused, text));
        }
        404 => return failed("there is no events API at this url (HTTP 404): check its path".to_owned()),
        300..=399 => {
            return failed(format!(
                "the sensor sends elsewhere (HTTP {}), perhaps to a login page: check url and token",
                answer.status
            ));
        }
        status => return failed(format!("the sensor answers with HTTP {status}")),
    }
    let body = answer.body.trim_ascii();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let opening = body.strip_prefix(b"[").map(|rest| rest.trim_ascii_start().first());
    if !matches!(opening, Some(None | Some(b'{' | b']'))) {
        return failed(not_rows(body, &answer.content_type));
    }
    let (rows, through) = read(body, answer.hides, reading);
    let cut = !body.ends_with(b"]") || through < body.len();
    let fault = cut.then(|| format!("the answer breaks off after {} rows", rows.len()));
    Ok(Rows { rows, fault })
}

/// The whole rows of an array, and how far they go. In what `hides` the token of the question a row may have repeated it.
fn read(body: &[u8], hides: bool, reading: Reading<'_>) -> (Vec<Parsed>, usize) {
    let mut cutter = Cutter::new(Some(&DIALECTS[0]));
    // Memory never fails to be read.
    let _ = cutter.fill(body.len(), |room| io::Read::read(&mut &*body, room));
    let mut rows = Vec::new();
    cutter.cut(End::Open, reading, |mut parsed, cut| {
        if cut.truncated {
            parsed.event.flags.insert(Flag::TRUNCATED);
        }
        if hides && memmem::find(cut.text, HIDDEN).is_some() {
            parsed.event.flags.insert(Flag::MASKED);
        }
        rows.push(parsed);
    });
    (rows, usize::try_from(cutter.offset()).unwrap_or(usize::MAX))
}

/// What came instead of rows.
fn not_rows(body: &[u8], content_type: &str) -> String {
    if body.is_empty() {
        return "the answer is empty".to_owned();
    }
    if body.starts_with(b"<") || content_type.starts_with("text/html") {
        return "a page came instead of rows, perhaps the login page: check url and token".to_owned();
    }
    let head = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]);
    let shown: String = head.chars().filter(|c| !c.is_control()).collect();
    format!("the answer is no array of rows: {shown}")
}

const SHOWN_BYTES: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Context, Habits, Masks, Rules};
    use crate::model::{Class, Text, Time};
    use jiff::tz::TimeZone;

    const ROW: &str = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","title":"t","severity":"INFO","owner":null,"content":"User admin logged in"}"#;

    fn judge(status: u16, body: &str) -> Result<(usize, Option<String>), (Round, String)> {
        let (sensor, source) = (Text::from("plant-a"), Text::from("api"));
        let context = Context {
            sensor: &sensor,
            source: &source,
            seen: Time::default(),
            zone: &TimeZone::UTC,
            rules: &Rules::default(),
            user_login: Class::UserOperation,
            habits: &Habits::default(),
        };
        let reading = Reading { context: &context, masks: &Masks::default(), line_bytes_max: 1 << 20 };
        let answer =
            Answer { status, date: None, content_type: String::new(), body: body.into(), hides: false };
        rows(&answer, reading).map(|Rows { rows, fault }| (rows.len(), fault))
    }

    #[test]
    fn an_array_gives_its_rows_however_it_is_written() {
        let pretty = format!("[\n  {ROW},\n  {}\n]\n", ROW.replace(',', ",\n    "));
        for (body, count) in [
            ("[]".to_owned(), 0),
            (" [ ] \n".to_owned(), 0),
            (format!("[{ROW}]"), 1),
            (format!("\u{feff}[{ROW},{ROW}]"), 2),
            (pretty, 2),
            (format!("[{ROW},{{\"type\":\"broken}},{ROW}]"), 3),
            (format!("[{ROW},]"), 1),
        ] {
            assert_eq!(judge(200, &body), Ok((count, None)), "{body}");
        }
    }

    #[test]
    fn half_an_answer_gives_its_whole_rows_and_says_so() {
        for body in [format!("[{ROW},{}", &ROW[..40]), format!("[{ROW}"), format!("[{ROW},")] {
            let (count, fault) = judge(200, &body).unwrap();
            assert_eq!((count, fault.as_deref()), (1, Some("the answer breaks off after 1 rows")), "{body}");
        }
        assert!(judge(200, "[").unwrap().1.is_some());
    }

    #[test]
    fn what_is_no_answer_is_named() {
        for (status, body, round, why) in [
            (401, "", Round::Refused, "refuses the token"),
            (403, "[]", Round::Refused, "refuses the token"),
            (404, "", Round::Failed, "check its path"),
            (302, "", Round::Failed, "login page"),
            (503, "", Round::Failed, "HTTP 503"),
            (200, "<html>", Round::Failed, "login page"),
            (200, "", Round::Failed, "is empty"),
            (200, r#"{"error":"x"}"#, Round::Failed, r#"no array of rows: {"error":"x"}"#),
            (200, r#"["x"]"#, Round::Failed, "no array of rows"),
        ] {
            let (found, text) = judge(status, body).unwrap_err();
            assert_eq!(found, round, "{text}");
            assert!(text.contains(why), "{text}");
        }
    }
}
