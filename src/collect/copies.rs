//! Which of the files that seem to be new are copies of what was read or is being read, and have nothing of their own.
//!
//! ```text
//! all of it is in a file that is there or open    a copy; one that may grow is looked at again (`left`)
//! it begins with all that was read of another      that one, read on from there
//! it begins as another that is gone, and is shorter    nobody can tell: it is read, and told
//! ```

use super::content::Content;
use super::gap::{Gap, Loss};
use super::identity::{HEAD_BYTES_MAX, Inode};
use super::left::Left;
use super::rotation::{self, Candidate, Known};
use super::source::{Round, Source};
use super::spotted::{Face, Spotted};
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Copies, and what may be some.
#[derive(Default)]
pub(super) struct Copies {
    /// Small ones, and which file they are copies of, if that is still being read: once it has grown nothing tells.
    small: Vec<(Option<Inode>, FollowedFile)>,
    /// Those that may still grow.
    plain: Vec<Left>,
    /// Compressed ones, that will not change.
    packed: Vec<Face>,
    /// What may repeat what was read of that file.
    doubtful: Vec<(PathBuf, FileNo)>,
}

/// What a file is that seems to be new.
enum Verdict {
    New,
    /// A file that was being read, or that was left and goes on.
    GoesOn(Known),
    /// A copy of a file that is not here, and of which all that is in it was read.
    Read(Option<FileNo>),
    /// A copy of the file of that inode, which is being read, or of one that was read to its end.
    Copy(Option<Inode>),
    /// Perhaps a copy of a part of this file, of which nothing is left to compare it with.
    Doubtful(FileNo),
}

impl Copies {
    /// Whether that file is read though it may be a copy.
    pub(super) fn is_doubtful(&self, path: &Path) -> bool {
        self.doubtful.iter().any(|(doubtful, _)| doubtful == path)
    }
}

impl Source {
    /// Takes copies out of what is to be read.
    pub(super) fn leave_out_copies(
        &self,
        log: usize,
        order: &mut Vec<Candidate>,
        found: &mut [Spotted],
        cut: Option<&Tail>,
    ) -> Copies {
        let (mut copies, files) = (Copies::default(), self.files());
        let here: Vec<FileNo> = found.iter().filter_map(|it| it.known).map(|known| known.number).collect();
        // What has no name any more is read through the descriptor that is still open.
        let is_nameless = |path: &Path| cut.is_some_and(|cut| cut.path == path);
        let mut beside = self.beside(log, &here, found, is_nameless);
        let is_open = |number| self.is_open(log, number);
        let mut away: Vec<&FollowedFile> =
            files.iter().filter(|file| file.offset > 0 && !here.contains(&file.number)).collect();
        let to_read: Vec<PathBuf> = order.iter().map(|it| it.path.clone()).collect();
        let here_by_name: Vec<PathBuf> = found.iter().map(|it| it.path.clone()).collect();
        order.retain_mut(|candidate| {
            let is_it = |spotted: &&mut Spotted| {
                (&spotted.path, spotted.sight.is_log) == (&candidate.path, candidate.is_log)
            };
            let Some(spotted) = found.iter_mut().find(is_it) else { return false };
            if candidate.is_log || candidate.known.is_some() || is_nameless(&candidate.path) {
                return true;
            }
            if is_in_the_making(candidate, &to_read, &here_by_name) {
                return false;
            }
            if self.logs[log].left.iter().any(|left| left.is_all_of(spotted)) {
                return false;
            }
            let verdict = verdict(spotted, &away, cut, &mut beside, is_open);
            match verdict {
                Verdict::New | Verdict::Doubtful(_) => {
                    let inode = Some(spotted.sight.inode);
                    beside.extend(spotted.again().map(|content| (content, inode)));
                }
                Verdict::GoesOn(known) => {
                    away.retain(|file| file.number != known.number);
                    (spotted.known, candidate.known) = (Some(known), Some(known));
                }
                Verdict::Read(of) => away.retain(|file| Some(file.number) != of),
                Verdict::Copy(of) => copies.small.extend(small_copy(spotted).map(|copy| (of, copy))),
            }
            if let Verdict::Doubtful(of) = verdict {
                copies.doubtful.push((candidate.path.clone(), of));
            }
            let is_copy = matches!(verdict, Verdict::Read(_) | Verdict::Copy(_));
            copies
                .plain
                .extend(spotted.read_to_its_end().filter(|_| is_copy).map(|it| Left::new(spotted, it)));
            !is_copy
        });
        copies
    }

    /// What is here and known or open: copies of it are nothing new.
    fn beside(
        &self,
        log: usize,
        here: &[FileNo],
        found: &mut [Spotted],
        is_nameless: impl Fn(&Path) -> bool,
    ) -> Vec<(Content, Option<Inode>)> {
        let away = self.logs[log].tails.iter().filter(|tail| !here.contains(&tail.file.number));
        let mut beside: Vec<(Content, Option<Inode>)> =
            away.filter_map(|tail| Some((tail.content().ok()?, Some(tail.inode())))).collect();
        for it in found.iter_mut().filter(|it| it.known.is_some() || is_nameless(&it.path)) {
            let inode = Some(it.sight.inode).filter(|_| !it.known.is_some_and(|known| known.finished));
            beside.extend(it.again().map(|content| (content, inode)));
        }
        beside
    }

    /// Remembers copies, and tells what may be some.
    pub(super) fn take_copies(&mut self, log: usize, copies: Copies, round: &mut Round<'_>) {
        for (of, copy) in copies.small {
            match of {
                Some(of) => self.logs[log].add_copy(of, copy),
                None => self.remember_copy(copy, round),
            }
        }
        copies.packed.into_iter().for_each(|face| self.logs[log].is_done_with(face));
        copies.plain.into_iter().for_each(|copy| self.logs[log].leave(copy));
        for (path, of) in copies.doubtful {
            let Some(file) = self.known.iter().find(|file| file.number == of) else { continue };
            let message = format!(
                "{} begins as {} did, of which {} bytes were read and which is gone: it may be a copy of a part of that, \
                 and is read; its entries may be repeated",
                path.display(),
                file.path.display(),
                file.offset
            );
            self.tell_gap(Gap { loss: Loss::Doubt, bytes: None, message }, round);
        }
    }
}

/// `away` are the files that are known and not here.
fn verdict(
    spotted: &mut Spotted,
    away: &[&FollowedFile],
    cut: Option<&Tail>,
    beside: &mut [(Content, Option<Inode>)],
    is_open: impl Fn(FileNo) -> bool,
) -> Verdict {
    // What is here itself has no copy in its place, only others that begin alike.
    if let Some(file) = spotted.longest(away.iter().copied()) {
        let known = spotted.known_as(file);
        return if known.finished { Verdict::Read(Some(file.number)) } else { Verdict::GoesOn(known) };
    }
    if cut.is_some_and(|cut| spotted.open().is_some_and(|content| cut.has_read(content))) {
        return Verdict::Read(None);
    }
    let original = beside.iter_mut().position(|(other, _)| spotted.is_part_of(other, 0));
    if let Some(original) = original.filter(|_| spotted.has_any()) {
        return Verdict::Copy(beside[original].1);
    }
    let gone = away.iter().copied().filter(|file| !is_open(file.number)).chain(cut.map(|cut| &cut.file));
    let mut whole = gone.filter(|file| spotted.is_read_part(file));
    whole.next().map_or(Verdict::New, |file| Verdict::Doubtful(file.number))
}

/// Whether it is a compressed copy beside its original, which goes when the copy is whole: that is read instead, or has been
/// read while the copy may still be written.
fn is_in_the_making(candidate: &Candidate, to_read: &[PathBuf], here: &[PathBuf]) -> bool {
    let is_recent = candidate.modified.elapsed().is_ok_and(|ago| ago < PACKED_WITHIN);
    original(&candidate.path).is_some_and(|path| to_read.contains(&path) || is_recent && here.contains(&path))
}

/// What a compressed copy is made of, by its name.
fn original(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    rotation::is_compressed(path).then(|| path.with_file_name(rotation::plain_name(name)))
}

/// Whoever packs writes at least as often.
const PACKED_WITHIN: Duration = Duration::from_secs(60);

/// A small copy of what has been read elsewhere, as a file that was read to its end. Larger ones are known by their heads.
pub(super) fn small_copy(copy: &mut Spotted) -> Option<FollowedFile> {
    let offset = copy.open()?.head().ok()?.len() as u64;
    (offset > 0 && offset < HEAD_BYTES_MAX).then(|| copy.read_up_to(offset)).flatten()
}
