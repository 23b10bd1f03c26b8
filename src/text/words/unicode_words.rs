//! Unicode word boundaries (UAX #29); white space is dropped, punctuation is kept.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

pub(super) fn cut(text: &str, take: &mut dyn FnMut(Range<usize>)) {
    for (start, piece) in text.split_word_bound_indices() {
        // A combining mark after a space shares its segment: the mark stays, the space goes.
        // Inside of a word, a narrow no-break space (10 000) belongs to it.
        let start = start + piece.len() - piece.trim_start().len();
        let piece = piece.trim();
        if !piece.is_empty() {
            take(start..start + piece.len());
        }
    }
}
