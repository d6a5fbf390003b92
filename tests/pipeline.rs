//! From the sensor's log to the receiver: the real agent as a process, mutual TLS, every frame looked at.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

#[path = "pipeline/frames.rs"]
mod frames;
#[path = "pipeline/hostile.rs"]
mod hostile;
#[path = "pipeline/life.rs"]
mod life;
#[path = "pipeline/log.rs"]
mod log;
