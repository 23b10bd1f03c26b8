//! Which rows stand near a vector: every row compared, or a graph searched.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `exact.rs` | compares every row: small tables, ground truth, and while there is no graph |
//! | `hnsw.rs` | builds the hierarchy with hnsw_rs and hands its links over: the only file that names it |
//! | `graph.rs` | the frozen graph and its search |
//! | `file.rs` | the graph as a file, both ways |
//! | `visited.rs` | marks of rows seen, reused between searches |

pub mod exact;
pub mod file;
pub mod graph;
pub mod hnsw;
mod visited;

use std::fmt;

use crate::table::Table;
use crate::vector::RowId;
use crate::vector::top::Near;

/// Answers one question: which rows of its table are nearest to a vector?
pub trait Index: Send + Sync + fmt::Debug {
    /// The nearest rows, nearest first, ties in row order.
    ///
    /// `query` has the table's dimension and length 1. Similarities are cosines computed in double
    /// precision from the vectors as imported.
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Vec<Near>;

    /// What answers.
    fn kind(&self) -> IndexKind;

    /// Bytes of memory it takes beside the table.
    fn memory_bytes(&self) -> usize;
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct SearchParams<'a> {
    /// How many rows are wanted; fewer come only if the table has no more.
    pub k: usize,
    /// Width of the graph's beam; an exact index has no use for it. The beam is never narrower than
    /// the rows wanted and excluded together.
    pub ef_search: usize,
    /// Rows that are no answers; few, in any order.
    pub exclude: &'a [RowId],
}

/// The kinds of index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Every row is compared: recall is 1.
    Exact,
    /// A graph is searched: recall depends on `ef_search`.
    Graph,
}

/// The `k` nearest of the candidates by cosine in double precision, nearest first, ties in row
/// order: how every index ends.
fn rescore(
    table: &Table,
    query: &[f32],
    k: usize,
    candidates: impl Iterator<Item = RowId>,
) -> Vec<Near> {
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let mut nears: Vec<Near> = candidates
        .map(|row| Near { row, similarity: table.similarity(row, query) as f32 })
        .collect();
    nears.sort_unstable();
    nears.truncate(k);
    nears
}
