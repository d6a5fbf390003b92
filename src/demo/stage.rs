//! The stage: everything that an act works with, and the waiting, which ends when somebody interrupts.

use super::api::SensorApi;
use super::child::{Agent, Program};
use super::folder::Folder;
use super::receiver::{Received, Receiver};
use super::script::Operation;
use super::sensor::Sensor;
use super::tally::{Summary, Tally};
use super::{DemoError, Interrupt, Scene, Settings, Show};
use crate::config::Config;
use crate::control::{self, Client};
use crate::model::status::Status;
use std::sync::mpsc::Receiver as Channel;
use std::time::{Duration, Instant};

/// What stands on the stage. The agent goes before its server, the folder goes last.
pub(super) struct Stage<'a> {
    pub settings: Settings,
    pub program: Program,
    agent: Option<Agent>,
    pub sensor: Sensor,
    pub tally: Tally,
    channel: Channel<Received>,
    pub receiver: Receiver,
    control: control::Settings,
    connected: Option<String>,
    interrupt: &'a Interrupt,
    show: Show<'a>,
    pub folder: Folder,
}

impl<'a> Stage<'a> {
    /// Makes the folder, the certificates, the server and the sensor; no agent runs yet.
    pub(super) fn build(
        settings: Settings,
        interrupt: &'a Interrupt,
        show: Show<'a>,
    ) -> Result<Stage<'a>, DemoError> {
        let folder = Folder::new(settings.keep)?;
        let (authority, identity) = folder.certify()?;
        let (receiver, channel) = Receiver::open(&authority, &identity)?;
        let sensor = match settings.api {
            true => Sensor::with_api(SensorApi::open(TOKEN)?),
            false => Sensor::with_log(folder.log())?,
        };
        folder.configure(receiver.port, sensor.api().and_then(|api| Some((api.url(), api.pin()?, TOKEN))))?;
        let (config, _) = Config::load(&folder.config())?;
        Ok(Stage {
            settings,
            program: Program::new(&folder)?,
            agent: None,
            sensor,
            tally: Tally::default(),
            channel,
            receiver,
            control: config.control,
            connected: None,
            interrupt,
            show,
            folder,
        })
    }

    pub(super) fn show(&mut self, scene: &Scene<'_>) -> Result<(), DemoError> {
        (self.show)(scene).map_err(DemoError::Show)
    }

    /// Starts the agent and waits until it is connected.
    pub(super) fn start_agent(&mut self) -> Result<(u32, String), DemoError> {
        let agent = self.program.start()?;
        let pid = agent.pid();
        (self.agent, self.connected) = (Some(agent), None);
        self.wait("the agent's connection", |stage| stage.connected.is_some())?;
        Ok((pid, self.connected.clone().unwrap_or_default()))
    }

    /// SIGKILL, in the middle of whatever it does.
    pub(super) fn kill_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.kill();
        }
    }

    /// The sensor logs operations, one after the other; whether they can arrive now is for the eye only.
    pub(super) fn write(
        &mut self,
        operations: &[Operation],
        pace: Duration,
        waiting: bool,
    ) -> Result<(), DemoError> {
        for operation in operations {
            let time = self.sensor.write(operation)?;
            let row = if self.settings.api { operation.kind } else { "" };
            self.tally.on_written(time, operation.content, row);
            if waiting {
                self.show(&Scene::Waiting(operation.content))?;
            }
            self.pause(pace)?;
        }
        Ok(())
    }

    /// Shows what arrives for a while.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<(), DemoError> {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            self.take(until.saturating_duration_since(Instant::now()).min(TURN))?;
        }
        Ok(())
    }

    /// Shows what arrives until something is true.
    pub(super) fn wait(
        &mut self,
        what: &'static str,
        mut done: impl FnMut(&mut Stage<'a>) -> bool,
    ) -> Result<(), DemoError> {
        let until = Instant::now() + PATIENCE;
        while !done(self) {
            self.take(TURN)?;
            if Instant::now() > until {
                return Err(DemoError::Patience {
                    what,
                    seconds: PATIENCE.as_secs(),
                    said: self.program.said(),
                });
            }
        }
        Ok(())
    }

    /// Waits until everything written has arrived and the agent has its evidence.
    pub(super) fn catch_up(&mut self) -> Result<(), DemoError> {
        self.wait("the arrival of every entry", |stage| stage.tally.is_complete())?;
        self.wait("the evidence of delivery", |stage| {
            stage.status().is_some_and(|status| status.destinations.iter().all(|siem| siem.lag_records == 0))
        })
    }

    /// What `otrail status` tells; `None` while no agent answers.
    pub(super) fn status(&self) -> Option<Status> {
        Client::connect(&self.control).and_then(Client::status).ok()
    }

    /// Takes what has arrived, and what arrives within a moment.
    fn take(&mut self, moment: Duration) -> Result<(), DemoError> {
        self.look()?;
        let mut received = self.channel.recv_timeout(moment).ok();
        while let Some(next) = received {
            match next {
                Received::Connected(about) => self.connected = Some(about),
                Received::Fault(fault) => self.tally.on_fault(fault),
                Received::Frame(frame) => {
                    let novelty = self.tally.on_frame(&frame);
                    self.show(&Scene::Arrival(&frame, novelty))?;
                }
            }
            received = self.channel.try_recv().ok();
        }
        Ok(())
    }

    /// Whether the play goes on.
    fn look(&mut self) -> Result<(), DemoError> {
        let Some(agent) = &mut self.agent else { return self.go_on() };
        let ended =
            agent.ended().map_err(|source| DemoError::Child { action: "look after the agent", source })?;
        let Some(status) = ended else { return self.go_on() };
        // An interrupt on a terminal ends the agent as well, perhaps sooner than it is noticed here.
        std::thread::sleep(TURN);
        self.go_on()?;
        Err(DemoError::Ended { status: status.to_string(), said: self.program.said() })
    }

    fn go_on(&self) -> Result<(), DemoError> {
        if self.interrupt.came() { Err(DemoError::Interrupted) } else { Ok(()) }
    }

    /// Stops the agent in order, takes what comes until then, and clears the stage.
    pub(super) fn close(mut self) -> Result<Summary, DemoError> {
        if let Some(mut agent) = self.agent.take() {
            agent.ask_to_stop();
            let mut status = None;
            self.wait("the orderly stop of the agent", |_| {
                status = agent.ended().ok().flatten();
                status.is_some()
            })?;
            if let Some(status) = status.filter(|status| !status.success()) {
                self.tally.on_fault(format!("the agent did not stop in order ({status})"));
            }
        }
        self.pause(TURN)?;
        let summary = self.tally.summary();
        self.show(&Scene::Sum(&summary))?;
        let Stage { settings, receiver, folder, show, .. } = self;
        if settings.keep {
            show(&Scene::Kept { folder: folder.root(), port: receiver.port }).map_err(DemoError::Show)?;
        }
        folder.close(settings.keep)?;
        Ok(summary)
    }
}

/// What the sensor's API wants to be told.
const TOKEN: &str = "token-of-the-demo";
/// Nothing here takes longer than this on a machine that works.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one look around takes.
const TURN: Duration = Duration::from_millis(20);
