//! The acts, one after the other.

use super::api::Answering;
use super::script::{BEFORE_OUTAGE, KILLED, LATE, LIVE, OUTAGE, ROTATED};
use super::stage::Stage;
use super::{DemoError, Scene};
use std::time::Duration;

/// Plays all of them.
pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    live(stage)?;
    outage(stage)?;
    match stage.settings.api {
        true => trouble(stage)?,
        false => rotation(stage)?,
    }
    kill(stage)?;
    query(stage)
}

fn live(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    let folder = stage.folder.root().display().to_string();
    stage.show(&Scene::Note(format!("folder  {folder}")))?;
    let (log, port) = (stage.folder.log().display().to_string(), stage.receiver.port);
    match stage.sensor.api().map(|api| (api.url(), api.pin())) {
        None => stage.show(&Scene::Note(format!("log     {log}")))?,
        Some((url, pin)) => {
            let pin = pin.map(|pin| pin.to_string()).unwrap_or_default();
            stage.show(&Scene::Note(format!(
                "sensor  {url}/api/v1/events, asked every second, known by {}...",
                &pin[..pin.len().min(31)]
            )))?;
        }
    }
    stage.show(&Scene::Note(format!(
        "SIEM    127.0.0.1:{port}, demands a client certificate of the demo's CA"
    )))?;
    let (pid, about) = stage.start_agent()?;
    stage.show(&Scene::Note(format!("agent   otrail run, process {pid}, connected by {about}")))?;
    stage.show(&Scene::Act {
        title: "Somebody works on the sensor",
        promise: "each line below is a frame as the SIEM received it, a moment after the sensor logged it",
    })?;
    stage.write(LIVE, PACE, false)?;
    stage.catch_up()?;
    let siem = stage.status().and_then(|status| status.destinations.into_iter().next());
    let Some(siem) = siem else { return Ok(()) };
    let (confirmed, evidence) = (siem.confirmed, siem.evidence);
    stage.show(&Scene::Note(format!(
        "otrail status: confirmed up to #{confirmed}, evidence: {evidence} (the SIEM answered when the agent closed \
         the connection)"
    )))
}

fn outage(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.show(&Scene::Act {
        title: "The SIEM goes away in the middle",
        promise: "the journal keeps what cannot be delivered, and what has no evidence of delivery goes out again",
    })?;
    stage.write(BEFORE_OUTAGE, SOON, false)?;
    stage.receiver.go_away().map_err(DemoError::Port)?;
    stage.pause(SOON)?;
    stage.show(&Scene::Note("its connections are broken, its port is closed; the sensor logs on:".into()))?;
    stage.write(OUTAGE, PACE, true)?;
    stage.wait("the note of the loss", |stage| lag(stage).is_some_and(|(_, error)| !error.is_empty()))?;
    if let Some((records, error)) = lag(stage) {
        stage.show(&Scene::Note(format!("otrail status: {records} records wait in the journal; {error}")))?;
    }
    stage.receiver.come_back().map_err(DemoError::Port)?;
    stage.show(&Scene::Note("the SIEM is back:".into()))?;
    stage.catch_up()
}

/// How many records wait, and why.
fn lag(stage: &Stage<'_>) -> Option<(u64, String)> {
    let status = stage.status()?;
    status.destinations.into_iter().next().map(|siem| (siem.lag_records, siem.error))
}

fn rotation(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.show(&Scene::Act {
        title: "The log is rotated",
        promise: "a file is known by its content: the old one is read to its end, the new one from its beginning",
    })?;
    stage.sensor.rename()?;
    stage.show(&Scene::Note(
        "operations.ndjson is now operations.ndjson.1, the sensor still writes to it:".into(),
    ))?;
    stage.write(LATE, PACE, false)?;
    stage.sensor.reopen()?;
    stage.pause(PACE)?;
    stage.show(&Scene::Note("the sensor has begun a new operations.ndjson:".into()))?;
    stage.write(ROTATED, PACE, false)?;
    stage.catch_up()
}

fn trouble(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.show(&Scene::Act {
        title: "The sensor's API is in trouble",
        promise: "what it shows later is asked for later; what it could not show any more would be told as a gap",
    })?;
    let answer = |stage: &Stage<'_>, answering| stage.sensor.api().map(|api| api.answer(answering));
    answer(stage, Answering::LoginPage);
    stage.show(&Scene::Note("it answers with its login page; meanwhile:".into()))?;
    stage.write(LATE, PACE, true)?;
    let error = |stage: &Stage<'_>| stage.status()?.sources.into_iter().next().map(|source| source.error);
    stage.wait("the note of the trouble", |stage| error(stage).is_some_and(|error| !error.is_empty()))?;
    if let Some(error) = error(stage) {
        stage.show(&Scene::Note(format!("otrail status: {error}")))?;
    }
    answer(stage, Answering::Well);
    stage.show(&Scene::Note("it answers again:".into()))?;
    stage.write(ROTATED, PACE, false)?;
    stage.catch_up()
}

fn kill(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.show(&Scene::Act {
        title: "The agent is killed (SIGKILL)",
        promise: "a record and the position behind it are one write: the next start goes on where the journal ends",
    })?;
    let (first, rest) = KILLED.split_at(1);
    stage.write(first, SOON, false)?;
    stage.kill_agent();
    stage.show(&Scene::Note("it is gone; the sensor logs on:".into()))?;
    stage.write(rest, PACE, true)?;
    let (pid, _) = stage.start_agent()?;
    stage.show(&Scene::Note(format!("started again, process {pid}")))?;
    stage.catch_up()
}

fn query(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.show(&Scene::Act {
        title: "An admin asks on the spot",
        promise: "the trail is here as well as at the SIEM, and whoever reads it leaves a trace in it",
    })?;
    for args in QUERIES {
        ask(stage, args)?;
        stage.pause(PACE)?;
    }
    stage.catch_up()?;
    stage.show(&Scene::Note("the agent is told to stop (SIGTERM):".into()))
}

/// Runs `otrail query` for real and shows what it prints; every one of these has an answer.
fn ask(stage: &mut Stage<'_>, args: &[&str]) -> Result<(), DemoError> {
    let command = format!("otrail query {}", args.join(" "));
    let color = if stage.settings.colored { "always" } else { "never" };
    let output = stage.program.output(&[&["query", "--color", color], args].concat())?;
    if !output.status.success() {
        // An interrupt on a terminal reaches the command as well.
        stage.pause(SOON)?;
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        return Err(DemoError::Query { command, status: output.status.to_string(), said });
    }
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    stage.show(&Scene::Asked { command, answer })
}

/// Failed logins, what one user did, and who changed what the sensor watches for.
const QUERIES: &[&[&str]] = &[&["--failed"], &["-u", "backup"], &["-a", "exclusion_rule.", "-n", "2"]];
/// Between two entries.
const PACE: Duration = Duration::from_millis(150);
/// Long enough for an entry to be on its way, not for its evidence.
const SOON: Duration = Duration::from_millis(60);
