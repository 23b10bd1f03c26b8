//! `SentencePiece` models (Kudo and Richardson 2018), read natively: the same numbers as the library's.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `proto.rs` | the file |
//! | `normalizer.rs` | a text as the model wants it, and where each byte of it came from |
//! | `unigram.rs` `bpe.rs` | the two models |

mod bpe;
mod normalizer;
mod proto;
mod unigram;

use std::ops::Range;

use hashbrown::HashMap;
use prost::Message as _;

use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;
use crate::text::chance::{self, Chance, Numbers, Way};
use crate::text::special::{Role, Special, Specials};
use crate::text::trie::Trie;
use normalizer::{Normalized, Normalizer};
use proto::{ModelKind, ModelProto, PieceKind};

/// U+2581 stands for a space.
const SPACE: &str = "\u{2581}";

/// A `SentencePiece` model.
#[derive(Debug)]
pub(super) struct SentencePiece {
    pieces: Pieces,
    normalizer: Normalizer,
    kind: ModelKind,
    /// Pieces of the bytes 0 to 255, if what is unknown falls back to them.
    bytes: Option<Vec<u32>>,
    unknown: u32,
    /// What stands for an unknown piece when tokens are joined.
    unknown_surface: String,
    pub(super) specials: Specials,
}

/// The vocabulary.
#[derive(Debug)]
struct Pieces {
    list: Vec<Piece>,
    /// All pieces by their text.
    ids: HashMap<String, u32>,
    /// Those that may stand for text.
    trie: Trie,
    /// The least score of a usual piece.
    min_score: f32,
}

#[derive(Debug)]
struct Piece {
    text: String,
    score: f32,
    kind: PieceKind,
}

/// A piece of the normalized text: its number and where it ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    id: u32,
    end: usize,
}

impl SentencePiece {
    /// Reads a model.
    pub(super) fn open(file: &[u8]) -> Result<Self> {
        let proto = ModelProto::decode(file)
            .map_err(|cause| malformed(&format!("it is no model: {cause}")))?;
        let trainer = proto.trainer_spec.unwrap_or_default();
        let kind = ModelKind::try_from(trainer.model_type.unwrap_or(1))
            .map_err(|_| malformed("its kind of model is not known"))?;
        let pieces = Pieces::new(proto.pieces)?;
        let unknown = pieces.list.iter().position(|piece| piece.kind == PieceKind::Unknown);
        let unknown = unknown.ok_or_else(|| malformed("no piece stands for the unknown"))?;
        let unknown = u32::try_from(unknown).map_err(|_| malformed("too many pieces"))?;
        let bytes = trainer.byte_fallback.unwrap_or(false).then(|| pieces.bytes()).transpose()?;
        let special = |(id, piece): (u32, &Piece)| {
            let role = if piece.kind == PieceKind::Unknown {
                Role::Unknown
            } else {
                Role::of(&piece.text)
            };
            let is_special = matches!(piece.kind, PieceKind::Unknown | PieceKind::Control);
            is_special.then(|| Special { token: piece.text.clone(), id, role })
        };
        let specials = Specials::new((0..).zip(&pieces.list).filter_map(special).collect())?;
        let is_suffix = trainer.treat_whitespace_as_suffix.unwrap_or(false);
        let defined: Vec<&str> = pieces.defined().collect();
        let normalizer =
            Normalizer::new(proto.normalizer_spec.unwrap_or_default(), is_suffix, &defined)?;
        let unknown_surface = trainer.unk_surface.unwrap_or_else(|| " \u{2047} ".to_owned());
        Ok(Self { pieces, normalizer, kind, bytes, unknown, unknown_surface, specials })
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.pieces.ids.get(token).copied()
    }

    pub(super) fn token(&self, id: u32) -> Option<&str> {
        Some(&self.pieces.list.get(id as usize)?.text)
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.list.len()
    }

    /// Whether a model of bytes, unigrams, or pairs.
    pub(super) fn kind_name(&self) -> &'static str {
        match self.kind {
            ModelKind::Unigram => "unigram",
            ModelKind::Bpe => "bpe",
            ModelKind::Word => "word",
            ModelKind::Char => "char",
        }
    }

    /// The tokens of a text that begins at a byte of its whole.
    pub(super) fn encode(&self, text: &str, start: usize, take: &mut dyn FnMut(u32, Range<usize>)) {
        let normalized = self.normalizer.normalize(text);
        let parts = match self.kind {
            ModelKind::Unigram => unigram::encode(&self.pieces, self.unknown, &normalized.text),
            ModelKind::Bpe => self.pairs(&normalized.text, &mut || false),
            ModelKind::Word => self.each(&normalized.text, word_end),
            ModelKind::Char => self.each(&normalized.text, first_len),
        };
        self.hand_out(&normalized, parts, start, take);
    }

    /// The same as chance cuts it (`SampleEncode` of the library).
    pub(super) fn draw(
        &self,
        text: &str,
        start: usize,
        (chance, numbers): (Chance, &mut Numbers),
        take: &mut dyn FnMut(u32, Range<usize>),
    ) -> Result<()> {
        let normalized = self.normalizer.normalize(text);
        let parts = match (self.kind, chance.way) {
            (ModelKind::Bpe, Way::Dropout(dropout)) => {
                self.pairs(&normalized.text, &mut || numbers.happens(dropout))
            }
            (ModelKind::Unigram, Way::Cuts { alpha, best }) => {
                let text = &normalized.text;
                let pieces = |at: usize, take: &mut dyn FnMut(usize, u32, f64)| {
                    unigram::pieces_at(
                        &self.pieces,
                        self.unknown,
                        &text[at..],
                        |length, id, score| {
                            take(length, id, f64::from(score));
                        },
                    );
                };
                let parts = chance::cut(text, &pieces, (alpha, best), numbers)?;
                parts.into_iter().map(|(id, end)| Part { id, end }).collect()
            }
            (ModelKind::Bpe | ModelKind::Unigram | ModelKind::Word | ModelKind::Char, _) => {
                return Err(chance.refused(self.kind_name()));
            }
        };
        self.hand_out(&normalized, parts, start, take);
        Ok(())
    }

    fn pairs(&self, text: &str, leaves_out: bpe::LeavesOut<'_>) -> Vec<Part> {
        let one = |text: &str| self.normalizer.defined_prefix(text);
        bpe::encode(&self.pieces, self.unknown, text, (&one, leaves_out))
    }

    fn hand_out(
        &self,
        normalized: &Normalized,
        parts: Vec<Part>,
        start: usize,
        take: &mut dyn FnMut(u32, Range<usize>),
    ) {
        let mut from = 0;
        // Neighbors that are unknown are one token.
        let mut unknown: Option<Range<usize>> = None;
        for Part { id, end } in parts {
            let bytes = start + normalized.origin(from)..start + normalized.origin(end);
            let piece = &normalized.text[from..end];
            from = end;
            if id == self.unknown && self.bytes.is_none() {
                unknown = Some(unknown.map_or(bytes.clone(), |before| before.start..bytes.end));
                continue;
            }
            if let Some(before) = unknown.take() {
                take(self.unknown, before);
            }
            match &self.bytes {
                Some(ids) if id == self.unknown => {
                    piece.bytes().for_each(|byte| take(ids[usize::from(byte)], bytes.clone()));
                }
                Some(_) | None => take(id, bytes),
            }
        }
        if let Some(before) = unknown {
            take(self.unknown, before);
        }
    }

    /// Cuts by length alone.
    fn each(&self, text: &str, length: fn(&str) -> usize) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = at + length(&text[at..]);
            let id = self.pieces.usable(&text[at..end]).unwrap_or(self.unknown);
            parts.push(Part { id, end });
            at = end;
        }
        parts
    }

    /// Adds the bytes that a token stands for, behind those of the tokens before. `begun` tells whether
    /// the space before the first word is behind.
    pub(super) fn decode(&self, id: u32, skip_special: bool, begun: &mut bool, out: &mut Vec<u8>) {
        let Some(piece) = self.pieces.list.get(id as usize) else { return };
        match piece.kind {
            PieceKind::Control if skip_special => {}
            PieceKind::Unknown if skip_special => {
                out.extend_from_slice(self.unknown_surface.as_bytes());
            }
            PieceKind::Byte => out.extend(byte_of(&piece.text)),
            PieceKind::Normal
            | PieceKind::Unknown
            | PieceKind::Control
            | PieceKind::UserDefined
            | PieceKind::Unused => {
                let text = piece.text.as_str();
                let is_first = !*begun && self.normalizer.drops_first_space();
                let rest = if is_first { text.strip_prefix(SPACE).unwrap_or(text) } else { text };
                out.extend_from_slice(rest.replace(SPACE, " ").as_bytes());
                // Where spaces were trimmed, all before the first word are gone; else there was one.
                *begun |= !rest.is_empty() || !self.normalizer.trims();
                return;
            }
        }
        *begun |= !out.is_empty();
    }
}

impl Pieces {
    fn new(protos: Vec<proto::PieceProto>) -> Result<Self> {
        let mut list = Vec::with_capacity(protos.len());
        let mut ids = HashMap::new();
        let (mut min_score, mut end) = (f32::MAX, 0_u32);
        for proto in protos {
            let kind = PieceKind::try_from(proto.kind.unwrap_or(1))
                .map_err(|_| malformed(&format!("piece {end} is of no known kind")))?;
            let (text, score) = (proto.piece.unwrap_or_default(), proto.score.unwrap_or(0.0));
            if text.is_empty() || text.len() > limits::WORD_BYTES_MAX || !score.is_finite() {
                let problem = format!("piece {end} is empty, too long, or has no finite score");
                return Err(malformed(&problem));
            }
            if kind == PieceKind::Normal {
                min_score = min_score.min(score);
            }
            if ids.insert(text.clone(), end).is_some() {
                return Err(malformed(&format!("piece {end} is there twice: {text:?}")));
            }
            list.push(Piece { text, score, kind });
            end = end.checked_add(1).ok_or_else(|| malformed("too many pieces"))?;
        }
        let usable = (0..).zip(&list).filter(|(_, piece)| piece.is_usable());
        let mut words: Vec<_> = usable.map(|(id, piece)| (piece.text.as_bytes(), id)).collect();
        words.sort_unstable();
        let trie = Trie::new(&words);
        Ok(Self { list, ids, trie, min_score })
    }

    /// A piece that may stand for text.
    fn usable(&self, text: &str) -> Option<u32> {
        let id = *self.ids.get(text)?;
        self.list[id as usize].is_usable().then_some(id)
    }

    fn piece(&self, id: u32) -> &Piece {
        &self.list[id as usize]
    }

    fn defined(&self) -> impl Iterator<Item = &str> {
        let defined = self.list.iter().filter(|piece| piece.kind == PieceKind::UserDefined);
        defined.map(|piece| piece.text.as_str())
    }

    fn bytes(&self) -> Result<Vec<u32>> {
        let mut ids = [None; 256];
        for (id, piece) in (0..).zip(&self.list) {
            if piece.kind == PieceKind::Byte
                && let Some(byte) = byte_of(&piece.text)
            {
                ids[usize::from(byte)] = Some(id);
            }
        }
        let all: Option<Vec<u32>> = ids.into_iter().collect();
        all.ok_or_else(|| malformed("it falls back to bytes and lacks the piece of one"))
    }
}

impl Piece {
    fn is_usable(&self) -> bool {
        matches!(self.kind, PieceKind::Normal | PieceKind::UserDefined | PieceKind::Unused)
    }
}

/// `<0x0A>` is the byte 10.
fn byte_of(piece: &str) -> Option<u8> {
    u8::from_str_radix(piece.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// Bytes of the first character.
fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// A word begins with its space.
fn word_end(text: &str) -> usize {
    let first = first_len(text);
    text[first..].find(SPACE).map_or(text.len(), |at| first + at)
}

fn malformed(problem: &str) -> Error {
    let (at, problem) = (At::Byte(0), problem.to_owned());
    Error::new(ErrorKind::Malformed { format: "SentencePiece", at, problem })
}
