//! The integration tests: one binary, one module a story.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the in-tests switches of clippy.toml cover test functions, not their helpers"
)]
#![allow(
    clippy::format_collect,
    clippy::too_many_lines,
    reason = "a story may be long, and the text it makes up need not be made fast"
)]

mod access;
mod api;
mod backup;
mod batch;
mod checkpoints;
mod cli;
mod crash;
mod cuts;
mod dtypes;
mod explorer;
mod floors;
mod folders;
mod http;
mod import;
mod life;
#[cfg(unix)]
mod logs;
mod metrics;
mod models;
mod neighbors;
mod networks;
mod operations;
mod packages;
mod probes;
mod questions;
mod reference;
mod replicas;
mod secure;
mod sentences;
mod settings;
#[cfg(unix)]
mod sockets;
mod support;
mod test_sets;
mod texts;
mod tidy;
mod tls;
mod told;
mod training;
mod wordings;
mod writes;
