//! What otrail writes itself is no log: a source that reads it would write as much again, without an end.
//!
//! The config refuses a path that says so; a link on the way to it, or one that is made later, is seen here.

use super::source::{Round, Source};
use crate::model::{Action, Outcome};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

impl Source {
    /// Leaves out those that are in the state directory, and tells it once.
    pub(super) fn leave_out_own(&mut self, paths: &mut Vec<PathBuf>, round: &mut Round<'_>) {
        let settings = &round.settings.sources[self.at];
        let own = leave_out(paths, &round.settings.state_dir, settings.follow_symlinks);
        if own > 0 {
            self.error = format!("{own} logs of {} are {OWN}", settings.path.display());
            if !self.meets_itself {
                let message = format!("cannot read {}: {own} logs of it are {OWN}", settings.path.display());
                self.tell(Action::SOURCE_MISSING, Outcome::Failure, message, round);
            }
        }
        self.meets_itself = own > 0;
    }
}

/// Leaves out the logs that are in the state directory; how many they were.
pub fn leave_out(paths: &mut Vec<PathBuf>, state_dir: &Path, follow_links: bool) -> usize {
    let Ok(folder) = fs::canonicalize(state_dir) else { return 0 };
    let before = paths.len();
    let leads_there = |path: &Path| fs::canonicalize(path).is_ok_and(|path| path.starts_with(&folder));
    let mut known: HashMap<PathBuf, bool> = HashMap::new();
    paths.retain(|path| {
        let parent = path.parent().unwrap_or(Path::new(""));
        let is_own =
            known.entry(parent.to_path_buf()).or_insert_with(|| match parent.as_os_str().is_empty() {
                true => leads_there(Path::new(".")),
                false => leads_there(parent),
            });
        !(*is_own || follow_links && path.is_symlink() && leads_there(path))
    });
    before - paths.len()
}

/// What is said of them.
pub const OWN: &str = "in the state directory of otrail, which would read what it writes itself";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_leads_into_the_state_directory_is_left_out_by_whatever_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("state/journal")).unwrap();
        fs::create_dir_all(path("log")).unwrap();
        symlink("state", path("other")).unwrap();
        symlink("../state/journal/1.ndjson", path("log/link")).unwrap();
        for file in ["state/journal/1.ndjson", "log/ops.ndjson"] {
            fs::write(path(file), "").unwrap();
        }
        let all =
            ["state/journal/1.ndjson", "other/journal/1.ndjson", "log/link", "log/ops.ndjson", "none/a"];
        for (follow_links, left) in
            [(true, &["log/ops.ndjson", "none/a"][..]), (false, &["log/link", "log/ops.ndjson", "none/a"])]
        {
            let mut paths = all.map(path).to_vec();
            assert_eq!(leave_out(&mut paths, &path("other"), follow_links), all.len() - left.len());
            assert_eq!(paths, left.iter().map(|name| path(name)).collect::<Vec<_>>());
        }
    }
}
