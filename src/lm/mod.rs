//! Language models: how likely a sentence is, and which word comes next.
pub mod arpa;
mod corpus;
mod count;
mod estimate;
mod grams;
mod layout;
mod lexicon;
pub mod mix;
mod model;
pub mod neural;
mod next;
mod ngram;
mod numbers;
mod packed;
mod part;
mod perplexity;
mod place;
mod smoothing;
#[cfg(test)]
mod tests;
mod tune;
mod words;
mod write;

pub use corpus::{Corpus, Known, Reader, Reading, Totals, held_out_words};
pub use count::{Counts, ORDER_MAX};
pub use estimate::{Estimation, OrderReport, estimate};
pub use grams::Grams;
pub use layout::KIND;
pub use model::Model;
pub use next::{Drawing, Generated, NextFilter, NextWord, generate, next_words};
pub use ngram::{NgramModel, Scored, Show, State};
pub use numbers::{Room, Spill};
pub use perplexity::Perplexity;
pub use smoothing::{ADD_K, Discounts, Smoothing};
pub use tune::{jelinek_mercer, temporary};
pub use words::{BEGIN, END, SPECIAL, UNKNOWN, Words, plain};
