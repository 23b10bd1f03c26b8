//! `State`: what the words so far mean for the next one.

use crate::lm::count::ORDER_MAX;

/// Contexts that a state has at most.
pub(super) const CONTEXTS: usize = ORDER_MAX - 1;

/// What the words so far mean for the next one. States that are equal make the same words equally likely.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Contexts that are known, from the shortest on.
    pub(super) len: u8,
    /// Words there are, up to the order less one.
    pub(super) words: u8,
    /// Where the contexts stand; of a network the words, the nearest first.
    pub(super) slots: [u32; CONTEXTS],
    pub(super) back_offs: [f32; CONTEXTS],
}

impl State {
    /// As bytes behind the mark of a model, for whoever goes on from it later.
    pub(super) fn told(&self, mark: u64) -> Vec<u8> {
        let mut told = mark.to_le_bytes().to_vec();
        told.extend([self.len, self.words]);
        let len = usize::from(self.len).min(CONTEXTS);
        for (slot, back_off) in self.slots.iter().zip(&self.back_offs).take(len) {
            told.extend(slot.to_le_bytes());
            told.extend(back_off.to_le_bytes());
        }
        told
    }

    /// The state of these bytes, of a model of this mark and so many words of context at most; none if they are not
    /// from it.
    pub(super) fn of_told(told: &[u8], mark: u64, most: usize) -> Option<Self> {
        let (own, rest) = told.split_first_chunk()?;
        let (&[len, words], rest) = rest.split_first_chunk()?;
        let contexts = rest.as_chunks::<8>();
        let is_sound = u64::from_le_bytes(*own) == mark
            && usize::from(len.max(words)) <= most.min(CONTEXTS)
            && contexts.0.len() == usize::from(len)
            && contexts.1.is_empty();
        if !is_sound {
            return None;
        }
        let mut state = Self { len, words, ..Self::default() };
        for (at, &[a, b, c, d, e, f, g, h]) in contexts.0.iter().enumerate() {
            state.slots[at] = u32::from_le_bytes([a, b, c, d]);
            state.back_offs[at] = f32::from_le_bytes([e, f, g, h]);
        }
        // A back-off is finite, or the logarithm of 0.
        let is_right = |back_off: &f32| back_off.is_finite() || *back_off == f32::NEG_INFINITY;
        state.back_offs.iter().all(is_right).then_some(state)
    }
}

/// How likely one word is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The logarithm of its probability to base 10.
    pub log10: f32,
    /// The longest n-gram that ends with it and is in the model.
    pub order: u8,
}
