//! Where a JSON object ends that may go over several lines.
//!
//! ```text
//! {"a":{"b":[1,"}"]}}      ends at its own bracket
//! {"a":                    may still end: all of it so far is the beginning of an object
//! {"a" "b"                 is none, and shows it at the third quote
//! {"a":⏎{"b":1}            is none: nobody begins a line with a bracket within an object, but a torn line may
//! ```
//!
//! Strict, for whoever asks is about to wait for the end: what has once been torn must not hold up what comes after it.
//! Invariant: the answer depends on the bytes alone, and more of them change it only while the end has not come.

use memchr::{memchr, memchr2};

/// What begins with a curly bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// An object of so many bytes.
    Whole(usize),
    /// The beginning of one.
    Begun,
    /// None, as the byte at this place shows.
    Broken(usize),
}

/// What stands at the head of `bytes`, which begin with a curly bracket.
pub(super) fn at_head(bytes: &[u8]) -> Object {
    let (mut nest, mut wanted, mut at) = (Nest::default(), Wanted::Value, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let token = match (wanted, byte) {
            (_, b'{' | b'[') if at > 0 && bytes[at - 1] == b'\n' => Token::Broken(0),
            (Wanted::Value | Wanted::First, b'{' | b'[') if nest.open(byte) => {
                wanted = if byte == b'{' { Wanted::FirstKey } else { Wanted::First };
                Token::Whole(1)
            }
            (Wanted::Value | Wanted::First, b'{' | b'[') => Token::Broken(0),
            (Wanted::FirstKey | Wanted::Next, b'}') | (Wanted::First | Wanted::Next, b']') => {
                match nest.close(byte) {
                    None => Token::Broken(0),
                    Some(0) => return Object::Whole(at + 1),
                    Some(_) => {
                        wanted = Wanted::Next;
                        Token::Whole(1)
                    }
                }
            }
            (Wanted::FirstKey | Wanted::Key, b'"') => {
                wanted = Wanted::Colon;
                string(&bytes[at..])
            }
            (Wanted::Colon, b':') => {
                wanted = Wanted::Value;
                Token::Whole(1)
            }
            (Wanted::Next, b',') => {
                wanted = if nest.is_curly() { Wanted::Key } else { Wanted::Value };
                Token::Whole(1)
            }
            (Wanted::Value | Wanted::First, _) => {
                wanted = Wanted::Next;
                scalar(&bytes[at..])
            }
            _ => Token::Broken(0),
        };
        match token {
            Token::Whole(length) => at += length,
            Token::Begun => return Object::Begun,
            Token::Broken(place) => return Object::Broken(at + place),
        }
    }
    Object::Begun
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Value,
    /// A value, or the end of the array.
    First,
    Key,
    /// A key, or the end of the object.
    FirstKey,
    Colon,
    /// A comma, or the end.
    Next,
}

/// A string, number or word, or a sign of one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Whole(usize),
    Begun,
    Broken(usize),
}

/// The string, number or word at the head of `bytes`, which are not empty.
pub(super) fn scalar(bytes: &[u8]) -> Token {
    if bytes[0] == b'"' {
        return string(bytes);
    }
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let length = bytes.iter().take_while(is_part).count();
    let text = &bytes[..length];
    let is_begun = length == bytes.len();
    let words = [&b"true"[..], b"false", b"null"];
    let is_good = match text.first() {
        Some(b'-' | b'0'..=b'9') => text.iter().all(|byte| b"0123456789+-.eE".contains(byte)),
        Some(_) if is_begun => words.iter().any(|word| word.starts_with(text)),
        _ => words.contains(&text),
    };
    match (is_good, is_begun) {
        (false, _) => Token::Broken(0),
        (true, true) => Token::Begun,
        (true, false) => Token::Whole(length),
    }
}

/// The string at the head of `bytes`, which begin with its quote.
pub(super) fn string(bytes: &[u8]) -> Token {
    let mut at = 1;
    loop {
        let mark = memchr2(b'"', b'\\', &bytes[at..]).map(|mark| at + mark);
        let end = mark.unwrap_or(bytes.len());
        // Another control character is one that nobody has escaped, see `mend`; a torn line ends in this one.
        if let Some(feed) = memchr(b'\n', &bytes[at..end]) {
            return Token::Broken(at + feed);
        }
        match mark {
            None => return Token::Begun,
            Some(mark) if bytes[mark] == b'"' => return Token::Whole(mark + 1),
            Some(mark) => match bytes.get(mark + 1) {
                None => return Token::Begun,
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => at = mark + 2,
                Some(_) => return Token::Broken(mark + 1),
            },
        }
    }
}

/// The brackets that are open: one bit for each, whether it is a curly one.
#[derive(Debug, Default)]
struct Nest {
    depth: u32,
    curly: u64,
}

impl Nest {
    /// False where it is too deep to be anything that is read.
    fn open(&mut self, byte: u8) -> bool {
        if self.depth == u64::BITS {
            return false;
        }
        (self.depth, self.curly) = (self.depth + 1, self.curly << 1 | u64::from(byte == b'{'));
        true
    }

    /// How deep it is then; `None` where another bracket is open.
    fn close(&mut self, byte: u8) -> Option<u32> {
        (self.is_curly() == (byte == b'}')).then_some(())?;
        (self.depth, self.curly) = (self.depth.checked_sub(1)?, self.curly >> 1);
        Some(self.depth)
    }

    fn is_curly(&self) -> bool {
        self.curly & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_ends_at_its_own_bracket() {
        for text in [
            "{}",
            "{ \"a\" : 1 }",
            "{\"a\":\"b\tc\r\u{1}\"}",
            "{\"a\":{\"b\":[1,\"}\\\"\",[],{}]},\n \"c\":-1.5e3,\"d\":null}",
        ] {
            assert_eq!(at_head(text.as_bytes()), Object::Whole(text.len()), "{text}");
            assert_eq!(at_head(format!("{text}{{").as_bytes()), Object::Whole(text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_shows_it_where_it_is_none() {
        for (text, place) in [
            ("{\"a\" \"b\"", 5),
            ("{\"a\":\n{\"b\":1}", 6),
            ("{\"a\":\"b\n", 7),
            ("{\"a\":\"b\t\r\nc\"}", 9),
            ("{\"a\":tru}", 5),
            ("{\"a\":nil", 5),
            ("{\"a\":1,}", 7),
            ("{\"a\":[1}", 7),
            ("{\"a\":1]", 6),
            ("{a:1}", 1),
            ("{\"a\":\"\\x\"}", 7),
            ("{,", 1),
            ("{]", 1),
        ] {
            assert_eq!(at_head(text.as_bytes()), Object::Broken(place), "{text}");
        }
        let deep = "{\"a\":".repeat(65);
        assert_eq!(at_head(deep.as_bytes()), Object::Broken(64 * 5));
    }

    proptest! {
        #[test]
        fn it_ends_where_it_does_for_serde_json_and_is_begun_before(
            text in r#"\{( {0,1}"[a-z\\"]{0,2}":(1|-2.5|true|null|"([ -~é]|\\["nu/\\x]){0,6}"|\{"a":\[[1,]{0,3}\]\}|[a-z]{1,4}) ?,?){0,3}\}"#,
        ) {
            let mut stream = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
            if let Some(Ok(_)) = stream.next() {
                let length = stream.byte_offset();
                prop_assert_eq!(at_head(text.as_bytes()), Object::Whole(length));
                for end in 1..length {
                    prop_assert_eq!(at_head(&text.as_bytes()[..end]), Object::Begun, "{}", &end);
                }
            }
        }
    }
}
