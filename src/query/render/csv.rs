//! `csv`: a table for spreadsheets, the columns of the sensor's timeline first.
//!
//! A value that a spreadsheet would take for a formula gets an apostrophe before it; `json` has values as they are.

use super::{Look, safe};
use crate::model::Record;

/// The first line.
pub(super) const HEAD: &str = "Timestamp,Severity,Type,Title,Owner,Content,Id,Action,Outcome,Level,User,Domain,Role,Target,Client,Reason,Old,New,Flags,Sensor,Source\n";

/// Appends one row.
pub(super) fn write(_: &Look, record: &Record, out: &mut Vec<u8>) {
    let event = &record.event;
    let target = event.target.as_deref();
    let target = target.map(|target| {
        let name = target.name.as_deref().or(target.id.as_deref()).unwrap_or_default();
        format!("{}:{name}", target.kind)
    });
    let user = event.account.as_deref().or(event.user.as_deref()).unwrap_or_default();
    let flags = event.flags.names().collect::<Vec<_>>().join(" ");
    let (time, id, level) = (event.time.to_string(), event.id.to_string(), event.severity.0.to_string());
    let cells: [&str; 21] = [
        &time,
        &event.label,
        &event.kind,
        &event.title,
        user,
        &event.message,
        &id,
        event.action.name(),
        event.outcome.name(),
        &level,
        event.user.as_deref().unwrap_or_default(),
        event.domain.as_deref().unwrap_or_default(),
        event.role.as_deref().unwrap_or_default(),
        target.as_deref().unwrap_or_default(),
        event.client.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
        event.old.as_deref().unwrap_or_default(),
        event.new.as_deref().unwrap_or_default(),
        &flags,
        &event.sensor,
        &event.source,
    ];
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(cell, out);
    }
    out.push(b'\n');
}

fn put(cell: &str, out: &mut Vec<u8>) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || cell.contains([',', '"', ' ', ';']) || cell.contains(safe::is_unsafe);
    if !quoted {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    safe::text(&cell.replace('"', "\"\""), out);
    out.push(b'"');
}
