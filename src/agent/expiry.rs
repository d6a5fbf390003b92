//! Certificates that are about to expire are told of in time, and no more often than that.
//!
//! ```text
//! days left   30   14   7   1   0 (expired)      one event at each, for each destination and certificate
//! ```
//!
//! What was told is kept in a small file, so that a restart does not say it again.

use crate::journal::regular;
use crate::model::status::{CertificateStatus, DestinationStatus};
use crate::model::{Action, Event, Outcome, Target, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// What was told of each certificate of each destination.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Told(BTreeMap<String, u64>);

impl Told {
    /// Events for the certificates that have come nearer to their end than was told. What is in use no more is forgotten.
    pub(super) fn due(&mut self, destinations: &[DestinationStatus], now: Time) -> Vec<Event> {
        let mut events = Vec::new();
        let before = std::mem::take(&mut self.0);
        for destination in destinations {
            for certificate in &destination.certificates {
                let Some(left) = days_left(certificate, now) else { continue };
                let Some(step) = DAYS.iter().copied().filter(|&step| left <= step).min() else { continue };
                let key = format!("{} {} {}", destination.name, certificate.whose, certificate.fingerprint);
                let told = before.get(&key).copied();
                if told.is_none_or(|told| step < told) {
                    events.push(event(destination, certificate, left, now));
                }
                self.0.insert(key, told.map_or(step, |told| told.min(step)));
            }
        }
        // A destination that is not connected now may come back with the same certificates.
        for (key, step) in before {
            let is_away = |destination: &DestinationStatus| {
                let rest = key.strip_prefix(&destination.name).and_then(|rest| rest.strip_prefix(' '));
                let whose = rest.and_then(|rest| rest.split(' ').next());
                whose.is_some_and(|whose| destination.certificates.iter().all(|one| one.whose != whose))
            };
            if destinations.iter().any(is_away) {
                self.0.entry(key).or_insert(step);
            }
        }
        events
    }

    /// What the file says; one that is damaged counts as nothing told.
    pub(super) fn load(path: &Path) -> Told {
        regular::read(path).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Writes the file anew.
    pub(super) fn store(&self, path: &Path) -> io::Result<()> {
        regular::replace(path, &serde_json::to_vec(self)?)
    }
}

/// Whole days, 0 when it has expired.
fn days_left(certificate: &CertificateStatus, now: Time) -> Option<u64> {
    let until: jiff::Timestamp = certificate.until.parse().ok()?;
    let seconds = until.as_second() - now.timestamp().as_second();
    Some(u64::try_from(seconds.div_euclid(86_400)).unwrap_or(0))
}

fn event(of: &DestinationStatus, certificate: &CertificateStatus, left: u64, now: Time) -> Event {
    let DestinationStatus { name: destination, files_unused: why, .. } = of;
    let CertificateStatus { whose, subject, fingerprint, until } = certificate;
    let renew = "renew it: a replaced file is taken up without a restart".to_owned();
    let (whose, way_out) = match whose.as_str() {
        "own" if !why.is_empty() => {
            ("our certificate", format!("the files on disk are not used in its place: {why}"))
        }
        "own" => ("our certificate", renew),
        "own-on-disk" => ("our certificate on disk, which is not in use,", renew),
        "peer-chain" => ("the certificate behind the peer's", "it must be renewed there".to_owned()),
        _ => ("the peer's certificate", "it must be renewed there".to_owned()),
    };
    let is_over = until.parse::<jiff::Timestamp>().is_ok_and(|until| until < now.timestamp());
    let when = match left {
        _ if is_over => format!("expired at {until}"),
        0 => format!("expires today, at {until}"),
        1 => format!("expires in 1 day, at {until}"),
        left => format!("expires in {left} days, at {until}"),
    };
    let message = format!("{destination}: {whose} {subject} {when}; {way_out}");
    let mut event = Event::own(Action::CERTIFICATE_EXPIRING, Outcome::Unknown, now, message);
    let target = Target {
        kind: "destination".into(),
        name: Some(destination.as_str().into()),
        id: Some(fingerprint.as_str().into()),
    };
    event.target = Some(Box::new(target));
    event.count = Some(left);
    event
}

/// Days left at which it is told.
const DAYS: [u64; 5] = [30, 14, 7, 1, 0];

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn siem(fingerprint: &str) -> DestinationStatus {
        let certificate = CertificateStatus {
            whose: "own".into(),
            subject: "CN=sensor".into(),
            fingerprint: fingerprint.into(),
            until: "2026-01-31T00:00:00Z".into(),
        };
        DestinationStatus {
            name: "siem".into(),
            certificates: vec![certificate],
            ..DestinationStatus::default()
        }
    }

    /// So many milliseconds before the end.
    fn before(left: i64) -> Time {
        Time::parse_rfc3339("2026-01-31T00:00:00.000Z").unwrap().plus_millis(-left)
    }

    #[test]
    fn each_step_is_told_once_and_a_missed_one_not_at_all() {
        let mut told = Told::default();
        let counts = [40, 31, 30, 29, 15, 14, 14, 3, 3, 1, 1, 0, 0, -1].map(|days| {
            told.due(&[siem("a")], before(days * DAY)).iter().map(|event| event.count).collect::<Vec<_>>()
        });
        let found: Vec<u64> = counts.into_iter().flatten().flatten().collect();
        assert_eq!(found, [30, 14, 3, 1, 0]);
        assert!(told.due(&[siem("b")], before(3 * DAY))[0].message.contains("expires in 3 days"));
        assert!(told.due(&[siem("c")], before(-DAY))[0].message.contains("expired at 2026-01-31"));
    }

    #[test]
    fn what_was_told_is_known_after_a_restart_and_while_the_link_is_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("told.json");
        let mut told = Told::load(&path);
        assert_eq!(told.due(&[siem("a")], before(5 * DAY)).len(), 1);
        let away = DestinationStatus { certificates: Vec::new(), ..siem("a") };
        assert!(told.due(&[away], before(5 * DAY)).is_empty());
        told.store(&path).unwrap();
        assert!(Told::load(&path).due(&[siem("a")], before(5 * DAY)).is_empty());
        assert_eq!(Told::load(&path).due(&[siem("a")], before(DAY / 2)).len(), 1);
    }

    #[test]
    fn what_was_told_of_the_peer_is_known_while_only_our_own_certificate_is_there() {
        let mut told = Told::default();
        let peer = CertificateStatus { whose: "peer".into(), ..siem("b").certificates.remove(0) };
        let up =
            DestinationStatus { certificates: vec![peer, siem("a").certificates.remove(0)], ..siem("a") };
        assert_eq!(told.due(std::slice::from_ref(&up), before(5 * DAY)).len(), 2);
        assert!(told.due(&[siem("a")], before(5 * DAY)).is_empty());
        assert!(told.due(&[up], before(5 * DAY)).is_empty());
    }

    #[test]
    fn whose_certificate_it_is_and_what_is_to_be_done_is_said() {
        for (whose, files_unused, said) in [
            (
                "own",
                "",
                "siem: our certificate CN=sensor expires in 5 days, at 2026-01-31T00:00:00Z; renew it: ",
            ),
            ("own", "it is bad", "; the files on disk are not used in its place: it is bad"),
            (
                "own-on-disk",
                "it is bad",
                "siem: our certificate on disk, which is not in use, CN=sensor expires",
            ),
            ("peer-chain", "", "siem: the certificate behind the peer's CN=sensor expires in 5 days"),
        ] {
            let certificate = CertificateStatus { whose: whose.into(), ..siem("a").certificates.remove(0) };
            let (certificates, files_unused) = (vec![certificate], files_unused.to_owned());
            let status = DestinationStatus { certificates, files_unused, ..siem("a") };
            let message = &Told::default().due(&[status], before(5 * DAY))[0].message;
            assert!(message.contains(said), "{message}");
        }
    }
}
