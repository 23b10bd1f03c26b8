//! Training: vectors of words from texts, by word2vec's models (Mikolov et al. 2013), with sub-words as in
//! fastText (Bojanowski et al. 2017).
//!
//! A text is read once: [`corpus::Encoder`] counts its words and makes numbers of them. [`train::train`]
//! reads the numbers as often as it is told, and ends with vectors.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `corpus/` | token streams become counted words and numbers that every epoch reads again |
//! | `draws.rs` | words drawn by a power of their counts |
//! | `glove/` | GloVe: vectors from how often words stand together |
//! | `huffman.rs` | the tree over words by which hierarchical softmax finds them |
//! | `ids.rs` | the numbers of a corpus, in memory or in a file |
//! | `kernel/` | the loops in which the time is spent, for three kinds of processors |
//! | `matrices.rs` | the vectors that are learned |
//! | `ngrams.rs` | the rows whose mean is a word |
//! | `phrases.rs` | words that stand together more often than by chance become one |
//! | `plan.rs` | what all threads read and none changes |
//! | `progress.rs` | what training tells on its way, and how it is stopped |
//! | `reading.rs` | plain text cut at white space, by several threads |
//! | `rows.rs` | matrices |
//! | `settings.rs` | what training is told, and its bounds |
//! | `standing.rs` | where training stands, to go on there |
//! | `train.rs` | epochs, threads, progress |
//! | `worker.rs` | what a thread learns from a piece of the corpus |

pub mod corpus;
mod draws;
pub mod glove;
pub mod huffman;
mod ids;
mod kernel;
mod matrices;
mod ngrams;
pub mod phrases;
mod plan;
pub mod progress;
mod reading;
mod rows;
pub mod settings;
pub mod standing;
pub mod train;
mod worker;

pub use ids::Spill;
pub use kernel::Kind;
pub use rows::Rows;

#[cfg(test)]
mod tests;
