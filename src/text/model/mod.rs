//! Models of Hugging Face's kind: the only folder that names the crate tokenizers.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | `Model`: cuts and joins |
//! | `files.rs` | vocab.txt, and vocab.json with merges.txt, as tokenizer.json |
//! | `train.rs` | new ones from text |

pub(super) mod files;
pub mod train;

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use tokenizers::models::ModelWrapper;
use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{Model as _, PaddingDirection, PaddingStrategy, Tokenizer};

use crate::error::{At, Error, ErrorKind, Result};
use crate::text::special::{Role, Special, SpecialText, Specials};

/// A tokenizer.json at work.
pub(super) struct Model {
    /// Special tokens in a text are parsed.
    parsing: Tokenizer,
    /// The same where they are text; made when first needed.
    plain: OnceLock<Tokenizer>,
    pub(super) specials: Specials,
    ids_end: u32,
    /// Limits that the file would impose, told in words; they are off.
    pub(super) hidden: Vec<String>,
}

impl Model {
    /// Reads a tokenizer.json. Truncation and padding in it are reported and switched off.
    pub(super) fn open(json: &[u8]) -> Result<Self> {
        guarded(|| Self::try_open(json))
    }

    fn try_open(json: &[u8]) -> Result<Self> {
        let mut parsing = Tokenizer::from_bytes(json).map_err(|cause| malformed(&*cause))?;
        let hidden = hidden(&parsing);
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
        let model = Self { parsing, plain: OnceLock::new(), specials, ids_end, hidden };
        // What is wrong with a file may show only when it is used.
        for probe in ["", "a", " \u{4f60}\u{1f600}\n"] {
            drop(try_encode(&model.parsing, probe, true));
        }
        Ok(model)
    }

    /// The tokens of a text. `wanted` tells how many special tokens in it are to be parsed, of how many.
    pub(super) fn encode(
        &self,
        text: &str,
        adds_special: bool,
        counts: (usize, usize),
        take: &mut dyn FnMut(u32, Range<usize>, bool),
    ) -> Result<()> {
        self.encode_input((text, None), adds_special, counts, &mut |token| {
            take(token.id, token.bytes, token.is_special);
        })
    }

    /// The same of one text or of two, with what the model behind is told of each token.
    pub(super) fn encode_input(
        &self,
        (text, second): (&str, Option<&str>),
        adds_special: bool,
        (wanted, found): (usize, usize),
        take: &mut dyn FnMut(InputToken),
    ) -> Result<()> {
        if wanted != 0 && wanted != found {
            let problem = "this tokenizer parses either all special tokens in a text or none; the \
                           text has both those allowed and others";
            return Err(Error::invalid("special_text", problem));
        }
        let tokenizer = if found > 0 && wanted == 0 { self.plain() } else { &self.parsing };
        let encoding = guarded(|| match second {
            None => try_encode(tokenizer, text, adds_special),
            Some(second) => {
                tokenizer.encode((text, second), adds_special).map_err(|cause| refused(&*cause))
            }
        })?;
        let sequences = encoding.get_sequence_ids();
        let marked = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask());
        let tokens = encoding.get_ids().iter().zip(encoding.get_type_ids()).zip(marked);
        for (sequence, ((&id, &segment), (&(start, end), &added))) in sequences.iter().zip(tokens) {
            let in_second = *sequence == Some(1);
            let length = second.filter(|_| in_second).unwrap_or(text).len();
            let bytes = start.min(length)..end.min(length).max(start.min(length));
            let is_special = added == 1 || self.specials.of_id(id).is_some();
            let segment = segment as usize;
            take(InputToken { id, bytes, is_special, segment, in_second });
        }
        Ok(())
    }

    /// How many tokens a text has.
    pub(super) fn count(&self, text: &str, adds_special: bool) -> Result<usize> {
        let counted = || self.parsing.encode_fast(text, adds_special);
        guarded(|| counted().map_err(|cause| refused(&*cause))).map(|encoding| encoding.len())
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

fn try_encode(tokenizer: &Tokenizer, text: &str, special: bool) -> Result<tokenizers::Encoding> {
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
