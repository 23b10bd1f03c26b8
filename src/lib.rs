//! The database for word and token embeddings.
//!
//! wordspace imports trained embeddings, keeps them in an embedded key-value store, indexes them
//! for cosine similarity, and answers questions over gRPC.
//!
//! # Floors
//!
//! A module may import only from lower floors; siblings on a floor do not know each other.
//! `tests/it/floors.rs` checks it.
//!
//! | floor | modules | what |
//! | --- | --- | --- |
//! | 0 | [`error`], [`limits`], [`proto`] | the ground |
//! | 1 | [`vector`], [`text`] | numbers; words |
//! | 2 | [`table`] | an embedding table in memory |
//! | 3 | [`format`](mod@format), [`index`], [`store`] | files; nearest rows; what survives a restart |
//! | 4 | [`query`] | questions, as pure functions |
//! | 5 | [`bias`] | probes made of questions, as pure functions |
//! | 6 | [`engine`] | the API boundary: plain values in, plain values out |
//! | 7 | [`server`], [`client`] | gRPC |
//! | 8 | [`cli`] | the command line |
//!
//! Floors 0 to 6 are synchronous and know neither the network nor the terminal.

pub mod error;
pub mod limits;
pub mod proto;

pub mod text;
pub mod vector;

pub mod table;

pub mod format;
pub mod index;
pub mod store;

pub mod query;

pub mod bias;

pub mod engine;

pub mod client;
pub mod server;

pub mod cli;
