//! Training: vectors of words from texts, by word2vec's models.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `corpus.rs` | token streams become counted words and numbers that every epoch reads again |
//! | `huffman.rs` | the tree over words by which hierarchical softmax finds them |
//! | `ids.rs` | those numbers, in memory or in a file |
//! | `reading.rs` | plain text cut at white space, by several threads |

pub mod corpus;
pub mod huffman;
mod ids;
mod reading;

pub use ids::Spill;
