//! `otrail journal`: what is there, whether it is whole, and copies that can be held against it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, Input, Journal, Scan, Settings};
use otrail::model::Time;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::trail;
use tempfile::TempDir;

/// Three segments of three days, the first two sealed or not; the last has what sealing tells, too.
fn journal(is_sealed: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { seal: true, ..trail::journal_settings(dir.path()) };
    let journal = Journal::open(settings, Time::default()).unwrap();
    for (day, count) in [(1, 40), (2, 30), (3, 5)] {
        for at in 0..count {
            let draft = Draft { event: trail::event(&format!("user-{at}")), position: None, mark: None };
            journal.append(Input { drafts: vec![draft], ..Input::default() }, on(day)).unwrap();
        }
    }
    while is_sealed && journal.seal_next(&mut |_| Ok(()), || on(3)).unwrap() {}
    dir
}

fn on(day: i64) -> Time {
    Time::from_millis(day * 86_400_000).unwrap()
}

fn otrail(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let (what, rest) = args.split_first().unwrap();
    let output = command.args(["journal", what, "-D"]).arg(dir).args(rest).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn json(dir: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let (code, out, errors) = otrail(dir, &[args, &["-o", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|_| unreachable!("{out} {errors}")))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn segments_are_listed_and_measured() {
    let dir = journal(true);
    let (code, list) = json(dir.path(), &["ls"]);
    let rows: Vec<(&str, u64, u64)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["form"].as_str().unwrap(), row["first"].as_u64().unwrap(), row["last"].as_u64().unwrap())
        })
        .collect();
    assert_eq!((code, rows), (Some(0), vec![("sealed", 1, 40), ("sealed", 41, 70), ("plain", 71, 77)]));
    assert_eq!(otrail(dir.path(), &["ls"]).1.lines().count(), 3);
    let on_disk: u64 = files(dir.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(json(dir.path(), &["du"]).1["total"], on_disk);
    assert!(otrail(dir.path(), &["du"]).1.contains(&format!("{on_disk} bytes  total")));
    assert_eq!(otrail(&dir.path().join("none"), &["ls"]).0, Some(5));
    // The folder of the journal in a state directory means that directory.
    assert_eq!(otrail(&dir.path().join("journal"), &["ls"]).1.lines().count(), 3);
}

#[test]
fn a_whole_journal_is_called_so_in_either_form() {
    let mut chains = Vec::new();
    for is_sealed in [false, true] {
        let dir = journal(is_sealed);
        let (code, found) = json(dir.path(), &["verify"]);
        let records = if is_sealed { 77 } else { 75 };
        assert_eq!(
            (code, &found["records"], &found["flaws"]),
            (Some(0), &records.into(), &Value::Array(vec![]))
        );
        let last_line = fs::read_to_string(files(dir.path()).last().unwrap()).unwrap();
        let last: Value = serde_json::from_str(last_line.lines().last().unwrap()).unwrap();
        assert_eq!(found["chain"], last["chain"]);
        chains.push(found["chain"].clone());
        let (code, out, _) = otrail(dir.path(), &["verify"]);
        assert!(code == Some(0) && out.starts_with("whole: "), "{out}");
    }
    assert_ne!(chains[0], chains[1]);
}

/// Whoever changes a byte anywhere is found, and the first place that is named is in that file.
#[test]
fn every_changed_byte_is_found_and_placed() {
    for is_sealed in [false, true] {
        let dir = journal(is_sealed);
        for path in files(dir.path()).iter().filter(|path| path.extension().is_some_and(|end| end != "idx")) {
            let whole = fs::read(path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_zst = name.ends_with(".zst");
            // The table of frames holds nothing that is not found without it.
            let end = if is_zst { whole.len() - 33 } else { whole.len() };
            for at in (0..end).step_by(whole.len() / 12) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                fs::write(path, &changed).unwrap();
                let found = otrail::journal::verify(dir.path()).unwrap();
                let first = found.flaws.first().unwrap_or_else(|| unreachable!("{name} byte {at}"));
                assert_eq!(first.segment, name.trim_end_matches(".zst"), "byte {at}");
                let line = 1 + whole[..at].iter().filter(|&&byte| byte == b'\n').count() as u64;
                assert!(is_zst || first.line == line, "{name} byte {at}: {first:?}");
            }
            fs::write(path, &whole).unwrap();
        }
    }
}

#[test]
fn a_line_that_was_taken_out_or_put_elsewhere_is_found_though_every_sum_holds() {
    let dir = journal(false);
    let path = &files(dir.path())[1];
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut without = lines.clone();
    without.remove(5);
    fs::write(path, without.concat()).unwrap();
    let (code, out, _) = otrail(dir.path(), &["verify"]);
    assert_eq!(code, Some(5));
    assert!(out.contains("line 6, record 45") && out.contains("records 45 to 45 are missing"), "{out}");
    let mut swapped = lines.clone();
    swapped.swap(5, 6);
    fs::write(path, swapped.concat()).unwrap();
    assert_eq!(json(dir.path(), &["verify"]).1["flaws"][0]["line"], 6);
    // A whole segment that is gone.
    fs::remove_file(path).unwrap();
    let (code, out, _) = otrail(dir.path(), &["verify"]);
    assert!(code == Some(5) && out.contains("records 41 to 70 are missing"), "{out}");
}

#[test]
fn a_header_that_was_taken_out_is_found_and_told() {
    let dir = journal(false);
    let path = &files(dir.path())[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, &text[text.find('\n').unwrap() + 1..]).unwrap();
    let (code, out, _) = otrail(dir.path(), &["verify"]);
    assert!(code == Some(5) && out.contains("line 1, record 1: it is not the header"), "{out}");
    // The one that is opened.
    for path in &files(dir.path())[1..] {
        fs::remove_file(path).unwrap();
    }
    let journal = Journal::open(trail::journal_settings(dir.path()), on(1)).unwrap();
    assert_eq!((journal.status().damaged, journal.newest().0), (1, 41), "with the event that tells it");
}

#[test]
fn what_is_gone_from_the_end_is_found_by_the_cursors() {
    let dir = journal(false);
    {
        let journal = Journal::open(trail::journal_settings(dir.path()), on(3)).unwrap();
        let mut cursor = journal.cursor("siem").unwrap();
        journal.confirm("siem", &mut cursor, journal.newest(), on(3)).unwrap();
    }
    assert_eq!(otrail(dir.path(), &["verify"]).0, Some(0));
    let newest = files(dir.path()).pop().unwrap();
    let text = fs::read_to_string(&newest).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let kept = lines.iter().position(|line| line.contains("\"seq\":74,")).unwrap();
    fs::write(&newest, lines[..kept].concat()).unwrap();
    let (code, out, _) = otrail(dir.path(), &["verify"]);
    let missing = "records 74 to 75 are missing: by its cursor siem has had them";
    assert!(code == Some(5) && out.contains(missing), "{out}");
    fs::remove_file(newest).unwrap();
    let (code, out, _) = otrail(dir.path(), &["verify"]);
    assert!(code == Some(5) && out.contains("records 71 to 75 are missing"), "{out}");
}

/// Whoever unpacks a sealed file without otrail must not be shown more than the trail has.
#[test]
fn what_was_put_behind_a_sealed_file_is_found_and_is_no_part_of_the_trail() {
    let dir = journal(true);
    let path = &files(dir.path()).into_iter().find(|path| path.extension().unwrap() == "zst").unwrap();
    let whole = fs::read(path).unwrap();
    let forged = zstd::encode_all(&b"{\"seq\":41,\"action\":\"user.login\"}\n"[..], 1).unwrap();
    for behind in [&forged[..], &whole[..], b"\0"] {
        fs::write(path, [&whole[..], behind].concat()).unwrap();
        let (code, found) = json(dir.path(), &["verify"]);
        assert_eq!((code, &found["records"]), (Some(5), &77.into()));
        let flaws = found["flaws"].as_array().unwrap();
        let what = format!("{} bytes stand behind the end of the sealed file", behind.len());
        assert!(flaws.len() == 1 && flaws[0]["what"].as_str().unwrap().starts_with(&what), "{flaws:?}");
        let shown: Vec<u64> = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().place.seq.0).collect();
        assert_eq!(shown, (1..=77).collect::<Vec<u64>>());
    }
}

/// zstd passes over what it is told to pass over, wherever that stands.
#[test]
fn what_zstd_passes_over_in_a_sealed_file_costs_no_record() {
    let dir = journal(true);
    let path = &files(dir.path()).into_iter().find(|path| path.extension().unwrap() == "zst").unwrap();
    let passed_over = [&0x184D_2A5E_u32.to_le_bytes()[..], &[3, 0, 0, 0], b"abc"].concat();
    fs::write(path, [&passed_over[..], &fs::read(path).unwrap()].concat()).unwrap();
    let (code, found) = json(dir.path(), &["verify"]);
    assert_eq!((code, &found["records"]), (Some(5), &77.into()));
    assert_eq!(found["flaws"][0]["what"], "a frame cannot be unpacked");
}

#[test]
fn what_stands_behind_the_end_of_a_plain_segment_is_told_and_is_no_part_of_the_trail() {
    let dir = journal(false);
    let path = &files(dir.path())[0];
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(b"{\"seq\":41,\"action\":\"user.login\"}\n").unwrap();
    let (code, found) = json(dir.path(), &["verify"]);
    assert_eq!((code, &found["records"], &found["flaws"]), (Some(0), &75.into(), &Value::Array(vec![])));
    assert_eq!(found["uncounted"][0]["bytes"], 33);
    assert_eq!(found["ends"].as_array().unwrap().len(), 2, "nobody can say that it ends as it was written");
    assert!(otrail(dir.path(), &["verify"]).1.contains(": 33 bytes behind its end do not count: "));
    // A whole line, but of another journal: its chain value is no end of this one.
    let other = fs::read_to_string(&files(journal(false).path())[0]).unwrap();
    let path = &files(dir.path())[1];
    fs::write(
        path,
        [fs::read_to_string(path).unwrap(), other.lines().nth(3).unwrap().to_owned() + "\n"].concat(),
    )
    .unwrap();
    assert_eq!(json(dir.path(), &["verify"]).1["ends"].as_array().unwrap().len(), 1);
}

#[test]
fn an_export_is_the_lines_as_they_are_and_says_what_to_hold_them_against() {
    let mut exports = Vec::new();
    for is_sealed in [false, true] {
        let dir = journal(is_sealed);
        let file = dir.path().join("copy.ndjson");
        let args = ["export", "--from", "38", "--to", "43", "-f", file.to_str().unwrap()];
        assert_eq!(otrail(dir.path(), &args).0, Some(0));
        let bytes = fs::read(&file).unwrap();
        let manifest = fs::read(file.with_extension("ndjson.manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&manifest["sha256"], &manifest["records"]), (&hash.into(), &6.into()));
        assert_eq!(
            (&manifest["first"], &manifest["last"], &manifest["bytes"]),
            (&38.into(), &43.into(), &bytes.len().into())
        );
        // The chain can be followed through the copy: the header of the second segment is in it.
        let mut chain: Vec<u8> = unhex(manifest["chain-before"].as_str().unwrap());
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let body = &line[..memchr::memmem::rfind(line, b",\"sum\":").unwrap()];
            chain = Sha256::new().chain_update(&chain).chain_update(body).finalize().to_vec();
        }
        assert_eq!(chain, unhex(manifest["chain-after"].as_str().unwrap()));
        let (code, out, errors) = otrail(dir.path(), &["export", "--from", "38", "--to", "43"]);
        assert!(code == Some(0) && out.as_bytes() == bytes && errors.contains("chain-before"));
        assert_eq!(otrail(dir.path(), &args).0, Some(1), "an export is never overwritten");
        assert_eq!(otrail(dir.path(), &["export", "--from", "900"]).0, Some(1));
        exports.push(bytes.split(|&byte| byte == b'\n').count());
    }
    assert_eq!(exports[0], exports[1]);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn indexes_are_made_anew_unless_somebody_writes() {
    let dir = journal(true);
    let indexes =
        || files(dir.path()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "idx"));
    let before: Vec<Vec<u8>> = indexes().map(|path| fs::read(path).unwrap()).collect();
    indexes().for_each(|path| fs::remove_file(path).unwrap());
    let running = trail::open_journal(dir.path());
    assert_eq!(otrail(dir.path(), &["reindex"]).0, Some(1));
    drop(running);
    assert_eq!(otrail(dir.path(), &["reindex"]).1, "2 indexes made anew\n");
    assert_eq!(indexes().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), before);
}
