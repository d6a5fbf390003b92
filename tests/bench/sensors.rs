//! What it costs to ask many sensors: CPU and memory of a real agent that asks them once a minute each.
//!
//! ```text
//! cargo bench --bench sensors                 500 sensors for two minutes
//! cargo bench --bench sensors -- 100 60       100 sensors for 60 seconds
//!   500 sensors, 120 s: 8900 ms of CPU (7.4 % of a core), 44 MB at most, 1000 rounds, 22000 answers
//! ```
//!
//! The sensors are one stand-in under as many paths; their own cost is not counted. A few operations a minute happen.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and a fault ends it")]

use otrail::demo::SensorApi;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let mut numbers = std::env::args().filter_map(|arg| arg.parse::<u64>().ok());
    let (count, seconds) = (numbers.next().unwrap_or(500), numbers.next().unwrap_or(120));
    let sensor = SensorApi::open("token").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "token\n").unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let mut config = format!("sensor = \"jump-host\"\nstate-dir = {:?}\n", folder.path().join("state"));
    for number in 0..count {
        write!(
            config,
            "[[source]]\nkind = \"api\"\nname = \"sensor-{number}\"\nsensor = \"plant-{number}\"\n\
             url = \"{}/{number}/api/v1/events\"\npin = [\"{}\"]\ntoken-file = {token:?}\n",
            sensor.url(),
            sensor.pin().unwrap()
        )
        .unwrap();
    }
    let path = folder.path().join("otrail.toml");
    fs::write(&path, config).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let mut agent = agent.arg("-c").arg(&path).arg("run").stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut happened = 0;
    while Instant::now() < until {
        sensor.add("USER_OPERATION", &format!("User alice acknowledged alert {happened}"));
        happened += 1;
        std::thread::park_timeout(Duration::from_secs(20).min(until - Instant::now()));
    }
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", agent.id())).unwrap();
    let times = read("stat");
    let ticks: u64 = times.rsplit(") ").next().unwrap().split(' ').skip(11).take(2).map(number).sum();
    let peak = read("status").lines().find_map(|line| line.strip_prefix("VmHWM:").map(number)).unwrap();
    let millis = ticks * 1000
        / u64::try_from(nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).unwrap().unwrap()).unwrap();
    println!(
        "{count} sensors, {seconds} s: {millis} ms of CPU ({:.1} % of a core), {} MB at most, {} answers",
        millis as f64 / 10.0 / seconds as f64,
        peak / 1024,
        sensor.answers()
    );
    agent.kill().unwrap();
    agent.wait().unwrap();
}

fn number(text: &str) -> u64 {
    text.trim().split(' ').next().unwrap().parse().unwrap()
}
