//! The questions to language models.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::models::{OpenModel, cut};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::lm::{
    self, Drawing, END, Model, NextFilter, NextWord, Perplexity, Scored, State, UNKNOWN, mix,
};
use crate::steps::watched;
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;

/// Sentences of a text that are scored together.
const SENTENCES: usize = 2_048;

/// The same of words, so that long lines take no more memory.
const TOGETHER: usize = 1 << 17;

/// A question to a model.
#[derive(Clone, Debug)]
pub struct Asked<Q> {
    /// The model.
    pub model: TableName,
    /// What is asked.
    pub query: Q,
}

/// Sentences to be scored.
#[derive(Clone, Debug, Default)]
pub struct ScoreQuery {
    /// The sentences.
    pub sentences: Vec<String>,
    /// Whether they are parts of sentences: nothing says that they begin.
    pub no_begin: bool,
    /// Whether nothing says that they end.
    pub no_end: bool,
    /// Whether only the sums are wanted.
    pub totals_only: bool,
    /// The state that the last answer ended in; the only sentence goes on from there.
    pub state: Vec<u8>,
}

/// How likely sentences are.
#[derive(Clone, Debug)]
pub struct Scores {
    /// In the order asked.
    pub sentences: Vec<ScoredSentence>,
    /// The state behind the last word of the last sentence.
    pub state: Vec<u8>,
}

/// How likely a sentence is.
#[derive(Clone, Debug, Default)]
pub struct ScoredSentence {
    /// Each word, unless only sums were asked for.
    pub tokens: Vec<ScoredToken>,
    /// All of them.
    pub total: Perplexity,
}

/// How likely a word is.
#[derive(Clone, Debug)]
pub struct ScoredToken {
    /// As it was cut.
    pub token: Vec<u8>,
    /// How likely.
    pub scored: Scored,
    /// Whether the model knows the word.
    pub is_known: bool,
}

/// A text, a sentence each line.
#[derive(Clone, Debug)]
pub struct PerplexityQuery {
    /// The text.
    pub text: Vec<u8>,
}

/// What comes next?
#[derive(Clone, Debug)]
pub struct NextQuery {
    /// The beginning of a sentence.
    pub text: String,
    /// The state that an answer ended in; the text goes on from there.
    pub state: Vec<u8>,
    /// How many words.
    pub k: usize,
    /// Which words may come.
    pub filter: NextFilter,
}

/// A word that may come next.
#[derive(Clone, Debug)]
pub struct Next {
    /// The word.
    pub token: Vec<u8>,
    /// How likely.
    pub scored: Scored,
}

/// What comes next.
#[derive(Clone, Debug)]
pub struct NextAnswer {
    /// The likeliest first.
    pub words: Vec<Next>,
    /// How likely a word is that the model does not know.
    pub unknown: f64,
}

/// A text to be drawn.
#[derive(Clone, Debug)]
pub struct GenerateQuery {
    /// The beginning of a sentence.
    pub text: String,
    /// How many texts; each has a seed of its own, from the one that is given on.
    pub count: u64,
    /// How words are drawn.
    pub drawing: Drawing,
}

/// A text that was drawn.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its words.
    pub words: Vec<Next>,
    /// Whether the sentence ended.
    pub has_ended: bool,
    /// The most probability that unknown words had at one place.
    pub unknown_max: f64,
    /// Its seed.
    pub seed: u64,
}

/// Models together.
#[derive(Clone, Debug)]
pub struct MixQuery {
    /// The models.
    pub models: Vec<TableName>,
    /// Their weights; none: those that make the text likeliest.
    pub weights: Vec<f64>,
    /// A text, a sentence each line.
    pub text: Vec<u8>,
}

/// How well models know a text, alone and together.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// Each with its weight.
    pub models: Vec<(TableName, f64, Perplexity)>,
    /// All together.
    pub mixture: Perplexity,
}

/// Words of sentences, one sentence behind the other.
#[derive(Default)]
struct Words {
    ids: Vec<u32>,
    ends: Vec<usize>,
}

impl Words {
    fn add(&mut self, model: &Model, tokenizer: Option<&Tokenizer>, line: &str) -> Result<()> {
        match tokenizer {
            None => model.add_numbers(line.as_bytes(), &mut self.ids),
            Some(_) => {
                self.ids.extend(cut(tokenizer, line)?.iter().map(|word| model.number(word)));
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.ends.push(self.ids.len());
    }
}

/// Each fails if there is no such model, if it is damaged, or if its tokenizer is gone.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Engine {
    /// How likely sentences are.
    pub fn score(&self, asked: &Asked<ScoreQuery>) -> Result<Scores> {
        let (open, tokenizer) = self.opened(&asked.model)?;
        let (model, query) = (&open.model, &asked.query);
        let first = Self::state_of(model, &query.state, query.no_begin)?;
        if query.totals_only {
            return self.totals(model, tokenizer.as_ref(), query, &first);
        }
        let (mut tokens, mut words) = (Vec::new(), Words::default());
        for sentence in &query.sentences {
            self.go_on()?;
            let cut = cut(tokenizer.as_ref(), sentence)?;
            words.ids.extend(cut.iter().map(|token| model.number(token)));
            tokens.extend(cut);
            check_asked(tokens.len())?;
            if !query.no_end {
                words.ids.push(END);
                tokens.push(lm::SPECIAL[END as usize].to_vec());
            }
            words.end();
        }
        let mut scored = Vec::new();
        model.score((&words.ids, &words.ends), &first, &mut scored, &|| self.go_on())?;
        let mut state = first;
        let last = words.ends.iter().rev().nth(1).copied().unwrap_or(0);
        for id in watched(&words.ids[last..], &|| self.go_on()) {
            state = model.after(&state, *id?)?;
        }
        let mut each = tokens.into_iter().zip(words.ids.iter().zip(scored));
        let mut start = 0;
        let sentences = words.ends.iter().map(|&end| {
            let mut sentence = ScoredSentence::default();
            for (token, (&id, scored)) in each.by_ref().take(end - start) {
                sentence.total.add(&[id], &[scored], 0);
                sentence.tokens.push(ScoredToken { token, scored, is_known: id != UNKNOWN });
            }
            sentence.total.sentences = 1;
            start = end;
            sentence
        });
        Ok(Scores { sentences: sentences.collect(), state: model.told_state(&state) })
    }

    /// Sums alone, of many sentences at once.
    fn totals(
        &self,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        query: &ScoreQuery,
        from: &State,
    ) -> Result<Scores> {
        let mut words = Words::default();
        for sentence in &query.sentences {
            self.go_on()?;
            words.add(model, tokenizer, sentence)?;
            if !query.no_end {
                words.ids.push(END);
            }
            words.end();
        }
        let mut scored = Vec::new();
        model.score((&words.ids, &words.ends), from, &mut scored, &|| self.go_on())?;
        let mut start = 0;
        let sentences = words.ends.iter().map(|&end| {
            let mut total = Perplexity::default();
            total.add(&words.ids[start..end], &scored[start..end], 1);
            start = end;
            ScoredSentence { tokens: Vec::new(), total }
        });
        Ok(Scores { sentences: sentences.collect(), state: Vec::new() })
    }

    /// How well a model knows a text.
    pub fn perplexity(&self, asked: &Asked<PerplexityQuery>) -> Result<Perplexity> {
        let (open, tokenizer) = self.opened(&asked.model)?;
        let mut perplexity = Perplexity::default();
        self.each_part(
            &open.model,
            tokenizer.as_ref(),
            &asked.query.text,
            &mut |words, scored| {
                perplexity.add(&words.ids, scored, words.ends.len() as u64);
                Ok(())
            },
        )?;
        Ok(perplexity)
    }

    /// The likeliest next words.
    pub fn next_words(&self, asked: &Asked<NextQuery>) -> Result<NextAnswer> {
        let (open, tokenizer) = self.opened(&asked.model)?;
        let (model, query) = (&open.model, &asked.query);
        let state = self.behind(model, tokenizer.as_ref(), &query.state, &query.text)?;
        let (words, unknown) =
            lm::next_words(model, &state, query.k, query.filter, &|| self.go_on())?;
        Ok(NextAnswer { words: named(model, &words), unknown })
    }

    /// Texts that are drawn.
    pub fn generate(&self, asked: &Asked<GenerateQuery>) -> Result<Vec<Generated>> {
        let (open, tokenizer) = self.opened(&asked.model)?;
        let (model, query) = (&open.model, &asked.query);
        let state = self.behind(model, tokenizer.as_ref(), &[], &query.text)?;
        let draw = |at: u64| {
            let seed = query.drawing.seed.wrapping_add(at);
            let drawing = Drawing { seed, ..query.drawing };
            let drawn = lm::generate(model, state, &drawing, &|| self.go_on())?;
            let lm::Generated { words, has_ended, unknown_max } = drawn;
            Ok(Generated { words: named(model, &words), has_ended, unknown_max, seed })
        };
        (0..query.count).map(draw).collect()
    }

    /// How well a text is known by several models together.
    pub fn mix_models(&self, query: &MixQuery) -> Result<Mixed> {
        let mut log10: Vec<Vec<f32>> = Vec::new();
        let mut alone = Vec::new();
        let (mut unknown, mut sentences): (Vec<bool>, u64) = (Vec::new(), 0);
        let mut cut_by: Option<String> = None;
        for name in &query.models {
            let (open, tokenizer) = self.opened(name)?;
            // Words are mixed one by one: those of another tokenizer are others, even if there are as many.
            let own_tokenizer = &open.head.tokenizer;
            if cut_by.get_or_insert_with(|| own_tokenizer.clone()) != own_tokenizer {
                let problem = format!(
                    "{name} has another tokenizer than {}; models of one tokenizer are needed",
                    query.models[0]
                );
                return Err(Error::invalid("models", problem));
            }
            let (mut own, mut perplexity) = (Vec::new(), Perplexity::default());
            let mut is_unknown = Vec::new();
            self.each_part(&open.model, tokenizer.as_ref(), &query.text, &mut |words, scored| {
                perplexity.add(&words.ids, scored, words.ends.len() as u64);
                own.extend(scored.iter().map(|one| one.log10));
                is_unknown.extend(words.ids.iter().map(|&id| id == UNKNOWN));
                check_asked(own.len())
            })?;
            if alone.is_empty() {
                unknown = is_unknown;
            } else if unknown.len() == is_unknown.len() {
                unknown.iter_mut().zip(is_unknown).for_each(|(all, own)| *all &= own);
            } else {
                let problem = format!(
                    "{name} cuts the text into {} words, and {} into {}; models of one tokenizer are \
                     needed",
                    is_unknown.len(),
                    query.models[0],
                    unknown.len()
                );
                return Err(Error::invalid("models", problem));
            }
            sentences = perplexity.sentences;
            log10.push(own);
            alone.push(perplexity);
        }
        let weights = if query.weights.is_empty() {
            mix::weights(&log10, &|| self.go_on())?
        } else {
            let total: f64 = query.weights.iter().sum();
            query.weights.iter().map(|weight| weight / total).collect()
        };
        let mixed = mix::mixed(&log10, &weights, &|| self.go_on())?;
        let mixture = mix::perplexity(&mixed, &unknown, sentences, &|| self.go_on())?;
        let models = query.models.iter().cloned().zip(weights).zip(alone);
        let models = models.map(|((name, weight), alone)| (name, weight, alone)).collect();
        Ok(Mixed { models, mixture })
    }

    pub(super) fn opened(&self, name: &TableName) -> Result<(Arc<OpenModel>, Option<Tokenizer>)> {
        let open = self.open_model(name)?;
        let tokenizer = self.tokenizer_of_model(&open.head.tokenizer)?;
        self.check_same_tokenizer((&open.head.tokenizer, &open.head.tokenizer_digest))
            .context(|| format!("the language model {name}"))?;
        Ok((open, tokenizer))
    }

    fn state_of(model: &Model, state: &[u8], no_begin: bool) -> Result<State> {
        if !state.is_empty() {
            let state = model.state_told(state);
            return state.ok_or_else(|| {
                Error::invalid(
                    "state",
                    "it is not one that this model gave, or the model was replaced",
                )
            });
        }
        Ok(if no_begin { model.empty_state() } else { model.begin_state() })
    }

    /// The state behind the beginning of a sentence.
    fn behind(
        &self,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        state: &[u8],
        text: &str,
    ) -> Result<State> {
        let mut state = Self::state_of(model, state, false)?;
        let mut words = Words::default();
        words.add(model, tokenizer, text)?;
        for id in watched(&words.ids, &|| self.go_on()) {
            state = model.after(&state, *id?)?;
        }
        Ok(state)
    }

    /// Scores the lines of a text, some at a time.
    fn each_part(
        &self,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        text: &[u8],
        take: &mut dyn FnMut(&Words, &[Scored]) -> Result<()>,
    ) -> Result<()> {
        let text = String::from_utf8_lossy(crate::text::without_bom(text));
        let mut scored = Vec::new();
        let mut words = Words::default();
        let mut score = |words: &mut Words| {
            let from = model.begin_state();
            model.score((&words.ids, &words.ends), &from, &mut scored, &|| self.go_on())?;
            take(words, &scored)?;
            *words = Words::default();
            Ok::<_, Error>(())
        };
        for line in text.lines() {
            self.go_on()?;
            words.add(model, tokenizer, line)?;
            words.ids.push(END);
            words.end();
            if words.ends.len() == SENTENCES || words.ids.len() >= TOGETHER {
                score(&mut words)?;
            }
        }
        score(&mut words)
    }
}

/// Refuses so many words that what is told of each would have no room.
fn check_asked(got: usize) -> Result<()> {
    let max = limits::LM_WORDS_ASKED_MAX;
    if got <= max {
        return Ok(());
    }
    let (limit, max, got) = ("LM_WORDS_ASKED_MAX", max as u64, got as u64);
    let error = Error::new(ErrorKind::TooLarge { limit, max, got });
    Err(error.context("words that are scored one by one: send fewer at once, or ask for sums"))
}

fn named(model: &Model, words: &[NextWord]) -> Vec<Next> {
    let name =
        |next: &NextWord| Next { token: model.word(next.word).to_vec(), scored: next.scored };
    words.iter().map(name).collect()
}
