//! Neighbors are merged by score, the best first (`bpe_model.cc` of the library).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::text::sentencepiece::proto::PieceKind;
use crate::text::sentencepiece::{Part, Pieces, first_len};

/// Two neighbors that make a piece.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Bytes of both, by which an outdated pair is known.
    length: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

struct Symbol {
    start: usize,
    /// `start` for what was merged away.
    end: usize,
    before: Option<usize>,
    next: Option<usize>,
    /// A word that is never changed.
    is_frozen: bool,
}

/// Whether the next merge is left out for good.
pub(super) type LeavesOut<'a> = &'a mut dyn FnMut() -> bool;

/// `defined` tells how many bytes of a text are a word that is never changed.
pub(super) fn encode(
    pieces: &Pieces,
    unknown: u32,
    text: &str,
    (defined, leaves_out): (&dyn Fn(&str) -> usize, LeavesOut<'_>),
) -> Vec<Part> {
    let mut merging = Merging::new(pieces, text, defined);
    merging.merge(leaves_out);
    let mut parts = Vec::new();
    let mut at = (!merging.symbols.is_empty()).then_some(0);
    while let Some(symbol) = at.map(|at| &merging.symbols[at]) {
        merging.resegment(symbol.start..symbol.end, unknown, &mut parts);
        at = symbol.next;
    }
    parts
}

struct Merging<'a> {
    pieces: &'a Pieces,
    text: &'a str,
    symbols: Vec<Symbol>,
    pairs: BinaryHeap<Pair>,
    /// Of pieces that are not to be used: where their left part ends.
    halves: HashMap<&'a str, usize>,
}

impl<'a> Merging<'a> {
    fn new(pieces: &'a Pieces, text: &'a str, defined: &dyn Fn(&str) -> usize) -> Self {
        let mut symbols: Vec<Symbol> = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let frozen = defined(&text[start..]);
            let is_frozen = frozen > 0;
            let end = start + if is_frozen { frozen } else { first_len(&text[start..]) };
            let at = symbols.len();
            let next = (end < text.len()).then_some(at + 1);
            symbols.push(Symbol { start, end, before: at.checked_sub(1), next, is_frozen });
            start = end;
        }
        Self { pieces, text, symbols, pairs: BinaryHeap::new(), halves: HashMap::new() }
    }

    fn merge(&mut self, leaves_out: LeavesOut<'_>) {
        for left in 0..self.symbols.len() {
            self.offer(Some(left), self.symbols[left].next);
        }
        while let Some(Pair { left, right, length, .. }) = self.pairs.pop() {
            let size = |symbol: &Symbol| symbol.end - symbol.start;
            let (a, b) = (&self.symbols[left], &self.symbols[right]);
            if size(a) == 0 || size(b) == 0 || size(a) + size(b) != length || leaves_out() {
                continue;
            }
            let (end, next) = (b.end, b.next);
            self.symbols[left].end = end;
            self.symbols[left].next = next;
            if let Some(next) = next {
                self.symbols[next].before = Some(left);
            }
            self.symbols[right].end = self.symbols[right].start;
            self.offer(self.symbols[left].before, Some(left));
            self.offer(Some(left), next);
        }
    }

    fn offer(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else { return };
        let (a, b) = (&self.symbols[left], &self.symbols[right]);
        if a.is_frozen || b.is_frozen {
            return;
        }
        let text = &self.text[a.start..b.end];
        let Some(id) = self.pieces.usable(text) else { return };
        let piece = self.pieces.piece(id);
        if piece.kind == PieceKind::Unused {
            self.halves.insert(text, a.end - a.start);
        }
        self.pairs.push(Pair { score: piece.score, left, right, length: text.len() });
    }

    /// The parts of a symbol: itself, or the halves of a piece that is not to be used.
    fn resegment(&self, whole: std::ops::Range<usize>, unknown: u32, parts: &mut Vec<Part>) {
        // What is still to be done, the leftmost last: no recursion, however deep a file nests.
        let mut left = vec![whole];
        while let Some(range) = left.pop() {
            let text = &self.text[range.clone()];
            let id = self.pieces.usable(text);
            let is_unused = id.is_some_and(|id| self.pieces.piece(id).kind == PieceKind::Unused);
            match self.halves.get(text) {
                Some(&half) if is_unused => {
                    left.push(range.start + half..range.end);
                    left.push(range.start..range.start + half);
                }
                Some(_) | None => parts.push(Part { id: id.unwrap_or(unknown), end: range.end }),
            }
        }
    }
}
