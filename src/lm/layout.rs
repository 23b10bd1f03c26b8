//! The file of a model: a container with these sections.
//!
//! | section | what it holds |
//! | --- | --- |
//! | `params` | [`Params`], as JSON |
//! | `arena`, `starts`, `hashes` | the words: their bytes, where each begins, and the table that finds them |
//! | `unigrams` | for each word its probability and its back-off |
//! | `lines.N` | n-grams of N words: lines of 64 bytes |
//! | `codes.N` | the different back-offs of these, if lines are narrow |
//!
//! A line holds eight n-grams, or five: first their tags, then their values. An n-gram's key is the slot of its
//! context in the table below and its last word. The key tells the line, and the rest of the key is the tag
//! ([`Place`]), so the table is exact. A tag's upper five bits tell how many lines the n-gram was moved on
//! because its own were full. N-grams stand in the order of their own lines, so that a search ends at the first
//! one of a later line.
//!
//! All probabilities and back-offs are logarithms to base 10; probabilities stand without their sign, and the
//! uppermost bit tells whether the n-gram is a context.

use serde::{Deserialize, Serialize};

use crate::container::Kind;
use crate::lm::place::Place;

/// Files of models.
pub const KIND: Kind = Kind {
    name: "lm",
    version: 1,
    advice: "delete the model and make it again, or restore it from a backup",
};
/// Numbers before the values of a line of eight.
pub(super) const EIGHT: usize = 8;
/// N-grams of a wide line.
pub(super) const FIVE: usize = 5;
/// Tells that an n-gram is a context.
pub(super) const IS_CONTEXT: u32 = 1 << 31;
/// Most bits of the code of a back-off.
pub(super) const CODE_BITS_MAX: u32 = 15;
/// The most between two probabilities that a narrow line can hold: it errs by half of it.
pub(super) const STEP_MAX: f32 = 1.8e-4;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Whether back-offs are probabilities.
    pub(super) is_direct: bool,
    /// Words, with the special ones.
    pub(super) words: u64,
    /// Of the words' hashes.
    pub(super) seed: u64,
    /// N-grams of each order.
    pub(super) sizes: Vec<u64>,
    /// Of the orders from 2 on; none in the compact form.
    pub(super) tables: Vec<TableParams>,
    /// The same in the compact form: see `packed.rs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) packed: Option<Vec<Packing>>,
}

/// How an order's n-grams are packed in bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packing {
    /// N-grams.
    pub(super) count: u64,
    /// Bits of a word, of a probability in steps, and of the code of a back-off.
    pub(super) word_bits: u32,
    pub(super) p_bits: u32,
    pub(super) code_bits: u32,
    /// A step. The highest one there is place for stands for never.
    pub(super) step: f32,
    /// Whether a bit tells that an n-gram is a context.
    pub(super) has_contexts: bool,
}

/// What is known of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableParams {
    pub(super) place: Place,
    pub(super) values: Values,
}

/// What the values of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Values {
    /// Of the highest order: eight probabilities in single precision.
    Top,
    /// Eight numbers: a probability in steps, and the code of a back-off in the lowest bits. The highest
    /// probability there is place for stands for never.
    Narrow { code_bits: u32, step: f32 },
    /// Five probabilities, then five back-offs, in single precision.
    Wide,
}

impl Values {
    /// N-grams of a line.
    pub(super) fn per_line(self) -> usize {
        match self {
            Self::Top | Self::Narrow { .. } => EIGHT,
            Self::Wide => FIVE,
        }
    }
}

/// The name of a section of an order.
pub(super) fn section(what: &str, order: usize) -> String {
    format!("{what}.{order}")
}
