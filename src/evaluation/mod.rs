//! How well do the vectors of a table agree with what people know? Test sets, as pure functions.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `test_set.rs` | the kinds of test sets |
//! | `file.rs` | the files of test sets: sections, fields, bounds |
//! | `vocabulary.rs` | which row a word of a test set stands for |
//! | `analogies.rs` | analogy questions by section |
//! | `products.rs` | where the right answers to many analogies stand |
//! | `word_pairs.rs` | the similarity that people gave to pairs |
//! | `categories.rs` | words that people put into categories |
//! | `outliers.rs` | sets with a word that does not belong |

pub mod analogies;
pub mod categories;
mod file;
pub mod outliers;
mod products;
pub mod test_set;
#[cfg(test)]
mod tests;
mod vocabulary;
pub mod word_pairs;

/// How the words of a test set are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Only so many of the first rows, the most frequent words, are known.
    pub restrict_vocab: usize,
    /// Upper and lower case are one; of several rows the first is meant.
    pub case_insensitive: bool,
}

impl Default for Lookup {
    /// As in gensim.
    fn default() -> Self {
        Self { restrict_vocab: 300_000, case_insensitive: true }
    }
}
