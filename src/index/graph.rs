//! `Graph`: the frozen graph of a table, and its search.
//!
//! A search goes down the layers to a row near the query, then keeps the nearest `ef_search` rows
//! that links lead to. On the way it compares codes; what it finds is compared once more with the
//! vectors as imported.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::index::batch::{self, Asked};
use crate::index::beam::{Beam, Net, Reach};
use crate::index::calibrate::{Calibration, EFS};
use crate::index::codes::{Codes, QueryCode};
use crate::index::equals::{self, Followers};
use crate::index::exact::Exact;
use crate::index::hnsw::BuildParams;
use crate::index::links::{Hierarchy, Links, NONE};
use crate::index::lists::{self, LIST};
use crate::index::{Found, Index, IndexKind, Search, SearchParams, Within, rescore};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;
use crate::vector::top::Near;

/// A graph over the rows of a table; immutable once built.
#[derive(Debug)]
pub struct Graph {
    table: Arc<Table>,
    params: BuildParams,
    codes: Arc<Codes>,
    exact: Exact,
    hierarchy: Hierarchy,
    followers: Followers,
    /// The exact nearest rows of each row, in order; none for rows of which that is not known.
    lists: Option<Links>,
    calibration: Calibration,
    /// What searches that ended left for the next: never more than ran at once.
    spare: Mutex<Vec<Scratch>>,
}

#[derive(Debug, Default)]
struct Scratch {
    query: QueryCode,
    beam: Beam,
}

/// Width of the beam where a question asks for none: it finds 96 % of the 10 nearest words among the
/// 341,479 of `GloVe` 6B 100d, and 94 % for analogies.
const EF_SEARCH: usize = 64;
/// What a question that asks for nothing should find at least.
const RECALL: f32 = 0.9;
/// The same where every row is compared afterward.
const EF_FLOOR: usize = 32;
/// Rows compared once more for each one wanted, and at least so many.
const RESCORE_FACTOR: usize = 2;
const RESCORE_MIN: usize = 16;
/// Comparing every row costs no more than a beam this many times narrower than the table.
const EXACT_FACTOR: usize = 32;
/// The same where only some rows may answer.
const EXACT_FACTOR_ALLOWED: usize = 32;
/// Fewer questions than this are not worth laying rows side by side.
const BATCH_MIN: usize = 8;

impl Graph {
    /// Puts the parts together; rows and layers must be those of the table, and followers those that the
    /// layers tell.
    pub(super) fn new(
        table: Arc<Table>,
        params: BuildParams,
        codes: Codes,
        (hierarchy, followers): (Hierarchy, Followers),
        lists: Option<Links>,
    ) -> Self {
        let codes = Arc::new(codes);
        let exact = Exact::with_codes(Arc::clone(&table), Arc::clone(&codes));
        Self {
            table,
            exact,
            params,
            codes,
            hierarchy,
            followers,
            lists,
            calibration: Calibration::none(),
            spare: Mutex::default(),
        }
    }

    /// How it was built.
    pub fn params(&self) -> BuildParams {
        self.params
    }

    /// The most links that a row has in the bottom layer.
    pub fn links_max(&self) -> usize {
        self.hierarchy.bottom.stride()
    }

    /// Width of the beam for a question that asks for none: more than usual where fewer than 9 of 10
    /// neighbors would be found, by what was measured when the graph was built.
    pub fn default_ef_search(&self) -> usize {
        let widest = usize::from(EFS[EFS.len() - 1]);
        self.ef_search_for(RECALL).unwrap_or(widest).max(EF_SEARCH)
    }

    /// Compares every row. What the graph finds tells how near an answer must be, and codes that most
    /// rows are farther.
    pub fn search_exact(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        match self.proven_or_floor(query, params) {
            Ok(nears) => Found { nears, by: IndexKind::List },
            Err(floor) => self.exact.search_beyond(query, params, floor),
        }
    }

    /// An answer that lists prove, or else a similarity that no row of the answer is below.
    fn proven_or_floor(&self, query: &[f32], params: &SearchParams<'_>) -> Result<Vec<Near>, f32> {
        if let Some(nears) = params.row.and_then(|row| self.read(row, query, params)) {
            return Ok(nears);
        }
        if params.allowed.is_some() || params.k > LIST {
            return Err(f32::NEG_INFINITY);
        }
        let Found { nears, by } = self.walk(query, EF_FLOOR, params);
        match nears.last() {
            Some(_) if by == IndexKind::List && nears.len() == params.k => Ok(nears),
            Some(farthest) if nears.len() == params.k => Err(farthest.similarity),
            Some(_) | None => Err(f32::NEG_INFINITY),
        }
    }

    /// Whether comparing every row costs no more than a beam of the width that is asked for.
    fn is_exact(&self, params: &SearchParams<'_>) -> bool {
        params.exact || width(params) >= self.table.len() / EXACT_FACTOR
    }

    /// How far the rows of beams of [`EFS`] are, as many times as the `k`-th; none if they are too
    /// near for such a ratio, or too few.
    pub(super) fn spreads(&self, query: &[f32], k: usize) -> Option<[f32; EFS.len()]> {
        let mut scratch = Scratch::default();
        self.codes.code(query, &mut scratch.query);
        let entry = self.hierarchy.descend(&self.codes, &scratch.query);
        let net = Net { codes: &self.codes, links: &self.hierarchy.bottom };
        let reach = Reach::wide(EFS.into_iter().max()?.into());
        let beam = &mut scratch.beam;
        beam.search(net, &scratch.query, std::iter::once(entry), reach, &mut |_| false);
        let distances: Vec<f32> = beam.found().map(|(distance, _)| distance).collect();
        let near = distances.get(k.checked_sub(1)?).copied().filter(|&near| near > 0.0)?;
        let mut spreads = [0.0; EFS.len()];
        for (spread, ef) in spreads.iter_mut().zip(EFS) {
            *spread = distances.get(usize::from(ef) - 1)? / near;
        }
        Some(spreads)
    }

    /// What a build has measured.
    pub(super) fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// See [`Graph::calibration`].
    pub(super) fn set_calibration(&mut self, calibration: Calibration) {
        self.calibration = calibration;
    }

    /// Whether the exact nearest rows of each row are stored.
    pub fn has_lists(&self) -> bool {
        self.lists.is_some()
    }

    /// The stored nearest rows of each row, if they are.
    pub(super) fn lists(&self) -> Option<&Links> {
        self.lists.as_ref()
    }

    /// The stored nearest rows of a row, nearest first; none where they are not known.
    pub fn list(&self, row: RowId) -> Option<impl Iterator<Item = RowId>> {
        let list = self.lists.as_ref()?.slots(row.0);
        (list.last() != Some(&NONE)).then(|| list.iter().map(|&near| RowId(near)))
    }

    /// The codes of its rows.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// The least `ef_search` that finds this share of the 10 nearest rows, as measured when the graph
    /// was built; none if even the widest measured does not.
    pub fn ef_search_for(&self, recall: f32) -> Option<usize> {
        self.calibration.ef_for(recall)
    }

    /// The table whose rows it holds.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Its layers.
    pub(super) fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    fn read(&self, row: RowId, query: &[f32], params: &SearchParams<'_>) -> Option<Vec<Near>> {
        lists::of_row(self.lists.as_ref()?, &self.table, row, query, params)
    }

    fn prove(&self, row: RowId, query: &[f32], params: &SearchParams<'_>) -> Option<Vec<Near>> {
        lists::prove(self.lists.as_ref()?, &self.table, row, query, params)
    }

    /// What a beam of `width` finds.
    fn walk(&self, query: &[f32], width: usize, params: &SearchParams<'_>) -> Found {
        let mut scratch = self.spare.lock().pop().unwrap_or_default();
        let Scratch { query: code, beam } = &mut scratch;
        self.codes.code(query, code);
        let seeds = params.seeds.iter().filter(|seed| seed.index() < self.table.len());
        let entry = self.hierarchy.descend(&self.codes, code);
        let bottom = &self.hierarchy.bottom;
        let seeds = seeds.map(|seed| equals::leader(bottom, seed.0).unwrap_or(seed.0));
        let starts = seeds.chain([entry]);
        let mut proven = None;
        let is_short = params.k <= LIST;
        let net = Net { codes: &self.codes, links: bottom };
        let rank = params.k.max(1) + params.exclude.len();
        let spread = self.calibration.spread(width, rank);
        let width = width.saturating_mul(WIDTH_FACTOR);
        beam.search(net, code, starts, Reach { width, rank, spread }, &mut |row| {
            proven = is_short.then(|| self.prove(RowId(row), query, params)).flatten();
            proven.is_some()
        });
        let found = if let Some(nears) = proven {
            Found { nears, by: IndexKind::List }
        } else {
            let found = beam.found().flat_map(|(_, row)| self.followers.with(row)).map(RowId);
            let candidates = found
                .filter(|&row| params.may_answer(row))
                .take(params.k.saturating_mul(RESCORE_FACTOR).max(RESCORE_MIN));
            let nears = rescore(&self.table, query, params.k, candidates);
            Found { nears, by: IndexKind::Graph }
        };
        self.spare.lock().push(scratch);
        found
    }
}

/// The beam that a question asks for, never narrower than what it wants.
fn width(params: &SearchParams<'_>) -> usize {
    params.ef_search.max(params.k.saturating_add(params.exclude.len()))
}

/// How many times wider than usual a beam becomes for a hard question.
const WIDTH_FACTOR: usize = 4;

impl Index for Graph {
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        let rows = self.table.len();
        if params.k == 0 || self.is_exact(params) {
            return self.search_exact(query, params);
        }
        if let Some(nears) = params.row.and_then(|row| self.read(row, query, params)) {
            return Found { nears, by: IndexKind::List };
        }
        let allowed = params.allowed.map_or(rows, RowSet::len);
        // The fewer rows may answer, the wider the beam that finds as many of them.
        let width = width(params).saturating_mul((rows / allowed.max(1)).max(1));
        if width < allowed / EXACT_FACTOR_ALLOWED {
            let found = self.walk(query, width, params);
            if found.nears.len() == params.k {
                return found;
            }
        }
        self.exact.search(query, params)
    }

    fn within(&self, query: &[f32], least: f32, params: &SearchParams<'_>) -> Within {
        self.exact.within(query, least, params)
    }

    fn search_batch(&self, searches: &[Search<'_>]) -> Vec<Found> {
        let (mut found, mut places, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for search in searches {
            let Search { query, params } = search;
            if params.k == 0 || !self.is_exact(params) || searches.len() < BATCH_MIN {
                found.push(self.search(query, params));
                continue;
            }
            let (nears, by) = match self.proven_or_floor(query, params) {
                Ok(nears) => (nears, IndexKind::List),
                Err(floor) => {
                    places.push(found.len());
                    asked.push(Asked { search: *search, floor });
                    (Vec::new(), IndexKind::Exact)
                }
            };
            found.push(Found { nears, by });
        }
        let answers = batch::search(&self.table, &self.codes, &asked);
        for (place, nears) in places.into_iter().zip(answers) {
            found[place].nears = nears;
        }
        found
    }

    fn memory_bytes(&self) -> usize {
        let spare = self.spare.lock();
        let scratch: usize = spare.iter().map(|scratch| scratch.beam.memory_bytes()).sum();
        let lists = self.lists.as_ref().map_or(0, Links::memory_bytes);
        let followers = self.followers.memory_bytes();
        self.codes.memory_bytes() + self.hierarchy.memory_bytes() + followers + lists + scratch
    }
}
