//! The wire's messages and stubs, generated from `proto/`; only `server/` and `client.rs` use them.
#![allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated; the proto files are the documentation"
)]

tonic::include_proto!("wordspace.v1");

/// The services and messages, described for reflection and for JSON.
pub const DESCRIPTORS: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/wordspace.v1.descriptor.bin"));
