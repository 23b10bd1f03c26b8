//! A generation: one published table with what answers questions of it.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::engine::lineage::{Name, RebuildPhase, RebuildStatus};
use crate::engine::maps::Maps;
use crate::engine::scans::Scans;
use crate::index::built::{Built, BuiltKind};
use crate::index::exact::Exact;
use crate::index::hnsw::BuildParams;
use crate::index::{EXACT_ROWS_MAX, Index};
use crate::query::Effort;
use crate::query::map::MapLayout;
use crate::query::places::Arranged;
use crate::table::Table;
use crate::table::meta::{IndexChoice, Meta, Residence, TableName};

/// A table's rows as an import or a rebuild left them. They never change; the index joins them, once, when it
/// is ready, and exact answers hold until then.
#[derive(Debug)]
pub struct Generation {
    /// The table's name is that under which it was made.
    meta: Meta,
    name: Arc<Name>,
    table: Arc<Table>,
    exact: Exact,
    built: OnceLock<Built>,
    built_at: OnceLock<SystemTime>,
    scans: Scans,
    maps: [Maps; 2],
    /// Where its rows were arranged, once that was read or made.
    arranged: Mutex<Option<Arc<Arranged>>>,
    build: Mutex<Build>,
}

/// How far the index is.
#[derive(Debug)]
struct Build {
    state: IndexState,
    progress: f32,
    seconds: f32,
    problem: String,
}

impl Build {
    fn new(state: IndexState) -> Self {
        Self { state, progress: 0.0, seconds: 0.0, problem: String::new() }
    }
}

/// How far a table's index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// The table is so small that every answer is exact.
    NotNeeded,
    /// The index waits for its turn.
    Queued,
    /// The index is being built; a partition answers before its lists are there.
    Building,
    /// The index answers.
    Ready,
    /// The build failed; answers stay exact, if the index does not answer already.
    Failed,
    /// The build was stopped; the same holds.
    Stopped,
}

/// What is known of a table's index.
#[derive(Clone, Debug)]
pub struct IndexStatus {
    /// How far it is.
    pub state: IndexState,
    /// Share of the build that is done, from 0 to 1.
    pub progress: f32,
    /// Seconds that the build took, or has taken so far; 0 if the index was read from disk.
    pub build_seconds: f32,
    /// When it was built, in this process or an earlier one; none before it answers.
    pub built_at: Option<SystemTime>,
    /// Its kind, once it answers.
    pub kind: Option<BuiltKind>,
    /// How a graph was built; none before it answers.
    pub params: Option<BuildParams>,
    /// The most links that a row of a graph has in the bottom layer; none before it answers.
    pub links_max: Option<usize>,
    /// How many leaves a partition has; none before it answers.
    pub leaves: Option<usize>,
    /// `ef_search` if a question names none; none before it answers.
    pub ef_search: Option<usize>,
    /// Bytes of memory that it takes beside the rows; 0 before it answers.
    pub memory_bytes: usize,
    /// Why the build failed, if it did.
    pub problem: String,
    /// Rows that were added or overwritten since: every search compares them.
    pub written_rows: usize,
    /// Rows whose words were deleted since.
    pub deleted_rows: usize,
    /// What takes both into a new generation.
    pub rebuild: RebuildStatus,
}

impl IndexStatus {
    pub(super) fn failed(problem: &str) -> Self {
        let problem = problem.to_owned();
        Self { state: IndexState::Failed, problem, ..Self::waiting(true) }
    }

    /// Of a table that was not read yet.
    pub(super) fn waiting(needs_index: bool) -> Self {
        Self {
            state: if needs_index { IndexState::Queued } else { IndexState::NotNeeded },
            progress: 0.0,
            build_seconds: 0.0,
            built_at: None,
            kind: None,
            params: None,
            links_max: None,
            leaves: None,
            ef_search: None,
            memory_bytes: 0,
            problem: String::new(),
            written_rows: 0,
            deleted_rows: 0,
            rebuild: RebuildStatus::default(),
        }
    }

    /// Whether the index, or the whole table, is being built or waits for it.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, IndexState::Queued | IndexState::Building)
            || !matches!(self.rebuild.phase, RebuildPhase::Idle | RebuildPhase::Failed)
    }
}

impl Generation {
    /// A generation that answers exactly, of a table that has this name from now on.
    pub(super) fn new(meta: Meta, name: Arc<Name>, table: Arc<Table>) -> Self {
        let state = if meta.wants_index(table.len(), EXACT_ROWS_MAX) {
            IndexState::Queued
        } else {
            IndexState::NotNeeded
        };
        Self {
            meta,
            name,
            exact: Exact::new(Arc::clone(&table)),
            table,
            built: OnceLock::new(),
            built_at: OnceLock::new(),
            scans: Scans::default(),
            maps: [Maps::default(), Maps::default()],
            arranged: Mutex::default(),
            build: Mutex::new(Build::new(state)),
        }
    }

    /// What is known of the table beside its rows, with the name that it has now.
    pub fn meta(&self) -> Meta {
        Meta { name: TableName::clone(&self.name()), ..self.meta.clone() }
    }

    /// The name that the table has now.
    pub fn name(&self) -> Arc<TableName> {
        self.name.get()
    }

    /// Where the name stands, to be shared and changed.
    pub(super) fn name_cell(&self) -> &Arc<Name> {
        &self.name
    }

    /// The generation that was imported, of whose writes this one came.
    pub fn lineage(&self) -> u64 {
        self.meta.lineage()
    }

    /// Where its vectors are.
    pub fn residence(&self) -> Residence {
        self.meta.residence
    }

    /// Which index it should have.
    pub fn index_choice(&self) -> IndexChoice {
        self.meta.index
    }

    /// The generation's number.
    pub fn number(&self) -> u64 {
        self.meta.generation
    }

    /// The rows.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// What answers questions.
    pub fn index(&self) -> &dyn Index {
        match self.built.get() {
            Some(built) => built.index(),
            None => &self.exact,
        }
    }

    /// Whether the exact nearest rows of each row are stored.
    pub fn has_lists(&self) -> bool {
        self.built.get().is_some_and(Built::has_lists)
    }

    /// Rows of the last filters.
    pub(super) fn scans(&self) -> &Scans {
        &self.scans
    }

    /// The last map of a kind.
    pub(super) fn maps(&self, layout: MapLayout) -> &Maps {
        let [components, neighbors] = &self.maps;
        match layout {
            MapLayout::Components => components,
            MapLayout::Neighbors => neighbors,
        }
    }

    /// Where its rows were arranged, if that is in memory.
    pub(super) fn arranged(&self) -> Option<Arc<Arranged>> {
        self.arranged.lock().clone()
    }

    /// From here on its rows are arranged so, or as its part says.
    pub(super) fn set_arranged(&self, arranged: Option<Arc<Arranged>>) {
        *self.arranged.lock() = arranged;
    }

    /// The index that was built, once it answers.
    pub fn built(&self) -> Option<&Built> {
        self.built.get()
    }

    /// `ef_search` for a question of this effort; without an index it has no meaning. Where none that was
    /// measured finds enough, it is more than any table has rows: every row is compared.
    pub fn ef_search(&self, effort: Effort) -> usize {
        let Some(built) = self.built.get() else { return 0 };
        match (effort.ef_search, effort.min_recall) {
            (Some(ef_search), _) => ef_search,
            (None, Some(recall)) => built.ef_search_for(recall).unwrap_or(usize::MAX),
            (None, None) => built.default_ef_search(),
        }
    }

    /// Bytes of vectors that stay on the disk.
    pub fn mapped_bytes(&self) -> usize {
        self.table.mapped_bytes()
    }

    /// Bytes of memory that rows, vocabulary and index take.
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
            + self.exact.memory_bytes()
            + self.scans.memory_bytes()
            + self.maps.iter().map(Maps::memory_bytes).sum::<usize>()
            + self.arranged.lock().as_ref().map_or(0, |arranged| arranged.memory_bytes())
            + self.built.get().map_or(0, |built| built.index().memory_bytes())
    }

    /// What is known of the index.
    pub fn index_status(&self) -> IndexStatus {
        let build = self.build.lock();
        let built = self.built.get();
        IndexStatus {
            state: build.state,
            progress: build.progress,
            build_seconds: build.seconds,
            built_at: self.built_at.get().copied(),
            kind: built.map(Built::kind),
            params: built.and_then(Built::params),
            links_max: built.and_then(Built::links_max),
            leaves: built.and_then(Built::leaves),
            ef_search: built.map(Built::default_ef_search),
            memory_bytes: built.map_or(0, |built| built.index().memory_bytes()),
            problem: build.problem.clone(),
            written_rows: 0,
            deleted_rows: 0,
            rebuild: RebuildStatus::default(),
        }
    }

    /// Whether a build is to begin, or to go on.
    pub(super) fn needs_index(&self) -> bool {
        self.build.lock().state == IndexState::Queued
    }

    pub(super) fn build_went_on(&self, progress: f32, seconds: f32) {
        let mut build = self.build.lock();
        build.state = IndexState::Building;
        build.progress = progress;
        build.seconds = seconds;
    }

    /// Lets a build that failed or was stopped be tried again; whether there was one.
    pub(super) fn wants_index_again(&self) -> bool {
        let mut build = self.build.lock();
        let was_given_up = matches!(build.state, IndexState::Failed | IndexState::Stopped);
        if was_given_up {
            *build = Build::new(IndexState::Queued);
        }
        was_given_up
    }

    pub(super) fn build_stopped(&self) {
        *self.build.lock() = Build::new(IndexState::Stopped);
    }

    /// The build begins again when its turn comes.
    pub(super) fn build_waits(&self) {
        *self.build.lock() = Build::new(IndexState::Queued);
    }

    pub(super) fn build_failed(&self, problem: String) {
        let mut build = self.build.lock();
        build.state = IndexState::Failed;
        build.problem = problem;
    }

    /// From here on this index answers, which was built at that time. More may follow: see
    /// [`Generation::build_ended`].
    pub(super) fn set_built(&self, built: Built, at: SystemTime) {
        // It stays empty until the index is there.
        let _ = self.built_at.set(at);
        let was_empty = self.built.set(built).is_ok();
        assert!(was_empty, "a generation gets one index");
    }

    /// Nothing follows. `seconds`: what the build took; 0 if all of it was read from disk.
    pub(super) fn build_ended(&self, seconds: f32) {
        let mut build = self.build.lock();
        build.state = IndexState::Ready;
        build.progress = 1.0;
        build.seconds = seconds;
    }
}
