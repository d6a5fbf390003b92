//! `otrail schema`: what events and the config file look like, for programs and for people.

use super::Common;
use super::exit::Exit;
use crate::{config, format};
use clap::ValueEnum;
use std::io::Write;
use std::process::ExitCode;

/// Show the fields of events, or the settings of the config file
///
/// `event` is every field in every format, or the JSON Schema of the format json; `config` is every setting. Both come
/// from the tables that the program itself works from.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Of what
    #[arg(value_enum)]
    of: Of,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Events
    Event,
    /// The config file
    Config,
}

/// How it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JSON Schema, draft 2020-12
    #[default]
    JsonSchema,
    /// Tables for people
    Markdown,
}

impl Schema {
    /// Exit code 0.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let text = match (self.of, self.format) {
            (Of::Event, Form::Markdown) => format::schema::markdown(),
            (Of::Event, Form::JsonSchema) => format!("{:#}\n", format::schema::json_schema()),
            (Of::Config, Form::Markdown) => config::schema::markdown(),
            (Of::Config, Form::JsonSchema) => format!("{:#}\n", config::schema::json_schema()),
        };
        out.write_all(text.as_bytes())?;
        Ok(Exit::Done.into())
    }
}
