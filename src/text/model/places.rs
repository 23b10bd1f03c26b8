//! Where tokens stand in a text: every byte that made a token belongs to it.
//!
//! What the crate says is too short in two cases. Where it puts a space before a part of the text, as
//! behind an added token, it takes the first character for that space. And a character that a normalizer
//! composes of several ends where its first one does. It is too long where that space is a token of its
//! own, of which nothing stands in the text.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Bytes before a token's end that may compose with what follows: a character, and marks on it.
const BASE_BYTES_MAX: usize = 32;

/// What the first of a token's letters may be: a space, as vocabularies write it.
const SPACES: [char; 2] = ['\u{120}', '\u{2581}'];

/// Widens the place of a token, as the vocabulary writes it, over what belongs to it between the end of
/// the one before and the beginning of the next.
pub(super) fn widened(
    text: &str,
    spelling: &str,
    place: Range<usize>,
    free: Range<usize>,
) -> Range<usize> {
    if is_put_before(text, spelling, place.start) {
        return place.start..place.start;
    }
    let start = begin(text, spelling, &place).filter(|&start| start >= free.start);
    let start = start.unwrap_or(place.start);
    let end = if start < place.end { end(text, start..place.end, free.end) } else { place.end };
    start..end
}

/// Whether a token is nothing but a space, and the text has none there.
fn is_put_before(text: &str, spelling: &str, start: usize) -> bool {
    let is_space = !spelling.is_empty() && spelling.trim_start_matches(SPACES).is_empty();
    let next = text.get(start..).and_then(|rest| rest.chars().next());
    let stands_there = |c: char| c.is_whitespace() || c.is_control() || SPACES.contains(&c);
    is_space && next.is_some_and(|c| !stands_there(c))
}

/// Where the token begins, if the crate says a later place.
fn begin(text: &str, spelling: &str, place: &Range<usize>) -> Option<usize> {
    let letters = spelling.trim_start_matches(SPACES);
    if letters.len() == spelling.len() {
        return None;
    }
    let head = text.get(..place.end)?;
    let plain = || head.strip_suffix(letters).map(str::len);
    let bytes = || {
        let bytes = letters.chars().map(byte_of).collect::<Option<Vec<u8>>>()?;
        head.as_bytes().strip_suffix(&bytes[..]).map(<[u8]>::len)
    };
    let start = plain().or_else(bytes)?;
    (start < place.start && text.is_char_boundary(start)).then_some(start)
}

/// The byte that a character of a byte-level vocabulary stands for: printable ones for themselves, the
/// others in order from U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    let stands_for_itself = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u32::from(c) {
        code @ 0..0x100 => u8::try_from(code).ok().filter(stands_for_itself),
        code => {
            let place = usize::try_from(code - 0x100).ok()?;
            (0..=u8::MAX).filter(|byte| !stands_for_itself(byte)).nth(place)
        }
    }
}

/// Where the token ends, with the characters behind it that compose with its last ones.
fn end(text: &str, place: Range<usize>, free: usize) -> usize {
    let Some(rest) = text.get(place.end..free.max(place.end)) else { return place.end };
    let mut end = place.end;
    for c in rest.chars() {
        let start = text.floor_char_boundary(place.start.max(end.saturating_sub(BASE_BYTES_MAX)));
        let (base, with) = (&text[start..end], &text[start..end + c.len_utf8()]);
        let composes = || with.nfkc().count() <= base.nfkc().count();
        if c.is_ascii() || !(is_combining_mark(c) || composes()) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_characters_end_where_all_of_them_do() {
        for (text, end, whole) in [
            ("cafe\u{301} x", 4, 6),
            ("cafe\u{301}\u{327}x", 4, 8),
            // Consonant, vowel and final consonant make one syllable.
            ("\u{1109}\u{1175}\u{11af}x", 3, 9),
            ("\u{1106}\u{1161}\u{1109}", 3, 6),
            // A half-width letter with its mark.
            ("\u{ff76}\u{ff9e}", 3, 6),
            ("a\u{a0}b", 1, 1),
            ("a\u{200b}b", 1, 1),
            ("\u{56fd}\u{4eba}", 3, 3),
        ] {
            assert_eq!(widened(text, "", 0..end, 0..text.len()), 0..whole, "{text:?}");
            assert_eq!(widened(text, "", 0..end, 0..end), 0..end, "the rest is another token's");
        }
    }

    #[test]
    fn a_space_that_was_put_before_a_word_takes_none_of_its_letters() {
        // "\u{e9}" as bytes of a vocabulary.
        let spelled = "\u{120}\u{c3}\u{a9}t";
        for (text, spelling, place, free, whole) in [
            ("<m>BMS", "\u{120}BMS", 4..6, 3..6, 3..6),
            ("<m>B", "\u{120}B", 4..4, 3..4, 3..4),
            ("<m>\u{e9}t", spelled, 5..6, 3..6, 3..6),
            ("<m>\u{e9}t", "\u{2581}\u{e9}t", 5..6, 3..6, 3..6),
            // The byte before is another token's, or the text is another.
            ("<m>BMS", "\u{120}BMS", 4..6, 4..6, 4..6),
            ("<m>BMS", "\u{120}bms", 4..6, 3..6, 4..6),
            ("a b", "\u{120}b", 2..3, 1..3, 2..3),
            ("a  ", "\u{120}", 2..2, 1..3, 2..2),
            ("a  ", "\u{120}", 1..3, 1..3, 1..3),
            // The space alone, before a character of three bytes, and before one that is cut.
            ("\u{56fd}\u{738b}", "\u{120}", 0..2, 0..6, 0..0),
            ("<m>\u{1f642}", "\u{2581}", 3..7, 3..7, 3..3),
        ] {
            assert_eq!(widened(text, spelling, place, free), whole, "{text} {spelling}");
        }
    }
}
