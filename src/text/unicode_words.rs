//! Unicode word boundaries (UAX #29); white space is dropped, punctuation is kept.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::text::{Cutter, Token, Tokenizer};

pub(super) struct UnicodeWords;

impl Tokenizer for UnicodeWords {
    fn tokenize<'t>(&self, text: &'t str) -> Vec<Token<'t>> {
        let mut cutter = Cutter::new(text);
        for (start, piece) in text.split_word_bound_indices() {
            // A combining mark after a space shares its segment: the mark stays, the space goes.
            // Inside of a word, a narrow no-break space (10 000) belongs to it.
            let start = start + piece.len() - piece.trim_start().len();
            let piece = piece.trim();
            if !piece.is_empty() {
                cutter.cut(start..start + piece.len());
            }
        }
        cutter.finish()
    }
}
