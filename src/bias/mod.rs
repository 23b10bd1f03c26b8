//! Probes of what human bias the vectors carry, and ways to take it out, as pure functions of a table.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `sets.rs` | word sets: who is found, who is lost, what makes a figure doubtful |
//! | `weat.rs` | the Word Embedding Association Test, for sets and single words |
//! | `partition.rs` | its p-value: partitions counted or drawn |
//! | `count.rs` | counts of partitions without a walk through them |
//! | `bootstrap.rs` | intervals of figures |
//! | `suites.rs` `weat.txt` | the published tests by name |
//! | `probe.rs` | RND, RNSB, MAC, ECT, RIPA, direct and indirect bias |
//! | `logistic.rs` | a small classifier |
//! | `direction.rs` | the direction of a bias, found in pairs |
//! | `projection.rs` | words on an axis between two poles |
//! | `generate.rs` | analogies along a direction |
//! | `clusters.rs` | whether the most biased words can still be told apart |
//! | `debias.rs` | vectors with less of a bias |

mod bootstrap;
pub mod clusters;
mod count;
pub mod debias;
mod direction;
pub mod generate;
mod logistic;
pub mod partition;
pub mod probe;
pub mod projection;
mod sets;
pub mod suites;
pub mod weat;

pub use sets::{SetUsed, Terms};

/// Words that stand for one thing, such as career.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordSet {
    /// What the set is about; may be empty.
    pub name: String,
    /// The words.
    pub words: Vec<String>,
}

#[cfg(test)]
mod tests;
