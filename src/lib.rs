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
//! | 1 | [`budget`], [`container`], [`steps`], [`vector`] | what work may take; sealed files; long loops; numbers |
//! | 2 | [`text`] | words |
//! | 3 | [`table`] | an embedding table in memory |
//! | 4 | [`format`](mod@format), [`index`], [`store`] | files; nearest rows; what survives a restart |
//! | 5 | [`query`] | questions, as pure functions |
//! | 6 | [`bias`], [`evaluation`] | probes and test sets made of questions, as pure functions |
//! | 7 | [`engine`] | the API boundary: plain values in, plain values out |
//! | 8 | [`server`], [`client`] | gRPC |
//! | 9 | [`cli`] | the command line |
//!
//! Floors 0 to 7 are synchronous and know neither the network nor the terminal.

pub mod error;
pub mod limits;
pub mod proto;

pub mod budget;
pub mod container;
pub mod steps;
pub mod vector;

pub mod text;

pub mod table;

pub mod format;
pub mod index;
pub mod store;

pub mod query;

pub mod bias;
pub mod evaluation;

pub mod engine;

pub mod client;
pub mod server;

pub mod cli;
