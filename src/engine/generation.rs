//! A generation: one published table with what answers questions of it.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::engine::lineage::{RebuildPhase, RebuildStatus};
use crate::engine::scans::Scans;
use crate::index::exact::Exact;
use crate::index::graph::Graph;
use crate::index::hnsw::BuildParams;
use crate::index::{EXACT_ROWS_MAX, Index};
use crate::query::Effort;
use crate::table::Table;
use crate::table::meta::Meta;

/// A table's rows as an import or a rebuild left them. They never change; the graph joins them, once, when it
/// is ready, and exact answers hold until then.
#[derive(Debug)]
pub struct Generation {
    meta: Meta,
    table: Arc<Table>,
    exact: Exact,
    graph: OnceLock<Graph>,
    scans: Scans,
    build: Mutex<Build>,
}

/// How far the graph is.
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

/// How far a table's graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// The table is so small that every answer is exact.
    NotNeeded,
    /// The graph waits for its turn.
    Queued,
    /// The graph is being built.
    Building,
    /// The graph answers.
    Ready,
    /// The build failed; answers stay exact.
    Failed,
    /// The build was stopped; answers stay exact.
    Stopped,
}

/// What is known of a table's index.
#[derive(Clone, Debug)]
pub struct IndexStatus {
    /// How far the graph is.
    pub state: IndexState,
    /// Share of the build that is done, from 0 to 1.
    pub progress: f32,
    /// Seconds that the build took, or has taken so far; 0 if the graph was read from disk.
    pub build_seconds: f32,
    /// How it was built; none before it is ready.
    pub params: Option<BuildParams>,
    /// The most links that a row has in the bottom layer; none before it is ready.
    pub links_max: Option<usize>,
    /// The beam's width if a question names none; none before it is ready.
    pub ef_search: Option<usize>,
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
    pub(super) fn waiting(needs_graph: bool) -> Self {
        Self {
            state: if needs_graph { IndexState::Queued } else { IndexState::NotNeeded },
            progress: 0.0,
            build_seconds: 0.0,
            params: None,
            links_max: None,
            ef_search: None,
            problem: String::new(),
            written_rows: 0,
            deleted_rows: 0,
            rebuild: RebuildStatus::default(),
        }
    }

    /// Whether a graph, or the whole table, is being built or waits for it.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, IndexState::Queued | IndexState::Building)
            || !matches!(self.rebuild.phase, RebuildPhase::Idle | RebuildPhase::Failed)
    }
}

impl Generation {
    /// A generation that answers exactly.
    pub(super) fn new(meta: Meta, table: Arc<Table>) -> Self {
        let state =
            if table.len() <= EXACT_ROWS_MAX { IndexState::NotNeeded } else { IndexState::Queued };
        Self {
            meta,
            exact: Exact::new(Arc::clone(&table)),
            table,
            graph: OnceLock::new(),
            scans: Scans::default(),
            build: Mutex::new(Build::new(state)),
        }
    }

    /// What is known of the table beside its rows.
    pub fn meta(&self) -> &Meta {
        &self.meta
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
        match self.graph.get() {
            Some(graph) => graph,
            None => &self.exact,
        }
    }

    /// Whether the exact nearest rows of each row are stored.
    pub fn has_lists(&self) -> bool {
        self.graph.get().is_some_and(Graph::has_lists)
    }

    /// Rows of the last filters.
    pub(super) fn scans(&self) -> &Scans {
        &self.scans
    }

    /// Whether the graph answers.
    pub fn has_graph(&self) -> bool {
        self.graph.get().is_some()
    }

    /// The beam's width for a question of this effort; without a graph it has no meaning. Where no
    /// width that was measured finds enough, it is wider than any table: every row is compared.
    pub fn ef_search(&self, effort: Effort) -> usize {
        let Some(graph) = self.graph.get() else { return 0 };
        match (effort.ef_search, effort.min_recall) {
            (Some(ef_search), _) => ef_search,
            (None, Some(recall)) => graph.ef_search_for(recall).unwrap_or(usize::MAX),
            (None, None) => graph.default_ef_search(),
        }
    }

    /// Bytes of memory that rows, vocabulary and index take.
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
            + self.exact.memory_bytes()
            + self.scans.memory_bytes()
            + self.graph.get().map_or(0, Index::memory_bytes)
    }

    /// What is known of the index.
    pub fn index_status(&self) -> IndexStatus {
        let build = self.build.lock();
        let graph = self.graph.get();
        IndexStatus {
            state: build.state,
            progress: build.progress,
            build_seconds: build.seconds,
            params: graph.map(Graph::params),
            links_max: graph.map(Graph::links_max),
            ef_search: graph.map(Graph::default_ef_search),
            problem: build.problem.clone(),
            written_rows: 0,
            deleted_rows: 0,
            rebuild: RebuildStatus::default(),
        }
    }

    pub(super) fn needs_graph(&self) -> bool {
        self.build.lock().state == IndexState::Queued
    }

    pub(super) fn build_went_on(&self, progress: f32, seconds: f32) {
        let mut build = self.build.lock();
        build.state = IndexState::Building;
        build.progress = progress;
        build.seconds = seconds;
    }

    /// Lets a build that failed or was stopped be tried again; whether there was one.
    pub(super) fn wants_graph_again(&self) -> bool {
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

    pub(super) fn build_failed(&self, problem: String) {
        let mut build = self.build.lock();
        build.state = IndexState::Failed;
        build.problem = problem;
    }

    /// From here on the graph answers. `seconds`: what its build took; 0 if it was read from disk.
    pub(super) fn set_graph(&self, graph: Graph, seconds: f32) {
        let was_empty = self.graph.set(graph).is_ok();
        assert!(was_empty, "a generation gets one graph");
        let mut build = self.build.lock();
        build.state = IndexState::Ready;
        build.progress = 1.0;
        build.seconds = seconds;
    }
}
