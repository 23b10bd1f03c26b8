//! Models of Hugging Face's kind: the only folder that names the crate tokenizers.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | `Model`: cuts and joins |
//! | `chance.rs` | the same by chance |
//! | `places.rs` | where tokens stand |
//! | `files.rs` | vocab.txt, and vocab.json with merges.txt, as tokenizer.json |
//! | `train.rs` | new ones from text |

mod chance;
pub(super) mod files;
mod places;
pub mod train;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use serde::de::IgnoredAny;
use tokenizers::models::ModelWrapper;
use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{
    Encoding, Model as _, OffsetType, PaddingDirection, PaddingStrategy, PreTokenizer as _,
    Tokenizer,
};

use crate::error::{At, Error, ErrorKind, Result};
use crate::text::chance::Chance;
use crate::text::special::{Role, Special, SpecialText, Specials};
use chance::Drawn;

/// A tokenizer.json at work.
pub(super) struct Model {
    /// Special tokens in a text are parsed.
    parsing: Tokenizer,
    /// The same where they are text; made when first needed.
    plain: OnceLock<Tokenizer>,
    /// What chance needs; made when first needed.
    drawn: OnceLock<Result<Drawn, ErrorKind>>,
    pub(super) specials: Specials,
    ids_end: u32,
    /// Limits that the file would impose, told in words; they are off.
    pub(super) hidden: Vec<String>,
}

/// How a text is cut, beside the model.
#[derive(Clone, Copy)]
pub(super) struct Encode {
    /// Whether special tokens are put around it.
    pub(super) adds_special: bool,
    /// How many special tokens in it are to be parsed,
    pub(super) wanted: usize,
    /// of how many.
    pub(super) found: usize,
    /// How chance cuts, if it does.
    pub(super) chance: Option<Chance>,
}

/// What of a JSON object tells whether it is a tokenizer.json.
#[derive(serde::Deserialize)]
struct Fields {
    model: Option<IgnoredAny>,
}

impl Model {
    /// Reads a tokenizer.json. Truncation, padding and dropout in it are reported and switched off.
    pub(super) fn open(json: &[u8]) -> Result<Self> {
        guarded(|| Self::try_open(json))
    }

    fn try_open(json: &[u8]) -> Result<Self> {
        let mut parsing = Tokenizer::from_bytes(json).map_err(|cause| {
            // The crate says of any other object where its first field ends.
            match serde_json::from_slice(json) {
                Ok(Fields { model: None }) => {
                    let problem = "this is no tokenizer.json: it has no field \"model\"";
                    malformed(&*Box::from(problem))
                }
                Ok(Fields { model: Some(_) }) | Err(_) => malformed(&*cause),
            }
        })?;
        let hidden = hidden(&parsing);
        if let ModelWrapper::BPE(pairs) = parsing.get_model()
            && pairs.dropout.is_some()
        {
            let mut pairs = pairs.clone();
            pairs.dropout = None;
            parsing.with_model(pairs);
        }
        parsing.with_truncation(None).map_err(|cause| malformed(&*cause))?;
        parsing.with_padding(None);
        let unknown = unknown_token(parsing.get_model());
        let mut specials: Vec<Special> = parsing
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(_, token)| token.special)
            .map(|(id, token)| {
                let role = if unknown.as_ref() == Some(&token.content) {
                    Role::Unknown
                } else {
                    Role::of(&token.content)
                };
                Special { token: token.content, id, role }
            })
            .collect();
        if let Some(token) = unknown
            && let Some(id) = parsing.token_to_id(&token)
            && specials.iter().all(|special| special.id != id)
        {
            specials.push(Special { token, id, role: Role::Unknown });
        }
        let specials = Specials::new(specials)?;
        let last = parsing.get_vocab(true).into_values().max();
        let ids_end = last.map_or(0, |last| last.saturating_add(1));
        let (plain, drawn) = (OnceLock::new(), OnceLock::new());
        let model = Self { parsing, plain, drawn, specials, ids_end, hidden };
        // What is wrong with a file may show only when it is used.
        for probe in ["", "a", " \u{4f60}\u{1f600}\n"] {
            drop(try_encode(&model.parsing, probe, true));
        }
        Ok(model)
    }

    /// The tokens of a text.
    pub(super) fn encode(
        &self,
        text: &str,
        how: Encode,
        take: &mut dyn FnMut(u32, Range<usize>, bool),
    ) -> Result<()> {
        self.encode_input((text, None), how, &mut |token| {
            take(token.id, token.bytes, token.is_special);
        })
    }

    /// The same of one text or of two, with what the model behind is told of each token. Two are not
    /// cut by chance.
    pub(super) fn encode_input(
        &self,
        (text, second): (&str, Option<&str>),
        how: Encode,
        take: &mut dyn FnMut(InputToken),
    ) -> Result<()> {
        let Encode { adds_special, wanted, found, chance } = how;
        if wanted != 0 && wanted != found {
            let problem = "this tokenizer parses either all special tokens in a text or none; the \
                           text has both those allowed and others";
            return Err(Error::invalid("special_text", problem));
        }
        let tokenizer = if found > 0 && wanted == 0 { self.plain() } else { &self.parsing };
        let encoding = guarded(|| match (second, chance) {
            (Some(second), _) => {
                tokenizer.encode((text, second), adds_special).map_err(|cause| refused(&*cause))
            }
            (None, None) => try_encode(tokenizer, text, adds_special),
            (None, Some(chance)) => self.draw(tokenizer, text, adds_special, chance),
        })?;
        let sequences = encoding.get_sequence_ids();
        let marked = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask());
        let tokens = encoding.get_ids().iter().zip(encoding.get_type_ids()).zip(marked);
        let mut waiting: Option<Placed<'_>> = None;
        for (sequence, ((&id, &segment), (&(start, end), &added))) in sequences.iter().zip(tokens) {
            let in_second = *sequence == Some(1);
            let text = second.filter(|_| in_second).unwrap_or(text);
            let bytes = start.min(text.len())..end.min(text.len()).max(start.min(text.len()));
            let is_special = added == 1 || self.specials.of_id(id).is_some();
            let segment = segment as usize;
            let token = InputToken { id, bytes, is_special, segment, in_second };
            let stands_in_text = added == 0 && sequence.is_some();
            let mut free = 0;
            if let Some(placed) = waiting.take() {
                let goes_on = stands_in_text && placed.token.in_second == in_second;
                let next = if goes_on { token.bytes.start } else { placed.text.len() };
                free = self.hand_over(placed, next, take);
                free = if goes_on { free } else { 0 };
            }
            if stands_in_text {
                waiting = Some(Placed { token, text, free });
            } else {
                take(token);
            }
        }
        if let Some(placed) = waiting {
            let next = placed.text.len();
            self.hand_over(placed, next, take);
        }
        Ok(())
    }

    /// Hands out a token of a text behind which the next one begins at a place; where it ends.
    fn hand_over(
        &self,
        Placed { mut token, text, free }: Placed<'_>,
        next: usize,
        take: &mut dyn FnMut(InputToken),
    ) -> usize {
        let spelling = self.token(token.id).unwrap_or_default();
        token.bytes = places::widened(text, &spelling, token.bytes, free..next);
        let end = token.bytes.end.max(free);
        take(token);
        end
    }

    /// As the crate encodes, but for the model.
    fn draw(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        adds_special: bool,
        chance: Chance,
    ) -> Result<Encoding> {
        let of_model = || Drawn::of(self.parsing.get_model()).map_err(|error| error.kind().clone());
        let drawn = self.drawn.get_or_init(of_model).as_ref();
        let drawn = drawn.map_err(|kind| Error::new(kind.clone()))?;
        let normalizer = tokenizer.get_normalizer();
        let mut parts = tokenizer.get_added_vocabulary().extract_and_normalize(normalizer, text);
        if let Some(before) = tokenizer.get_pre_tokenizer() {
            before.pre_tokenize(&mut parts).map_err(|cause| refused(&*cause))?;
        }
        let numbers = RefCell::new(chance.numbers());
        let failed = RefCell::new(None);
        let cut = parts.tokenize(|part| {
            drawn.cut(part.get(), chance, &mut numbers.borrow_mut()).map_err(|error| {
                let told = error.to_string();
                failed.replace(Some(error));
                told.into()
            })
        });
        if let Some(error) = failed.take() {
            return Err(error);
        }
        let encoded = cut.and_then(|()| {
            let encoding = parts.into_encoding(None, 0, OffsetType::Byte)?;
            tokenizer.post_process(encoding, None, adds_special)
        });
        encoded.map_err(|cause| refused(&*cause))
    }

    /// The tokens of a text without their places, which takes half the time; special ones in it are
    /// parsed. Of each its number, and whether it is special.
    pub(super) fn numbers(
        &self,
        text: &str,
        adds_special: bool,
        take: &mut dyn FnMut(u32, bool),
    ) -> Result<()> {
        let encode = || self.parsing.encode_fast(text, adds_special);
        let encoding = guarded(|| encode().map_err(|cause| refused(&*cause)))?;
        for (&id, &added) in encoding.get_ids().iter().zip(encoding.get_special_tokens_mask()) {
            take(id, added == 1 || self.specials.of_id(id).is_some());
        }
        Ok(())
    }

    fn plain(&self) -> &Tokenizer {
        self.plain.get_or_init(|| {
            let mut plain = self.parsing.clone();
            plain.set_encode_special_tokens(true);
            plain
        })
    }

    pub(super) fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        guarded(|| self.parsing.decode(ids, skip_special).map_err(|cause| refused(&*cause)))
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.parsing.token_to_id(token)
    }

    pub(super) fn token(&self, id: u32) -> Option<String> {
        self.parsing.id_to_token(id)
    }

    pub(super) fn len(&self) -> usize {
        self.parsing.get_vocab_size(true)
    }

    pub(super) fn ids_end(&self) -> u32 {
        self.ids_end
    }

    /// The kind of the model inside.
    pub(super) fn kind_name(&self) -> &'static str {
        match self.parsing.get_model() {
            ModelWrapper::BPE(_) => "bpe",
            ModelWrapper::WordPiece(_) => "wordpiece",
            ModelWrapper::WordLevel(_) => "word-level",
            ModelWrapper::Unigram(_) => "unigram",
        }
    }

    /// Whether what the policy is about was asked for, in the words of this kind.
    pub(super) fn own_policy() -> SpecialText {
        SpecialText::Parse
    }
}

/// A token of a text, before it is handed out.
struct Placed<'a> {
    token: InputToken,
    text: &'a str,
    /// Where the one before it ends.
    free: usize,
}

/// A token of a model's input.
pub(super) struct InputToken {
    pub(super) id: u32,
    /// Of its own text.
    pub(super) bytes: Range<usize>,
    pub(super) is_special: bool,
    /// The type that the model knows it by.
    pub(super) segment: usize,
    /// Whether it stands in the second text.
    pub(super) in_second: bool,
}

fn try_encode(tokenizer: &Tokenizer, text: &str, special: bool) -> Result<Encoding> {
    tokenizer.encode(text, special).map_err(|cause| refused(&*cause))
}

fn unknown_token(model: &ModelWrapper) -> Option<String> {
    match model {
        ModelWrapper::BPE(bpe) => bpe.get_unk_token().clone(),
        ModelWrapper::WordPiece(pieces) => Some(pieces.unk_token.clone()),
        ModelWrapper::WordLevel(words) => Some(words.unk_token.clone()),
        ModelWrapper::Unigram(unigram) => {
            let json = serde_json::to_value(unigram).ok()?;
            unigram.id_to_token(u32::try_from(json.get("unk_id")?.as_u64()?).ok()?)
        }
    }
}

fn hidden(tokenizer: &Tokenizer) -> Vec<String> {
    let mut hidden = Vec::new();
    if let ModelWrapper::BPE(pairs) = tokenizer.get_model()
        && let Some(dropout) = pairs.dropout
    {
        hidden.push(format!("dropout: leaves out merges by chance, {dropout} of them"));
    }
    if let Some(truncation) = tokenizer.get_truncation() {
        let side = match truncation.direction {
            TruncationDirection::Left => "tail",
            TruncationDirection::Right => "head",
        };
        hidden.push(format!("truncation: keeps the {side} of {} tokens", truncation.max_length));
    }
    if let Some(padding) = tokenizer.get_padding() {
        let length = match padding.strategy {
            PaddingStrategy::BatchLongest => "the longest of a batch".to_owned(),
            PaddingStrategy::Fixed(length) => format!("{length} tokens"),
        };
        let side = match padding.direction {
            PaddingDirection::Left => "left",
            PaddingDirection::Right => "right",
        };
        hidden.push(format!("padding: to {length}, at the {side}, with {}", padding.pad_token));
    }
    hidden
}

/// Calls the crate, which panics on some files.
fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        let problem = "its tokenizer breaks down on this";
        Err(Error::invalid("tokenizer", problem))
    })
}

fn malformed(cause: &(dyn std::error::Error + Send + Sync)) -> Error {
    let (at, problem) = (At::Byte(0), cause.to_string());
    Error::new(ErrorKind::Malformed { format: "tokenizer.json", at, problem })
}

fn refused(cause: &(dyn std::error::Error + Send + Sync)) -> Error {
    Error::invalid("tokenizer", format!("its tokenizer cannot do this: {cause}"))
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("kind", &self.kind_name()).finish_non_exhaustive()
    }
}
