//! A journal folder as somebody sees it who knows its form from the documents and none of otrail's code.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A line of a segment, with its line feed.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub range: Range<usize>,
    pub json: Value,
}

impl Line {
    pub(crate) fn seq(&self) -> Option<u64> {
        self.json["seq"].as_u64()
    }

    pub(crate) fn synced(&self) -> Option<u64> {
        self.json["synced"].as_u64()
    }

    /// How far this line says that the followed file has been read.
    pub(crate) fn offset(&self) -> Option<u64> {
        self.json["position"]["offset"].as_u64()
    }
}

/// The lines of a segment that ends with a whole line.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut start = 0;
    let cut = bytes.split_inclusive(|&byte| byte == b'\n').map(|line| {
        start += line.len();
        Line { range: start - line.len()..start, json: serde_json::from_slice(line).unwrap() }
    });
    cut.collect()
}

/// The segments below a state directory, in order, plain or sealed; of one in both forms, which an end amid sealing leaves,
/// the sealed one counts.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("journal")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "ndjson" || end == "zst"));
    paths.retain(|path| !path.with_added_extension("zst").exists());
    paths.sort();
    paths
}

/// The bytes of a segment, and the name that it had when they were written.
fn text(path: &Path) -> (String, Vec<u8>) {
    let (name, bytes) = (path.file_name().unwrap().to_str().unwrap(), fs::read(path).unwrap());
    match name.strip_suffix(".zst") {
        Some(name) => (name.to_owned(), zstd::decode_all(bytes.as_slice()).unwrap()),
        None => (name.to_owned(), bytes),
    }
}

/// How many lines of the whole journal do not follow the one before; only bytes that count are looked at.
pub(crate) fn chain_breaks(dir: &Path) -> usize {
    let all: Vec<(String, Vec<u8>)> = segments(dir).iter().map(|path| text(path)).collect();
    let (mut breaks, mut value) = (0, vec![0; 32]);
    for (at, (name, bytes)) in all.iter().enumerate() {
        let limit = all.get(at + 1).map_or(bytes.len(), |(_, next)| counted(next, name));
        for line in bytes[..limit].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match follows(line, &value) {
                Some((chain, follows)) => {
                    breaks += usize::from(!follows);
                    value = chain;
                }
                None => breaks += 1,
            }
        }
    }
    breaks
}

/// How many bytes of segment `name` the header of the segment after it counts.
fn counted(next: &[u8], name: &str) -> usize {
    let header: Value = serde_json::from_slice(next.split(|&byte| byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(header["after"]["segment"], name);
    usize::try_from(header["after"]["bytes"].as_u64().unwrap()).unwrap()
}

/// The chain value of a line, and whether it follows from `before`; `None` for a line whose sum does not hold.
fn follows(line: &[u8], before: &[u8]) -> Option<(Vec<u8>, bool)> {
    let at = memchr::memmem::rfind(line, b",\"sum\":\"")?;
    let (body, tail) = line.split_at(at);
    let tail: Value =
        serde_json::from_slice(format!("{{{}", std::str::from_utf8(&tail[1..]).ok()?).as_bytes()).ok()?;
    let (sum, chain) = (tail["sum"].as_str()?, tail["chain"].as_str()?);
    if format!("{:08x}", crc32c::crc32c(&[body, chain.as_bytes()].concat())) != sum {
        return None;
    }
    let value = Sha256::new().chain_update(before).chain_update(body).finalize().to_vec();
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let stored = (0..32).map(|at| u8::from_str_radix(&chain[2 * at..2 * at + 2], 16));
    Some((stored.collect::<Result<_, _>>().ok()?, hex == chain))
}
