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
//!
//! An entry that otrail cannot read by a defect of its own is as any other that nobody can read: masked, raw, flagged. If
//! that cannot be had either, as when it is a mask that panics, not a byte of it is kept: nothing is known to be no secret.

use super::{Context, Dialect, Identity, Masks, Parsed, State, timeline};
use crate::model::guard::{Panicked, guard};
use crate::model::{Event, Flag, Raw, Text};
use sha2::{Digest, Sha256};
use std::panic::AssertUnwindSafe;

/// Reads one entry; never fails.
pub fn read(dialect: &Dialect, state: &State, context: &Context<'_>, masks: &Masks, entry: &[u8]) -> Parsed {
    let mut parsed = masks.parse(state, context, entry, |entry| (dialect.parse)(state, context, entry));
    bound(&mut parsed.event, context.habits.field_bytes_max);
    parsed
}

/// What `read` would say of an entry that nobody can read: for one that it has panicked at.
pub fn unread(
    state: &State,
    context: &Context<'_>,
    masks: &Masks,
    entry: &[u8],
    panicked: Panicked,
) -> Parsed {
    let parsed = or_withheld(context, entry, || {
        let mut parsed = masks.parse(state, context, entry, |entry| timeline::unparsed(context, entry));
        bound(&mut parsed.event, context.habits.field_bytes_max);
        parsed
    });
    Parsed { defect: Some(panicked), ..parsed }
}

fn or_withheld(context: &Context<'_>, entry: &[u8], masked: impl FnOnce() -> Parsed) -> Parsed {
    // Nothing is changed but what is made there; what regular expressions remember is not used again after a panic.
    guard(AssertUnwindSafe(masked)).unwrap_or_else(|_| withheld(context, entry.len()))
}

/// An entry of which nothing but its length may be kept. Its id is not made of it, either: it has its place.
fn withheld(context: &Context<'_>, bytes: usize) -> Parsed {
    let mut parsed = timeline::unparsed(context, b"");
    parsed.event.message =
        format!("an entry of {bytes} bytes is not kept: it could not be masked, by a defect of otrail")
            .into();
    parsed.event.raw = Raw::None;
    parsed.event.flags.insert(Flag::MASKED);
    parsed.identity = Identity::of_values_and_position(b'w', &[Some(context.sensor.as_bytes())]);
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
    fn of_an_entry_that_cannot_be_masked_nothing_is_kept() {
        let context = Context::example();
        let withheld =
            |entry: &[u8]| or_withheld(&context, entry, || std::panic::resume_unwind(Box::new(())));
        let Parsed { event, identity, .. } = withheld(b"hunter2");
        assert_eq!(event.raw, Raw::None);
        assert!(event.message.starts_with("an entry of 7 bytes is not kept"), "{event:?}");
        assert!(event.flags.contains(Flag::UNPARSED) && event.flags.contains(Flag::MASKED));
        assert!(
            identity.needs_position() && identity == withheld(b"another").identity,
            "no hash of it, either"
        );
        let kept = or_withheld(&context, b"kept", || timeline::unparsed(&context, b"kept"));
        assert_eq!(kept.event.message, "kept");
    }

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
