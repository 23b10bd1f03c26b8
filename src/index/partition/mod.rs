//! `Partition`: rows in leaves around centers, as codes of four bits, for vectors that are no row's.
//!
//! A question is compared with all centers, and looks through leaves, the most promising first, until
//! the next one promises too little beside what was found. What looks near by its codes is compared
//! as bytes, and what is near then, with the vectors as imported.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `train.rs` | the centers, and the two leaves of each row |
//! | `coder.rs` | what a center misses of a row, as codes of four bits |
//! | `leaves.rs` | centers and leaves as they are searched |
//! | `build.rs` | all of it, of a table |
//! | `floors.rs` | how near a row's nearest rows are at least |
//! | `search.rs` | a few questions, one after the other |
//! | `sought.rs` | a question, and what it found so far |
//! | `best.rs` | the score that the last row wanted has so far |
//! | `compare.rs` | what looks near, compared again |
//! | `batch.rs` | which of these ways each question of a batch takes |
//! | `steps.rs` | how far a search of a given `ef_search` goes, and what it finds |
//! | `calibrate.rs` | measures that |
//! | `file.rs` | the partition as a container, both ways |

mod batch;
mod best;
mod build;
mod calibrate;
mod coder;
mod compare;
pub mod file;
mod floors;
mod leaves;
mod search;
mod sought;
mod steps;
#[cfg(test)]
mod tests;
mod train;

pub use build::build;

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rayon::ThreadPoolBuilder;

use crate::error::{Error, ErrorKind, Result};
use crate::index::codes::Codes;
use crate::index::equals::Followers;
use crate::index::exact::Exact;
use crate::index::links::{Links, NONE};
use crate::index::lists::{self, LIST, Lists};
use crate::index::partition::coder::Coder;
use crate::index::partition::leaves::Leaves;
use crate::index::partition::search::Scratch;
use crate::index::partition::sought::Asked;
use crate::index::partition::steps::{EFS, Steps};
use crate::index::{Found, Index, IndexKind, Search, SearchParams, Watch, Within};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::top::Near;

/// A partition of the rows of a table; immutable once built, but for lists that join it once.
#[derive(Debug)]
pub struct Partition {
    table: Arc<Table>,
    codes: Arc<Codes>,
    exact: Exact,
    followers: Followers,
    leaves: Leaves,
    coder: Coder,
    steps: Steps,
    /// The exact nearest rows of each row, in order; none for rows of which that is not known.
    lists: OnceLock<Lists>,
    /// What searches that ended left for the next: never more than ran at once.
    spare: Mutex<Vec<Scratch>>,
}

/// What a partition is put together from.
struct Parts {
    codes: Codes,
    followers: Followers,
    leaves: Leaves,
    coder: Coder,
}

/// `ef_search` where a question asks for none.
const EF_SEARCH: usize = 64;
/// What a question that asks for nothing should find at least.
const RECALL: f32 = 0.9;
/// An `ef_search` of more than the table's rows divided by this compares every row.
const EXACT_FACTOR: usize = 32;
/// So few rows that may answer are compared one by one: as long as it takes to look through the leaves
/// for them.
const ALLOWED_FEW: usize = 2_000;
/// The same as a part of the table.
const ALLOWED_PART: usize = 32;
/// Components of centers that are compared in a nanosecond.
const COMPONENTS_A_NANO: usize = 20;
/// Codes of leaves likewise.
const CODES_A_NANO: usize = 30;
/// A filter that leaves out no more than this part of the table leaves nearly all: as many rows may be
/// written before a table is rebuilt, and a few more.
const WRITTEN_PART: usize = 16;
/// `ef_search` for a first answer where every row is compared afterward.
const EF_FLOOR: usize = 48;

impl Partition {
    fn new(table: Arc<Table>, parts: Parts) -> Self {
        let Parts { codes, followers, leaves, coder } = parts;
        let codes = Arc::new(codes);
        let exact = Exact::with_codes(Arc::clone(&table), Arc::clone(&codes));
        Self {
            table,
            codes,
            exact,
            followers,
            leaves,
            coder,
            steps: Steps::unmeasured(),
            lists: OnceLock::new(),
            spare: Mutex::default(),
        }
    }

    /// The table whose rows it holds.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// How many leaves it has.
    pub fn leaves(&self) -> usize {
        self.leaves.leaves.len()
    }

    /// `ef_search` of a question that asks for none: more than usual where fewer than 9 of 10 neighbors
    /// would be found, by what was measured when the partition was built.
    pub fn default_ef_search(&self) -> usize {
        let widest = usize::from(EFS[EFS.len() - 1]);
        self.ef_search_for(RECALL).unwrap_or(widest).max(EF_SEARCH)
    }

    /// The least `ef_search` that finds this share of the 10 nearest rows, as measured when the
    /// partition was built; none if even the largest measured does not.
    pub fn ef_search_for(&self, recall: f32) -> Option<usize> {
        self.steps.ef_for(recall)
    }

    /// About how many nanoseconds a question of this `ef_search` takes: it is compared with all centers,
    /// and with about as many leaves.
    pub fn nanos(&self, ef_search: usize) -> usize {
        let leaves = self.leaves();
        let centers = leaves * self.table.dim() / COMPONENTS_A_NANO;
        let leaf = self.leaves.slots.len() / leaves * self.coder.subspaces() / CODES_A_NANO;
        centers.saturating_add(ef_search.saturating_mul(leaf))
    }

    /// Whether the exact nearest rows of each row are stored.
    pub fn has_lists(&self) -> bool {
        self.lists.get().is_some()
    }

    /// Whether the exact nearest rows of each row are not stored, and can be found.
    pub fn wants_lists(&self) -> bool {
        !self.has_lists() && lists::pay(self.table.len(), self.table.dim())
    }

    /// Finds the exact nearest rows of each row.
    ///
    /// # Errors
    ///
    /// If `watch` says that the build is cancelled, or if threads cannot be started.
    pub fn find_lists(&self, threads: usize, watch: &dyn Watch) -> Result<Lists> {
        let threads = ThreadPoolBuilder::new().num_threads(threads).build();
        let threads = threads.map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        threads.install(|| {
            let (rows, floors) =
                floors::floors(&self.table, &self.codes, &self.leaves, lists::KEPT, watch)?;
            lists::find(&self.table, &self.codes, (&rows, &floors), watch)
        })
    }

    /// From here on it reads these lists, unless it has some already.
    pub fn join_lists(&self, lists: Lists) {
        // Lists of the same rows are the same.
        let _ = self.lists.set(lists);
    }

    pub(super) fn lists(&self) -> Option<&Links> {
        self.lists.get().map(|lists| &lists.0)
    }

    /// Compares every row. What leaves show tells how near an answer must be, and codes that most rows
    /// are farther. At least one row is wanted.
    pub fn search_exact(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        match self.proven_or_floor(query, params) {
            Ok(nears) => Found { nears, by: IndexKind::List },
            Err(floor) => self.exact.search_beyond(query, params, floor),
        }
    }

    /// An answer that lists prove, or else a similarity that no row of the answer is below.
    fn proven_or_floor(
        &self,
        query: &[f32],
        params: &SearchParams<'_>,
    ) -> std::result::Result<Vec<Near>, f32> {
        if let Some(nears) = params.row.and_then(|row| self.read(row, query, params)) {
            return Ok(nears);
        }
        if !self.tells_floor(params) {
            return Err(f32::NEG_INFINITY);
        }
        let search = Search { query, params: *params };
        let [found] = self.find(&[Asked { search, ef: EF_FLOOR }]);
        let is_proven = found.by == IndexKind::List && found.nears.len() == params.k;
        if is_proven { Ok(found.nears) } else { Err(found.floor(params.k)) }
    }

    /// Whether a quick answer tells how near the exact one is at least.
    fn tells_floor(&self, params: &SearchParams<'_>) -> bool {
        (1..=LIST).contains(&params.k) && self.allows_nearly_all(params)
    }

    fn read(&self, row: RowId, query: &[f32], params: &SearchParams<'_>) -> Option<Vec<Near>> {
        lists::of_row(self.lists()?, &self.table, row, query, params)
    }

    /// The exact nearest rows of a row, nearest first; none where they are not known.
    pub fn list(&self, row: RowId) -> Option<impl Iterator<Item = RowId>> {
        let list = self.lists()?.slots(row.0);
        (list.last() != Some(&NONE)).then(|| list.iter().map(|&near| RowId(near)))
    }

    /// Whether nearly every row may answer: what is known of answers from all rows holds then.
    fn allows_nearly_all(&self, params: &SearchParams<'_>) -> bool {
        let rows = self.table.len();
        params.allowed.is_none_or(|allowed| allowed.len() >= rows - rows / WRITTEN_PART)
    }

    /// Whether comparing every row is asked for, or costs no more than what is.
    fn is_exact(&self, params: &SearchParams<'_>) -> bool {
        params.exact
            || ef_search(params) >= self.table.len() / EXACT_FACTOR
            || self.allows_few(params)
    }

    /// Whether so few rows may answer that comparing each of them is quicker than looking for them.
    fn allows_few(&self, params: &SearchParams<'_>) -> bool {
        let few = (self.table.len() / ALLOWED_PART).max(ALLOWED_FEW);
        params.allowed.is_some_and(|allowed| allowed.len() <= few)
    }

    /// What a search found, unless every row must be compared after all.
    fn checked(&self, found: Found, query: &[f32], params: &SearchParams<'_>) -> Found {
        match found.nears.last().filter(|_| found.nears.len() == params.k) {
            Some(last) if last.similarity < 0.0 && found.by == IndexKind::Partition => {
                // The question points away from the rows, where nothing was measured.
                self.exact.search_beyond(query, params, last.similarity)
            }
            Some(_) => found,
            None => self.exact.search(query, params),
        }
    }
}

/// How far a question is looked for: never less than what it wants.
fn ef_search(params: &SearchParams<'_>) -> usize {
    params.ef_search.max(params.k.saturating_add(params.exclude.len()))
}

impl Index for Partition {
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        if params.k == 0 {
            return Found { nears: Vec::new(), by: IndexKind::Exact };
        }
        if self.is_exact(params) {
            return self.search_exact(query, params);
        }
        if let Some(nears) = params.row.and_then(|row| self.read(row, query, params)) {
            return Found { nears, by: IndexKind::List };
        }
        let [found] = self.find(&[Asked::new(Search { query, params: *params })]);
        self.checked(found, query, params)
    }

    fn within(&self, query: &[f32], least: f32, params: &SearchParams<'_>) -> Within {
        self.exact.within(query, least, params)
    }

    fn search_batch(&self, searches: &[Search<'_>]) -> Vec<Found> {
        batch::search(self, searches)
    }

    fn memory_bytes(&self) -> usize {
        let spare = self.spare.lock();
        let scratch: usize = spare.iter().map(Scratch::memory_bytes).sum();
        self.codes.memory_bytes()
            + self.leaves.memory_bytes()
            + self.coder.memory_bytes()
            + self.followers.memory_bytes()
            + self.lists().map_or(0, Links::memory_bytes)
            + scratch
    }
}
