//! What everybody can say who asks for the trail, whatever the answer is made into.

use super::times::{self, Zone};
use super::trail::Trail;
use super::{Common, warn};
use crate::filter::Filter;
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// Whom to ask, in which zone, and how much else is told.
#[derive(Debug, clap::Args)]
pub(super) struct Asking {
    /// Say nothing but the answer
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    zone: Zone,
    /// Read the journal of this state directory, without an agent
    #[arg(short = 'D', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Do not use a pager
    #[arg(long)]
    pub(super) no_pager: bool,
}

impl Asking {
    /// In which zone times are read and shown.
    pub(super) fn zone(&self) -> TimeZone {
        self.zone.wanted()
    }

    pub(super) fn trail(&self, common: &Common) -> anyhow::Result<Trail> {
        Trail::of(self.directory.as_deref(), common)
    }

    /// Says how the times of the filter were understood.
    pub(super) fn tell_times(&self, filter: &Filter, zone: &TimeZone) {
        filter.notes().for_each(|note| self.tell(note));
        if let Some(range) = times::range(filter.range(), zone) {
            self.tell(&range);
        }
    }

    /// Says what is no part of the answer.
    pub(super) fn tell(&self, text: &str) {
        if !self.quiet {
            warn(text);
        }
    }
}
