//! The integration tests: one binary, one module a story.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the in-tests switches of clippy.toml cover test functions, not their helpers"
)]

mod api;
mod cli;
mod crash;
mod floors;
mod import;
mod questions;
mod support;
mod tidy;
