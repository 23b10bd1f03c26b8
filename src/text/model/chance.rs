//! Models that chance cuts: the crate draws from numbers of its own, which have no seed, so what is
//! drawn is drawn here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use hashbrown::HashMap;
use serde_json::Value;
use tokenizers::models::ModelWrapper;
use tokenizers::models::bpe::BPE;
use tokenizers::models::unigram::Unigram;
use tokenizers::{Model as _, Token};

use crate::error::{Error, ErrorKind, Result};
use crate::text::chance::{self, Chance, Numbers, Way};
use crate::text::trie::Trie;

/// What a model needs to be cut by chance.
pub(super) enum Drawn {
    Pairs(Box<Pairs>),
    Unigram(Likely),
    /// Nothing is drawn in models of this kind.
    No(&'static str),
}

impl Drawn {
    pub(super) fn of(model: &ModelWrapper) -> Result<Self> {
        match model {
            ModelWrapper::BPE(bpe) => Ok(Self::Pairs(Box::new(Pairs::of(bpe)?))),
            ModelWrapper::Unigram(unigram) => Ok(Self::Unigram(Likely::of(unigram)?)),
            ModelWrapper::WordPiece(_) => Ok(Self::No("wordpiece")),
            ModelWrapper::WordLevel(_) => Ok(Self::No("word-level")),
        }
    }

    /// The tokens of a part of a text.
    pub(super) fn cut(
        &self,
        part: &str,
        chance: Chance,
        numbers: &mut Numbers,
    ) -> Result<Vec<Token>> {
        match (self, chance.way) {
            (Self::Pairs(pairs), Way::Dropout(dropout)) => pairs.cut(part, dropout, numbers),
            (Self::Unigram(likely), Way::Cuts { alpha, best }) => {
                likely.cut(part, (alpha, best), numbers)
            }
            (Self::Pairs(_), Way::Cuts { .. }) => Err(chance.refused("bpe")),
            (Self::Unigram(_), Way::Dropout(_)) => Err(chance.refused("unigram")),
            (Self::No(kind), Way::Dropout(_) | Way::Cuts { .. }) => Err(chance.refused(kind)),
        }
    }
}

/// Byte pairs.
pub(super) struct Pairs {
    /// The model without a merge: gives the first symbols of a word.
    letters: BPE,
    /// By pair: its rank, and what it becomes.
    merges: HashMap<(u32, u32), (u32, u32)>,
}

/// A part of a word.
#[derive(Clone, Copy)]
struct Symbol {
    id: u32,
    /// Where it ends; where it begins for what was merged away.
    end: usize,
    start: usize,
    before: Option<usize>,
    next: Option<usize>,
}

impl Pairs {
    fn of(bpe: &BPE) -> Result<Self> {
        let mut letters = bpe.clone();
        letters.dropout = Some(1.0);
        // The merges are private to the crate, but not in its JSON.
        let json = to_json(bpe)?;
        let prefix = json["continuing_subword_prefix"].as_str().unwrap_or_default();
        let mut merges = HashMap::new();
        for (rank, pair) in (0..).zip(json["merges"].as_array().into_iter().flatten()) {
            let half = |at: usize| pair.get(at).and_then(Value::as_str);
            let (Some(left), Some(right)) = (half(0), half(1)) else { continue };
            let whole = format!("{left}{}", right.strip_prefix(prefix).unwrap_or(right));
            let ids = [left, right, &whole].map(|token| bpe.token_to_id(token));
            if let [Some(left), Some(right), Some(whole)] = ids {
                merges.insert((left, right), (rank, whole));
            }
        }
        Ok(Self { letters, merges })
    }

    /// As the crate does it: what chance leaves out comes again after the next merge.
    fn cut(&self, word: &str, dropout: f64, numbers: &mut Numbers) -> Result<Vec<Token>> {
        let letters = self.letters.tokenize(word).map_err(|cause| super::refused(&*cause))?;
        let count = letters.len();
        let mut symbols: Vec<Symbol> = (0..count)
            .map(|at| {
                let (start, end) = letters[at].offsets;
                let next = (at + 1 < count).then_some(at + 1);
                Symbol { id: letters[at].id, end, start, before: at.checked_sub(1), next }
            })
            .collect();
        let pair = |symbols: &[Symbol], left: usize| {
            let right = symbols[left].next?;
            let (rank, id) = *self.merges.get(&(symbols[left].id, symbols[right].id))?;
            Some(Reverse((rank, left, id)))
        };
        let mut pairs: BinaryHeap<_> = (0..count).filter_map(|at| pair(&symbols, at)).collect();
        let mut left_out = Vec::new();
        while let Some(top) = pairs.pop() {
            if numbers.happens(dropout) {
                left_out.push(top);
                continue;
            }
            pairs.extend(left_out.drain(..));
            let Reverse((_, left, id)) = top;
            let Some(right) = symbols[left].next else { continue };
            let ids = (symbols[left].id, symbols[right].id);
            // Outdated if one of the two was merged since.
            let is_gone = symbols[left].start == symbols[left].end;
            if is_gone || self.merges.get(&ids).is_none_or(|(_, merged)| *merged != id) {
                continue;
            }
            let Symbol { end, next, start, .. } = symbols[right];
            symbols[left] = Symbol { id, end, next, ..symbols[left] };
            symbols[right].end = start;
            if let Some(next) = next {
                symbols[next].before = Some(left);
            }
            pairs.extend(symbols[left].before.and_then(|before| pair(&symbols, before)));
            pairs.extend(pair(&symbols, left));
        }
        let left = symbols.into_iter().filter(|symbol| symbol.start < symbol.end);
        let token = |symbol: Symbol| {
            let value = self.letters.id_to_token(symbol.id).unwrap_or_default();
            Token::new(symbol.id, value, (symbol.start, symbol.end))
        };
        Ok(left.map(token).collect())
    }
}

/// How much less likely than the least likely piece an unknown character is.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The most likely parts.
pub(super) struct Likely {
    trie: Trie,
    ids: BTreeMap<String, u32>,
    scores: Vec<f64>,
    unknown: Option<u32>,
    unknown_score: f64,
    falls_back_to_bytes: bool,
}

impl Likely {
    fn of(unigram: &Unigram) -> Result<Self> {
        let unknown = to_json(unigram)?["unk_id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let (mut ids, mut scores) = (BTreeMap::new(), Vec::new());
        for (id, (piece, score)) in (0..).zip(unigram.iter()) {
            scores.push(*score);
            // As the crate reads it: a piece that comes twice has its last number.
            ids.insert(piece.clone(), id);
        }
        let words: Vec<_> = ids.iter().map(|(piece, id)| (piece.as_bytes(), *id)).collect();
        let words: Vec<_> = words.into_iter().filter(|(piece, _)| !piece.is_empty()).collect();
        Ok(Self {
            trie: Trie::new(&words),
            scores,
            unknown,
            unknown_score: unigram.min_score - UNKNOWN_PENALTY,
            falls_back_to_bytes: unigram.byte_fallback(),
            ids,
        })
    }

    fn cut(
        &self,
        part: &str,
        how: (f64, Option<usize>),
        numbers: &mut Numbers,
    ) -> Result<Vec<Token>> {
        // Where nothing stands for the unknown, no number does.
        let unknown = self.unknown.unwrap_or(u32::MAX);
        let pieces = |at: usize, take: &mut dyn FnMut(usize, u32, f64)| {
            let rest = &part[at..];
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let mut has_single = false;
            self.trie.prefixes(rest.as_bytes(), |length, id| {
                take(length, id, self.scores[id as usize]);
                has_single |= length == first;
            });
            if !has_single {
                take(first, unknown, self.unknown_score);
            }
        };
        let parts = chance::cut(part, &pieces, how, numbers)?;
        let mut tokens = Vec::with_capacity(parts.len());
        let mut start = 0;
        for (i, &(id, end)) in parts.iter().enumerate() {
            // Neighbors that are unknown are one.
            let goes_on = parts.get(i + 1).is_some_and(|(next, _)| *next == id);
            if id == unknown && goes_on {
                continue;
            }
            self.tell(&part[start..end], (start, end), &mut tokens)?;
            start = end;
        }
        Ok(tokens)
    }

    /// A piece as tokens: its own, else those of its bytes, else that for the unknown.
    fn tell(&self, piece: &str, offsets: (usize, usize), tokens: &mut Vec<Token>) -> Result<()> {
        if let Some(&id) = self.ids.get(piece) {
            tokens.push(Token::new(id, piece.to_owned(), offsets));
            return Ok(());
        }
        if self.falls_back_to_bytes {
            let byte = |byte: u8| {
                let name = format!("<0x{byte:02X}>");
                Some(Token::new(*self.ids.get(&name)?, name, offsets))
            };
            if let Some(bytes) = piece.bytes().map(byte).collect::<Option<Vec<_>>>() {
                tokens.extend(bytes);
                return Ok(());
            }
        }
        let unknown = self.unknown.ok_or_else(|| {
            let problem = format!("its tokenizer has no token for the unknown: {piece:?}");
            Error::invalid("tokenizer", problem)
        })?;
        tokens.push(Token::new(unknown, piece.to_owned(), offsets));
        Ok(())
    }
}

fn to_json(model: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(model).map_err(|cause| Error::caused(ErrorKind::Internal, cause))
}
