//! Where sentences begin (UAX #29), in time that grows with the text.
//!
//! The crate looks ahead from every place behind a full stop that only spaces and closing marks part
//! from it, to the next letter (rule SB8). Of texts as PDFs give them, with thousands of spaces in a
//! row, that is quadratic. But no sentence begins within a run of spaces, nor within one of closing
//! marks, and how long the run is makes no difference: the crate sees a few characters of each.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation as _;

/// Characters of a run that the crate sees.
const RUN_SEEN: usize = 4;

/// The byte at which each sentence but the first begins.
pub(super) fn starts(text: &str) -> Vec<usize> {
    let (short, cuts) = shortened(text);
    let seen = short.as_deref().unwrap_or(text);
    let mut cuts = cuts.into_iter().peekable();
    let mut left_out = 0;
    let starts = seen.split_sentence_bound_indices().map(|(start, _)| start).skip(1);
    let starts = starts.map(|start| {
        while let Some(cut) = cuts.next_if(|cut| cut.before <= start) {
            left_out += cut.bytes;
        }
        start + left_out
    });
    starts.collect()
}

/// Bytes that were left out.
struct Cut {
    /// Where they would stand in the shortened text.
    before: usize,
    bytes: usize,
}

/// The text with short runs, if it has long ones, and what was left out.
fn shortened(text: &str) -> (Option<String>, Vec<Cut>) {
    let mut known = HashMap::new();
    let (mut short, mut cuts): (Option<String>, Vec<Cut>) = (None, Vec::new());
    let (mut run, mut length) = (Class::Other, 0);
    for (at, c) in text.char_indices() {
        let class = Class::of(c, &mut known);
        match class {
            // It belongs to what stands before it, whatever that is.
            Class::Extend => {}
            Class::Space | Class::Close | Class::Other if class == run => {}
            Class::Space | Class::Close | Class::Other => (run, length) = (class, 0),
        }
        length += 1;
        if run != Class::Other && length > RUN_SEEN {
            let short = short.get_or_insert_with(|| text[..at].to_owned());
            match cuts.last_mut().filter(|cut| cut.before == short.len()) {
                Some(cut) => cut.bytes += c.len_utf8(),
                None => cuts.push(Cut { before: short.len(), bytes: c.len_utf8() }),
            }
        } else if let Some(short) = &mut short {
            short.push(c);
        }
    }
    (short, cuts)
}

/// What a character is to the rules, as far as runs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// But not the end of a line.
    Space,
    /// A closing, opening or quotation mark.
    Close,
    /// Extends the character before it.
    Extend,
    Other,
}

impl Class {
    fn of(c: char, known: &mut HashMap<char, Self>) -> Self {
        match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Self::Other,
            c if c.is_whitespace() => Self::Space,
            c if c.is_alphanumeric() => Self::Other,
            c => *known.entry(c).or_insert_with(|| Self::found(c)),
        }
    }

    /// Found by what the crate does with it.
    fn found(c: char) -> Self {
        let begins = |text: &str| -> Vec<usize> {
            text.split_sentence_bound_indices().map(|(start, _)| start).skip(1).collect()
        };
        let end = c.len_utf8();
        if begins(&format!("1.{c}B")) != [2 + end] {
            return Self::Other;
        }
        match begins(&format!("1. {c})B"))[..] {
            [3] => Self::Close,
            [start] if start == 3 + end => Self::Extend,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plainly(text: &str) -> Vec<usize> {
        text.split_sentence_bound_indices().map(|(start, _)| start).skip(1).collect()
    }

    #[test]
    fn long_runs_take_no_longer_than_their_bytes() {
        for filling in [" ", ")", "\u{a0} ", "\u{201d})", " \u{301}", ")\u{200d}"] {
            let long = filling.repeat(200_000);
            for (begin, end, starts_there) in [("a.", "b", false), ("a.", "B", true)] {
                let text = format!("{begin}{long}{end}. C");
                let at = begin.len() + long.len();
                let starts = starts(&text);
                assert_eq!(starts.contains(&at), starts_there, "{filling:?}");
                assert!(starts.contains(&(at + 3)), "{filling:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn sentences_begin_where_the_crate_says(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    " ", "  ", "\u{a0}", ")", "\u{201d}", "(", ".", "!", "?", "\u{3002}", ",", "a",
                    "B", "7", "\n", "\r\n", "\u{2029}", "\u{301}", "\u{200d}", "%", "\u{56fd}",
                    "          ", "))))))))", ".......", " ) ) ) ) ", "\u{301}\u{301}\u{301}\u{301}\u{301}",
                ]),
                0..40,
            ),
        ) {
            let text = parts.concat();
            prop_assert_eq!(starts(&text), plainly(&text));
        }
    }
}
