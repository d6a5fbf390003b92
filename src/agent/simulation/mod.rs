//! Log, journal, forwarding, network and receiver together, over a modelled clock: promises 1 to 4 hold in every history.
//!
//! ```text
//! log ──Source──▶ journal on tmpfs ──Delivery, Probe, judge, cursor──▶ modelled network ──▶ modelled receiver
//!  rotated         killed and torn        killed                        delays, breaks        killed, frozen, closes
//! ```
//!
//! What is real: the collector's source on real files, the journal with its recovery and cursors, and every machine of a
//! destination. What is modelled stands in `forward::simulation`, with what that leaves out.
//!
//! ```sh
//! OTRAIL_SIM_SEEDS=100000 OTRAIL_SIM_SEED=1 cargo test --lib simulation
//! ```
//!
//! tries so many histories, from that seed on. One that fails is made as short as it can be, and told with its seed.

mod disk;
mod oracle;
mod world;

use crate::forward::simulation::Kind;
use crate::forward::{Evidence, simulation};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use world::World;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Append(u8),
    /// A line that has no end yet.
    Part,
    Rotate,
    /// Everything goes on, with so many milliseconds between the rounds.
    Run {
        rounds: u8,
        millis: u16,
    },
    /// Everything goes on as it is due, and at one moment of many that happens to the receiver.
    Trouble {
        fault: Fault,
        moment: usize,
    },
    /// The agent reads.
    Collect {
        budget: usize,
    },
    /// The destination does so much.
    Send(u8),
    /// The receiver does something.
    Serve,
    Pass {
        millis: u32,
    },
    Start,
    Stop,
    Die(How),
    /// In the middle of a write of the journal, or between it and whoever waits for it.
    DieWriting(How),
    Receiver(Fault),
}

/// What happens to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Killed,
    PowerCut,
}

/// What happens to the receiver and the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    Stop,
    Discard,
    Freeze,
    Thaw,
    Start,
    Block,
    Unblock,
    Reset,
}

/// What is the same in all of a history.
#[derive(Debug, Clone, Copy)]
struct Setting {
    kind: Kind,
    sender: simulation::Setting,
    /// Bytes that a line has more than it needs.
    padding: usize,
    /// How much of the journal stays in memory.
    recent_bytes_max: usize,
}

/// A history: what happens, each with a seed for what chance does in it.
#[derive(Debug, Clone)]
struct History {
    setting: Setting,
    acts: Vec<(Act, u64)>,
}

impl History {
    fn of(seed: u64) -> History {
        let mut rng = fastrand::Rng::with_seed(seed);
        let evidence = [Evidence::Auto, Evidence::Auto, Evidence::Auto, Evidence::Barrier, Evidence::Probe]
            [rng.usize(0..5)];
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| match evidence {
                // Others never have what the config demands.
                Evidence::Probe => matches!(kind, Kind::Openssl | Kind::Jsse | Kind::Slow),
                Evidence::Barrier => *kind != Kind::Gnutls,
                _ => true,
            })
            .collect();
        let sender = simulation::Setting {
            evidence,
            selective: rng.u8(0..3) == 0,
            window_bytes_max: [1000, 6000, 4 << 20][rng.usize(0..3)],
            barrier_interval: Duration::from_millis([200, 5000][rng.usize(0..2)]),
        };
        let setting = Setting {
            kind: kinds[rng.usize(0..kinds.len())],
            sender,
            padding: [0, 0, 0, 3000][rng.usize(0..4)],
            recent_bytes_max: [0, 4096, 1 << 20][rng.usize(0..3)],
        };
        let count = rng.usize(5..60);
        History { setting, acts: (0..count).map(|_| (act(&mut rng), rng.u64(..))).collect() }
    }

    /// What went wrong, if anything did.
    fn check(&self) -> Option<String> {
        let tried = catch_unwind(AssertUnwindSafe(|| World::new(self.setting).live(&self.acts)));
        tried.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            Some(
                said.or_else(|| panic.downcast_ref::<&str>().map(|&said| said.to_owned()))
                    .unwrap_or_default(),
            )
        })
    }

    /// The shortest that still goes wrong, as far as leaving out acts gets.
    fn shrink(mut self) -> History {
        let mut part = self.acts.len() / 2;
        while part > 0 {
            let mut at = 0;
            while at < self.acts.len() {
                let mut shorter = self.clone();
                shorter.acts.drain(at..self.acts.len().min(at + part));
                match shorter.check() {
                    Some(_) => self = shorter,
                    None => at += part,
                }
            }
            part /= 2;
        }
        self
    }
}

fn act(rng: &mut fastrand::Rng) -> Act {
    match rng.u8(0..46) {
        0..6 => Act::Append(rng.u8(1..6)),
        6 => Act::Part,
        7 | 8 => Act::Rotate,
        9..16 => Act::Run { rounds: rng.u8(1..12), millis: [1, 20, 300, 3000][rng.usize(0..4)] },
        16 | 17 => Act::Collect { budget: [100, 1000, 1 << 20][rng.usize(0..3)] },
        18..21 => Act::Send(rng.u8(1..6)),
        21 | 22 => Act::Serve,
        23 => Act::Pass { millis: [1, 30, 1000, 30_000][rng.usize(0..4)] },
        24..28 => Act::Start,
        28 => Act::Stop,
        29 => Act::Die(if rng.bool() { How::Killed } else { How::PowerCut }),
        30 => Act::DieWriting(if rng.bool() { How::Killed } else { How::PowerCut }),
        31..34 => Act::Receiver(Fault::Start),
        34 => Act::Receiver([Fault::Thaw, Fault::Unblock][rng.usize(0..2)]),
        35 => Act::Receiver(Fault::Kill),
        36 => Act::Receiver([Fault::Stop, Fault::Discard][rng.usize(0..2)]),
        37 => Act::Receiver(Fault::Freeze),
        38 => Act::Receiver(Fault::Block),
        39 => Act::Receiver(Fault::Reset),
        _ => Act::Trouble {
            fault: [Fault::Kill, Fault::Stop, Fault::Discard, Fault::Freeze, Fault::Reset][rng.usize(0..5)],
            moment: rng.usize(0..20),
        },
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A few without being asked for more.
const SEEDS: u64 = 40;

#[test]
fn whatever_happens_every_line_arrives_in_order_and_nothing_counts_without_having_arrived() {
    let first = number("OTRAIL_SIM_SEED").unwrap_or(1);
    for seed in first..first + number("OTRAIL_SIM_SEEDS").unwrap_or(SEEDS) {
        let history = History::of(seed);
        if history.check().is_some() {
            let short = history.shrink();
            let mut text =
                format!("seed {seed}: {}\n{:?}\n", short.check().unwrap_or_default(), short.setting);
            short.acts.iter().for_each(|act| writeln!(text, "{act:?}").unwrap());
            panic!("{text}");
        }
    }
}
