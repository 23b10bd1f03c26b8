//! One caller never hurts the others: what idle, slow, greedy and broken callers do to their neighbors.

mod bombs;
mod connections;
mod crowds;
mod errors;
mod jobs;
mod limits;
