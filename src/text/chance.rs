//! Chance: texts are cut otherwise than in the best way, now and then (sub-word regularization).
//!
//! A seed tells all that is drawn: the same seed cuts the same text into the same pieces, on every
//! machine.

use crate::error::{Error, Result};
use crate::limits;
use crate::vector::random::SplitMix64;

/// How chance cuts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// What is drawn.
    pub way: Way,
    /// From which numbers.
    pub seed: u64,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// Byte pairs: each merge is left out with this probability (Provilkov, Emelianenko and Voita 2020).
    Dropout(f64),
    /// The most likely parts: one of all ways to cut a text, each drawn in proportion to its
    /// probability to the power of `alpha` (Kudo 2018).
    Cuts {
        /// At least 0: at 0 every way is as likely, and the larger it is the nearer to the best one.
        alpha: f64,
        /// Only so many, the best, are drawn from; none: all of them.
        best: Option<usize>,
    },
}

impl Chance {
    /// What is drawn from.
    pub(super) fn numbers(self) -> Numbers {
        Numbers(SplitMix64(self.seed))
    }

    /// The same from other numbers.
    pub(super) fn moved(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    /// An error: a tokenizer has nothing that can be drawn this way.
    pub(super) fn refused(self, kind: &str) -> Error {
        let (field, needed) = match self.way {
            Way::Dropout(_) => ("cutting.sampling.dropout", "a model of byte pairs"),
            Way::Cuts { .. } => ("cutting.sampling.alpha", "a unigram model"),
        };
        Error::invalid(field, format!("it needs {needed}; this tokenizer is {kind}"))
    }
}

/// Numbers by chance.
#[derive(Clone, Debug)]
pub(super) struct Numbers(SplitMix64);

impl Numbers {
    /// From 0 to below 1, of 53 bits.
    pub(super) fn share(&mut self) -> f64 {
        (self.0.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something happens that has this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// One of some, each in proportion to the exponential of its weight.
    fn choose(&mut self, weights: &[f64]) -> usize {
        let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = weights.iter().map(|weight| (weight - most).exp()).collect();
        let mut left = self.share() * shares.iter().sum::<f64>();
        for (i, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return i;
            }
        }
        // Rounding left a little over.
        shares.len() - 1
    }
}

/// Hands out the pieces that begin at a byte of a text: their lengths, numbers and scores. At the
/// beginning of every character there is one at least.
pub(super) type Pieces<'a> = &'a dyn Fn(usize, &mut dyn FnMut(usize, u32, f64));

/// A way to cut a text, drawn from all ways or from the best: the number of each piece, and where it
/// ends.
///
/// # Errors
///
/// If the text is too long to look for as many ways.
pub(super) fn cut(
    text: &str,
    pieces: Pieces<'_>,
    (alpha, best): (f64, Option<usize>),
    numbers: &mut Numbers,
) -> Result<Vec<(u32, usize)>> {
    match best {
        None => Ok(of_all(text, pieces, alpha, numbers)),
        Some(best) => of_best(text, pieces, (alpha, best), numbers),
    }
}

/// Backward: the logarithm of the sum over all ways to cut the rest of the text. Forward: a piece at a
/// time, in proportion to the ways that begin with it.
fn of_all(text: &str, pieces: Pieces<'_>, alpha: f64, numbers: &mut Numbers) -> Vec<(u32, usize)> {
    let mut sums = vec![0.0; text.len() + 1];
    let mut weights = Vec::new();
    for (at, _) in text.char_indices().rev() {
        weights.clear();
        pieces(at, &mut |length, _, score| weights.push(alpha * score + sums[at + length]));
        let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        sums[at] = most + weights.iter().map(|weight| (weight - most).exp()).sum::<f64>().ln();
    }
    let (mut parts, mut at, mut choices) = (Vec::new(), 0, Vec::new());
    while at < text.len() {
        weights.clear();
        choices.clear();
        pieces(at, &mut |length, id, score| {
            weights.push(alpha * score + sums[at + length]);
            choices.push((id, at + length));
        });
        let part = choices[numbers.choose(&weights)];
        parts.push(part);
        at = part.1;
    }
    parts
}

/// A way to cut the rest of a text: its score, its first piece, and which way of the rest follows.
#[derive(Clone, Copy)]
struct Step {
    score: f64,
    id: u32,
    end: usize,
    rank: usize,
}

/// The best ways to cut each rest of the text, from its end; of those of the whole, one is drawn.
fn of_best(
    text: &str,
    pieces: Pieces<'_>,
    (alpha, best): (f64, usize),
    numbers: &mut Numbers,
) -> Result<Vec<(u32, usize)>> {
    let (max, got) = (limits::BEST_CUTS_MAX, text.len().saturating_mul(best));
    if got > max {
        let problem = format!(
            "the {best} best ways to cut {} bytes are more than BEST_CUTS_MAX allows ({max} together): \
             ask for fewer, or leave it out to draw from all",
            text.len()
        );
        return Err(Error::invalid("cutting.sampling.nbest", problem));
    }
    let mut ways: Vec<Vec<Step>> = vec![Vec::new(); text.len() + 1];
    ways[text.len()].push(Step { score: 0.0, id: 0, end: text.len(), rank: 0 });
    for (at, _) in text.char_indices().rev() {
        let mut here = Vec::new();
        pieces(at, &mut |length, id, score| {
            let end = at + length;
            let rest = ways[end].iter().enumerate();
            here.extend(rest.map(|(rank, step)| Step { score: score + step.score, id, end, rank }));
        });
        // The sort is stable: equals stay in the order of their pieces.
        here.sort_by(|a, b| b.score.total_cmp(&a.score));
        here.truncate(best);
        ways[at] = here;
    }
    let weights: Vec<f64> = ways[0].iter().map(|step| alpha * step.score).collect();
    let (mut parts, mut at, mut rank) = (Vec::new(), 0, numbers.choose(&weights));
    while at < text.len() {
        let step = ways[at][rank];
        parts.push((step.id, step.end));
        (at, rank) = (step.end, step.rank);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every way to cut "abc" of these pieces is drawn as often as it should be.
    #[test]
    fn ways_are_drawn_in_proportion_to_their_probability() {
        let vocab: [(&str, f64); 6] =
            [("a", -2.0), ("b", -2.5), ("c", -3.0), ("ab", -1.0), ("bc", -2.0), ("abc", -1.5)];
        let text = "abc";
        let pieces = |at: usize, take: &mut dyn FnMut(usize, u32, f64)| {
            for (id, (piece, score)) in (0..).zip(vocab) {
                if text[at..].starts_with(piece) {
                    take(piece.len(), id, score);
                }
            }
        };
        let ways: [(&[u32], f64); 4] =
            [(&[0, 1, 2], -7.5), (&[3, 2], -4.0), (&[0, 4], -4.0), (&[5], -1.5)];
        for (alpha, best) in [(0.0, None), (0.3, None), (1.0, None), (0.3, Some(4)), (0.5, Some(2))]
        {
            let mut counts: BTreeMap<Vec<u32>, f64> = BTreeMap::new();
            let mut numbers = Numbers(SplitMix64(7));
            for _ in 0..20_000 {
                let parts = cut(text, &pieces, (alpha, best), &mut numbers).unwrap();
                let ids = parts.iter().map(|(id, _)| *id).collect();
                *counts.entry(ids).or_default() += 1.0;
            }
            let mut kept: Vec<_> = ways.iter().collect();
            // Of two equals, the one whose first piece has the less number comes first.
            kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
            kept.truncate(best.unwrap_or(4));
            let sum: f64 = kept.iter().map(|(_, score)| (alpha * score).exp()).sum();
            assert_eq!(counts.len(), kept.len(), "{alpha} {best:?}");
            for (ids, score) in kept {
                let (want, got) = ((alpha * score).exp() / sum, counts[*ids] / 20_000.0);
                assert!((want - got).abs() < 0.015, "{alpha} {best:?} {ids:?}: {got} of {want}");
            }
        }
    }

    #[test]
    fn too_many_ways_are_refused() {
        let text = "a".repeat(limits::BEST_CUTS_MAX / 64 + 1);
        let one = |_: usize, take: &mut dyn FnMut(usize, u32, f64)| take(1, 0, -1.0);
        let numbers = || Numbers(SplitMix64(0));
        assert!(cut(&text, &one, (1.0, Some(64)), &mut numbers()).is_err());
        assert_eq!(cut(&text, &one, (1.0, None), &mut numbers()).unwrap().len(), text.len());
    }
}
