//! Looks at the certificates that the configuration names: in time, and fit for what they are there for.

use crate::cli::finding::{Finding, Verdict, ok, problem, warning};
use crate::net::inspect::{self, Certificate, List};
use crate::net::{NetError, TlsSettings, tls};
use jiff::Timestamp;

/// One finding for each certificate; an error when they cannot be used at all.
pub(super) fn findings(
    thing: &str,
    settings: &TlsSettings,
    now: Timestamp,
) -> Result<Vec<Finding>, NetError> {
    tls::client_config(settings)?;
    let authorities = settings.ca_file.as_deref().map(inspect::authorities).transpose()?.unwrap_or_default();
    let own = inspect::chain(settings)?;
    let mut findings: Vec<Finding> = authorities.iter().map(|ca| authority(thing, ca, now)).collect();
    // One that serves is enough: the old one of a change of CAs disturbs nobody.
    if findings.iter().any(|finding| finding.verdict < Verdict::Problem) {
        for finding in findings.iter_mut().filter(|finding| finding.verdict == Verdict::Problem) {
            finding.verdict = Verdict::Warning;
            "others serve: take it out of the file".clone_into(&mut finding.way_out);
        }
    }
    findings.extend(own.iter().enumerate().map(|(at, certificate)| match at {
        0 => client(thing, certificate, now),
        _ => validity(thing, "certificate behind ours", certificate, now),
    }));
    let lists = settings.crl_file.as_deref().map(inspect::lists).transpose()?.unwrap_or_default();
    findings.extend(lists.iter().filter_map(|list| overdue(thing, list, now)));
    Ok(findings)
}

/// A list that is overdue stops nothing, but whom a newer one has is not known.
fn overdue(thing: &str, list: &List, now: Timestamp) -> Option<Finding> {
    let next = list.next_update.filter(|next| *next < now)?;
    let message = format!(
        "the list of revoked certificates of {} was to be replaced by {next}; who was revoked since is not known",
        list.issuer
    );
    Some(warning(thing, message, "have its CA's newest list put there"))
}

fn authority(thing: &str, ca: &Certificate, now: Timestamp) -> Finding {
    if ca.is_authority || ca.issuer == ca.subject {
        return validity(thing, "CA", ca, now);
    }
    let message = format!("{} is no CA: no other certificate is verified by it", ca.subject);
    problem(thing, message, format!("name the certificate of {}, which signed it", ca.issuer))
}

fn client(thing: &str, own: &Certificate, now: Timestamp) -> Finding {
    match validity(thing, "client certificate", own, now) {
        found if found.verdict == Verdict::Ok && !own.for_clients => {
            let message = format!("client certificate {} is not meant for a TLS client", own.subject);
            warning(
                thing,
                message,
                "most servers refuse it: have it signed with the extended key usage clientAuth",
            )
        }
        found => found,
    }
}

/// How a certificate stands in time.
pub(in crate::cli) fn validity(
    thing: &str,
    what: &str,
    certificate: &Certificate,
    now: Timestamp,
) -> Finding {
    let days_left = certificate.not_after.duration_since(now).as_secs() / DAY_SECONDS;
    let name = format!("{what} {}", certificate.subject);
    if now < certificate.not_before {
        problem(thing, format!("{name} is not valid before {}", certificate.not_before), "check the clock")
    } else if now > certificate.not_after {
        problem(thing, format!("{name} expired at {}", certificate.not_after), "replace it")
    } else if days_left < SOON_DAYS {
        warning(thing, format!("{name} expires in {days_left} days"), "replace it soon")
    } else {
        ok(thing, format!("{name} is valid for {days_left} days"))
    }
}

const SOON_DAYS: i64 = 30;
const DAY_SECONDS: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Pin;

    #[test]
    fn a_list_is_told_of_once_it_is_overdue() {
        let next = Timestamp::from_second(DAY_SECONDS).unwrap();
        let list = List { issuer: "CN=ca".to_owned(), next_update: Some(next) };
        assert!(overdue("destination siem", &list, next).is_none());
        let now = Timestamp::from_second(DAY_SECONDS + 1).unwrap();
        let found = overdue("destination siem", &list, now).unwrap();
        assert_eq!(
            (found.verdict, found.message.as_str()),
            (
                Verdict::Warning,
                "the list of revoked certificates of CN=ca was to be replaced by 1970-01-02T00:00:00Z; who was \
                 revoked since is not known"
            )
        );
        assert!(overdue("destination siem", &List { next_update: None, ..list }, now).is_none());
    }

    #[test]
    fn a_certificate_is_judged_by_its_dates() {
        let day = |day: i64| Timestamp::from_second(day * DAY_SECONDS).unwrap();
        let certificate = Certificate {
            subject: "CN=siem".to_owned(),
            issuer: "CN=ca".to_owned(),
            names: Vec::new(),
            not_before: day(10),
            not_after: day(100),
            fingerprint: Pin([0; 32]),
            for_servers: true,
            for_clients: true,
            is_authority: false,
            subject_der: Vec::new(),
            issuer_der: Vec::new(),
        };
        for (now, verdict, message) in [
            (9, Verdict::Problem, "CA CN=siem is not valid before 1970-01-11T00:00:00Z"),
            (10, Verdict::Ok, "CA CN=siem is valid for 90 days"),
            (71, Verdict::Warning, "CA CN=siem expires in 29 days"),
            (101, Verdict::Problem, "CA CN=siem expired at 1970-04-11T00:00:00Z"),
        ] {
            let judged = validity("destination siem", "CA", &certificate, day(now));
            assert_eq!((judged.verdict, judged.message.as_str()), (verdict, message));
        }
    }
}
