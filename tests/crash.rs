//! What a crash, a bad disk or a full one leaves of the journal, and of the agent's promises.
//!
//! The journal is cut at every byte and flipped at every byte; its cursors too; the disk is filled up; the real
//! agent is killed again and again. Nothing announced is lost, nothing is changed silently.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

#[path = "crash/cursors.rs"]
mod cursors;
#[path = "crash/cut.rs"]
mod cut;
#[path = "crash/flip.rs"]
mod flip;
#[path = "crash/folder.rs"]
mod folder;
#[path = "crash/full.rs"]
mod full;
#[path = "crash/killed.rs"]
mod killed;
#[path = "crash/sample.rs"]
mod sample;
