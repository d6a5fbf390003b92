//! The object that an API puts around an array of entries: a page of them.
//!
//! ```text
//! {"value":[ {…},{…} ]}
//! {"@odata.context":"…","@odata.count":2,"value":[ {…},{…} ],"@odata.nextLink":"…"}
//! ```
//!
//! It is structure, as the brackets of an array are, and none of it becomes an event: so nothing counts as a page that
//! says anything else. What stands behind the array and is not known stays as it is, for it may be a warning.

use super::array::{self, Opens};
use super::object::{self, Token};

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The part of a page that is looked for, of so many bytes.
    Page(usize),
    Other,
    /// It has not come yet.
    Later,
}

/// The beginning of a page up to the bracket of its array; `bytes` begin with the curly one.
pub(super) fn opens(bytes: &[u8]) -> Part {
    let (bytes, mut at) = (within(bytes), 1);
    loop {
        let name = match name(bytes, &mut at) {
            Ok(name) => name,
            Err(part) => return part,
        };
        if name == b"value" {
            let Some(bracket) = next(bytes, &mut at) else { return later(bytes) };
            return match array::opens(&bytes[at - 1..]) {
                _ if bracket != b'[' => Part::Other,
                Opens::Array => Part::Page(at),
                Opens::Other => Part::Other,
                Opens::Later => later(bytes),
            };
        }
        if let Err(part) = member(bytes, name, &mut at) {
            return part;
        }
        match next(bytes, &mut at) {
            Some(b',') => {}
            Some(_) => return Part::Other,
            None => return later(bytes),
        }
    }
}

/// What closes a page behind the bracket of its array.
pub(super) fn closes(bytes: &[u8]) -> Part {
    let (bytes, mut at) = (within(bytes), 0);
    loop {
        match next(bytes, &mut at) {
            Some(b'}') => return Part::Page(at),
            Some(b',') => {}
            Some(_) => return Part::Other,
            None => return later(bytes),
        }
        if let Err(part) = name(bytes, &mut at).and_then(|name| member(bytes, name, &mut at)) {
            return part;
        }
    }
}

/// The name of a member; goes past it and its colon.
fn name<'b>(bytes: &'b [u8], at: &mut usize) -> Result<&'b [u8], Part> {
    match next(bytes, at) {
        Some(b'"') => {}
        Some(_) => return Err(Part::Other),
        None => return Err(later(bytes)),
    }
    let start = *at;
    *at += whole(bytes, object::string(&bytes[start - 1..]))? - 1;
    let name = &bytes[start..*at - 1];
    match next(bytes, at) {
        Some(b':') => Ok(name),
        Some(_) => Err(Part::Other),
        None => Err(later(bytes)),
    }
}

/// Goes past the value of a member that says nothing of an entry.
fn member(bytes: &[u8], name: &[u8], at: &mut usize) -> Result<(), Part> {
    if !name.starts_with(b"@odata.") && !KNOWN.contains(&name) {
        return Err(Part::Other);
    }
    next(bytes, at).ok_or_else(|| later(bytes))?;
    *at -= 1;
    *at += whole(bytes, object::scalar(&bytes[*at..]))?;
    Ok(())
}

fn whole(bytes: &[u8], token: Token) -> Result<usize, Part> {
    match token {
        Token::Whole(length) => Ok(length),
        Token::Begun => Err(later(bytes)),
        Token::Broken(_) => Err(Part::Other),
    }
}

/// The next byte that is no white space; goes past it.
fn next(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let blank = bytes[*at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let byte = *bytes.get(*at + blank)?;
    *at += blank + 1;
    Some(byte)
}

/// No more is looked at, however much has come.
fn within(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(BYTES_MAX)]
}

fn later(bytes: &[u8]) -> Part {
    if bytes.len() < BYTES_MAX { Part::Later } else { Part::Other }
}

/// Names of members beside those of OData that stand around the array, and say nothing of it.
const KNOWN: [&[u8]; 2] = [b"nextLink", b"count"];
/// More is not waited for.
const BYTES_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_what_stands_around_its_array() {
        for head in [
            "{\"value\":[",
            "{\n  \"value\" : [",
            "{\"@odata.context\":\"x\",\"count\":2,\"nextLink\":null , \"value\":[",
        ] {
            assert_eq!(opens(format!("{head} {{\"a\":1}}").as_bytes()), Part::Page(head.len()), "{head}");
            assert_eq!(opens(format!("{head}]}}").as_bytes()), Part::Page(head.len()), "{head}");
            for end in 1..=head.len() {
                assert_eq!(opens(&head.as_bytes()[..end]), Part::Later, "{head}");
            }
        }
        for other in [
            "{\"value\":[1",
            "{\"value\":1",
            "{\"value\" [",
            "{\"data\":[{",
            "{\"a\":1,\"value\":[{",
            "{\"count\":[],\"value\":[{",
            "{\"count\":1}",
            "{}",
            "{\"@odata.x\":nil",
        ] {
            assert_eq!(opens(other.as_bytes()), Part::Other, "{other}");
        }
        let long = format!("{{\"@odata.context\":\"{}", "x".repeat(BYTES_MAX));
        assert_eq!(opens(long.as_bytes()), Part::Other);
    }

    #[test]
    fn a_page_is_closed_by_nothing_that_says_something() {
        for tail in ["}", " \n}", ",\"nextLink\":\"x\" , \"@odata.count\" : 3\n}"] {
            assert_eq!(closes(format!("{tail}{{").as_bytes()), Part::Page(tail.len()), "{tail}");
            for end in 0..tail.len() {
                assert_eq!(closes(&tail.as_bytes()[..end]), Part::Later, "{tail}");
            }
        }
        for other in [",\"warning\":\"x\"}", ",\"count\":{}}", "]", ",}", ",\"count\" 1}"] {
            assert_eq!(closes(other.as_bytes()), Part::Other, "{other}");
        }
    }
}
