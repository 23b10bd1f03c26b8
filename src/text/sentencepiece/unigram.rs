//! The most likely pieces of a text, by Viterbi's algorithm (`EncodeOptimized` of the library).

use crate::text::sentencepiece::proto::PieceKind;
use crate::text::sentencepiece::{Part, Pieces, first_len};

/// How much less likely than the least likely piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

#[derive(Clone, Copy)]
struct Best {
    score: f32,
    /// Where the last piece begins; none if nothing ends here.
    start: Option<usize>,
    id: u32,
}

pub(super) fn encode(pieces: &Pieces, unknown: u32, text: &str) -> Vec<Part> {
    let mut best = vec![Best { score: 0.0, start: None, id: unknown }; text.len() + 1];
    let mut at = 0;
    while at < text.len() {
        let until_here = best[at].score;
        pieces_at(pieces, unknown, &text[at..], |length, id, score| {
            best[at + length].offer(until_here + score, at, id);
        });
        at += first_len(&text[at..]);
    }
    let mut parts = Vec::new();
    let mut end = text.len();
    while let Some(start) = best[end].start {
        parts.push(Part { id: best[end].id, end });
        end = start;
    }
    parts.reverse();
    parts
}

/// The pieces that a text may begin with, with their lengths and scores: one at least.
#[inline]
pub(super) fn pieces_at(
    pieces: &Pieces,
    unknown: u32,
    rest: &str,
    mut take: impl FnMut(usize, u32, f32),
) {
    let first = first_len(rest);
    let mut has_single = false;
    pieces.trie.prefixes(rest.as_bytes(), |length, id| {
        let piece = pieces.piece(id);
        let score = match piece.kind {
            PieceKind::Unused => return,
            // In the library it is the length times the smallest positive number, less 0.1.
            PieceKind::UserDefined => -0.1,
            PieceKind::Normal | PieceKind::Unknown | PieceKind::Control | PieceKind::Byte => {
                piece.score
            }
        };
        take(length, id, score);
        has_single |= length == first;
    });
    if !has_single {
        take(first, unknown, pieces.min_score - UNKNOWN_PENALTY);
    }
}

impl Best {
    fn offer(&mut self, score: f32, start: usize, id: u32) {
        if self.start.is_none() || score > self.score {
            *self = Self { score, start: Some(start), id };
        }
    }
}
