//! What a model says of texts that others made: which of some candidates is likeliest, which words are odd, and how
//! surprising words are where they stand.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::models::ask::{Asked, ScoreQuery, ScoredSentence};
use crate::engine::models::{OpenModel, each_word};
use crate::error::Result;
use crate::lm::Perplexity;
use crate::query::GoOn;
use crate::query::frequency::Surprise;
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;

/// Words on either side of a word that it is compared with.
const BESIDE: usize = 4;
/// The most surprise that a word may have where it weighs, as a power of ten.
const SURPRISE_MAX: f64 = 10.0;

/// Candidates that are to be ranked.
#[derive(Clone, Debug)]
pub struct RankQuery {
    /// Each text, with how likely the signal is by it: a logarithm to base 10.
    pub candidates: Vec<(String, f64)>,
    /// What the model's logarithm is multiplied by.
    pub weight: f64,
    /// What is added for each word.
    pub word_bonus: f64,
    /// Whether nothing says that the texts begin.
    pub no_begin: bool,
    /// Whether nothing says that they end.
    pub no_end: bool,
}

/// A candidate among others.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which one it is of those that were asked, from 0.
    pub index: usize,
    /// What it was given.
    pub acoustic: f64,
    /// What the model says.
    pub told: Perplexity,
    /// All together.
    pub total: f64,
    /// How likely it is, if one of the candidates is right.
    pub share: f64,
}

/// Candidates, the best first; of equal ones the first.
#[derive(Clone, Debug)]
pub struct Ranked(pub Vec<Candidate>);

/// Sentences in which odd words are looked for.
#[derive(Clone, Debug)]
pub struct OddQuery {
    /// The sentences.
    pub sentences: Vec<String>,
    /// How much less likely than its neighbors a word is that is odd, as a power of ten.
    pub threshold: f64,
}

/// A word that surprises more than its neighbors.
#[derive(Clone, Debug)]
pub struct OddWord {
    /// Which word of the sentence it is, from 0.
    pub index: usize,
    /// As it was cut.
    pub token: Vec<u8>,
    /// How likely it is: a logarithm to base 10.
    pub log10: f64,
    /// The median of its neighbors.
    pub neighbors_log10: f64,
    /// Whether the model does not know it.
    pub is_unknown: bool,
}

/// The odd words of a sentence, in their order.
#[derive(Clone, Debug, Default)]
pub struct OddSentence {
    /// Those that are.
    pub words: Vec<OddWord>,
    /// Words of the sentence.
    pub token_count: usize,
}

/// Each fails if there is no such model, if it is damaged, or if its tokenizer is gone.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Engine {
    /// Which of some texts is the likeliest, by a model and by what each was given: the one by which the logarithm of
    /// both together is the largest.
    pub fn rank_texts(&self, asked: &Asked<RankQuery>) -> Result<Ranked> {
        let query = &asked.query;
        let scores = self.score(&Asked {
            model: asked.model.clone(),
            query: ScoreQuery {
                sentences: query.candidates.iter().map(|(text, _)| text.clone()).collect(),
                no_begin: query.no_begin,
                no_end: query.no_end,
                totals_only: true,
                state: Vec::new(),
            },
        })?;
        let scored = query.candidates.iter().zip(&scores.sentences).enumerate();
        let candidate =
            |(index, ((_, acoustic), scored)): (usize, (&(String, f64), &ScoredSentence))| {
                let told = scored.total;
                // A weight of 0 leaves the model out, an impossible text too.
                let model = if query.weight > 0.0 { query.weight * told.log10 } else { 0.0 };
                let total = acoustic + model + query.word_bonus * told.tokens as f64;
                Candidate { index, acoustic: *acoustic, told, total, share: 0.0 }
            };
        let mut ranked: Vec<Candidate> = scored.map(candidate).collect();
        ranked.sort_by(|a, b| b.total.total_cmp(&a.total).then(a.index.cmp(&b.index)));
        let most = ranked.first().map_or(0.0, |best| best.total);
        let power = |total: f64| if total >= most { 1.0 } else { 10_f64.powf(total - most) };
        let sum: f64 = ranked.iter().map(|candidate| power(candidate.total)).sum();
        for candidate in &mut ranked {
            candidate.share = power(candidate.total) / sum;
        }
        Ok(Ranked(ranked))
    }

    /// Which words of some sentences surprise far more than the words around them.
    pub fn odd_words(&self, asked: &Asked<OddQuery>) -> Result<Vec<OddSentence>> {
        let query =
            ScoreQuery { sentences: asked.query.sentences.clone(), ..ScoreQuery::default() };
        let scores = self.score(&Asked { model: asked.model.clone(), query })?;
        let odd = |sentence: ScoredSentence| {
            // The end of a sentence is a neighbor, and no word of it.
            let logs: Vec<f64> =
                sentence.tokens.iter().map(|token| f64::from(token.scored.log10)).collect();
            let token_count = sentence.tokens.len().saturating_sub(1);
            let tokens = sentence.tokens.into_iter().take(token_count).enumerate();
            let words = tokens.filter_map(|(index, token)| {
                let neighbors_log10 = neighbors(&logs, index)?;
                let log10 = logs[index];
                let is_odd = log10 <= neighbors_log10 - asked.query.threshold;
                let is_unknown = !token.is_known;
                let token = token.token;
                is_odd.then_some(OddWord { index, token, log10, neighbors_log10, is_unknown })
            });
            OddSentence { words: words.collect(), token_count }
        };
        Ok(scores.sentences.into_iter().map(odd).collect())
    }

    /// What says how surprising words are, by a model.
    pub(in crate::engine) fn surprise(&self, model: &str) -> Result<Arc<dyn Surprise>> {
        let (open, tokenizer) = self.opened(&TableName::try_from(model.to_owned())?)?;
        Ok(Arc::new(BySurprise { open, tokenizer }))
    }
}

/// The median of the words around one; none if there are no others.
fn neighbors(logs: &[f64], at: usize) -> Option<f64> {
    let (from, to) = (at.saturating_sub(BESIDE), (at + 1 + BESIDE).min(logs.len()));
    let mut around: Vec<f64> = logs[from..at].iter().chain(&logs[at + 1..to]).copied().collect();
    around.sort_unstable_by(f64::total_cmp);
    // Of an even number the less surprising one of both in the middle.
    around.get(around.len() / 2).copied()
}

/// A model that is asked how surprising words are.
struct BySurprise {
    open: Arc<OpenModel>,
    tokenizer: Option<Tokenizer>,
}

impl fmt::Debug for BySurprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BySurprise").finish_non_exhaustive()
    }
}

impl Surprise for BySurprise {
    fn of(&self, text: &str, go_on: GoOn<'_>) -> Result<Vec<(Range<usize>, f64)>> {
        let model = &self.open.model;
        let (mut ids, mut ends, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let mut from = 0;
        for line in text.split_inclusive('\n') {
            go_on()?;
            each_word(self.tokenizer.as_ref(), line, &mut |bytes, word| {
                ids.push(model.number(word));
                places.push(from + bytes.start..from + bytes.end);
            })?;
            from += line.len();
            ends.push(ids.len());
        }
        let mut scored = Vec::new();
        model.score((&ids, &ends), &model.begin_state(), &mut scored, go_on)?;
        let surprise = |log10: f32| f64::from(-log10).clamp(0.0, SURPRISE_MAX);
        Ok(places.into_iter().zip(scored).map(|(at, one)| (at, surprise(one.log10))).collect())
    }
}
