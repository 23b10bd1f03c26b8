//! `Asked` and `Sought`: a question, and what it found so far.

use crate::index::Search;
use crate::index::codes::QueryCode;
use crate::index::partition::best::{Best, NO_SCORE};
use crate::index::partition::ef_search;
use crate::vector::kernel::blocks::GROUP;
use crate::vector::kernel::nibbles::{Entries, Hits};

/// A question, and how far it is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) search: Search<'a>,
    pub(super) ef: usize,
}

impl<'a> Asked<'a> {
    /// As far as suits the question.
    pub(super) fn new(search: Search<'a>) -> Self {
        Self { search, ef: ef_search(&search.params) }
    }
}

/// What is sought, and what was found so far.
#[derive(Debug, Default)]
pub(super) struct Sought {
    pub(super) code: QueryCode,
    pub(super) groups: Vec<[i8; GROUP]>,
    pub(super) tables: Vec<Entries>,
    pub(super) hits: Hits,
    /// Of hits that may answer.
    pub(super) top: Best,
    /// The best score of all hits, and its slot: a row's list may prove an answer without the row.
    pub(super) nearest: (i32, u32),
    /// How many slots were near enough, whether they may answer or not.
    pub(super) seen: usize,
}

impl Sought {
    /// Begins with nothing, for an answer of so many rows.
    pub(super) fn begin(&mut self, rank: usize) {
        self.hits.clear();
        self.top.clear(rank);
        self.nearest = (NO_SCORE, 0);
        self.seen = 0;
    }

    /// The part of what is near that may answer; one row more than there is, so never nothing.
    pub(super) fn part(&self) -> f32 {
        (self.hits.len() + 1) as f32 / (self.seen + 1) as f32
    }
}
