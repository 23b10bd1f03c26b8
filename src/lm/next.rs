//! What comes next: the likeliest words, and words that are drawn.

use crate::error::{Error, Result};
use crate::limits;
use crate::lm::model::Model;
use crate::lm::numbers::small;
use crate::lm::state::{Scored, State};
use crate::lm::words::{BEGIN, END, UNKNOWN};
use crate::steps::{GoOn, watched};
use crate::vector::random::SplitMix64;

/// A word that may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextWord {
    /// Its number.
    pub word: u32,
    /// How likely it is.
    pub scored: Scored,
}

/// Which words may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextFilter {
    /// Whether a sentence may end.
    pub ends: bool,
    /// Whether the word for unknown ones is one.
    pub unknown: bool,
}

impl Default for NextFilter {
    fn default() -> Self {
        Self { ends: true, unknown: false }
    }
}

/// The likeliest next words, the likeliest first, of equal ones the more frequent first; and how likely a word is that
/// the model does not know.
///
/// # Errors
///
/// If the model's file is damaged, or if `go_on` says so.
pub fn next_words(
    model: &Model,
    state: &State,
    k: usize,
    filter: NextFilter,
    go_on: GoOn<'_>,
) -> Result<(Vec<NextWord>, f64)> {
    let mut all = Vec::new();
    model.all(state, &mut all, go_on)?;
    let unknown = all.get(UNKNOWN as usize).map_or(0.0, |s| 10_f64.powf(f64::from(s.log10)));
    let may = |word: u32| match word {
        BEGIN => false,
        END => filter.ends,
        UNKNOWN => filter.unknown,
        _ => true,
    };
    let words =
        (0..).zip(all).filter(|&(word, scored)| may(word) && scored.log10 > f32::NEG_INFINITY);
    let mut words: Vec<NextWord> = words.map(|(word, scored)| NextWord { word, scored }).collect();
    let order = |a: &NextWord, b: &NextWord| {
        b.scored.log10.total_cmp(&a.scored.log10).then(a.word.cmp(&b.word))
    };
    if k < words.len() {
        words.select_nth_unstable_by(k, order);
        words.truncate(k);
    }
    words.sort_unstable_by(order);
    Ok((words, unknown))
}

/// How words are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    /// Below 1 likely words become likelier, above 1 less likely; 0 takes the likeliest one.
    pub temperature: f64,
    /// Only so many of the likeliest words; 0 for all.
    pub top_k: usize,
    /// Only the likeliest words that together have this probability, above 0 to 1.
    pub top_p: f64,
    /// The most words.
    pub tokens_max: usize,
    /// The same seed draws the same words.
    pub seed: u64,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, tokens_max: 50, seed: 1 }
    }
}

impl Drawing {
    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    ///
    /// All that are out of their ranges.
    pub fn check(&self) -> Result<()> {
        let temperatures = 0.0..=100.0;
        if !temperatures.contains(&self.temperature) {
            let problem = format!("from 0 to 100; {} is not", self.temperature);
            return Err(Error::invalid("temperature", problem));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            let problem = format!("above 0, and at most 1; {} is not", self.top_p);
            return Err(Error::invalid("top_p", problem));
        }
        let max = limits::LM_GENERATED_MAX;
        if !(1..=max).contains(&self.tokens_max) {
            let problem = format!("from 1 to {max}; {} is not", self.tokens_max);
            return Err(Error::invalid("max_tokens", problem));
        }
        Ok(())
    }
}

/// A text that was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generated {
    /// Its words, without the sentence's end.
    pub words: Vec<NextWord>,
    /// Whether the sentence ended, and not only the room.
    pub has_ended: bool,
    /// The most probability that unknown words had at one place: they are never drawn.
    pub unknown_max: f64,
}

/// Draws words one after the other until the sentence ends. `<s>` and `<unk>` are never drawn.
///
/// # Errors
///
/// As [`Drawing::check`]; if the model's file is damaged, or if `go_on` says so.
pub fn generate(
    model: &Model,
    mut state: State,
    drawing: &Drawing,
    go_on: GoOn<'_>,
) -> Result<Generated> {
    drawing.check()?;
    let mut random = SplitMix64(drawing.seed);
    let mut generated = Generated::default();
    let mut all = Vec::new();
    for step in watched(0..drawing.tokens_max, go_on) {
        step?;
        model.all(&state, &mut all, go_on)?;
        let unknown = all.get(UNKNOWN as usize).map_or(0.0, |s| 10_f64.powf(f64::from(s.log10)));
        generated.unknown_max = generated.unknown_max.max(unknown);
        let Some(next) = draw(&all, drawing, &mut random) else { break };
        if next.word == END {
            generated.has_ended = true;
            break;
        }
        generated.words.push(next);
        state = model.after(&state, next.word)?;
    }
    Ok(generated)
}

/// None if no word is possible.
fn draw(all: &[Scored], drawing: &Drawing, random: &mut SplitMix64) -> Option<NextWord> {
    let mut words: Vec<NextWord> = (0..small(all.len()))
        .zip(all)
        .filter(|&(word, scored)| {
            word != BEGIN && word != UNKNOWN && scored.log10 > f32::NEG_INFINITY
        })
        .map(|(word, &scored)| NextWord { word, scored })
        .collect();
    let order = |a: &NextWord, b: &NextWord| {
        b.scored.log10.total_cmp(&a.scored.log10).then(a.word.cmp(&b.word))
    };
    if drawing.temperature <= 0.0 {
        return words.into_iter().min_by(order);
    }
    if drawing.top_k > 0 && drawing.top_k < words.len() {
        words.select_nth_unstable_by(drawing.top_k, order);
        words.truncate(drawing.top_k);
    }
    words.sort_unstable_by(order);
    let most = f64::from(words.first()?.scored.log10);
    let weight =
        |word: &NextWord| 10_f64.powf((f64::from(word.scored.log10) - most) / drawing.temperature);
    let mut weights: Vec<f64> = words.iter().map(weight).collect();
    if drawing.top_p < 1.0 {
        let enough = weights.iter().sum::<f64>() * drawing.top_p;
        let mut sum = 0.0;
        let kept = weights.iter().take_while(|&&weight| {
            let goes_on = sum < enough;
            sum += weight;
            goes_on
        });
        let kept = kept.count();
        weights.truncate(kept);
    }
    let total: f64 = weights.iter().sum();
    // 53 bits are what a number in double precision holds.
    let at = (random.next() >> 11) as f64 / (1_u64 << 53) as f64 * total;
    let mut sum = 0.0;
    let drawn = weights.iter().position(|weight| {
        sum += weight;
        at < sum
    });
    words.get(drawn.unwrap_or(weights.len().saturating_sub(1))).copied()
}
