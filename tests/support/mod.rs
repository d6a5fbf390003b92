//! What tests share. Each test takes what it needs.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test takes what it needs"
)]

pub mod certs;
pub mod daemon;
pub mod decode;
pub mod disk;
pub mod events;
pub mod frames;
pub mod peer;
pub mod process;
pub mod proxy;
pub mod python;
pub mod reading;
pub mod receiver;
pub mod relp_server;
pub mod rsyslog;
pub mod servers;
pub mod syslog_ng;
pub mod trail;
pub mod world;
pub mod writer;
