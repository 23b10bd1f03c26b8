//! The database for word and token embeddings.
//!
//! wordspace imports trained embeddings, keeps them in an embedded key-value store, indexes them
//! for cosine similarity, and answers questions over gRPC.
//!
//! # Embedded
//!
//! A program can hold the database itself, without a server:
//!
//! ```
//! use wordspace::engine::config::EngineConfig;
//! use wordspace::engine::import::{ImportOptions, Source};
//! use wordspace::engine::{Ask, Engine};
//! use wordspace::query::nearest::NearestQuery;
//! use wordspace::query::WordOrVector;
//! use wordspace::table::attributes::Attributes;
//! use wordspace::table::meta::TableName;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let engine = Engine::open(&EngineConfig::new(folder.path()))?;
//! let table = TableName::try_from("en".to_owned())?;
//! let rows = [("cat", [1.0, 0.1]), ("dog", [0.9, 0.2]), ("car", [0.1, 1.0])];
//! let rows = rows.map(|(word, vector)| Ok((word.into(), vector.to_vec(), Attributes::new())));
//! let rows = Source::Rows(Box::new(rows.into_iter()));
//! engine.import(&ImportOptions::new(table.clone()), rows, &mut |_| {})?;
//! let query = NearestQuery::new(vec![WordOrVector::Word("cat".into())], 1);
//! let answer = engine.nearest(&Ask { table, query })?.answer;
//! assert_eq!(answer.neighbors[0].word, b"dog");
//! engine.close();
//! # Ok(())
//! # }
//! ```
//!
//! # The client alone
//!
//! Whoever only asks a server needs none of it: with `default-features = false, features = ["client"]` this
//! crate is [`client`] and the wire's messages.
//!
//! # Floors
//!
//! A module may import only from lower floors; siblings on a floor do not know each other.
//! `tests/it/floors.rs` checks it.
//!
//! | floor | modules | what |
//! | --- | --- | --- |
//! | 0 | [`error`], [`limits`], [`proto`] | the ground |
//! | 1 | [`budget`], [`checksum`], [`container`], [`arenas`], [`priority`], [`steps`], [`vector`] | what work may take; what bytes are the same; sealed files; memory that goes back; threads that give way; long loops; numbers |
//! | 2 | [`text`] | words |
//! | 3 | [`table`], [`training`], [`lm`] | an embedding table in memory; vectors from texts; language models |
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
pub use wordspace_proto as proto;

#[cfg(feature = "server")]
pub mod arenas;
#[cfg(feature = "server")]
pub mod budget;
#[cfg(feature = "client")]
pub mod checksum;
#[cfg(feature = "server")]
pub mod container;
#[cfg(feature = "server")]
pub mod priority;
#[cfg(feature = "server")]
pub mod steps;
#[cfg(feature = "server")]
pub mod vector;

#[cfg(feature = "server")]
pub mod text;

#[cfg(feature = "server")]
pub mod lm;
#[cfg(feature = "server")]
pub mod table;
#[cfg(feature = "server")]
pub mod training;

#[cfg(feature = "server")]
pub mod format;
#[cfg(feature = "server")]
pub mod index;
#[cfg(feature = "server")]
pub mod store;

#[cfg(feature = "server")]
pub mod query;

#[cfg(feature = "server")]
pub mod bias;
#[cfg(feature = "server")]
pub mod evaluation;

#[cfg(feature = "server")]
pub mod engine;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "server")]
pub mod cli;
