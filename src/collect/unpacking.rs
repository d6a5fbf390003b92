//! Compressed copies are unpacked as far as has to be known of them, a part at a time: a large one holds up nobody else.
//!
//! What has to be known ends just behind what was read of the files that begin alike: the rest is read as any log is.

use super::content::Content;
use super::identity;
use super::rotation;
use super::source::Source;
use super::spotted::{Face, Spotted};
use crate::journal::FollowedFile;

/// A copy, and how far it has been unpacked.
#[derive(Debug)]
pub(super) struct Unpacking {
    face: Face,
    content: Content,
}

impl Source {
    /// Unpacks some more of the copies beside a log. True when not all that has to be known of them is.
    pub(super) fn unpacks(&mut self, log: usize) -> bool {
        let files = self.files();
        let since = self.logs[log].left.iter().map(|left| left.modified);
        let marks = files.iter().filter(|file| !file.finished).filter_map(|file| file.mark);
        let since = since.chain(marks.map(|mark| mark.modified)).min().unwrap_or(i64::MIN);
        let mut before = std::mem::take(&mut self.logs[log].unpacking);
        let (mut now, mut left, mut is_behind) = (Vec::new(), UNPACKED_BYTES, false);
        for mut copy in self.siblings(log) {
            let face = copy.face();
            let is_open = self.logs[log].tails.iter().any(|tail| copy.sight.is(&tail.file));
            let is_needless = is_open || self.logs[log].done_with.contains(&face);
            if !rotation::is_compressed(&copy.path) || is_needless || copy.modified_millis() < since {
                continue;
            }
            if let Some(at) = before.iter().position(|it| it.face == face) {
                copy.content = Some(before.swap_remove(at).content);
            }
            let wanted = wanted(&mut copy, &files);
            let Some(mut content) = copy.content.take().filter(|_| wanted > SMALL_BYTES) else { continue };
            is_behind |= !content.unpack_to(wanted, &mut left);
            now.push(Unpacking { face, content });
            // More than that are unpacked where they are needed: they would take too much memory.
            if is_behind || now.len() >= KEPT_MAX {
                break;
            }
        }
        self.logs[log].unpacking = now;
        self.logs[log].is_unpacking = is_behind;
        is_behind
    }

    pub(super) fn keep_unpacked(&mut self, log: usize, copies: Vec<Spotted>) {
        let unpacked = copies.into_iter().filter(Spotted::is_packed).take(KEPT_MAX);
        let kept =
            unpacked.filter_map(|mut it| Some(Unpacking { face: it.face(), content: it.content.take()? }));
        self.logs[log].unpacking = kept.collect();
    }

    /// What has been unpacked of these.
    pub(super) fn give_unpacked(&mut self, log: usize, found: &mut [Spotted]) {
        for Unpacking { face, content } in std::mem::take(&mut self.logs[log].unpacking) {
            if let Some(copy) = found.iter_mut().find(|it| it.content.is_none() && it.face() == face) {
                copy.content = Some(content);
            }
        }
    }
}

/// Up to where a copy has to be known.
fn wanted(copy: &mut Spotted, files: &[FollowedFile]) -> u64 {
    let Some(content) = copy.open() else { return 0 };
    let mut begins_so = |file: &&FollowedFile| {
        identity::head(content, file.head_bytes).is_ok_and(|head| head == Some(file.head.clone()))
    };
    files
        .iter()
        .filter(|file| file.head_bytes > 0)
        .filter(&mut begins_so)
        .map(|file| file.offset + 1)
        .max()
        .unwrap_or(0)
}

/// Bytes that are unpacked in one look: some tenths of a second at most.
const UNPACKED_BYTES: u64 = 32 << 20;
/// Less than that costs nothing.
const SMALL_BYTES: u64 = 64 << 10;
/// Copies that are kept as far as they were unpacked: what unpacks them may take some MiB.
const KEPT_MAX: usize = 2;
