//! `Plan`: what all threads of a training read and none changes.

use super::corpus::Corpus;
use super::draws::{alias_table, in_32_bits};
use super::huffman::Huffman;
use super::kernel::{Kernels, Kind};
use super::ngrams::Parts;
use super::rows::Rows;
use super::settings::{Loss, Settings};
use crate::error::Result;
use crate::vector::RowId;

pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) kernels: Kernels,
    /// For each word, the random numbers up to which it is kept.
    pub(super) kept: Vec<u32>,
    pub(super) goal: Goal,
    /// The input rows of each word, if they are several.
    pub(super) parts: Option<Parts>,
    pub(super) frozen: Option<Frozen>,
}

/// What the loss needs.
pub(super) enum Goal {
    /// An alias table, and how many are drawn.
    Negative(Vec<u64>, usize),
    Hierarchical(Huffman),
    Softmax,
}

impl Plan {
    pub(super) fn new(corpus: &Corpus, settings: &Settings) -> Result<Self> {
        let counts = corpus.counts();
        settings.check(counts.len())?;
        let kind = settings.kernel.or_else(|| Kind::all().into_iter().next());
        let kernels = Kernels::new(kind.unwrap_or(Kind::Plain), settings.dim);
        let goal = match settings.loss {
            Loss::Negative { count, exponent } => {
                Goal::Negative(alias_table(counts, exponent), count.min(counts.len() - 1))
            }
            Loss::Hierarchical => Goal::Hierarchical(Huffman::new(counts)?),
            Loss::Softmax => Goal::Softmax,
        };
        let kept = kept(counts, settings.sample);
        let parts = settings.ngrams.map(|ngrams| Parts::new(corpus.words(), ngrams)).transpose()?;
        let settings = *settings;
        Ok(Self { settings, kernels, kept, goal, parts, frozen: None })
    }

    /// The loss of a prediction in nats by which nothing is known: every output that is told apart has a chance
    /// of one half, or of one among all.
    pub(super) fn loss_by_chance(&self, counts: &[u64]) -> f64 {
        let halves = match &self.goal {
            Goal::Negative(_, count) => (1 + count) as f64,
            Goal::Hierarchical(tree) => {
                let path = |word: usize| tree.path(word).nodes.len() as f64;
                let all: f64 = counts.iter().map(|&count| count as f64).sum();
                let each = (0..).zip(counts).map(|(word, &count)| path(word) * count as f64);
                each.sum::<f64>() / all
            }
            Goal::Softmax => (counts.len() as f64).log2(),
        };
        halves * std::f64::consts::LN_2
    }
}

/// The chances of words to be kept, (sqrt(f / s) + 1) s / f for a share f of the tokens, as in word2vec's
/// code (not as in its paper).
fn kept(counts: &[u64], sample: f64) -> Vec<u32> {
    let tokens: u64 = counts.iter().sum();
    let bar = sample * tokens as f64;
    let chance = |&count: &u64| {
        let share = count as f64 / bar;
        if bar > 0.0 && share > 0.0 { (share.sqrt() + 1.0) / share } else { 1.0 }
    };
    counts.iter().map(|count| in_32_bits(chance(count).min(1.0))).collect()
}

/// Words whose input rows stay as they are.
pub(super) struct Frozen {
    /// For each word, where its vector stands in `vectors`, or [`Frozen::NOT`].
    places: Vec<u32>,
    vectors: Rows,
}

impl Frozen {
    const NOT: u32 = u32::MAX;

    /// Those words for which `is_frozen` says so, with their rows. Where words have n-grams, these are frozen
    /// too.
    pub(super) fn new(
        corpus: &Corpus,
        inputs: &Rows,
        is_frozen: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self> {
        let mut places = vec![Self::NOT; corpus.words().len()];
        let mut words = Vec::new();
        for (word, row) in (0..).zip(places.iter_mut()) {
            if is_frozen(corpus.words().word(RowId(word))) {
                *row = u32::try_from(words.len()).unwrap_or(Self::NOT);
                words.push(word as usize);
            }
        }
        let mut vectors = Rows::new(words.len(), inputs.dim())?;
        for (place, word) in words.into_iter().enumerate() {
            vectors.row_mut(place).copy_from_slice(inputs.row(word));
        }
        Ok(Self { places, vectors })
    }

    /// The row that a word keeps, if it does.
    #[inline]
    pub(super) fn vector(&self, word: u32) -> Option<&[f32]> {
        let place = self.places[word as usize];
        (place != Self::NOT).then(|| self.vectors.row(place as usize))
    }
}
