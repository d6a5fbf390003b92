//! The Python packages of `tests/decoders/requirements.txt`: readers that know nothing of otrail.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter that has these modules; `None`, loudly, where they cannot be had.
pub fn python_with(modules: &str) -> Option<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (venv, wanted) = (top.join("target/decoders"), top.join("tests/decoders/requirements.txt"));
    let python = venv.join("bin/python");
    let import = format!("import {modules}");
    let has_them = |python: &Path| {
        Command::new(python).args(["-c", &import]).output().is_ok_and(|done| done.status.success())
    };
    if has_them(&python) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).output();
    let got = Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(wanted).output();
    if has_them(&python) {
        return Some(python);
    }
    let why = [made, got].into_iter().map(|done| match done {
        Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
        Err(error) => error.to_string(),
    });
    let why: String = why.collect();
    eprintln!("NOT CHECKED: {modules} cannot be had (python3, network?): {why}");
    None
}
