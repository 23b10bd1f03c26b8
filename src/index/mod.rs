//! Which rows stand near a vector: every row compared, or a graph searched.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `exact.rs` | compares every row: small tables, ground truth, and while there is no graph |
//! | `batch.rs` | the same for many questions at once |
//! | `hnsw.rs` | builds the hierarchy with hnsw_rs and hands its links over: the only file that names it |
//! | `refine.rs` | better links for every row, found in the hierarchy itself |
//! | `reach.rs` | links to rows that no walk would find |
//! | `equals.rs` | rows that are equal, of which one stands in the graph for all |
//! | `live.rs` | an index together with what was written since |
//! | `graph.rs` | the frozen graph and its search |
//! | `links.rs` | the layers of the graph as flat arrays |
//! | `built.rs` | an index of whichever kind, and which suits a table |
//! | `codes.rs` | rows as signed bytes, for estimates |
//! | `beam.rs` | the walk along the links of one layer |
//! | `calibrate.rs` | how far a search of a given `ef_search` goes, and what it finds |
//! | `knn.rs` | the exact nearest rows of every row |
//! | `lists.rs` | answers and proofs from them |
//! | `pages.rs` | memory in large pages |
//! | `partition/` | leaves of rows that look alike, searched by codes of four bits |
//! | `visited.rs` | marks of rows seen, reused between searches |
//! | `file.rs` | the graph as a container, both ways |

mod batch;
mod beam;
pub mod built;
mod calibrate;
mod codes;
mod equals;
pub mod exact;
pub mod file;
pub mod graph;
pub mod hnsw;
mod knn;
mod links;
pub mod lists;
pub mod live;
mod pages;
pub mod partition;
mod reach;
mod refine;
#[cfg(test)]
mod tests;
mod visited;

use std::fmt;

use crate::table::Table;
use crate::vector::RowId;
use crate::vector::kernel::lanes;
use crate::vector::row_set::RowSet;
use crate::vector::top::Near;

/// Answers one question: which rows of its table are nearest to a vector?
pub trait Index: Send + Sync + fmt::Debug {
    /// The nearest rows, nearest first, ties in row order.
    ///
    /// `query` has the table's dimension and length 1. Similarities are cosines computed in double
    /// precision from the vectors as imported.
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found;

    /// The rows whose cosine with the query is at least `least`: the `k` nearest of them, and how many
    /// there are. None is missed, whatever `params` say of the beam.
    fn within(&self, query: &[f32], least: f32, params: &SearchParams<'_>) -> Within {
        let all = SearchParams { k: usize::MAX, exact: true, ..*params };
        let mut nears = self.search(query, &all).nears;
        nears.retain(|near| near.similarity >= least);
        let count = nears.len();
        nears.truncate(params.k);
        Within { nears, count }
    }

    /// Many searches, each answered as [`Index::search`] would; together they may take less time.
    fn search_batch(&self, searches: &[Search<'_>]) -> Vec<Found> {
        searches.iter().map(|search| self.search(search.query, &search.params)).collect()
    }

    /// Bytes of memory it takes beside the table.
    fn memory_bytes(&self) -> usize;
}

/// One of many searches.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// As in [`Index::search`].
    pub query: &'a [f32],
    /// As in [`Index::search`].
    pub params: SearchParams<'a>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Nearest first.
    pub nears: Vec<Near>,
    /// What found them: an index may know a better way than its own for a question.
    pub by: IndexKind,
}

impl Found {
    /// A similarity that no row of the exact answer of `k` rows is below.
    fn floor(&self, k: usize) -> f32 {
        let last = self.nears.last().filter(|_| self.nears.len() == k);
        last.map_or(f32::NEG_INFINITY, |last| last.similarity)
    }
}

/// What stands within a radius.
#[derive(Clone, Debug, PartialEq)]
pub struct Within {
    /// The nearest first, no more than were wanted.
    pub nears: Vec<Near>,
    /// How many rows there are, wanted or not.
    pub count: usize,
}

/// Follows a build that takes long, and can stop it.
pub trait Watch: Sync {
    /// Told now and then how much is done, from 0 to 1, never less than before.
    fn progress(&self, share: f32);

    /// Asked now and then whether to stop.
    fn is_cancelled(&self) -> bool;
}

/// Rows up to which a table needs no index: comparing every row is fast enough (0.35 ms for 10,000
/// rows of 100 components on one core with AVX2).
pub const EXACT_ROWS_MAX: usize = 10_000;

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct SearchParams<'a> {
    /// How many rows are wanted; fewer come only if the table has no more.
    pub k: usize,
    /// How far a graph or a partition is searched; an exact index has no use for it. It is never less
    /// than the rows wanted and excluded together.
    pub ef_search: usize,
    /// Rows that are no answers; few, in any order.
    pub exclude: &'a [RowId],
    /// The only rows that may be answers; none: every row may.
    pub allowed: Option<&'a RowSet>,
    /// The row whose direction the query is, if it is one's: its neighbors may be known already.
    pub row: Option<RowId>,
    /// Whether every row must be compared, though a graph is there.
    pub exact: bool,
    /// Rows that may be near the query, such as the words that it was made of. Only a graph begins with
    /// them.
    pub seeds: &'a [RowId],
}

impl SearchParams<'_> {
    /// The `k` nearest of all rows.
    pub fn new(k: usize, ef_search: usize) -> Self {
        Self { k, ef_search, exclude: &[], allowed: None, row: None, exact: false, seeds: &[] }
    }

    fn may_answer(&self, row: RowId) -> bool {
        self.allowed.is_none_or(|allowed| allowed.has(row)) && !self.exclude.contains(&row)
    }
}

/// The ways to find rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Every row is compared: recall is 1.
    Exact,
    /// The exact neighbors of a row, stored when the graph was built: recall is 1.
    List,
    /// A graph is searched: recall depends on `ef_search`.
    Graph,
    /// A partition is searched: recall depends on `ef_search`.
    Partition,
}

impl IndexKind {
    /// Whether no row that belongs to the answer is missing.
    pub fn is_exact(self) -> bool {
        match self {
            Self::Exact | Self::List => true,
            Self::Graph | Self::Partition => false,
        }
    }
}

/// The `k` nearest of the candidates by cosine in double precision, nearest first, ties in row
/// order: how every index ends.
fn rescore(
    table: &Table,
    query: &[f32],
    k: usize,
    candidates: impl Iterator<Item = RowId>,
) -> Vec<Near> {
    let (norm, mut reader) = (lanes::norm(query), table.reader());
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let mut near =
        |row| Near { row, similarity: lanes::cosine_of(reader.row(row), query, norm) as f32 };
    // Rows are fetched side by side, and not one after the other.
    let rows: Vec<RowId> = candidates.inspect(|&row| table.prefetch(row)).collect();
    let mut nears: Vec<Near> = rows.into_iter().map(&mut near).collect();
    nears.sort_unstable();
    nears.truncate(k);
    nears
}
