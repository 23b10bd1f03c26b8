//! Probes of what human bias the vectors carry, as pure functions of a table.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `weat.rs` | the Word Embedding Association Test |
//! | `partition.rs` | its p-value: partitions counted or drawn |
//! | `suites.rs` `weat.txt` | the published tests by name |
//! | `projection.rs` | words on an axis between two poles |

mod partition;
pub mod projection;
pub mod suites;
pub mod weat;

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
