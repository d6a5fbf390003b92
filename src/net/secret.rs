//! A secret from a file: shown nowhere.

use super::{NetError, keys};
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
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

const SECRET_BYTES_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

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
