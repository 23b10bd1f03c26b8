//! Splits at Unicode white space and cuts nothing else.

use std::ops::Range;

use crate::text::words::stretches;

pub(super) fn cut(text: &str, take: &mut dyn FnMut(Range<usize>)) {
    stretches(text).for_each(take);
}
