//! Calls as JSON over HTTP: which call a request means, its message, its answer, and its error.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `contract.rs` | the contract's messages and methods, as JSON needs them |
//! | `read.rs` | JSON to a message |
//! | `print.rs` | a message to JSON, a piece at a time |
//! | `route.rs` | which call an HTTP request means |
//! | `origin.rs` | which pages of browsers may ask |
//! | `problem.rs` | an error as `application/problem+json` |
//! | `openapi.rs` | the contract as an `OpenAPI` document |
//!
//! A request becomes a message of gRPC before anything else happens to it, and is answered as one: keys, budgets,
//! limits and deadlines are those of gRPC. Messages are made and printed without a tree of values between,
//! which would take twenty times as many bytes as a list of numbers has.

mod contract;
mod openapi;
mod origin;
mod print;
mod problem;
mod read;
mod route;
#[cfg(test)]
mod tests;

pub(super) use contract::answers_stream;
pub(super) use openapi::document;
pub(super) use origin::{Origins, allow, allow_requests};
pub(super) use print::Printer;
pub(super) use problem::{line, problem};
pub(super) use read::read;
pub(super) use route::{Asked, Bound, Form, Wrong, route};
