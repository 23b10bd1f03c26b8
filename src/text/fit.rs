//! Truncation and padding: texts brought to a number of tokens.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::text::Token;
use crate::text::special::Role;
use crate::text::tokenizer::Tokenizer;
use crate::vector::random::SplitMix64;

/// Which tokens of a text stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// At most so many.
    pub max: usize,
    /// Which.
    pub keep: Keep,
}

/// Which tokens of a text that is too long stay. The tokens of one character stay or go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first.
    Head,
    /// The last.
    Tail,
    /// The first half and the last half: the middle goes.
    Ends,
    /// Some drawn by this seed, in the order of the text.
    Sample(u64),
}

/// How texts are filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padding {
    /// To so many tokens; none: to the longest of the call.
    pub length: Option<usize>,
    /// To the next multiple of this; at least 1.
    pub multiple_of: usize,
    /// At the beginning.
    pub left: bool,
    /// With this token; none: with the one whose role it is.
    pub id: Option<u32>,
}

impl Truncation {
    /// Takes tokens away, and tells how many. Tokens that the tokenizer puts around a text stay.
    ///
    /// # Errors
    ///
    /// If these alone are more than allowed.
    pub fn truncate(&self, tokens: &mut Vec<Token>) -> Result<usize> {
        let before = tokens.len();
        if before <= self.max {
            return Ok(0);
        }
        let is_added = |token: &Token| token.is_special && token.bytes.is_empty();
        let added = tokens.iter().filter(|token| is_added(token)).count();
        let room = self.max.checked_sub(added).ok_or_else(|| {
            let problem =
                format!("the tokenizer puts {added} tokens around a text; allow that many");
            Error::invalid("truncation.max_tokens", problem)
        })?;
        let groups = groups(tokens, &is_added);
        let stays = self.choose(&groups, room);
        let mut at = 0;
        tokens.retain(|token| {
            at += 1;
            is_added(token) || stays[at - 1]
        });
        Ok(before - tokens.len())
    }

    fn choose(&self, groups: &[Range<usize>], room: usize) -> Vec<bool> {
        let end = groups.last().map_or(0, |group| group.end);
        let mut stays = vec![false; end];
        let mut room = room;
        // Whether there was room for it.
        let mut take = |group: &Range<usize>, budget: &mut usize| -> bool {
            let Some(left) = budget.checked_sub(group.len()) else { return false };
            *budget = left;
            stays[group.clone()].fill(true);
            true
        };
        match self.keep {
            Keep::Head => {
                groups.iter().all(|group| take(group, &mut room));
            }
            Keep::Tail => {
                groups.iter().rev().all(|group| take(group, &mut room));
            }
            Keep::Ends => {
                let mut head = room.div_ceil(2);
                let taken = groups.iter().take_while(|group| take(group, &mut head)).count();
                let mut tail = room / 2 + head;
                groups[taken..].iter().rev().all(|group| take(group, &mut tail));
            }
            Keep::Sample(seed) => {
                let mut random = SplitMix64(seed);
                let mut order: Vec<usize> = (0..groups.len()).collect();
                for i in (1..order.len()).rev() {
                    order.swap(i, random.index_below(i + 1));
                }
                order.iter().all(|&at| take(&groups[at], &mut room));
            }
        }
        stays
    }
}

/// The tokens that share characters, and every other for itself.
pub(super) fn groups(tokens: &[Token], skip: &dyn Fn(&Token) -> bool) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut chars_end = 0;
    for (at, token) in tokens.iter().enumerate() {
        if skip(token) {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.end == at && token.chars.start < chars_end => group.end = at + 1,
            Some(_) | None => groups.push(at..at + 1),
        }
        chars_end = chars_end.max(token.chars.end);
    }
    groups
}

impl Padding {
    /// Fills texts up; how many tokens each got.
    ///
    /// # Errors
    ///
    /// If the tokenizer has no token for it and none is named, or if its tokens have no numbers.
    pub fn pad(&self, tokenizer: &Tokenizer, texts: &mut [Vec<Token>]) -> Result<Vec<usize>> {
        let own = || tokenizer.specials().of_role(Role::Pad).map(|special| special.id);
        let id = self.id.or_else(own).ok_or_else(|| {
            let problem = "the tokenizer has no token for padding; name one by its number";
            Error::invalid("padding.id", problem)
        })?;
        tokenizer.check_ids(&[id])?;
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        let wanted = self.length.unwrap_or(longest);
        let wanted = wanted.next_multiple_of(self.multiple_of.max(1));
        let counts = texts.iter_mut().map(|tokens| {
            let count = wanted.saturating_sub(tokens.len());
            let end = tokens.last().filter(|_| !self.left);
            let (byte, char) = end.map_or((0, 0), |last| (last.bytes.end, last.chars.end));
            let (bytes, chars) = (byte..byte, char..char);
            let padding = Token { id: Some(id), bytes, chars, is_special: true };
            let at = if self.left { 0 } else { tokens.len() };
            tokens.splice(at..at, std::iter::repeat_n(padding, count));
            count
        });
        Ok(counts.collect())
    }
}
