//! New tokenizers from text: words are counted first, then a model is learned from the counts.
//!
//! Texts are cut into words as the tokenizer will cut them, in parallel; what the trainers see is
//! in the order of the words, so that the same text gives the same tokenizer. (The crate's own way
//! keeps words in an order that changes from run to run, which changes ties and rounding.)

use std::collections::BTreeMap;

use ahash::{AHashMap, RandomState};
use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    AddedToken, Normalizer as _, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer as _, Tokenizer,
};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::text::model::guarded;

/// What kind of tokenizer is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Pairs of characters are merged by frequency (Sennrich, Haddow and Birch 2016); words begin with
    /// U+2581.
    BytePairs,
    /// The same over bytes, as GPT-2: nothing is ever unknown.
    ByteLevelBytePairs,
    /// BERT's: parts within a word begin with `##`.
    WordPiece,
    /// The most likely parts of each word (Kudo 2018).
    Unigram,
    /// Whole words, the most frequent first.
    WordLevel,
}

/// How a tokenizer is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// What kind.
    pub kind: Learned,
    /// Tokens of the vocabulary, at most, special ones among them.
    pub vocab_size: usize,
    /// Pairs (or words) that are rarer are not learned.
    pub min_frequency: u64,
    /// Special tokens, numbered from 0 in this order. One that stands for the unknown is added where the
    /// kind needs it.
    pub specials: Vec<String>,
    /// Whether texts are brought to lower case first.
    pub lowercase: bool,
}

/// Bytes that a word takes with its count, beside its own.
const COUNT_BYTES: usize = 64;
/// Bytes that learning takes for each byte of a word.
const LEARNING_BYTES_A_BYTE: usize = 64;

/// Counts the words of texts and learns from them.
pub struct Trainer {
    options: TrainOptions,
    /// Cuts texts into words; has no model.
    cutter: Tokenizer,
    counts: HashMap<String, u64>,
    /// Bytes of the different words.
    word_bytes: usize,
}

impl Trainer {
    /// Nothing counted yet.
    ///
    /// # Errors
    ///
    /// If the options do not fit together.
    pub fn new(mut options: TrainOptions) -> Result<Self> {
        if let Some(unknown) = unknown(options.kind)
            && !options.specials.iter().any(|special| special == unknown)
        {
            options.specials.insert(0, unknown.to_owned());
        }
        let alphabet = match options.kind {
            Learned::ByteLevelBytePairs => 256,
            Learned::BytePairs | Learned::WordPiece | Learned::Unigram | Learned::WordLevel => 0,
        };
        let least = options.specials.len() + alphabet + 1;
        if options.vocab_size < least {
            let problem = format!("at least {least} are needed for special tokens and alphabet");
            return Err(Error::invalid("vocab_size", problem));
        }
        let empty = json!({"type": "WordLevel", "vocab": {"": 0}, "unk_token": ""});
        let cutter = parse(&pipeline(&options, &empty, &[]))?;
        Ok(Self { options, cutter, counts: HashMap::new(), word_bytes: 0 })
    }

    /// Counts the words of some texts.
    ///
    /// # Errors
    ///
    /// If there are too many different words.
    pub fn feed(&mut self, texts: &[String]) -> Result<()> {
        let cutter = &self.cutter;
        let counted: Vec<Result<HashMap<String, u64>>> = texts
            .par_chunks(texts.len().div_ceil(rayon::current_num_threads()).max(1))
            .map(|texts| guarded(|| count(cutter, texts)))
            .collect();
        for counts in counted {
            for (word, count) in counts? {
                let length = word.len();
                let total = self.counts.entry(word).or_insert_with(|| {
                    self.word_bytes += length;
                    0
                });
                *total += count;
            }
        }
        let max = limits::TRAIN_WORD_BYTES_MAX;
        if self.word_bytes > max {
            let (limit, max, got) = ("TRAIN_WORD_BYTES_MAX", max as u64, self.word_bytes as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got }));
        }
        Ok(())
    }

    /// Bytes of memory that the counts take, about.
    pub fn memory_bytes(&self) -> u64 {
        (self.word_bytes + self.counts.len() * COUNT_BYTES) as u64
    }

    /// Bytes of memory that learning takes beside the counts, about: the crate keeps each character as a
    /// symbol, and where each pair of them stands.
    pub fn learning_bytes(&self) -> u64 {
        (self.word_bytes * LEARNING_BYTES_A_BYTE) as u64
    }

    /// How many different words were counted.
    pub fn word_count(&self) -> usize {
        self.counts.len()
    }

    /// Learns from what was counted; a tokenizer.json.
    ///
    /// # Errors
    ///
    /// If there was no text, or if the model cannot be learned from it.
    pub fn train(self) -> Result<Vec<u8>> {
        if self.counts.is_empty() {
            return Err(Error::invalid("text", "there is no word in it to learn from"));
        }
        let words: BTreeMap<String, u64> = self.counts.into_iter().collect();
        let options = &self.options;
        let model = guarded(|| match options.kind {
            Learned::BytePairs | Learned::ByteLevelBytePairs => {
                to_json(&byte_pairs(options, &words)?)
            }
            Learned::WordPiece => {
                let mut pieces = WordPiece::from_bpe(&byte_pairs(options, &words)?);
                "[UNK]".clone_into(&mut pieces.unk_token);
                to_json(&pieces)
            }
            Learned::Unigram => to_json(&unigram(options, &words)?),
            Learned::WordLevel => Ok(word_level(options, &words)),
        })?;
        let specials: Vec<Value> = (0..)
            .zip(&options.specials)
            .map(|(id, token)| crate::text::model::files::added(token, id))
            .collect();
        let tokenizer = parse(&pipeline(options, &model, &specials))?;
        tokenizer.to_string(false).map(String::into_bytes).map_err(|cause| learned_nothing(&*cause))
    }
}

impl std::fmt::Debug for Trainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What stands for the unknown.
fn unknown(kind: Learned) -> Option<&'static str> {
    match kind {
        Learned::BytePairs | Learned::Unigram => Some("<unk>"),
        Learned::WordPiece | Learned::WordLevel => Some("[UNK]"),
        Learned::ByteLevelBytePairs => None,
    }
}

/// A tokenizer.json around a model.
fn pipeline(options: &TrainOptions, model: &Value, specials: &[Value]) -> Value {
    let space = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always",
        "split": true});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": true});
    let lowercase = options.lowercase.then(|| json!({"type": "Lowercase"}));
    let (normalizer, before, decoder) = match options.kind {
        Learned::BytePairs => (json!(lowercase), space.clone(), space),
        Learned::ByteLevelBytePairs => (json!(lowercase), bytes.clone(), bytes),
        Learned::Unigram => {
            let steps: Vec<Value> =
                std::iter::once(json!({"type": "NFKC"})).chain(lowercase).collect();
            (json!({"type": "Sequence", "normalizers": steps}), space.clone(), space)
        }
        Learned::WordPiece => (
            json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": options.lowercase}),
            json!({"type": "BertPreTokenizer"}),
            json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        ),
        Learned::WordLevel => (json!(lowercase), json!({"type": "BertPreTokenizer"}), Value::Null),
    };
    json!({"version": "1.0", "added_tokens": specials, "normalizer": normalizer,
        "pre_tokenizer": before, "decoder": decoder, "model": model})
}

fn count(cutter: &Tokenizer, texts: &[String]) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for text in texts {
        let mut normalized = tokenizers::NormalizedString::from(text.as_str());
        if let Some(normalizer) = cutter.get_normalizer() {
            normalizer.normalize(&mut normalized).map_err(|cause| learned_nothing(&*cause))?;
        }
        let mut words = PreTokenizedString::from(normalized);
        if let Some(before) = cutter.get_pre_tokenizer() {
            before.pre_tokenize(&mut words).map_err(|cause| learned_nothing(&*cause))?;
        }
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::None) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(counts.insert(word.to_owned(), 1)),
            }
        }
    }
    Ok(counts)
}

fn byte_pairs(options: &TrainOptions, words: &BTreeMap<String, u64>) -> Result<BPE> {
    let specials = options.specials.iter().map(|token| AddedToken::from(token.clone(), true));
    let mut builder = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(options.vocab_size)
        .min_frequency(options.min_frequency)
        .special_tokens(specials.collect());
    if options.kind == Learned::ByteLevelBytePairs {
        builder = builder.initial_alphabet(ByteLevel::alphabet().into_iter().collect());
    }
    if options.kind == Learned::WordPiece {
        builder = builder.continuing_subword_prefix("##".to_owned());
    }
    // Fixed seeds: the trainer numbers what it meets in this map's order.
    let hasher = RandomState::with_seeds(1, 2, 3, 4);
    let mut counts = AHashMap::with_capacity_and_hasher(words.len(), hasher);
    counts.extend(words.iter().map(|(word, count)| (word.as_str().into(), *count)));
    let mut model = BPE::default();
    let trained = builder.build().do_train(&counts, &mut model);
    trained.map_err(|cause| learned_nothing(&*cause))?;
    if let Some(unknown) = unknown(options.kind) {
        // The field is private to the crate, but not in its JSON.
        let mut json = to_json(&model)?;
        json["unk_token"] = json!(unknown);
        // Its reader wants text to borrow from.
        return serde_json::from_str(&json.to_string()).map_err(|cause| learned_nothing(&cause));
    }
    Ok(model)
}

fn unigram(options: &TrainOptions, words: &BTreeMap<String, u64>) -> Result<Unigram> {
    let specials = options.specials.iter().map(|token| AddedToken::from(token.clone(), true));
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(u32::try_from(options.vocab_size).unwrap_or(u32::MAX))
        .special_tokens(specials.collect())
        .unk_token(unknown(options.kind).map(str::to_owned))
        .build()
        .map_err(|cause| learned_nothing(&cause))?;
    let is_frequent = |count: &u64| *count >= options.min_frequency;
    let sentences = words.iter().filter(|(_, count)| is_frequent(count));
    let sentences: Vec<(String, u32)> = sentences
        .map(|(word, count)| (word.clone(), u32::try_from(*count).unwrap_or(u32::MAX)))
        .collect();
    if sentences.is_empty() {
        return Err(Error::invalid("min_frequency", "no word is as frequent"));
    }
    // On one thread: sums come out otherwise where threads share the work.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut model = Unigram::default();
    let learned = alone.install(|| trainer.do_train(sentences, &mut model));
    learned.map_err(|cause| learned_nothing(&*cause))?;
    in_order(&model, &options.specials)
}

/// What the trainer gives to characters that it lost: the least score, and so much more for each.
const LOST_STEP: f64 = 0.0001;

/// The same model, with nothing left of the order of the trainer's sets, which changes from run to run:
/// equals stand by the alphabet, and so do characters that it lost and added in the end.
fn in_order(model: &Unigram, specials: &[String]) -> Result<Unigram> {
    let mut pieces: Vec<(String, f64)> = model.iter().cloned().collect();
    let learned = pieces.split_off(specials.len().min(pieces.len()));
    let least = learned.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let is_lost = |(piece, score): &(String, f64)| {
        let steps = (score - least) / LOST_STEP;
        piece.chars().count() == 1 && (steps - steps.round()).abs() < 1e-6
    };
    let (lost, mut rest): (Vec<_>, Vec<_>) = learned.into_iter().partition(is_lost);
    let (mut lost, mut scores): (Vec<_>, Vec<_>) = lost.into_iter().unzip();
    lost.sort_unstable();
    scores.sort_unstable_by(f64::total_cmp);
    rest.extend(lost.into_iter().zip(scores));
    rest.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
    pieces.extend(rest);
    let own = unknown(Learned::Unigram);
    let at = specials.iter().position(|special| Some(special.as_str()) == own);
    Unigram::from(pieces, at, false).map_err(|cause| learned_nothing(&*cause))
}

/// The most frequent words; of equals, the first by the alphabet.
fn word_level(options: &TrainOptions, words: &BTreeMap<String, u64>) -> Value {
    let mut order: Vec<_> =
        words.iter().filter(|(_, count)| **count >= options.min_frequency).collect();
    // The sort is stable.
    order.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words = order.into_iter().map(|(word, _)| word);
    let words = words.filter(|word| !options.specials.contains(word));
    let all = options.specials.iter().chain(words).take(options.vocab_size);
    let vocab: BTreeMap<_, _> = all.enumerate().map(|(id, word)| (word, id)).collect();
    json!({"type": "WordLevel", "vocab": vocab, "unk_token": unknown(options.kind)})
}

fn to_json(model: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(model).map_err(|cause| Error::caused(ErrorKind::Internal, cause))
}

fn parse(json: &Value) -> Result<Tokenizer> {
    let bytes = serde_json::to_vec(json);
    let bytes = bytes.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    Tokenizer::from_bytes(bytes).map_err(|cause| learned_nothing(&*cause))
}

fn learned_nothing(cause: &dyn std::error::Error) -> Error {
    Error::invalid("text", format!("no tokenizer can be learned from it: {cause}"))
}
