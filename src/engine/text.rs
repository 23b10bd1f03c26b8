//! The questions about texts: each takes a tokenizer, and the current state of a table if it names one.

use std::cell::RefCell;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::{Answer, Ask, Current, Engine, Stop, TableState};
use crate::error::{Context as _, Error, Result};
use crate::query::alike::{self, Alike, AlikeQuery};
use crate::query::answer_size::{AnswerSize, BESIDE};
use crate::query::embed::{self, EmbedOptions, EmbedQuery, Pooling, TextVector};
use crate::query::frequency::{
    Frequencies, FrequenciesUsed, FrequencySource, Weighing, common_direction,
};
use crate::query::nearest::{NearestAnswer, NearestQuery};
use crate::query::tokenize::{self, Cutting, TokenizeQuery, TokenizedText};
use crate::query::{Weighted, WordOptions, WordOrVector, resolve};
use crate::table::meta::TableName;
use crate::text::stream::Joiner;
use crate::text::tokenizer::Tokenizer;
use crate::text::window::{Window, Windows};

/// An answer, the tokenizer that cut, and what of the table answered if there was one.
#[derive(Clone, Debug)]
pub struct CutBy<A> {
    /// The name.
    pub tokenizer: String,
    /// The answer.
    pub answer: A,
    /// The state of the table.
    pub of: Option<TableState>,
    /// Where frequencies of words came from, if words were weighed by them.
    pub frequencies: Option<FrequenciesUsed>,
}

/// Texts are to be cut by several tokenizers.
#[derive(Clone, Debug)]
pub struct CompareQuery {
    /// The texts.
    pub texts: Vec<String>,
    /// Names.
    pub tokenizers: Vec<String>,
    /// How texts are cut beside that.
    pub cutting: Cutting,
    /// How tokens are looked up.
    pub words: WordOptions,
}

/// A text, cut by one of several tokenizers.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Position of the text.
    pub text: usize,
    /// The name.
    pub tokenizer: String,
    /// The tokens, or why there are none.
    pub cut: Result<TokenizedText, String>,
}

/// Each fails if there is no such table or tokenizer; beyond that, each as its function in
/// [`query`](crate::query) or [`text`](crate::text) does.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Engine {
    /// Texts to tokens, each known to the table or not.
    pub fn tokenize(
        &self,
        table: Option<&TableName>,
        query: &TokenizeQuery,
    ) -> Result<CutBy<Vec<TokenizedText>>> {
        self.cut_by(table, &query.cutting, |tokenizer, current| {
            tokenize::tokenize(current.map(Current::view), tokenizer, query)
        })
    }

    /// How many tokens texts have.
    pub fn count_tokens(
        &self,
        table: Option<&TableName>,
        cutting: &Cutting,
        texts: &[String],
    ) -> Result<CutBy<Vec<usize>>> {
        self.cut_by(table, cutting, |tokenizer, current| {
            self.each_text(texts, current, |at, text, knows| {
                tokenizer.count(text, &cutting.options.of_text(at), knows)
            })
        })
    }

    /// Long texts in windows.
    pub fn chunk(
        &self,
        table: Option<&TableName>,
        cutting: &Cutting,
        windows: Windows,
        texts: &[String],
    ) -> Result<CutBy<Vec<Vec<Window>>>> {
        self.cut_by(table, cutting, |tokenizer, current| {
            let size = RefCell::new(AnswerSize::default());
            self.each_text(texts, current, |_, text, knows| {
                let cut =
                    windows.cut(tokenizer, text, &cutting.options, knows, &|| self.stop.check())?;
                cut.iter()
                    .try_for_each(|window| size.borrow_mut().add(BESIDE + window.bytes.len()))?;
                Ok(cut)
            })
        })
    }

    /// Texts as several tokenizers cut them.
    pub fn compare_tokenizers(
        &self,
        table: Option<&TableName>,
        query: &CompareQuery,
    ) -> Result<CutBy<Vec<Compared>>> {
        let current = table.map(|table| self.current(table)).transpose()?;
        let table = current.as_deref().map(Current::name);
        let named = query.tokenizers.iter().map(|name| self.tokenizer(name, table.as_ref()));
        let named = named.collect::<Result<Vec<_>>>()?;
        let mut cuts = Vec::new();
        let mut total = 0;
        for (i, text) in query.texts.iter().enumerate() {
            for (name, tokenizer) in &named {
                self.stop.check()?;
                let options = query.cutting.options.of_text(i as u64).into_owned();
                let one = TokenizeQuery {
                    texts: vec![text.clone()],
                    cutting: Cutting { tokenizer: String::new(), options },
                    words: query.words.clone(),
                    ..TokenizeQuery::default()
                };
                let view = current.as_deref().map(Current::view);
                let cut = tokenize::tokenize(view, tokenizer, &one);
                let cut = cut.map(|mut texts| texts.pop().unwrap_or_default());
                total += cut.as_ref().map_or(0, |cut| cut.tokens.len());
                tokenize::at_most_tokens(total)?;
                let cut = cut.map_err(|error| error.to_string());
                cuts.push(Compared { text: i, tokenizer: name.clone(), cut });
            }
        }
        let of = current.map(|current| self.state(&current));
        Ok(CutBy { tokenizer: String::new(), answer: cuts, of, frequencies: None })
    }

    /// Tokens to texts.
    pub fn detokenize(
        &self,
        name: &str,
        texts: &[Vec<u32>],
        skip_special: bool,
    ) -> Result<Vec<String>> {
        let (_, tokenizer) = self.tokenizer(name, None)?;
        let joined = texts.iter().enumerate().map(|(i, ids)| {
            self.stop.check()?;
            tokenizer.join(ids, skip_special).context(|| format!("texts[{i}]"))
        });
        joined.collect()
    }

    /// Tokens of one text, joined as they come.
    pub fn joiner(&self, name: &str, skip_special: bool) -> Result<Joiner> {
        let (_, tokenizer) = self.tokenizer(name, None)?;
        tokenizer.join(&[], skip_special)?;
        Ok(Joiner::new(tokenizer, skip_special))
    }

    /// Texts to vectors.
    pub fn embed(&self, ask: &Ask<EmbedQuery>) -> Result<CutBy<Vec<TextVector>>> {
        let mut used = None;
        let cut = self.cut_by(Some(&ask.table), &ask.query.cutting, |tokenizer, current| {
            let current = current.ok_or_else(no_table)?;
            let weighing = self.weighing(current, &ask.query)?;
            used = told(&ask.query, &weighing);
            let stop = || self.stop.check();
            embed::embed(current.view(), tokenizer, &ask.query, weighing, &stop)
        })?;
        Ok(CutBy { frequencies: used, ..cut })
    }

    /// How alike texts are.
    pub fn text_similarity(&self, ask: &Ask<AlikeQuery>) -> Result<CutBy<Vec<Alike>>> {
        let mut used = None;
        let cut =
            self.cut_by(Some(&ask.table), &ask.query.embed.cutting, |tokenizer, current| {
                let current = current.ok_or_else(no_table)?;
                let weighing = self.weighing(current, &ask.query.embed)?;
                used = told(&ask.query.embed, &weighing);
                let stop = || self.stop.check();
                alike::alike(current.view(), tokenizer, &ask.query, weighing, &stop)
            })?;
        Ok(CutBy { frequencies: used, ..cut })
    }

    /// The nearest words to a text: rows of a table, which may be another than the one whose words make
    /// the text's vector.
    pub fn nearest_to_text(
        &self,
        text: &Ask<EmbedQuery>,
        nearest: &Ask<NearestQuery>,
    ) -> Result<(CutBy<TextVector>, Answer<NearestAnswer>)> {
        let CutBy { tokenizer, mut answer, of, frequencies } = self.embed(text)?;
        let mut text_vector = answer.pop().unwrap_or_default();
        let values = std::mem::take(&mut text_vector.values);
        if values.is_empty() {
            return Err(Error::invalid("text", "the table knows none of its words"));
        }
        let mut ask = nearest.clone();
        ask.query.positive.push(Weighted { query: WordOrVector::Vector(values), weight: 1.0 });
        let found = self.nearest(&ask)?;
        Ok((CutBy { tokenizer, answer: text_vector, of, frequencies }, found))
    }

    fn cut_by<A>(
        &self,
        table: Option<&TableName>,
        cutting: &Cutting,
        question: impl FnOnce(&Tokenizer, Option<&Current>) -> Result<A>,
    ) -> Result<CutBy<A>> {
        let current = table.map(|table| self.current(table)).transpose()?;
        let table = current.as_deref().map(Current::name);
        let (name, tokenizer) = self.tokenizer(&cutting.tokenizer, table.as_ref())?;
        let answer = question(&tokenizer, current.as_deref())?;
        let of = current.map(|current| self.state(&current));
        Ok(CutBy { tokenizer: name, answer, of, frequencies: None })
    }

    fn each_text<A>(
        &self,
        texts: &[String],
        current: Option<&Current>,
        question: impl Fn(u64, &str, Option<&dyn Fn(&str) -> bool>) -> Result<A>,
    ) -> Result<Vec<A>> {
        let knows =
            current.map(|current| |word: &str| resolve::find(current.view(), &[], word).is_some());
        let knows = knows.as_ref().map(|knows| knows as &dyn Fn(&str) -> bool);
        let answers = (0..).zip(texts).map(|(i, text)| {
            self.stop.check()?;
            question(i, text, knows).context(|| format!("texts[{i}]"))
        });
        answers.collect()
    }

    /// What a question weighs words by. What depends on the table alone is kept.
    pub(super) fn weighing(&self, current: &Current, query: &EmbedQuery) -> Result<Weighing> {
        let EmbedOptions { pooling, counts, pre_normalize, .. } = &query.options;
        let view = current.view();
        if !pooling.weighs_frequency() {
            let surprise = if *pooling == Pooling::Surprise {
                Some(self.surprise(&query.options.model)?)
            } else {
                None
            };
            let frequencies = Arc::new(Frequencies::zipf(view));
            return Ok(Weighing { frequencies, common: None, surprise });
        }
        let kept = &self.shared.weighings;
        let number = current.generation().number();
        let frequencies = if counts.words.is_empty() {
            let key = (number, view.sequence());
            kept.frequencies.get(key, || Arc::new(Frequencies::new(view, counts)))
        } else {
            Arc::new(Frequencies::new(view, counts))
        };
        let Pooling::Sif { a, keep_common: false } = *pooling else {
            return Ok(Weighing { frequencies, common: None, surprise: None });
        };
        let compute = || -> Arc<[f64]> {
            let weight = |p: f64| a / (a + p);
            common_direction(view, &frequencies, &weight, *pre_normalize).into()
        };
        // What the frequencies depend on, beside the generation.
        let state = match frequencies.used.source {
            FrequencySource::Given => None,
            FrequencySource::Attribute => Some((true, view.sequence())),
            FrequencySource::Zipf => Some((false, view.rows_end() as u64)),
        };
        let common = match state {
            None => compute(),
            Some(state) => {
                kept.directions.get((number, state, a.to_bits(), *pre_normalize), compute)
            }
        };
        Ok(Weighing { frequencies, common: Some(common), surprise: None })
    }
}

/// Where frequencies came from, if they count.
pub(super) fn told(query: &EmbedQuery, weighing: &Weighing) -> Option<FrequenciesUsed> {
    query.options.pooling.weighs_frequency().then_some(weighing.frequencies.used)
}

fn no_table() -> Error {
    Error::invalid("table", "a table is needed")
}

/// What words of tables weigh: each takes milliseconds to find.
#[derive(Debug, Default)]
pub(super) struct Weighings {
    /// By generation and the last write to it.
    frequencies: Kept<(u64, u64), Arc<Frequencies>>,
    directions: Kept<Direction, Arc<[f64]>>,
}

/// The generation, what the frequencies depend on, the weight's parameter, and whether vectors are
/// brought to length 1.
type Direction = (u64, (bool, u64), u64, bool);

/// The last few values that were computed.
#[derive(Debug)]
struct Kept<K, V>(Mutex<Vec<(K, V)>>);

/// Values that are kept: frequencies of counted words take 8 bytes a row.
const KEPT_MAX: usize = 8;

impl<K: PartialEq, V: Clone> Kept<K, V> {
    fn get(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let kept = self.0.lock().iter().find(|(of, _)| *of == key).map(|(_, value)| value.clone());
        if let Some(value) = kept {
            return value;
        }
        // Two who ask at once compute the same.
        let value = compute();
        let mut kept = self.0.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.insert(0, (key, value.clone()));
        value
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl Engine {
    /// Whether to go on: an error if nobody waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`Stop::check`].
    pub fn check_stop(&self) -> Result<()> {
        let stop: &Stop = &self.stop;
        stop.check()
    }
}
