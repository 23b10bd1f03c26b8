//! Which cases a batch has, and which words they are compared with.

use crate::lm::neural::shape::{CASES, Shape};
use crate::lm::numbers::{single, small};
use crate::lm::words::BEGIN;
use crate::vector::random::SplitMix64;

/// What is learned from.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// Numbers of words, each sentence between `<s>` and `</s>`.
    pub ids: &'t [u32],
    /// How often each word comes, `<s>` never.
    pub counts: &'t [u64],
}

impl Text<'_> {
    /// How many words are to be predicted.
    pub(super) fn cases(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Adds the words before a place, the nearest first. Before a sentence stands `<s>`, as often as is needed.
pub(super) fn add_context(ids: &[u32], mut at: usize, context: usize, words: &mut Vec<u32>) {
    for _ in 0..context {
        if at > 0 && ids[at] != BEGIN {
            at -= 1;
        }
        words.push(ids[at]);
    }
}

/// The order in which an epoch reads places of a text: a permutation that needs no list (a Feistel network over the
/// next power of four, of which what is too large is left out).
pub(super) struct Places {
    bits: u32,
    keys: [u64; 4],
    len: u64,
    at: u64,
}

impl Places {
    pub(super) fn new(len: usize, random: &mut SplitMix64) -> Self {
        let len = len as u64;
        let bits = (u64::BITS - len.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
        Self { bits, keys: [(); 4].map(|()| random.next()), len, at: 0 }
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let mask = (1_u64 << self.bits) - 1;
        while self.at >> (2 * self.bits) == 0 {
            let (mut left, mut right) = (self.at >> self.bits, self.at & mask);
            self.at += 1;
            for key in self.keys {
                let mixed = SplitMix64(right ^ key).next();
                (left, right) = (right, left ^ (mixed & mask));
            }
            let place = left << self.bits | right;
            if place < self.len {
                return usize::try_from(place).ok();
            }
        }
        None
    }
}

/// A batch.
#[derive(Default)]
pub(super) struct Batch {
    /// The contexts of its cases, the nearest word first.
    pub(super) contexts: Vec<u32>,
    /// For each case, which of the candidates is its word.
    pub(super) targets: Vec<u32>,
    /// Words that are compared, those of a shard together. Of every so many words, as many as there are shards, each
    /// shard has one.
    pub(super) candidates: Vec<u32>,
    /// Where the candidates of each shard end.
    pub(super) ends: Vec<usize>,
    /// What is added to the logit of each candidate: less for those that are drawn often (Jean et al. 2015). Empty if
    /// all words are compared.
    pub(super) offsets: Vec<f32>,
}

impl Batch {
    /// The candidates of a shard, as a range.
    pub(super) fn of_shard(&self, shard: usize) -> std::ops::Range<usize> {
        let from = shard.checked_sub(1).map_or(0, |before| self.ends[before]);
        from..self.ends[shard]
    }
}

/// Makes batches of a text.
pub(super) struct Batches<'t> {
    text: Text<'t>,
    shape: Shape,
    noise: Option<usize>,
    shards: usize,
    cases: u64,
    places: Places,
    random: &'t mut SplitMix64,
    /// For each word in which batch it was last a candidate, and which one.
    marks: Vec<(u32, u32)>,
    number: u32,
    lists: Vec<Vec<u32>>,
}

impl<'t> Batches<'t> {
    pub(super) fn new(
        text: Text<'t>,
        (shape, noise, shards): (Shape, Option<usize>, usize),
        random: &'t mut SplitMix64,
    ) -> Self {
        Self {
            text,
            shape,
            noise,
            shards,
            cases: text.cases(),
            places: Places::new(text.ids.len(), random),
            random,
            marks: if noise.is_some() { vec![(0, 0); shape.words] } else { Vec::new() },
            number: 0,
            lists: vec![Vec::new(); shards],
        }
    }

    /// Makes the next batch; one without cases is the end.
    pub(super) fn fill(&mut self, batch: &mut Batch) {
        batch.contexts.clear();
        batch.targets.clear();
        while batch.targets.len() < CASES
            && let Some(at) = self.places.next()
        {
            let word = self.text.ids[at];
            if word != BEGIN {
                batch.targets.push(word);
                add_context(self.text.ids, at, self.shape.context(), &mut batch.contexts);
            }
        }
        match self.noise {
            None => self.all(batch),
            Some(noise) => self.some(noise, batch),
        }
    }

    /// All words are candidates.
    fn all(&self, batch: &mut Batch) {
        if batch.candidates.is_empty() {
            let words = small(self.shape.words);
            for shard in 0..self.shards {
                batch.candidates.extend((small(shard)..words).step_by(self.shards));
                batch.ends.push(batch.candidates.len());
            }
        }
        for target in &mut batch.targets {
            let word = *target as usize;
            let first = batch.ends.get((word % self.shards).wrapping_sub(1)).copied().unwrap_or(0);
            *target = small(first + word / self.shards);
        }
    }

    /// Candidates are the words of all cases, and some that are drawn: those of places of the text.
    fn some(&mut self, noise: usize, batch: &mut Batch) {
        batch.candidates.clear();
        batch.ends.clear();
        batch.offsets.clear();
        self.number += 1;
        for &word in &batch.targets {
            self.mark(word);
        }
        for _ in 0..noise {
            let word = self.text.ids[self.random.index_below(self.text.ids.len())];
            if word != BEGIN {
                self.mark(word);
            }
        }
        let draws = (noise + batch.targets.len()) as f64;
        for list in &mut self.lists {
            for word in list.drain(..) {
                self.marks[word as usize].1 = small(batch.candidates.len());
                batch.candidates.push(word);
                let share = self.text.counts[word as usize] as f64 / self.cases as f64;
                // How likely it is among so many.
                let chance = -(draws * (-share).ln_1p()).exp_m1();
                batch.offsets.push(single(-chance.ln()));
            }
            batch.ends.push(batch.candidates.len());
        }
        for target in &mut batch.targets {
            *target = self.marks[*target as usize].1;
        }
    }

    fn mark(&mut self, word: u32) {
        let mark = &mut self.marks[word as usize];
        if mark.0 != self.number {
            mark.0 = self.number;
            self.lists[word as usize % self.shards].push(word);
        }
    }
}
