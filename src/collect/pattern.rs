//! The paths that a pattern means now, as a shell has them.
//!
//! ```text
//! /var/log/sensor/*.log     * ? [a-z] within a name; hidden files only where the pattern names them
//! /var/log/**/ops.log       ** is any folder below, the hidden ones left out
//! ```
//!
//! A folder is listed only where its names have to be compared. A name need not be UTF-8: what is none of it is compared
//! as `\u{fffd}`, which `*`, `?` and `[!...]` match.

use glob::{MatchOptions, Pattern};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What matches, in no order. A folder that cannot be listed is an error if nothing else matches.
pub(super) fn paths(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let parts: Vec<&OsStr> = Path::new(pattern).iter().collect();
    let mut walk = Walk { found: Vec::new(), within: Vec::new(), error: None };
    walk.on(PathBuf::new(), &parts)?;
    match walk.error {
        Some(error) if walk.found.is_empty() => Err(error),
        _ => Ok(walk.found),
    }
}

struct Walk {
    found: Vec<PathBuf>,
    /// The folders that `**` went through on the way here: a link may lead back to one of them.
    within: Vec<(u64, u64)>,
    error: Option<io::Error>,
}

impl Walk {
    /// Goes on below `at` with what is left of the pattern.
    fn on(&mut self, at: PathBuf, parts: &[&OsStr]) -> io::Result<()> {
        let Some((part, rest)) = parts.split_first() else {
            self.found.push(at);
            return Ok(());
        };
        // The pattern is a text of the config.
        let text = part.to_string_lossy();
        if text == "**" {
            // Two of them mean what one does.
            let is_last = rest.first().is_none_or(|next| *next != "**");
            return if is_last { self.any_depth(&at, rest) } else { self.on(at, rest) };
        }
        if !text.contains(['*', '?', '[']) {
            let next = at.join(part);
            return if fs::symlink_metadata(&next).is_ok() { self.on(next, rest) } else { Ok(()) };
        }
        let pattern = Pattern::new(&text).map_err(|error| io::Error::other(error.msg))?;
        for (name, path) in self.list(&at) {
            if pattern.matches_with(&name, OPTIONS) && (rest.is_empty() || path.is_dir()) {
                self.on(path, rest)?;
            }
        }
        Ok(())
    }

    /// Here, and in every folder below.
    fn any_depth(&mut self, at: &Path, rest: &[&OsStr]) -> io::Result<()> {
        let folder = if at.as_os_str().is_empty() { Path::new(".") } else { at };
        let Ok(metadata) = fs::metadata(folder) else { return Ok(()) };
        let inode = (metadata.dev(), metadata.ino());
        if self.within.contains(&inode) {
            return Ok(());
        }
        self.within.push(inode);
        self.on(at.to_path_buf(), rest)?;
        for (name, path) in self.list(at) {
            if !name.starts_with('.') && path.is_dir() {
                self.any_depth(&path, rest)?;
            }
        }
        self.within.pop();
        Ok(())
    }

    fn list(&mut self, folder: &Path) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        match entries {
            Ok(entries) => entries
                .flatten()
                .map(|entry| entry.file_name())
                .map(|name| (name.to_string_lossy().into_owned(), folder.join(name)))
                .collect(),
            Err(error) => {
                if ![ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) {
                    self.error.get_or_insert(error);
                }
                Vec::new()
            }
        }
    }
}

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn names(dir: &Path, pattern: &str) -> Vec<String> {
        let found = paths(&format!("{}/{pattern}", dir.display())).unwrap();
        let name = |path: &PathBuf| path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        let mut names: Vec<String> = found.iter().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_that_is_no_utf_8_is_matched_as_any_other() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join(OsStr::from_bytes(b"\xff.log"));
        for path in [odd.clone(), dir.path().join("a.log"), dir.path().join(".b.log")] {
            fs::write(path, "").unwrap();
        }
        assert_eq!(names(dir.path(), "*.log"), ["a.log", "\u{fffd}.log"]);
        assert_eq!(names(dir.path(), "?.log"), ["a.log", "\u{fffd}.log"]);
        assert_eq!(paths(&format!("{}/[!a].log", dir.path().display())).unwrap(), [odd]);
        assert_eq!(names(dir.path(), ".*.log"), [".b.log"]);
    }

    #[test]
    fn folders_are_matched_part_by_part() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/x.log", "a/b/c/x.log", "a/.h/x.log", "d*/x.log"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink("..", dir.path().join("a/b/up")).unwrap();
        assert_eq!(names(dir.path(), "*/x.log"), ["a/x.log", "d*/x.log"]);
        assert_eq!(names(dir.path(), "d[*]/x.log"), ["d*/x.log"]);
        assert_eq!(names(dir.path(), "a/**/x.log"), ["a/b/c/x.log", "a/x.log"]);
        assert_eq!(names(dir.path(), "a/**/**/*.log"), ["a/b/c/x.log", "a/x.log"]);
        assert_eq!(names(dir.path(), "a/*/c/../../*.log"), ["a/b/c/../../x.log"]);
        assert!(names(dir.path(), "none/*.log").is_empty() && names(dir.path(), "a/x.log/*").is_empty());
    }
}
