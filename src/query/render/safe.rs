//! Text that nobody vouches for, made safe to look at.

use std::io::Write;

/// Whether a terminal could obey the character, or a reader not see it: controls, what turns the direction of
/// writing, what has no width.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends the text with `\n`, `\x1b`, `\u{202e}` in place of what is unsafe.
pub fn text(text: &str, out: &mut Vec<u8>) {
    let mut plain_from = 0;
    for (at, character) in text.char_indices().filter(|&(_, character)| is_unsafe(character)) {
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        escape(character, out);
        plain_from = at + character.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
}

/// The same for bytes that may not be UTF-8.
pub fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        text(chunk.valid(), out);
        for byte in chunk.invalid() {
            put(out, format_args!("\\x{byte:02x}"));
        }
    }
}

/// Appends a word that ends where it seems to: in quotes if it is empty or has spaces, quotes or backslashes
/// that could deceive.
pub fn word(word: &str, out: &mut Vec<u8>) {
    let plain = !word.is_empty() && !word.contains(|at: char| at.is_whitespace() || at == '"');
    if plain {
        return text(word, out);
    }
    out.push(b'"');
    text(&word.replace('\\', "\\\\").replace('"', "\\\""), out);
    out.push(b'"');
}

/// Appends JSON with `\u202e` in place of what is unsafe: the same value, for it can stand only inside strings.
pub fn json(json: &[u8], out: &mut Vec<u8>) {
    for chunk in json.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unsafe(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    put(out, format_args!("\\u{unit:04x}"));
                }
            } else {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escape(character: char, out: &mut Vec<u8>) {
    match character {
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..='\x7f' => put(out, format_args!("\\x{:02x}", u32::from(character))),
        _ => put(out, format_args!("\\u{{{:x}}}", u32::from(character))),
    }
}

/// Writing to memory cannot fail.
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_could_obey_is_spelled_out() {
        assert_eq!(
            shown(|out| text("a\x1b[2J\u{9b}b\n\t\u{202e}c\u{e0041}", out)),
            r"a\x1b[2J\u{9b}b\n\t\u{202e}c\u{e0041}"
        );
        assert_eq!(shown(|out| bytes(b"ok \xff\x1b", out)), r"ok \xff\x1b");
    }

    #[test]
    fn a_word_cannot_pass_for_two() {
        for (value, seen) in [
            (r"CORP\alice", r"CORP\alice"),
            ("", r#""""#),
            ("alice  user.login", r#""alice  user.login""#),
            ("al\" ice\\", r#""al\" ice\\""#),
        ] {
            assert_eq!(shown(|out| word(value, out)), seen);
        }
    }

    proptest! {
        #[test]
        fn no_unsafe_character_is_left(input in any::<Vec<u8>>(), line in "\\PC*|[\\x00-\\x20\u{7f}-\u{a0}\u{2000}-\u{2070}]*") {
            for seen in [shown(|out| bytes(&input, out)), shown(|out| text(&line, out)), shown(|out| word(&line, out))] {
                prop_assert!(!seen.contains(is_unsafe));
            }
        }

        #[test]
        fn safe_json_is_the_same_value(text in "[\u{1}-\u{ffff}\u{e0000}-\u{e0080}]*") {
            let before = serde_json::to_string(&text).unwrap();
            let after = shown(|out| json(before.as_bytes(), out));
            prop_assert!(!after.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&after).unwrap(), text);
        }
    }
}
