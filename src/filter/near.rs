//! Names that look like a mistyped one, for the way out of an error.

/// Up to three of the names, the nearest first.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = known
        .map(|known| (distance(name, known), known))
        .filter(|&(edits, known)| edits <= known.len() / 3 || (name.len() > 2 && known.contains(name)))
        .collect();
    found.sort_unstable();
    found.truncate(NEAR_MAX);
    found.into_iter().map(|(_, known)| known).collect()
}

/// How many characters to insert, remove or replace to turn one name into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, byte) in left.bytes().take(NAME_BYTES_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

/// How many names an error offers.
const NEAR_MAX: usize = 3;
/// No known name is longer; what follows cannot make a name nearer.
const NAME_BYTES_MAX: usize = 64;
