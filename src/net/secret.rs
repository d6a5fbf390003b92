//! A secret from a file: shown nowhere.

use super::{NetError, keys};
use memchr::memmem;
use std::fmt;
use std::path::Path;

/// A token or password. It has no way into a log: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads the one line of a file that nobody else can get at, without the blanks around it. Blocks on the disk.
    pub fn read(path: &Path) -> Result<Secret, NetError> {
        let text = keys::private(path)?;
        let line = text.trim_ascii();
        let absent = |what| NetError::Absent { what, path: path.to_owned() };
        if line.is_empty() || line.len() > SECRET_BYTES_MAX {
            return Err(absent("token, a single line of at most 8 KiB,"));
        }
        if !line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(absent("token of printable characters on a single line"));
        }
        Ok(Secret(line.to_owned()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text with `***` for the secret; `None` when it is not in there as it stands. One of less than 8 bytes is looked
    /// for nowhere: it may be part of a word.
    pub(super) fn hidden_in(&self, text: &[u8]) -> Option<Vec<u8>> {
        let (mut out, mut from) = (Vec::new(), 0);
        let mut places =
            memmem::find_iter(text, &self.0).filter(|_| self.0.len() >= SOUGHT_BYTES_MIN).peekable();
        places.peek()?;
        for at in places {
            out.extend_from_slice(&text[from..at]);
            out.extend_from_slice(HIDDEN);
            from = at + self.0.len();
        }
        out.extend_from_slice(&text[from..]);
        Some(out)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

const SECRET_BYTES_MAX: usize = 8 << 10;
const SOUGHT_BYTES_MIN: usize = 8;
/// Stands for a secret.
pub const HIDDEN: &[u8] = b"***";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_repeats_a_secret_is_told_without_it() {
        let hidden = |secret: &str, text: &str| {
            let hidden = Secret(secret.into()).hidden_in(text.as_bytes());
            hidden.map(|text| String::from_utf8(text).unwrap())
        };
        let expected = Some("a *** *** b".to_owned());
        assert_eq!(hidden("s3cr3t-token", "a s3cr3t-token s3cr3t-token b"), expected);
        assert_eq!((hidden("s3cr3t-token", "s3cr3t"), hidden("User", "User admin")), (None, None));
    }

    #[test]
    fn a_secret_is_one_private_line_and_hides_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let read = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Secret::read(&path)
        };
        let secret = read("  s3cr3t-token\n", 0o600).unwrap();
        assert_eq!(secret.bytes(), b"s3cr3t-token");
        assert_eq!(format!("{secret:?}"), "Secret");
        for (text, mode, why) in [
            ("s3cr3t", 0o644, "others can get at"),
            ("\n", 0o600, "no token"),
            ("one\ntwo", 0o600, "single line"),
            ("t\u{fc}", 0o600, "printable"),
        ] {
            let error = read(text, mode).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("s3cr3t"), "{error}");
        }
    }
}
