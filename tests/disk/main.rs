//! A disk that fails: power cuts, full disks, failing calls, kills and flipped bits, against a model.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `calls.rs` | libc's file calls, in place of libc's |
//! | `disk.rs` | watched folders: what is called, recorded, refused |
//! | `power.rs` | what a power cut leaves of recorded calls |
//! | `steps.rs` | random steps of a user, their model, and whether an engine agrees with it |
//! | `told.rs` (of the other tests) | all that a folder answers, as text |
//! | the others | a trial each |
//!
//! The calls of every crate in this program go through `calls.rs`, so nothing in the product knows
//! of it. Only Linux has these calls.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the in-tests switches of clippy.toml cover test functions, not their helpers"
)]

mod calls;
mod cuts;
mod damage;
mod disk;
mod faults;
mod graph;
mod histories;
mod models;
mod power;
mod recovers;
mod seen;
mod starts;
mod steps;
#[path = "../it/told.rs"]
mod told;
mod trainings;
