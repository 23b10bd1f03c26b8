//! The gRPC contract of wordspace: messages, clients and servers, generated from the files in
//! `wordspace/v1/`, whose comments are the documentation.
//!
//! ```no_run
//! use wordspace_proto::{NearestRequest, search_service_client::SearchServiceClient};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let mut search = SearchServiceClient::connect("http://127.0.0.1:50051").await?;
//! let request = NearestRequest {
//!     table: "en".to_owned(),
//!     positive: vec!["king".into()],
//!     k: Some(5),
//!     ..NearestRequest::default()
//! };
//! for neighbor in search.nearest(request).await?.into_inner().neighbors {
//!     println!("{} {}", neighbor.word, neighbor.similarity);
//! }
//! # Ok(())
//! # }
//! ```
#![allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated; the proto files are the documentation"
)]

// Made by `tests/generated.rs`: whoever depends on this crate compiles no compiler of proto files.
include!("wordspace.v1.rs");

/// The services and messages, described for reflection and for JSON.
pub const DESCRIPTORS: &[u8] = include_bytes!("wordspace.v1.binpb");

impl From<&str> for WordOrVector {
    fn from(word: &str) -> Self {
        word.to_owned().into()
    }
}

impl From<String> for WordOrVector {
    fn from(word: String) -> Self {
        Self { query: Some(word_or_vector::Query::Word(word)), weight: None }
    }
}
