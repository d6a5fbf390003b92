//! Histories that went wrong once.

use super::Act::*;
use super::*;

/// That history, with numbers and in memory.
fn after(acts: &[Act], padding: usize) {
    after_with(acts, padding, false);
}

/// The same, perhaps with dates instead of numbers.
fn after_with(acts: &[Act], padding: usize, dated: bool) {
    for on_disk in [false, true] {
        let setting = Setting { padding, dated, linked: false, on_disk };
        if let Err(error) = check(acts, setting) {
            panic!("{error}");
        }
    }
}

fn append(lines: u8) -> Act {
    Append { lines, part: false }
}

const EMPTY: Act = Truncate { same: false, size: Size::Empty };
const PART: Act = Append { lines: 0, part: true };

#[test]
fn what_was_cut_within_its_first_line_is_no_beginning_of_others() {
    after(
        &[
            CopyTruncate,
            PART,
            Poll,
            Truncate { same: false, size: Size::Longer },
            Poll,
            CopyTruncate,
            append(1),
        ],
        40,
    );
}

#[test]
fn a_deleted_log_that_was_cut_before_is_read_from_its_beginning() {
    after(&[Truncate { same: false, size: Size::Shorter }, Delete { create: true }], 0);
}

#[test]
fn a_copy_of_what_was_read_in_the_place_of_the_log_does_not_hide_what_the_log_was_renamed_to() {
    after(&[Backup, EMPTY, append(1), Rotate { create: true }, Restore { in_place: false }], 700);
}

#[test]
fn a_late_line_in_a_file_that_was_left_empty_is_read() {
    after(&[Delete { create: true }, Rotate { create: false }, Poll, Rest, append(1), Poll, Late], 0);
}

#[test]
fn a_log_that_was_copied_and_cut_twice_before_anything_was_read_of_it_is_one_file() {
    after(&[append(1), CopyTruncate, Glance, CopyTruncate, Glance, append(1)], 700);
}

#[test]
fn a_compressed_copy_on_the_inode_of_a_file_that_is_gone_is_not_taken_for_that_file() {
    after(
        &[
            EMPTY,
            Truncate { same: false, size: Size::Shorter },
            Poll,
            Truncate { same: false, size: Size::Same },
            append(1),
            Backup,
            Restore { in_place: false },
            append(1),
            Glance,
            Start,
            Poll,
            Rotate { create: true },
            Kill,
            Truncate { same: true, size: Size::Shorter },
            Late,
            Compress { pack: Pack::Zstd, delayed: false },
            PART,
            CopyTruncate,
        ],
        40,
    );
}

#[test]
fn a_late_line_in_a_file_that_is_no_longer_open_is_read_once() {
    let rotate = Rotate { create: true };
    after(&[rotate, Poll, Rest, rotate, Poll, Late], 0);
    after(&[CopyTruncate, Rotate { create: false }, append(1), Poll, Rest, Poll, Late], 0);
    after(&[rotate, Rest, Poll, Kill, Start, append(1), Poll, Late], 0);
    after(&[CopyTruncate, Rotate { create: false }, append(1), Poll, EMPTY, Rest, Poll, Late], 0);
}

#[test]
fn a_compressed_copy_of_a_file_that_is_still_open_is_not_read() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    after(&[CopyTruncate, append(1), Rotate { create: false }, pack, Late], 0);
}

#[test]
fn an_entry_whose_beginning_was_read_before_its_file_was_copied_and_cut_is_read_whole() {
    let pack = Compress { pack: Pack::Gzip, delayed: true };
    let shorter = Truncate { same: false, size: Size::Shorter };
    after(&[shorter, Glance, CopyTruncate, Rotate { create: false }, Glance, pack], 40);
}

#[test]
fn a_copy_that_got_the_inode_of_the_file_itself_is_a_copy() {
    let rewrite = Truncate { same: false, size: Size::Same };
    after(&[Kill, Backup, rewrite, Restore { in_place: false }, CopyTruncate], 0);
}

#[test]
fn a_compressed_copy_of_a_link_s_former_file_is_not_read_when_a_late_line_came_only_to_the_file() {
    let setting = Setting { padding: 0, dated: false, linked: true, on_disk: false };
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    check(&[Rotate { create: true }, pack, Late, Poll, Kill], setting).unwrap();
}

#[test]
fn what_came_to_a_log_before_a_backup_took_its_place_is_read() {
    let restore = Restore { in_place: false };
    after(&[Backup, append(1), restore], 700);
    after(&[Backup, append(1), Poll, restore, append(1), PART], 700);
    after(&[Backup, restore, append(1), CopyTruncate], 0);
    after(&[Backup, restore, append(1), Rotate { create: false }], 0);
}

#[test]
fn a_small_compressed_copy_is_read_where_the_agent_was_killed_before_it_had_read_the_file() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    after(&[append(1), Rotate { create: false }, pack, Glance, Kill], 40);
    after(&[CopyTruncate, append(1), Rotate { create: false }, pack, Glance, Kill], 40);
}

#[test]
fn a_late_line_in_a_file_that_was_left_and_compressed_is_read() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    after(&[Rotate { create: false }, Poll, Rest, append(1), Poll, Late, pack], 0);
    after(&[Rotate { create: false }, Poll, Rest, append(1), Poll, Kill, Late, pack], 0);
}

#[test]
fn a_compressed_copy_of_a_former_log_says_nothing_about_a_backup_in_the_log_s_place() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    after(&[Backup, Rotate { create: false }, append(1), Late, Restore { in_place: false }, pack], 0);
}

#[test]
fn a_late_line_in_a_cut_file_that_is_as_its_copy_was_is_read() {
    after(&[CopyTruncate, PART, CopyTruncate, PART, Rotate { create: false }, append(1), Poll, Late], 0);
}

#[test]
fn a_late_line_in_a_file_that_was_left_empty_and_compressed_is_read() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    after(&[CopyTruncate, Rotate { create: false }, Poll, Rest, append(1), Poll, Late, pack], 0);
}

#[test]
fn a_compressed_copy_of_what_went_on_as_a_backup_is_read_once() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    let restore = Restore { in_place: false };
    after(&[Backup, restore, append(1), Rotate { create: false }, Glance, pack], 40);
}

#[test]
fn a_copy_of_a_file_that_was_gone_before_it_was_read_is_nothing_new_after_a_kill() {
    let pack = Compress { pack: Pack::Gzip, delayed: false };
    let shorter = Truncate { same: false, size: Size::Shorter };
    after(&[shorter, Rotate { create: false }, pack, Late, Poll, Kill], 0);
}

#[test]
fn a_file_that_was_cut_again_and_again_is_the_one_of_which_most_was_read() {
    let longer = Truncate { same: false, size: Size::Longer };
    after(&[Rotate { create: false }, PART, Poll, CopyTruncate, Poll, PART, Poll, longer, Poll, Kill], 0);
}

#[test]
fn a_copy_that_goes_on_otherwise_than_what_was_read_is_read() {
    let restore = Restore { in_place: false };
    after(&[Backup, append(2), Poll, restore, append(1), CopyTruncate], 700);
}

#[test]
fn what_was_copied_before_the_log_became_again_what_it_was_is_read() {
    let shorter = Truncate { same: false, size: Size::Shorter };
    after(&[Backup, shorter, CopyTruncate, Restore { in_place: true }], 0);
    after(&[Backup, Kill, shorter, CopyTruncate, Restore { in_place: true }], 0);
}

#[test]
fn a_backup_in_the_place_of_what_was_cut_is_read_once() {
    after(&[Backup, EMPTY, Poll, Restore { in_place: true }, append(1)], 0);
}

#[test]
fn what_was_compressed_before_it_was_read_is_read_once_in_several_looks() {
    let (rotate, pack) = (Rotate { create: false }, Compress { pack: Pack::Xz, delayed: false });
    after(&[rotate, append(1), rotate, pack, Glance], 40);
    after(&[CopyTruncate, append(1), CopyTruncate, pack, Glance], 40);
}

#[test]
fn a_backup_of_what_was_read_in_part_is_read_to_its_end() {
    let shorter = Truncate { same: false, size: Size::Shorter };
    after(&[append(1), Glance, Backup, shorter, Poll, Restore { in_place: true }], 40);
}

#[test]
fn a_line_that_was_read_in_part_before_its_log_was_cut_twice_is_no_line() {
    let shorter = Truncate { same: false, size: Size::Shorter };
    let longer = Truncate { same: true, size: Size::Longer };
    after(&[shorter, Glance, EMPTY, Poll, longer, Kill], 40);
}

#[test]
fn a_log_that_is_cut_twice_in_one_look_is_one_file() {
    let amid = || CopyAmid { moment: Moment::BeforeBytes, lines: 1 };
    after(&[CopyTruncate, PART, Poll, amid(), amid(), Kill], 0);
}

#[test]
fn a_copy_that_is_written_over_while_it_is_read_is_read_anew() {
    let edit = Edit { line: 6, how: How::More };
    after(&[edit, Glance, Truncate { same: true, size: Size::Shorter }], 700);
}

#[test]
fn an_edited_copy_that_is_copied_and_cut_before_anything_is_added_is_known_after_a_crash() {
    let edit = Edit { line: 3, how: How::Without };
    after(&[Truncate { same: false, size: Size::Shorter }, append(2), edit, Poll, CopyTruncate, Kill], 700);
}

#[test]
fn a_copy_that_waits_for_others_is_read_though_one_that_is_newer_was() {
    let amid = |lines| CopyAmid { moment: Moment::BeforeBytes, lines };
    let (rotate, pack) = (Rotate { create: true }, Compress { pack: Pack::Gzip, delayed: false });
    let begin = [rotate, pack, CopyTruncate, rotate, CopyTruncate, amid(1), rotate, CopyTruncate];
    after(&[&begin[..], &[CopyTruncate, append(1), amid(1), CopyTruncate]].concat(), 0);
}
