//! Long texts in windows of at most so many tokens, which join back to the text.

use std::ops::Range;

use crate::error::Result;
use crate::steps::GoOn;
use crate::text::fit::groups;
use crate::text::sentences;
use crate::text::tokenizer::{CutOptions, Knows, Tokenizer};
use crate::text::{CharCount, Token};

/// How a text is cut into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Tokens of a window, at most, when it is cut as a text of its own; at least 1.
    pub max_tokens: usize,
    /// Tokens at the end of a window that stand in the next one too; less than `max_tokens`.
    pub overlap: usize,
    /// End a window at the end of a sentence (UAX #29) if one ends in it.
    pub at_sentences: bool,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where it stands, in bytes.
    pub bytes: Range<usize>,
    /// The same in code points.
    pub chars: Range<usize>,
    /// Bytes at its beginning that stand in the window before too. The rest of all windows, joined,
    /// is the text.
    pub overlap_bytes: usize,
    /// Its tokens.
    pub token_count: usize,
}

impl Windows {
    /// The windows of a text; none for an empty one.
    ///
    /// A character is never cut: one that alone has more tokens than a window may have is a window
    /// all the same, and so is a token of the text that is cut in more where it stands alone. Such a
    /// window begins with no more of the one before than has room.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::cut`]; whatever `go_on` says, which is asked for each window.
    pub fn cut(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
        go_on: GoOn<'_>,
    ) -> Result<Vec<Window>> {
        let options = CutOptions { bare: true, ..options.clone() };
        let tokens = tokenizer.cut(text, &options, knows)?;
        let places = Places::new(text, &tokens);
        let sentences = if self.at_sentences { sentences::starts(text) } else { Vec::new() };
        let mut windows = Vec::new();
        let mut chars = CharCount::new(text);
        // Places are where a window may begin or end; a window is made of places.
        let (mut start, mut done) = (0, 0);
        while done < places.len() {
            go_on()?;
            let mut end = places.reach(start, self.max_tokens).max(done + 1);
            if end < places.len() {
                end = places.at_sentence(&sentences, done, end).unwrap_or(end);
            }
            let count = |start, end| {
                tokenizer.count(&text[places.byte(start)..places.byte(end)], &options, knows)
            };
            let mut token_count = count(start, end)?;
            // Cut for itself, a part of a text may have more tokens than within it.
            while token_count > self.max_tokens && (end > done + 1 || start < done) {
                let excess = token_count - self.max_tokens;
                if end > done + 1 {
                    end = end.saturating_sub(excess).max(done + 1);
                } else {
                    start = (start + excess).min(done);
                }
                token_count = count(start, end)?;
            }
            let bytes = places.byte(start)..places.byte(end);
            windows.push(Window {
                chars: chars.range(&bytes),
                overlap_bytes: places.byte(done) - bytes.start,
                bytes,
                token_count,
            });
            done = end;
            start = places.back(end, self.overlap.min(self.max_tokens - 1), start);
        }
        if windows.is_empty() && !text.is_empty() {
            let bytes = 0..text.len();
            let chars = chars.range(&bytes);
            windows.push(Window { bytes, chars, overlap_bytes: 0, token_count: 0 });
        }
        Ok(windows)
    }
}

/// Where a text may be cut: before each token that begins a character, and at its end.
struct Places {
    bytes: Vec<usize>,
    /// Tokens before each.
    tokens: Vec<usize>,
}

impl Places {
    fn new(text: &str, tokens: &[Token]) -> Self {
        let groups = groups(tokens, &|_| false);
        let (mut bytes, mut before) = (Vec::new(), Vec::new());
        let mut behind = 0;
        for group in groups {
            // A token that stands for no text, such as an added space, goes with the one behind it.
            let standing = tokens[group.clone()].iter().filter(|token| !token.bytes.is_empty());
            let Some(start) = standing.map(|token| token.bytes.start).min() else { continue };
            // The first window begins with the text; tokens that overlap begin with others.
            let start = if bytes.is_empty() { 0 } else { text.floor_char_boundary(start) };
            if bytes.last().is_none_or(|&last| last < start) {
                bytes.push(start);
                before.push(behind);
            }
            behind = group.end;
        }
        bytes.push(text.len());
        before.push(tokens.len());
        Self { bytes, tokens: before }
    }

    /// How many parts there are.
    fn len(&self) -> usize {
        self.bytes.len() - 1
    }

    fn byte(&self, place: usize) -> usize {
        self.bytes[place]
    }

    /// The last place so many tokens behind another.
    fn reach(&self, start: usize, tokens: usize) -> usize {
        let end = self.tokens[start] + tokens;
        self.tokens.partition_point(|&before| before <= end) - 1
    }

    /// The first place that is at most so many tokens before another, behind the last beginning.
    fn back(&self, end: usize, tokens: usize, last: usize) -> usize {
        let start = self.tokens[end].saturating_sub(tokens);
        let start = self.tokens.partition_point(|&before| before < start);
        start.clamp((last + 1).min(end), end)
    }

    /// The last place of a range at which a sentence begins.
    fn at_sentence(&self, sentences: &[usize], after: usize, end: usize) -> Option<usize> {
        let until = sentences.partition_point(|&byte| byte <= self.bytes[end]);
        let last = *sentences[..until].last()?;
        let place = self.bytes.partition_point(|&place| place < last);
        (place > after).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tokenizers with `add_prefix_space` cut a text behind a special token.
    #[test]
    fn a_token_for_no_text_is_no_place_to_cut() {
        let text = "x <m>y";
        let token = |bytes: Range<usize>| Token {
            id: None,
            chars: bytes.clone(),
            bytes,
            is_special: false,
        };
        for added in [5..5, 6..6] {
            let tokens = [0..1, 2..5, added, 5..6].map(token);
            let places = Places::new(text, &tokens);
            assert_eq!((places.bytes, places.tokens), (vec![0, 2, 5, 6], vec![0, 1, 2, 4]));
        }
        let places = Places::new(text, &[token(6..6)]);
        assert_eq!(places.len(), 0, "the whole text is one window");
    }
}
