//! The fields of a journal line as they stand there: names and values, without making a record of them.

/// The fields on the top level of a line's JSON, which lacks its closing brace; ends early where it is no JSON.
pub(super) fn fields(body: &[u8]) -> Fields<'_> {
    let rest = body.strip_prefix(b"{").unwrap_or_default();
    Fields { rest, whole: true }
}

/// See `fields`.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    whole: bool,
}

impl Fields<'_> {
    /// Whether the line was read to its end, once nothing comes any more.
    pub(super) fn were_whole(&self) -> bool {
        self.whole
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its name, without quotes, as it is spelled.
    pub name: &'a [u8],
    /// The value's JSON.
    pub value: &'a [u8],
    /// Both, from the quote of the name on.
    pub pair: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || !self.whole {
            return None;
        }
        let found = field(self.rest);
        let Some((field, after)) = found else {
            self.whole = false;
            return None;
        };
        self.rest = match after.split_first() {
            None => after,
            Some((b',', after)) if !after.is_empty() => after,
            Some(_) => {
                self.whole = false;
                return None;
            }
        };
        Some(field)
    }
}

fn field(rest: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let name_end = string_end(rest)?;
    (*rest.get(name_end)? == b':').then_some(())?;
    let value_begin = name_end + 1;
    let value_end = value_begin + value_end(&rest[value_begin..])?;
    let field = Field {
        name: &rest[1..name_end - 1],
        value: &rest[value_begin..value_end],
        pair: &rest[..value_end],
    };
    Some((field, &rest[value_end..]))
}

/// Behind the closing quote of the string at the head.
fn string_end(bytes: &[u8]) -> Option<usize> {
    (*bytes.first()? == b'"').then_some(())?;
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
        if at > bytes.len() {
            return None;
        }
    }
}

fn value_end(bytes: &[u8]) -> Option<usize> {
    match *bytes.first()? {
        b'"' => string_end(bytes),
        b'{' | b'[' => nested_end(bytes),
        _ => {
            let end = bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(bytes.len());
            (end > 0).then_some(end)
        }
    }
}

/// Behind the bracket that closes the one at the head.
fn nested_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match *bytes.get(at)? {
            b'"' => at += string_end(&bytes[at..])?,
            byte => {
                at += 1;
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                if depth == 0 {
                    return Some(at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> (Vec<(String, String)>, bool) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = fields(body.as_bytes());
        let pairs = all.by_ref().map(|field| (text(field.name), text(field.value))).collect();
        (pairs, all.were_whole())
    }

    #[test]
    fn values_end_where_json_says() {
        let (pairs, whole) = names(r#"{"seq":7,"a":"x,\"}","raw":{"b":"]}","c":[1,{"d":"\\"}]},"synced":6"#);
        let expected =
            [("seq", "7"), ("a", r#""x,\"}""#), ("raw", r#"{"b":"]}","c":[1,{"d":"\\"}]}"#), ("synced", "6")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(whole);
    }

    #[test]
    fn what_breaks_off_is_not_called_whole() {
        for body in [r#"{"a":"#, r#"{"a":"x"#, r#"{"a":{"#, r#"{"a":1,"#, r#"{"a":"\"#, "{a", r#"{"a":1}"#] {
            assert!(!names(body).1, "{body}");
        }
        assert_eq!(names("{"), (Vec::new(), true));
    }
}
