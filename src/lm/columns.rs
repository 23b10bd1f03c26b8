//! `Columns`: what is known at some positions of a text while their n-grams are looked up together, order by order.

use crate::lm::state::{CONTEXTS, State};

/// Columns of a block.
pub(super) const WIDTH: usize = 256;

/// Stands in a column that is no word, but the state that a sentence begins in.
const STATE: u32 = u32::MAX;

/// What was found of an n-gram.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) p: f32,
    pub(super) slot: u32,
    pub(super) back_off: f32,
    pub(super) is_context: bool,
}

/// For each position of a block its word, what was found of it, and the state behind it. Before the first word of
/// each sentence stands the state that it begins in: the state before a word is always that of the column before.
pub(super) struct Columns {
    pub(super) len: usize,
    words: [u32; WIDTH],
    /// The probability by the longest n-gram so far, as a logarithm, and how long that is.
    pub(super) p: [f32; WIDTH],
    pub(super) order: [u8; WIDTH],
    /// As in [`State`]: how many contexts are known, and how many words there are.
    pub(super) known: [u8; WIDTH],
    pub(super) behind: [u8; WIDTH],
    pub(super) slots: [[u32; WIDTH]; CONTEXTS],
    pub(super) back_offs: [[f32; WIDTH]; CONTEXTS],
}

impl Columns {
    pub(super) fn new() -> Self {
        Self {
            len: 0,
            words: [STATE; WIDTH],
            p: [0.0; WIDTH],
            order: [0; WIDTH],
            known: [0; WIDTH],
            behind: [0; WIDTH],
            slots: [[0; WIDTH]; CONTEXTS],
            back_offs: [[0.0; WIDTH]; CONTEXTS],
        }
    }

    /// Begins a sentence. There must be room.
    pub(super) fn begin(&mut self, from: &State) {
        self.words[self.len] = STATE;
        self.set(self.len, from);
        self.len += 1;
    }

    /// Adds the next word of a sentence. There must be room.
    #[inline]
    pub(super) fn push(&mut self, word: u32) {
        self.words[self.len] = word;
        self.len += 1;
    }

    /// Keeps the state behind the last word alone: the sentence goes on.
    pub(super) fn carry(&mut self) {
        let last = self.len.saturating_sub(1);
        self.words[0] = STATE;
        self.known[0] = self.known[last];
        self.behind[0] = self.behind[last];
        for (slots, back_offs) in self.slots.iter_mut().zip(&mut self.back_offs) {
            (slots[0], back_offs[0]) = (slots[last], back_offs[last]);
        }
        self.len = 1;
    }

    /// Sets the state behind a column.
    pub(super) fn set(&mut self, column: usize, state: &State) {
        (self.known[column], self.behind[column]) = (state.len, state.words);
        let contexts = self.slots.iter_mut().zip(&mut self.back_offs);
        for ((slots, back_offs), at) in contexts.zip(0..) {
            (slots[column], back_offs[column]) = (state.slots[at], state.back_offs[at]);
        }
    }

    /// Takes an n-gram that ends with the word of a column, behind the context of this number.
    #[inline]
    pub(super) fn found(&mut self, column: usize, at: usize, found: Found) {
        self.p[column] = found.p;
        self.order[column] += 1;
        // A longer context stands on the shorter ones; n-grams of the highest order are none.
        if found.is_context && usize::from(self.known[column]) == at + 1 && at + 1 < CONTEXTS {
            self.known[column] += 1;
            self.slots[at + 1][column] = found.slot;
            self.back_offs[at + 1][column] = found.back_off;
        }
    }

    /// The word of a column, if it is one.
    #[inline]
    pub(super) fn word(&self, column: usize) -> Option<u32> {
        (self.words[column] != STATE).then_some(self.words[column])
    }
}
