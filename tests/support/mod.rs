//! What tests share. Each test takes what it needs.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test takes what it needs"
)]

pub mod certs;
pub mod disk;
pub mod peer;
pub mod process;
pub mod receiver;
pub mod trail;
pub mod world;
