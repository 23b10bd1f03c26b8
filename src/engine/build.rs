//! Graphs in the background: one thread takes generation after generation, reads the graph's file
//! or builds the graph and writes the file, and hands it to the generation.

use std::collections::VecDeque;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::engine::Shared;
use crate::engine::generation::Generation;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::file;
use crate::index::graph::Graph;
use crate::index::hnsw::{self, BuildParams};
use crate::store::blob;

/// Generations that wait for their graph.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting {
    generations: VecDeque<Arc<Generation>>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let waiting = Waiting { generations: VecDeque::new(), is_closed: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    pub(super) fn push(&self, generation: Arc<Generation>) {
        self.waiting.lock().generations.push_back(generation);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits for the next generation; none when the queue is closed.
    fn next(&self) -> Option<Arc<Generation>> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.is_closed {
                return None;
            }
            if let Some(generation) = waiting.generations.pop_front() {
                return Some(generation);
            }
            self.changed.wait(&mut waiting);
        }
    }
}

/// Starts the thread that empties the queue.
pub(super) fn start(shared: &Arc<Shared>, threads: usize) -> Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let work = move || {
        while let Some(generation) = shared.queue.next() {
            if generation.needs_graph() && shared.catalog.is_current(&generation) {
                give_graph(&shared, &generation, threads);
            }
        }
    };
    std::thread::Builder::new().name("index-builder".to_owned()).spawn(work).map_err(Error::disk)
}

fn give_graph(shared: &Shared, generation: &Generation, threads: usize) {
    let table = &generation.meta().name;
    let path = shared.store.index_path(generation.number());
    match read(&path, generation) {
        Ok(Some(graph)) => {
            tracing::info!(%table, "read the graph");
            generation.set_graph(graph, 0.0);
            return;
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%table, ?error, "the graph's file is not used; building again");
        }
    }
    let began = Instant::now();
    match build(shared, generation, &path, threads, began) {
        Ok(graph) => {
            let seconds = began.elapsed().as_secs_f32();
            tracing::info!(%table, rows = generation.table().len(), seconds, "built the graph");
            generation.set_graph(graph, seconds);
        }
        Err(error) if *error.kind() == ErrorKind::Cancelled => {
            tracing::info!(%table, "stopped building the graph");
        }
        Err(error) => {
            tracing::error!(%table, ?error, "the graph cannot be built");
            generation.build_failed(error.to_string());
        }
    }
}

fn read(path: &Path, generation: &Generation) -> Result<Option<Graph>> {
    let reading = || format!("reading {}", path.display());
    let Some((opened, length)) = blob::open(path).context(reading)? else { return Ok(None) };
    let table = Arc::clone(generation.table());
    let mut input = BufReader::with_capacity(1 << 20, opened);
    file::read(table, generation.number(), &mut input, length).map(Some).context(reading)
}

fn build(
    shared: &Shared,
    generation: &Generation,
    path: &Path,
    threads: usize,
    began: Instant,
) -> Result<Graph> {
    let watch = Watcher { shared, generation, began };
    let params = BuildParams { threads, ..BuildParams::default() };
    let graph = hnsw::build(generation.table(), params, &watch)?;
    // The lock keeps a deleted table's file from being written behind the deletion.
    let _publishing = shared.publishing.lock();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    blob::publish(path, |out| file::write(&graph, generation.number(), out))
        .context(|| format!("writing {}", path.display()))?;
    Ok(graph)
}

struct Watcher<'a> {
    shared: &'a Shared,
    generation: &'a Generation,
    began: Instant,
}

impl Watch for Watcher<'_> {
    fn progress(&self, share: f32) {
        self.generation.build_went_on(share, self.began.elapsed().as_secs_f32());
    }

    fn is_cancelled(&self) -> bool {
        self.shared.is_closing() || !self.shared.catalog.is_current(self.generation)
    }
}
