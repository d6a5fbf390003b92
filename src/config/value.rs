//! How values are written: durations, sizes, names, fingerprints. Whoever reads one says its bounds.

use super::problem::{nearest, quoted};
use super::raw::{Value, kind};
use crate::net::Pin;
use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

impl<'a> Value<'a> {
    /// Notes a problem with this value.
    pub(super) fn problem(&self, message: impl Into<String>, way_out: impl Into<String>) {
        self.notes.problem(self.span.clone(), message, way_out);
    }

    /// Notes a warning about this value.
    pub(super) fn warning(&self, message: impl Into<String>, way_out: impl Into<String>) {
        self.notes.warning(self.span.clone(), message, way_out);
    }

    /// Text that is not empty and holds no control character.
    pub(super) fn text(&self) -> Option<&'a str> {
        let DeValue::String(text) = self.value else {
            self.wrong_kind("text");
            return None;
        };
        if text.trim().is_empty() {
            self.problem(format!("`{}` is empty", self.key.name), self.example());
            return None;
        }
        if text.chars().any(char::is_control) {
            self.problem(format!("`{}` holds a control character", self.key.name), "leave it out");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_kind("true or false");
                None
            }
        }
    }

    /// A whole number within `bounds`.
    pub(super) fn integer(&self, bounds: RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(integer) = self.value else {
            self.wrong_kind("a whole number");
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            let way_out = format!("allowed: {} to {}", bounds.start(), bounds.end());
            self.problem(format!("`{}` is out of range", self.key.name), way_out);
        }
        number
    }

    /// A duration such as `"15 min"` within `bounds`.
    pub(super) fn duration(&self, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        if let DeValue::Integer(_) | DeValue::Float(_) = self.value {
            self.problem(format!("`{}` needs a unit", self.key.name), self.example());
            return None;
        }
        let text = self.text()?;
        let span = text.trim().parse::<Span>().ok();
        let signed = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let Some(signed) = signed else {
            let way_out = format!("units: ms, s, min, h, days, weeks; {}", self.example());
            self.problem(format!("{} is not a duration", quoted(text)), way_out);
            return None;
        };
        let duration = Duration::try_from(signed).ok().filter(|duration| bounds.contains(duration));
        if duration.is_none() {
            let way_out = format!("allowed: {} to {}", people(*bounds.start()), people(*bounds.end()));
            self.problem(format!("{} is out of range", quoted(text)), way_out);
        }
        duration
    }

    /// A size such as `"2 GiB"` within `bounds`, in bytes.
    pub(super) fn size(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        if let DeValue::Integer(_) | DeValue::Float(_) = self.value {
            self.problem(format!("`{}` needs a unit", self.key.name), self.example());
            return None;
        }
        let text = self.text()?;
        let Ok(ByteSize(bytes)) = text.trim().parse::<ByteSize>() else {
            let way_out = format!("units: B, KiB, MiB, GiB, TiB, kB, MB, GB, TB; {}", self.example());
            self.problem(format!("{} is not a size", quoted(text)), way_out);
            return None;
        };
        if !bounds.contains(&bytes) {
            let way_out = format!("allowed: {} to {}", ByteSize(*bounds.start()), ByteSize(*bounds.end()));
            self.problem(format!("{} is out of range", quoted(text)), way_out);
            return None;
        }
        Some(bytes)
    }

    /// As `size`, for what is held in memory.
    pub(super) fn memory(&self, bounds: RangeInclusive<u64>) -> Option<usize> {
        self.size(bounds).and_then(|bytes| usize::try_from(bytes).ok())
    }

    /// One of the words of a table.
    pub(super) fn one_of<T>(&self, choices: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
        let word = self.text()?;
        let mut names = Vec::new();
        for (name, choice) in choices {
            if name == word {
                return Some(choice);
            }
            names.push(name);
        }
        let way_out = match nearest(word, names.iter().copied()) {
            Some(near) if names.len() > A_FEW => format!("did you mean `{near}`?"),
            _ => format!("known: {}", names.join(", ")),
        };
        self.problem(format!("unknown {} {}", self.key.name, quoted(word)), way_out);
        None
    }

    /// A file or folder; a relative one is relative to the folder of the config file.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let path = self.text()?;
        Some(self.notes.path.parent().map_or_else(|| PathBuf::from(path), |folder| folder.join(path)))
    }

    /// A file that systemd may hand over: `credential:NAME`, or a path.
    ///
    /// Credentials are as they were at the start of the service (systemd.exec(5), LoadCredential=); what is replaced
    /// under way needs a path.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let Some(name) = self.text()?.strip_prefix("credential:") else { return self.path() };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if name.is_empty() || name.len() > 255 || !name.chars().all(plain) || name.starts_with('.') {
            let way_out =
                "credential:client.key, with LoadCredential=client.key:/etc/otrail/client.key in the unit";
            self.problem(format!("{} is no name of a credential", quoted(name)), way_out);
            return None;
        }
        let folder =
            std::env::var_os("CREDENTIALS_DIRECTORY").map_or_else(|| CREDENTIALS.into(), PathBuf::from);
        Some(folder.join(name))
    }

    /// What `read` makes of each item of a list of at most `max`; every item is read, whatever the others are.
    pub(super) fn list<T>(&self, max: usize, read: impl Fn(&Value<'a>) -> Option<T>) -> Option<Vec<T>> {
        let DeValue::Array(items) = self.value else {
            self.wrong_kind("a list");
            return None;
        };
        if items.len() > max {
            self.problem(format!("`{}` has {} items", self.key.name, items.len()), format!("at most {max}"));
            return None;
        }
        let item = |item: &'a Spanned<DeValue<'a>>| {
            read(&Value { span: item.span(), value: item.get_ref(), ..self.clone() })
        };
        let read: Vec<Option<T>> = items.iter().map(item).collect();
        read.into_iter().collect()
    }

    /// The name of a source or destination: it becomes part of file names and of every event.
    pub(super) fn name(&self) -> Option<&'a str> {
        let name = self.text()?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = name.len() <= NAME_BYTES_MAX
            && name.starts_with(plain)
            && name.chars().all(|c| plain(c) || c == '_' || c == '-');
        if !valid {
            let way_out =
                format!("a-z, 0-9, `-` and `_`, beginning with a letter or digit, at most {NAME_BYTES_MAX}");
            self.problem(format!("{} is no name", quoted(name)), way_out);
        }
        valid.then_some(name)
    }

    /// A SHA-256 fingerprint.
    pub(super) fn pin(&self) -> Option<Pin> {
        let text = self.text()?;
        let pin = Pin::parse(text);
        if pin.is_none() {
            let way_out =
                "64 hex digits, as `openssl x509 -noout -fingerprint -sha256 -in server.pem` shows them";
            self.problem(format!("{} is not a SHA-256 fingerprint", quoted(text)), way_out);
        }
        pin
    }

    /// A syslog facility by name or number.
    pub(super) fn facility(&self) -> Option<u8> {
        if let DeValue::Integer(_) = self.value {
            return self.integer(0..=23).and_then(|number| u8::try_from(number).ok());
        }
        self.one_of(FACILITIES.iter().zip(0u8..).map(|(&name, number)| (name, number)))
    }

    fn wrong_kind(&self, wanted: &str) {
        let message = format!("`{}` must be {wanted}, not {}", self.key.name, kind(self.value));
        self.problem(message, self.example());
    }

    pub(super) fn example(&self) -> String {
        format!("for example: {} = {}", self.key.name, self.key.example)
    }
}

/// A bound as an admin would write it.
fn people(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms")];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| millis >= *size && millis.is_multiple_of(*size))
        .unwrap_or((1, "ms"));
    format!("{} {unit}", millis / size)
}

/// So many words are listed; of more the nearest is named.
const A_FEW: usize = 8;
const NAME_BYTES_MAX: usize = 32;

/// Names by number (RFC 5424 section 6.2.1), spelled as rsyslog spells them.
const FACILITIES: &[&str] = &[
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "log-audit",
    "log-alert",
    "clock",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
/// Where systemd puts the credentials of the unit: for `check` and others that it does not start.
const CREDENTIALS: &str = "/run/credentials/otrail.service";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_named_in_its_largest_whole_unit() {
        assert_eq!(people(Duration::from_secs(400 * 86_400)), "400 days");
        assert_eq!(people(Duration::from_secs(90)), "90 s");
        assert_eq!(people(Duration::from_millis(100)), "100 ms");
    }

    #[test]
    fn every_facility_has_its_number_of_rfc_5424() {
        let number = |name| FACILITIES.iter().position(|&known| known == name);
        assert_eq!(FACILITIES.len(), 24);
        for (name, expected) in
            [("kern", 0), ("auth", 4), ("authpriv", 10), ("log-audit", 13), ("local0", 16)]
        {
            assert_eq!(number(name), Some(expected));
        }
    }
}
