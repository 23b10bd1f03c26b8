//! The smallest units of a text: code points.

use std::ops::Range;

pub(super) fn characters(text: &str, take: &mut dyn FnMut(Range<usize>)) {
    for (start, character) in text.char_indices() {
        take(start..start + character.len_utf8());
    }
}
