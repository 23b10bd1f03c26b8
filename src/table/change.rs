//! `Change`: what a write does to one word; by word, so that it means the same in every generation.

use crate::table::attributes::Attributes;

/// A change to one word.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The word has this vector from now on, whether it is new or not.
    Put {
        /// The word.
        word: Vec<u8>,
        /// Of the table's dimension; every value finite.
        vector: Vec<f32>,
        /// Set beside those that the word has.
        attributes: Attributes,
    },
    /// The word is gone with its vector and attributes.
    Delete {
        /// The word.
        word: Vec<u8>,
    },
    /// The word's attributes change.
    Attributes {
        /// The word.
        word: Vec<u8>,
        /// Set, in place of those of the same names.
        set: Attributes,
        /// Taken away before.
        remove: Vec<String>,
    },
}

impl Change {
    /// The word that changes.
    pub fn word(&self) -> &[u8] {
        match self {
            Self::Put { word, .. } | Self::Delete { word } | Self::Attributes { word, .. } => word,
        }
    }
}
