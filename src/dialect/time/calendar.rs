//! The day, the time of day and the zone, as people and programs write them.

use super::scan::Scan;

/// A day; its year may not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub year: Option<u32>,
    pub month: u32,
    pub day: u32,
    /// It might as well be read the other way round, and nobody said which.
    pub is_guess: bool,
}

/// A time of day; a leap second is the last millisecond before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millis: u32,
}

/// The zone that is written with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    /// A name that says nothing to us.
    Unknown,
}

/// `2024-02-29`, `29.02.2024`, `02/29/2024`, `Feb 29`, `29-Feb-2024`, perhaps behind the name of a weekday.
pub(super) fn day(scan: &mut Scan<'_>, day_first: Option<bool>) -> Option<Day> {
    scan.maybe(|scan| {
        scan.maybe(weekday);
        year_first(scan).or_else(|| named(scan)).or_else(|| numbers(scan, day_first))
    })
}

fn weekday(scan: &mut Scan<'_>) -> Option<()> {
    let word = scan.word()?;
    let known = word.len() >= 3 && WEEKDAYS.iter().any(|name| begins(name, word));
    scan.one_of(b",.");
    (known && scan.blanks()).then_some(())
}

fn year_first(scan: &mut Scan<'_>) -> Option<Day> {
    scan.maybe(|scan| {
        let year = scan.number(4..=4)?;
        let mark = scan.one_of(b"-/.")?;
        let month = scan.number(1..=2)?;
        scan.one_of(&[mark])?;
        Some(Day { year: Some(year), month, day: scan.number(1..=2)?, is_guess: false })
    })
}

/// With the month by name: `Feb  9`, `Feb 29, 2024`, `29 Feb 2024`, `29/Feb/2024`.
fn named(scan: &mut Scan<'_>) -> Option<Day> {
    scan.maybe(|scan| {
        let before = scan.number(1..=2);
        if before.is_some() && scan.one_of(b"-/").is_none() && !scan.blanks() {
            return None;
        }
        let month = month(scan)?;
        let day = match before {
            Some(day) => day,
            None => {
                scan.one_of(b".");
                scan.blanks();
                scan.number(1..=2)?
            }
        };
        let year = scan.maybe(|scan| {
            scan.one_of(b"-/,");
            scan.blanks();
            let year = scan.number(4..=4)?;
            (!scan.rest.starts_with(|c: char| c.is_alphanumeric())).then_some(year)
        });
        Some(Day { year, month, day, is_guess: false })
    })
}

fn month(scan: &mut Scan<'_>) -> Option<u32> {
    let word = scan.word().filter(|word| word.len() >= 3)?;
    let at = MONTHS.iter().position(|name| begins(name, word))?;
    u32::try_from(at + 1).ok()
}

/// Whether `word` is the beginning of `name`, whatever its case.
fn begins(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// `29.02.2024` has the day first; with other marks it is as configured, or as the numbers allow.
fn numbers(scan: &mut Scan<'_>, day_first: Option<bool>) -> Option<Day> {
    scan.maybe(|scan| {
        let first = scan.number(1..=2)?;
        let mark = scan.one_of(b"-/.")?;
        let second = scan.number(1..=2)?;
        scan.one_of(&[mark])?;
        let (year, is_short) = match scan.number(4..=4) {
            Some(year) => (year, false),
            None => (2000 + scan.number(2..=2)?, true),
        };
        let wanted = day_first.or((mark == b'.').then_some(true));
        let is_day_first = match (first > 12, second > 12) {
            (true, false) => true,
            (false, true) => false,
            _ => wanted.unwrap_or(false),
        };
        let (day, month) = if is_day_first { (first, second) } else { (second, first) };
        // Of 24-02-29 either end may be the year.
        let may_begin_with_year = is_short && (1..=12).contains(&second) && year <= 2031;
        let is_guess = wanted.is_none()
            && (first <= 12 && second <= 12 && first != second || first > 12 && may_begin_with_year);
        Some(Day { year: Some(year), month, day, is_guess })
    })
}

/// `07:58`, `07:58:40`, `07:58:40,118`, `7:58:40.118 PM`.
pub(super) fn clock(scan: &mut Scan<'_>) -> Option<Clock> {
    scan.maybe(|scan| {
        let hour = scan.number(1..=2)?;
        scan.one_of(b":")?;
        let minute = scan.number(2..=2)?;
        let mut clock = Clock { hour, minute, second: 0, millis: 0 };
        if let Some(second) = scan.maybe(|scan| scan.one_of(b":").and_then(|_| scan.number(2..=2))) {
            clock.second = second;
            clock.millis = scan.maybe(fraction).unwrap_or(0);
        }
        if let Some(is_afternoon) = scan.maybe(half_of_day) {
            if !(1..=12).contains(&clock.hour) {
                return None;
            }
            clock.hour = clock.hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        if clock.second == 60 {
            (clock.second, clock.millis) = (59, 999);
        }
        Some(clock)
    })
}

/// Milliseconds of a fraction; further digits are cut.
pub(super) fn fraction(scan: &mut Scan<'_>) -> Option<u32> {
    scan.one_of(b".,")?;
    let digits = scan.digits(1..=18)?;
    let millis = digits.bytes().chain(*b"00").take(3);
    Some(millis.fold(0, |millis, digit| millis * 10 + u32::from(digit - b'0')))
}

fn half_of_day(scan: &mut Scan<'_>) -> Option<bool> {
    scan.blanks();
    let letter = scan.one_of(b"AaPp")?;
    let dotted = scan.one_of(b".").is_some();
    scan.one_of(b"Mm")?;
    if dotted {
        scan.one_of(b".")?;
    }
    (!scan.rest.starts_with(|c: char| c.is_alphanumeric())).then_some(matches!(letter, b'P' | b'p'))
}

/// `Z`, `+01:00`, ` +0100`, ` CET`, and the name in brackets that may follow.
pub(super) fn zone(scan: &mut Scan<'_>) -> Option<Zone> {
    let found = scan.maybe(|scan| {
        scan.blanks();
        scan.maybe(offset).or_else(|| abbreviation(scan)).map(Zone::Offset)
    });
    let name = scan.maybe(|scan| {
        scan.one_of(b"[")?;
        let end = scan.rest.bytes().take(NAME_BYTES_MAX + 1).position(|byte| byte == b']')?;
        let name = &scan.rest[..end];
        let is_name =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+' | '=' | '!' | ',');
        if !name.contains('/') || !name.chars().all(is_name) {
            return None;
        }
        scan.rest = &scan.rest[end + 1..];
        Some(Zone::Unknown)
    });
    found.or(name)
}

fn offset(scan: &mut Scan<'_>) -> Option<i32> {
    let sign = if scan.one_of(b"+-")? == b'-' { -1 } else { 1 };
    let (hours, minutes) = match scan.digits(2..=4)? {
        both if both.len() == 4 => (both[..2].parse::<i32>().ok()?, both[2..].parse::<i32>().ok()?),
        hours if hours.len() == 2 => {
            let minutes = scan.maybe(|scan| scan.one_of(b":").and_then(|_| scan.number(2..=2)));
            (hours.parse().ok()?, i32::try_from(minutes.unwrap_or(0)).ok()?)
        }
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn abbreviation(scan: &mut Scan<'_>) -> Option<i32> {
    let name = scan.word()?;
    let ends = !scan.rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_'));
    let known = ZONES.iter().find(|(known, _)| *known == name || (*known == "Z" && name == "z"));
    known.filter(|_| ends).map(|(_, hours)| hours * 3600)
}

const NAME_BYTES_MAX: usize = 64;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Hours east of UTC, for names that mean one zone only.
const ZONES: [(&str, i32); 17] = [
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("JST", 9),
    ("EST", -5),
    ("EDT", -4),
    ("CDT", -5),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];
