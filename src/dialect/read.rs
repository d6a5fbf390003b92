//! One entry as the agent reads it: masked, parsed, masked again where its form hid something, its fields bounded.
//!
//! ```text
//! field       bytes at most
//! message     as the line: `line-max` of the source
//! any other   `field-max` of the source
//! ```
//!
//! A longer field is cut at a character boundary and ends in ` [cut, 70000 bytes, sha256 0f3a...]`: length and hash
//! of what it was. `raw` stays whole.

use super::{Context, Dialect, Masks, Parsed, State};
use crate::model::{Event, Flag, Text};
use sha2::{Digest, Sha256};

/// Reads one entry; never fails.
pub fn read(dialect: &Dialect, state: &State, context: &Context<'_>, masks: &Masks, entry: &[u8]) -> Parsed {
    let mut parsed = masks.parse(dialect, state, context, entry);
    bound(&mut parsed.event, context.habits.field_bytes_max);
    parsed
}

/// The text fields of an event that come from the entry.
pub(super) fn fields(event: &mut Event) -> impl Iterator<Item = &mut Text> {
    let Event { user, domain, account, role, client, reason, old, new, target, .. } = event;
    let target = target.iter_mut().flat_map(|target| {
        let target = &mut **target;
        [target.name.as_mut(), target.id.as_mut()].into_iter().flatten()
    });
    let plain = [&mut event.message, &mut event.kind, &mut event.title, &mut event.label];
    let optional = [user, domain, account, role, client, reason, old, new];
    plain
        .into_iter()
        .chain(optional.into_iter().flat_map(Option::as_mut))
        .chain(target)
        .chain(&mut event.devices)
}

fn bound(event: &mut Event, bytes_max: usize) {
    let mut cut = false;
    // The first is the message.
    for field in fields(event).skip(1).filter(|field| field.len() > bytes_max) {
        *field = shortened(field, bytes_max);
        cut = true;
    }
    if cut {
        event.flags.insert(Flag::TRUNCATED);
    }
}

fn shortened(text: &str, bytes_max: usize) -> Text {
    let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mark = format!(" [cut, {} bytes, sha256 {hash}]", text.len());
    let kept = bytes_max.saturating_sub(mark.len());
    let end = (0..=kept).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    Text::from(&text[..end]) + &mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Outcome, Time};

    #[test]
    fn an_over_long_field_is_cut_and_says_what_it_was() {
        let mut event = Event::new(Action::USER_OPERATION, Outcome::Unknown, Time::default());
        event.user = Some("ü".repeat(3000).into());
        event.message = "a".repeat(100_000).into();
        let hash = format!("{:x?}", &Sha256::digest("ü".repeat(3000))[..1]);
        bound(&mut event, 256);
        let user = event.user.unwrap();
        assert!(user.len() <= 256 && user.starts_with("üü"));
        assert!(user.contains(" [cut, 6000 bytes, sha256 "), "{hash}");
        assert_eq!(event.message.len(), 100_000);
        assert!(event.flags.contains(Flag::TRUNCATED));
    }
}
