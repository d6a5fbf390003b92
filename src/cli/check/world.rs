//! Looks at what the configuration names: logs, folders, certificates, keys, groups.

use super::certificates;
use crate::cli::finding::{Finding, Verdict, finding, ok, problem, warning};
use crate::collect::{self, ApiSettings, SourceSettings};
use crate::config::{Config, Problem};
use crate::net::{NetError, Secret, TlsSettings, tls};
use crate::{control, forward, journal};
use bytesize::ByteSize;
use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, Group, User, access, geteuid};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::iter;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// One finding for each thing that the configuration names.
pub(in crate::cli) fn findings(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![ok("config", config.path.display().to_string())];
    findings.extend(caller());
    let sources = config.collect.sources.iter();
    findings.extend(sources.map(|it| source(it, &config.collect.state_dir)));
    findings.extend(read_twice(&config.collect.sources));
    findings.extend(config.collect.apis.iter().map(api));
    findings.extend(rules(config));
    findings.push(state_dir(&config.journal));
    findings.extend(config.destinations.iter().flat_map(|settings| destination(settings, now)));
    findings.extend(socket(&config.control));
    findings.push(admins(&config.control));
    findings
}

/// Root may read everything, so what root finds readable may be closed to the service.
fn caller() -> Option<Finding> {
    let service = User::from_name(SERVICE_USER).ok().flatten();
    let finding = warning("caller", "root can read more than the service can", "sudo -u otrail otrail check");
    (geteuid().is_root() && service.is_some()).then_some(finding)
}

fn source(source: &SourceSettings, state_dir: &Path) -> Finding {
    let thing = format!("source {}", source.name);
    let path = source.path.display();
    let folder = match collect::means_several(&source.path) {
        true => None,
        false => source.path.parent().map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        }),
    };
    if let Some(folder) = folder
        && let Err(error) = fs::read_dir(folder)
    {
        let message = format!("cannot list {}: {error}", folder.display());
        return problem(
            &thing,
            message,
            "otrail must be able to list the folder of the log, to follow rotation",
        );
    }
    let (mut logs, beyond) = match collect::logs(&source.path) {
        Ok(found) => found,
        Err(error) => return problem(&thing, format!("cannot list {path}: {error}"), "check the path"),
    };
    if beyond > 0 {
        let message = format!("{path} means {beyond} logs more than one source reads");
        return problem(&thing, message, "add a [[source]] for a part of them");
    }
    let own = collect::leave_out_own(&mut logs, state_dir, source.follow_symlinks);
    if own > 0 {
        let message = format!("{own} logs of {path} are {}", collect::OWN);
        return problem(&thing, message, "name the logs of the sensor, or choose another `state-dir`");
    }
    let mut bytes = 0;
    for log in &logs {
        match collect::open_log(log, source.follow_symlinks) {
            Ok((_, metadata)) => bytes += metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return warning(
                    &thing,
                    format!("{path} is not there yet"),
                    "check the path; otrail waits for it",
                );
            }
            Err(error) => {
                let way_out = match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "add the service's user to the group that may read the log"
                    }
                    _ => "name the log itself",
                };
                return problem(&thing, format!("cannot read {}: {error}", log.display()), way_out);
            }
        }
    }
    match logs.as_slice() {
        [] => warning(&thing, format!("nothing matches {path} yet"), "check the path; otrail waits for it"),
        [log] => ok(&thing, format!("{} is readable, {}", log.display(), ByteSize(bytes))),
        logs => ok(&thing, format!("{} logs of {path} are readable, {}", logs.len(), ByteSize(bytes))),
    }
}

/// Logs that two sources read under different names.
fn read_twice(sources: &[SourceSettings]) -> Vec<Finding> {
    let mut first_read = HashMap::new();
    let mut findings = Vec::new();
    for source in sources {
        let (logs, _) = collect::logs(&source.path).unwrap_or_default();
        for log in logs {
            let Ok((_, about)) = collect::open_log(&log, source.follow_symlinks) else { continue };
            let other = *first_read.entry((about.dev(), about.ino())).or_insert(&source.name);
            if *other != source.name {
                let message = format!("{} is read by source {other} as well", log.display());
                let thing = format!("source {}", source.name);
                findings.push(problem(
                    &thing,
                    message,
                    "every entry comes twice: leave it out of one of them",
                ));
            }
        }
    }
    findings
}

/// What else stands where the socket is to be stays, and nobody can ask.
fn socket(settings: &control::Settings) -> Option<Finding> {
    let found = fs::symlink_metadata(&settings.socket).ok()?;
    let message = format!("{} is there and is no socket: nobody could ask", settings.socket.display());
    let way_out = "choose another path for `socket`, or move it away";
    (!found.file_type().is_socket()).then(|| problem("control", message, way_out))
}

/// A sensor that is asked: what is on disk for it; whether it answers is for `status`.
fn api(settings: &ApiSettings) -> Finding {
    let thing = format!("source {}", settings.name);
    let usable = || -> Result<String, NetError> {
        let names = settings.net.tls.as_ref().ok_or(NetError::NoTrust)?;
        tls::client_config(names)?;
        Secret::read(&settings.token_file)?;
        Ok(trust(names))
    };
    match usable() {
        Ok(trust) => ok(&thing, format!("{}, verified by {trust}, its token is readable", settings.url)),
        Err(error) => problem(&thing, format!("{:#}", anyhow::Error::from(error)), ""),
    }
}

/// Nothing to say about a site without rules of its own.
fn rules(config: &Config) -> Vec<Finding> {
    let shown = |problem: &Problem| {
        let place = problem.place.as_ref().map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
        finding(
            "rules",
            Verdict::Problem,
            format!("{}{place}: {}", problem.file, problem.message),
            &problem.way_out,
        )
    };
    let mut findings: Vec<Finding> = config.rule_problems.iter().map(shown).collect();
    let failed = config.collect.rules.failed_examples();
    let of_site = failed.iter().filter(|failed| failed.file.starts_with(&config.rules_folder));
    findings.extend(of_site.map(|failed| {
        let message =
            format!("{}:{}:{}: {}", failed.file.display(), failed.line, failed.column, failed.message);
        warning("rules", message, &failed.help)
    }));
    let files = config.rule_hashes.len();
    if files > 0 && findings.is_empty() {
        let folder = config.rules_folder.display();
        findings.push(ok("rules", format!("{files} files of {folder} go before those of otrail")));
    }
    findings
}

fn state_dir(settings: &journal::Settings) -> Finding {
    let thing = "state-dir";
    let dir = &settings.state_dir;
    let shown = dir.display();
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return creatable(thing, dir),
        Err(error) => return problem(thing, format!("cannot look at {shown}: {error}"), ""),
    };
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_dir() {
        return problem(thing, format!("{shown} is no folder"), "name a folder");
    }
    if mode & 0o077 != 0 {
        let message = format!("{shown} has mode {mode:04o}, others can get at the trail");
        return problem(thing, message, format!("chmod 0700 {shown}"));
    }
    if !geteuid().is_root() && metadata.uid() != geteuid().as_raw() {
        let message = format!("{shown} belongs to the user with id {}", metadata.uid());
        return problem(thing, message, "run as that user");
    }
    match writable(dir) {
        Ok(()) => space(thing, settings),
        Err(Errno::EROFS) => read_only(thing, dir, dir),
        Err(_) => problem(thing, format!("{shown} is not writable"), format!("chmod 0700 {shown}")),
    }
}

/// Whether files can be made there. A file system that an error has made read-only (ext4 with `errors=remount-ro`) says so
/// only to who makes one: one without a name, which leaves no trace; where there is no such thing that says nothing.
fn writable(dir: &Path) -> Result<(), Errno> {
    access(dir, AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK)?;
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    match open(dir, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        Err(Errno::EROFS) => Err(Errno::EROFS),
        _ => Ok(()),
    }
}

fn read_only(thing: &str, dir: &Path, there: &Path) -> Finding {
    let (shown, there) = (dir.display(), there.display());
    let message = format!("{shown} is on a file system that is read-only");
    problem(
        thing,
        message,
        format!(
            "`findmnt -T {there}` names it; where nobody meant it so, `dmesg` says what is wrong with the disk"
        ),
    )
}

fn creatable(thing: &str, dir: &Path) -> Finding {
    let there = dir.ancestors().skip(1).find(|folder| folder.exists());
    match there.map(|folder| (folder, access(folder, AccessFlags::W_OK | AccessFlags::X_OK))) {
        Some((_, Ok(()))) => ok(thing, format!("{} will be created", dir.display())),
        Some((folder, Err(Errno::EROFS))) => read_only(thing, dir, folder),
        _ => problem(
            thing,
            format!("{} is not there and cannot be created", dir.display()),
            format!("install -d -m 0700 -o {SERVICE_USER} -g {SERVICE_USER} {}", dir.display()),
        ),
    }
}

/// A disk without the room that the journal may take is found out now, not on the day it is full.
fn space(thing: &str, settings: &journal::Settings) -> Finding {
    let dir = &settings.state_dir;
    let Ok(disk) = nix::sys::statvfs::statvfs(dir) else { return ok(thing, dir.display().to_string()) };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let message = format!("{} is usable, {} free", dir.display(), ByteSize(free));
    let capacity = settings.capacity();
    let taken = fs::read_dir(dir.join("journal")).into_iter().flatten().flatten();
    let taken: u64 = taken.filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum();
    if free.saturating_add(taken) < capacity {
        let way_out = format!("the journal may grow to {}: lower `size-max`", ByteSize(capacity));
        return warning(thing, message, way_out);
    }
    if capacity < settings.bytes_max {
        let less =
            format!("{message}; the journal takes {} of this disk, less than `size-max`", ByteSize(capacity));
        return ok(thing, less);
    }
    ok(thing, message)
}

/// One finding for the way to it, and one for each certificate that could expire.
fn destination(settings: &forward::Settings, now: Timestamp) -> Vec<Finding> {
    let thing = format!("destination {}", settings.name);
    let net = &settings.link.net;
    let place = format!("{} port {} over {}", net.host, net.port, settings.transport.name);
    let Some(tls) = &net.tls else {
        let way_out = format!("transport = {:?}", settings.transport.secured());
        return vec![warning(&thing, format!("{place}, not encrypted"), way_out)];
    };
    match certificates::findings(&thing, tls, now) {
        Err(error) => vec![problem(&thing, format!("{:#}", anyhow::Error::from(error)), "")],
        Ok(certificates) => {
            let way = ok(&thing, format!("{place}, verified by {}", trust(tls)));
            iter::once(way).chain(certificates).collect()
        }
    }
}

/// What a peer is verified by.
fn trust(tls: &TlsSettings) -> String {
    let chain = tls.verify_chain.then(|| match &tls.ca_file {
        Some(ca_file) => ca_file.display().to_string(),
        None => "the CAs of this system".to_owned(),
    });
    let pins = (!tls.pins.is_empty()).then(|| format!("{} pinned fingerprints", tls.pins.len()));
    chain.into_iter().chain(pins).collect::<Vec<_>>().join(" and ")
}

fn admins(settings: &control::Settings) -> Finding {
    let groups = settings.admin_groups.iter().filter_map(|name| Group::from_name(name).ok().flatten());
    let groups = groups.map(|group| format!("group {} ({} members)", group.name, group.mem.len()));
    let (known, unknown): (Vec<_>, Vec<_>) =
        settings.admin_users.iter().partition(|name| matches!(User::from_name(name), Ok(Some(_))));
    let who: Vec<String> = ["root".to_owned(), "the agent's user".to_owned()]
        .into_iter()
        .chain(groups)
        .chain(known.iter().map(|name| format!("user {name}")))
        .collect();
    let message = format!("{} may query", who.join(", "));
    match unknown.first() {
        Some(name) => {
            warning("admins", format!("{message}; there is no user {name}"), "correct `admin-users`")
        }
        None => ok("admins", message),
    }
}

const SERVICE_USER: &str = "otrail";
