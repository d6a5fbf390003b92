//! The real agent as a process of its own: started, asked, stopped and killed as on an appliance.

use super::certs::{Ca, Files, Kind};
use super::world::LOCAL;
use otrail::control::{self, Client};
use otrail::journal;
use otrail::model::Record;
use otrail::model::status::Status;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::ops::Range;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with a CA, certificates, a log, a config and perhaps an agent that runs on it.
pub struct House {
    pub folder: TempDir,
    pub ca: Ca,
    pub server: Files,
    state: PathBuf,
    destinations: String,
    settings: String,
    top: String,
    environment: Vec<(String, String)>,
    within: Vec<&'static str>,
    agent: Option<Child>,
}

impl House {
    /// Nothing is forwarded yet and no agent runs.
    pub fn new() -> House {
        let (folder, ca) = (TempDir::new().unwrap(), Ca::new("test CA"));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        ca.write(folder.path(), "ca");
        ca.sign(Kind::Client, &["sensor"]).write(folder.path(), "client");
        let server = ca.sign(Kind::Server, LOCAL).write(folder.path(), "server");
        let state = folder.path().join("state");
        House {
            folder,
            ca,
            server,
            state,
            destinations: String::new(),
            settings: String::new(),
            top: String::new(),
            environment: Vec::new(),
            within: Vec::new(),
            agent: None,
        }
    }

    /// Adds a destination on this port with mutual TLS; `more` are further lines of its table.
    pub fn forward(&mut self, name: &str, port: u16, more: &str) {
        let (certificate, key) = (self.path("client.pem"), self.path("client.key"));
        self.forward_as_nobody(
            name,
            port,
            &format!("cert-file = {certificate:?}\nkey-file = {key:?}\n{more}"),
        );
    }

    /// The same without a client certificate.
    pub fn forward_as_nobody(&mut self, name: &str, port: u16, more: &str) {
        let ca = self.path("ca.pem");
        write!(
            self.destinations,
            "[[destination]]\nname = {name:?}\naddress = \"localhost:{port}\"\nca-file = {ca:?}\n{more}\n"
        )
        .unwrap();
    }

    /// The state directory is elsewhere.
    pub fn keep_state_in(&mut self, dir: PathBuf) {
        self.state = dir;
    }

    /// Forgets all destinations of the config.
    pub fn forward_nowhere(&mut self) {
        self.destinations.clear();
    }

    /// Adds lines to the config, after everything else.
    pub fn set(&mut self, lines: &str) {
        self.settings.push_str(lines);
        self.settings.push('\n');
    }

    /// Forgets the lines that were added.
    pub fn unset(&mut self) {
        self.settings.clear();
    }

    /// Adds lines to the config, before every table.
    pub fn set_at_top(&mut self, lines: &str) {
        self.top.push_str(lines);
        self.top.push('\n');
    }

    /// Gives the agent a variable of its environment.
    pub fn tell_agent(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The agent is started by these words, which become it: `setpriv --nnp`.
    pub fn start_within(&mut self, words: &[&'static str]) {
        self.within = words.to_vec();
    }

    /// A file of this house.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The sensor's log.
    pub fn log(&self) -> PathBuf {
        self.path("log/operations.ndjson")
    }

    /// Adds bytes to the log as they are.
    pub fn write_log(&self, bytes: &[u8]) {
        let mut log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        log.write_all(bytes).unwrap();
    }

    /// Writes the config as it is now and returns its path.
    pub fn config(&self) -> PathBuf {
        let path = self.folder.path();
        let text = format!(
            "sensor = \"plant-a\"\n{}state-dir = {:?}\n[control]\nsocket = {:?}\n\
             [[source]]\nname = \"timeline\"\npath = {:?}\n{}{}",
            self.top,
            self.state,
            path.join("control.sock"),
            self.log(),
            self.destinations,
            self.settings
        );
        let file = path.join("otrail.toml");
        if fs::read_to_string(&file).is_ok_and(|before| before == text) {
            return file;
        }
        // An agent that is just starting reads the whole of one config or of the other.
        let new = path.join("otrail.toml.new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o644)).unwrap();
        fs::rename(&new, &file).unwrap();
        file
    }

    /// Starts the agent; what it says goes to `agent.log`.
    pub fn start(&mut self) {
        assert!(self.agent.is_none(), "an agent runs already");
        let said = OpenOptions::new().create(true).append(true).open(self.path("agent.log")).unwrap();
        let otrail = self.otrail();
        let mut words =
            self.within.iter().map(OsStr::new).chain([otrail.get_program()]).chain(otrail.get_args());
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        self.agent = Some(command.spawn().unwrap());
    }

    /// A command of otrail with this config.
    pub fn otrail(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
        command.arg("-c").arg(self.config());
        command
    }

    /// Runs a command of otrail to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.otrail().args(args).output().unwrap()
    }

    /// What `status` tells, asked over its socket without a process in between; `None` while no agent answers.
    pub fn status(&self) -> Option<Status> {
        let socket = self.path("control.sock");
        let settings = control::Settings { socket, admin_groups: Vec::new(), admin_users: Vec::new() };
        Client::connect(&settings).and_then(Client::status).ok()
    }

    /// What the agent has said on stderr.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("agent.log")).unwrap_or_default()
    }

    /// SIGKILL, at once.
    pub fn kill(&mut self) {
        let mut agent = self.agent.take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// SIGTERM, and the code the agent ended with; that it ends is not taken for granted.
    #[track_caller]
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let agent = self.agent();
        assert!(patiently(|| agent.try_wait().unwrap().is_some()), "the agent does not end");
        self.agent.take().unwrap().wait().unwrap().code()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = self.agent.as_ref().unwrap().id();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
    }

    /// The process of the agent.
    pub fn agent(&mut self) -> &mut Child {
        self.agent.as_mut().unwrap()
    }

    /// Waits until `status` fulfils the condition.
    #[track_caller]
    pub fn wait_until(&self, what: &str, condition: impl Fn(&Status) -> bool) -> Status {
        let mut last = None;
        let found = patiently(|| {
            last = self.status();
            last.as_ref().is_some_and(&condition)
        });
        assert!(found, "never {what}: {last:#?}\n{}", self.said());
        last.unwrap()
    }

    /// Every whole line of the trail as JSON, in order, read without the agent.
    pub fn trail(&self) -> Vec<serde_json::Value> {
        self.rows().iter().map(|row| serde_json::from_slice(row).unwrap()).collect()
    }

    /// The same as records, in the order of the journal.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> =
            self.rows().iter().map(|row| journal::line::decode(row).unwrap()).collect();
        records.sort_by_key(|record| record.seq);
        records
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        let output = self.run(&["query", "-D", self.state.to_str().unwrap(), "-n", "all", "-o", "json"]);
        let rows = output.stdout.split(|&byte| byte == b'\n').filter(|row| !row.is_empty());
        rows.map(<[u8]>::to_vec).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            // It may have ended by itself.
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// Asks again until the answer is yes; `false` when patience ends.
pub fn patiently(mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Lets some time pass, for what has to come at a moment that nobody chose.
pub fn a_moment(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// One line of a sensor's timeline: the six documented fields.
pub fn entry(number: usize) -> String {
    let at = 1_764_000_000_000_u64 + number as u64;
    format!(
        "{{\"timestamp\":{at},\"type\":\"USER_LOGIN\",\"title\":\"User logged in\",\"severity\":\"NOTICE\",\
         \"owner\":\"alice\",\"content\":\"User alice signed in, session {number:07}\"}}\n"
    )
}

/// A port that nobody listens on now, and that the kernel gives to nobody who connects: while its server is away no
/// client may sit on it, nor meet itself there.
pub fn free_port() -> u16 {
    static OURS: OnceLock<Ports> = OnceLock::new();
    let ours = OURS.get_or_init(Ports::claim);
    let spread = u16::try_from(std::process::id() % u32::from(PORTS_EACH)).unwrap();
    loop {
        let port = ours.begin + (spread + NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % PORTS_EACH;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The ports of this test program: others run beside it, and may not listen where somebody here wants nobody, or will.
struct Ports {
    begin: u16,
    /// A name that the kernel gives to one process at a time.
    _name: UnixListener,
}

impl Ports {
    fn claim() -> Ports {
        let claim = |begin: u16| {
            let name =
                SocketAddr::from_abstract_name(format!("ports of otrail's tests from {begin} on")).ok()?;
            Some(Ports { begin, _name: UnixListener::bind_addr(&name).ok()? })
        };
        PORTS.step_by(PORTS_EACH.into()).find_map(claim).unwrap()
    }
}

/// Renames the log as logrotate does: every former one moves up, a new file takes its name.
pub fn rotate(log: &Path) {
    let former = |number: u32| log.with_extension(format!("ndjson.{number}"));
    let free = (1..).find(|&number| !former(number).exists()).unwrap();
    for number in (1..free).rev() {
        fs::rename(former(number), former(number + 1)).unwrap();
    }
    fs::rename(log, former(1)).unwrap();
    File::create(log).unwrap();
}

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
/// Below those of `net.ipv4.ip_local_port_range`.
const PORTS: Range<u16> = 16_000..32_000;
/// Of one test program; none needs as many at once.
const PORTS_EACH: u16 = 400;
/// No test waits longer than this for what must come.
const PATIENCE: Duration = Duration::from_secs(90);
