//! Graphs in the background: one thread takes table after table. It reads the graph's file or builds
//! the graph and writes the file, and hands it to the generation; or it rebuilds the table.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::arenas;
use crate::engine::Shared;
use crate::engine::generation::Generation;
use crate::engine::lineage::Lineage;
use crate::engine::rebuild;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::file;
use crate::index::graph::Graph;
use crate::index::hnsw::{self, BuildParams};
use crate::priority;
use crate::table::Table;

/// Tables that wait for a graph, or for a rebuild.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting {
    lineages: VecDeque<Arc<Lineage>>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let waiting = Waiting { lineages: VecDeque::new(), is_closed: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    pub(super) fn push(&self, lineage: Arc<Lineage>) {
        self.waiting.lock().lineages.push_back(lineage);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits for the next table; none when the queue is closed.
    fn next(&self) -> Option<Arc<Lineage>> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.is_closed {
                return None;
            }
            if let Some(lineage) = waiting.lineages.pop_front() {
                return Some(lineage);
            }
            self.changed.wait(&mut waiting);
        }
    }
}

/// Starts the thread that empties the queue.
pub(super) fn start(shared: &Arc<Shared>, threads: usize) -> Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let work = move || {
        priority::give_way();
        while let Some(lineage) = shared.queue.next() {
            attempt(&shared, &lineage, || work_on(&shared, &lineage, threads));
            drop(lineage);
            arenas::give_back();
        }
    };
    std::thread::Builder::new().name("index-builder".to_owned()).spawn(work).map_err(Error::disk)
}

/// Works on a table. A panic fails the build or the rebuild in which it came, and nothing else: what waits
/// behind it has its turn.
pub(super) fn attempt(shared: &Shared, lineage: &Arc<Lineage>, work: impl FnOnce()) {
    if std::panic::catch_unwind(AssertUnwindSafe(work)).is_ok() {
        return;
    }
    let current = lineage.current();
    let generation = current.generation();
    let problem = "a panic; the log of the process has the cause";
    tracing::error!(table = %generation.meta().name, "an index cannot be built: {problem}");
    // Writes are not remembered for a rebuild that is not there any more.
    lineage.writer().since = None;
    if lineage.is_rebuilding() {
        lineage.rebuild_ended(Err(Some(problem.to_owned())));
    } else {
        generation.build_failed(problem.to_owned());
    }
    if lineage.is_rebuilding() || generation.needs_graph() {
        shared.queue.push(Arc::clone(lineage));
    }
}

/// Does what a table waits for: a graph that is there is read before anything else, and a rebuild
/// makes a graph too.
fn work_on(shared: &Shared, lineage: &Lineage, threads: usize) {
    if !shared.catalog.is_current(lineage) {
        return;
    }
    let current = lineage.current();
    let generation = current.generation();
    if generation.needs_graph() {
        read_graph(shared, generation);
    }
    while lineage.is_rebuilding() {
        if let Err(error) = rebuild::rebuild(shared, lineage, threads)
            && *error.kind() == ErrorKind::Cancelled
            && generation.needs_graph()
        {
            generation.build_stopped();
        }
    }
    if lineage.is_at(generation) && generation.needs_graph() {
        build_graph(shared, lineage, generation, threads);
        lineage.forget_cancel();
    }
}

fn read_graph(shared: &Shared, generation: &Generation) {
    let table = &generation.meta().name;
    match read(shared, generation.table(), generation.number()) {
        Ok(Some(graph)) => {
            tracing::info!(%table, "read the graph");
            generation.set_graph(graph, 0.0);
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%table, ?error, "the graph's file is not used; building again");
        }
    }
}

fn build_graph(shared: &Shared, lineage: &Lineage, generation: &Generation, threads: usize) {
    let table = &generation.meta().name;
    let began = Instant::now();
    let watch = Watcher { shared, lineage, generation, began };
    match build(generation.table(), threads, &watch).and_then(|graph| keep(&watch, graph)) {
        Ok(graph) => {
            let seconds = began.elapsed().as_secs_f32();
            tracing::info!(%table, rows = generation.table().len(), seconds, "built the graph");
            generation.set_graph(graph, seconds);
        }
        Err(error) if *error.kind() == ErrorKind::Cancelled => {
            tracing::info!(%table, "stopped building the graph");
            generation.build_stopped();
        }
        Err(error) => {
            tracing::error!(%table, ?error, "the graph cannot be built");
            generation.build_failed(error.to_string());
        }
    }
}

fn read(shared: &Shared, table: &Arc<Table>, generation: u64) -> Result<Option<Graph>> {
    let Some(part) = shared.store.part(generation, file::KIND)? else { return Ok(None) };
    file::read(Arc::clone(table), &part).map(Some)
}

/// A graph of these rows.
pub(super) fn build(table: &Arc<Table>, threads: usize, watch: &dyn Watch) -> Result<Graph> {
    hnsw::build(table, BuildParams { threads, ..BuildParams::default() }, watch)
}

/// Writes a graph, unless it is not wanted any more.
fn keep(watch: &Watcher<'_>, graph: Graph) -> Result<Graph> {
    let store = &watch.shared.store;
    let number = watch.generation.number();
    let written = store.write_part(number, file::KIND, |out| file::write(&graph, out))?;
    // The lock keeps a deleted table's manifest from being written behind the deletion.
    let _publishing = watch.shared.publishing.lock();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    written.seal()?;
    Ok(graph)
}

struct Watcher<'a> {
    shared: &'a Shared,
    lineage: &'a Lineage,
    generation: &'a Generation,
    began: Instant,
}

impl Watch for Watcher<'_> {
    fn progress(&self, share: f32) {
        self.generation.build_went_on(share, self.began.elapsed().as_secs_f32());
    }

    fn is_cancelled(&self) -> bool {
        self.shared.is_closing()
            || self.lineage.is_cancelled()
            || !self.shared.catalog.is_current(self.lineage)
    }
}
