//! English rules in the style of the Penn Treebank, so that tokens are words of `GloVe`.
//!
//! The text is split at white space, and each stretch into words and marks (each rule can be
//! switched off, see [`RuleSet`]):
//!
//! 1. A word is a run of letters, digits and underscores of any script. What joins two of them
//!    belongs to the word: an apostrophe (`o'brien`), a hyphen (`well-known`), and between two
//!    digits a period, comma or colon (`3.14`, `1,000`, `10:30`).
//! 2. Initials keep their periods: single letters, each with a period, at least two (`U.S.`).
//! 3. English contractions are cut before `n't 's 'm 'd 're 've 'll`, in either case, with U+0027
//!    or U+2019, as often as they stand there: `do n't`, `it 's`, `should n't 've`. Words written as
//!    one stay one (`cannot`, `gonna`).
//! 4. A run of periods is one token, and so is a run of hyphens, of backticks, or of straight
//!    apostrophes (an ellipsis, a dash, the Treebank's quotes).
//! 5. Everything else is a token for each character as people see them (grapheme cluster): marks,
//!    curly quotes, signs of money, emoji with all their parts.
//!
//! Nothing is special about addresses: `a@b.org` is cut at each mark. A script without spaces
//! comes out in runs; for it, take the tokenizer of Unicode words.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::text::words::stretches;

/// Which rules are on. Whatever they are, nothing but white space is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "every rule has its switch")]
pub struct RuleSet {
    /// Words are looked up in lower case; the piece stays as it stands.
    pub case: bool,
    /// Marks are tokens of their own. If not, a stretch without white space is one token, but for
    /// its contractions.
    pub punctuation: bool,
    /// A period, comma or colon between two digits belongs to the number.
    pub numbers: bool,
    /// English contractions are cut.
    pub contractions: bool,
}

impl Default for RuleSet {
    /// Every rule but that of case.
    fn default() -> Self {
        Self { case: false, punctuation: true, numbers: true, contractions: true }
    }
}

pub(super) fn cut(text: &str, rules: RuleSet, take: &mut dyn FnMut(Range<usize>)) {
    for stretch in stretches(text) {
        let start = stretch.start;
        let characters = Characters::new(&text[stretch], rules);
        let mut at = 0;
        while at < characters.list.len() {
            let token = at..characters.token_end(at);
            at = token.end;
            let bytes = characters.bytes(token);
            let mut from = start + bytes.start;
            if rules.contractions {
                for cut in contractions(&characters.stretch[bytes.clone()]) {
                    take(from..start + bytes.start + cut);
                    from = start + bytes.start + cut;
                }
            }
            take(from..start + bytes.end);
        }
    }
}

/// A stretch without white space as grapheme clusters, each with the byte where it starts.
struct Characters<'t> {
    stretch: &'t str,
    list: Vec<(usize, &'t str)>,
    rules: RuleSet,
}

impl<'t> Characters<'t> {
    fn new(stretch: &'t str, rules: RuleSet) -> Self {
        Self { stretch, list: stretch.grapheme_indices(true).collect(), rules }
    }

    /// Where the token that starts at a character ends.
    fn token_end(&self, at: usize) -> usize {
        if !self.rules.punctuation {
            self.list.len()
        } else if self.is(at, is_word) {
            self.initials_end(at).unwrap_or_else(|| self.word_end(at))
        } else if let Some(c) = self.first(at).filter(|&c| has_runs(c)) {
            at + (at..self.list.len()).take_while(|&i| self.first(i) == Some(c)).count()
        } else {
            at + 1
        }
    }

    fn initials_end(&self, at: usize) -> Option<usize> {
        let is_initial = |i| self.is(i, char::is_alphabetic) && self.first(i + 1) == Some('.');
        let end = (at..).step_by(2).find(|&i| !is_initial(i))?;
        (end >= at + 4).then_some(end)
    }

    fn word_end(&self, at: usize) -> usize {
        let mut end = at + 1;
        loop {
            if self.is(end, is_word) {
                end += 1;
            } else if self.joins(end) {
                end += 2;
            } else {
                return end;
            }
        }
    }

    /// Whether the character makes one word of those before and after it.
    fn joins(&self, at: usize) -> bool {
        let Some(joint) = self.first(at) else { return false };
        let both = |test: fn(char) -> bool| self.is(at - 1, test) && self.is(at + 1, test);
        both(is_word) && (is_apostrophe(joint) || is_hyphen(joint))
            || self.rules.numbers && both(char::is_numeric) && joins_digits(joint)
    }

    fn first(&self, at: usize) -> Option<char> {
        self.list.get(at)?.1.chars().next()
    }

    fn is(&self, at: usize, test: fn(char) -> bool) -> bool {
        self.first(at).is_some_and(test)
    }

    fn bytes(&self, token: Range<usize>) -> Range<usize> {
        let byte = |at: usize| self.list.get(at).map_or(self.stretch.len(), |&(i, _)| i);
        byte(token.start)..byte(token.end)
    }
}

/// The bytes before which a word's contractions are cut, in order; mostly none.
fn contractions(word: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut head = word;
    while let Some(before) = before_contraction(head) {
        cuts.push(before.len());
        head = before;
    }
    cuts.reverse();
    cuts
}

fn before_contraction(word: &str) -> Option<&str> {
    let (before, ending) = word.rsplit_once(is_apostrophe)?;
    let is = |known: &str| ending.eq_ignore_ascii_case(known);
    let head = if is("t") {
        before.strip_suffix(['n', 'N'])?
    } else {
        ["s", "m", "d", "re", "ve", "ll"].into_iter().any(is).then_some(before)?
    };
    (!head.is_empty() && !head.ends_with(is_apostrophe)).then_some(head)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

/// Also the decimal and thousands separators of Arabic.
fn joins_digits(c: char) -> bool {
    matches!(c, '.' | ',' | ':' | '\u{66b}' | '\u{66c}')
}

fn has_runs(c: char) -> bool {
    matches!(c, '.' | '-' | '`' | '\'')
}
