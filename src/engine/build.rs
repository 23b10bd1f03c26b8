//! Indexes in the background: one thread takes table after table. It reads the index's parts or builds
//! and writes them, and hands them to the generation; or it rebuilds the table.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use crate::arenas;
use crate::container::Kind;
use crate::engine::Shared;
use crate::engine::generation::Generation;
use crate::engine::lineage::Lineage;
use crate::engine::rebuild;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::built::{Built, BuiltKind};
use crate::index::lists;
use crate::priority;
use crate::store::FileWriter;
use crate::table::meta::IndexChoice;

/// Tables that wait for an index, or for a rebuild.
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

    /// Waits for a time, or until the queue is closed.
    pub(super) fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut waiting = self.waiting.lock();
        while !waiting.is_closed && !self.changed.wait_until(&mut waiting, until).timed_out() {}
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
    tracing::error!(table = %generation.name(), "an index cannot be built: {problem}");
    // Writes are not remembered for a rebuild that is not there any more.
    lineage.writer().since = None;
    if lineage.is_rebuilding() {
        lineage.rebuild_ended(Err(Some(problem.to_owned())));
    } else {
        generation.build_failed(problem.to_owned());
    }
    if lineage.is_rebuilding() || generation.needs_index() {
        shared.queue.push(Arc::clone(lineage));
    }
}

/// Does what a table waits for: an index that is there is read before anything else, and a rebuild
/// makes one too.
fn work_on(shared: &Shared, lineage: &Arc<Lineage>, threads: usize) {
    if !shared.catalog.is_current(lineage) {
        return;
    }
    let current = lineage.current();
    let generation = current.generation();
    if generation.needs_index() && generation.built().is_none() {
        read_index(shared, generation);
        // What the journal holds was no drift before there was an index.
        lineage.rebuild_if_due();
    }
    loop {
        while lineage.is_rebuilding() {
            if let Err(error) = rebuild::rebuild(shared, lineage, threads)
                && *error.kind() == ErrorKind::Cancelled
                && generation.needs_index()
            {
                generation.build_stopped();
            }
        }
        let current = lineage.current();
        let generation = current.generation();
        if generation.needs_index() {
            if rebuild::is_being_filled(shared, lineage) {
                // Other tables have their turn meanwhile.
                shared.queue.push(Arc::clone(lineage));
                return;
            }
            if lineage.rebuild_before_index() {
                continue;
            }
            build_index(shared, lineage, generation, threads);
            lineage.forget_cancel();
        }
        // What writes have outgrown still needs its index, once they are taken in.
        if !generation.needs_index() {
            return;
        }
    }
}

/// Reads what came of an index that another engine built, unless it answers already.
pub(super) fn join_index(shared: &Shared, generation: &Generation) {
    // Places of the map are read when they are asked for.
    generation.set_arranged(None);
    if !generation.needs_index() {
        return;
    }
    match generation.built() {
        None => read_index(shared, generation),
        Some(built) => {
            read_lists(shared, generation, built);
            if !built.wants_lists() {
                generation.build_ended(0.0);
            }
        }
    }
}

/// Reads what was built before.
fn read_index(shared: &Shared, generation: &Generation) {
    let table = &generation.name();
    for kind in kinds(generation) {
        match read(shared, generation, kind) {
            Ok(Some(built)) => {
                tracing::info!(%table, ?kind, "read the index");
                let is_whole = !built.wants_lists();
                let at = shared.store.part_written_at(generation.number(), kind.part());
                generation.set_built(built, at.unwrap_or_else(SystemTime::now));
                if is_whole {
                    generation.build_ended(0.0);
                }
                return;
            }
            Ok(None) => {}
            Err(error) => {
                if let &ErrorKind::ForeignVersion { expected, got, .. } = error.kind() {
                    tracing::info!(%table, ?kind, expected, got, "an index of another format is not used");
                } else {
                    tracing::warn!(%table, ?kind, ?error, "the index's file is not used");
                }
            }
        }
    }
}

/// The kinds of index that may answer, the one that would be built first.
fn kinds(generation: &Generation) -> Vec<BuiltKind> {
    let choice = generation.index_choice();
    let wanted = BuiltKind::of(choice, generation.table().dim());
    let others = BuiltKind::ALL.into_iter().filter(|&kind| kind != wanted);
    // What an earlier version built answers as well, unless another kind was asked for.
    let others = others.filter(|_| choice == IndexChoice::Auto);
    std::iter::once(wanted).chain(others).collect()
}

fn read(shared: &Shared, generation: &Generation, kind: BuiltKind) -> Result<Option<Built>> {
    let (store, number) = (&shared.store, generation.number());
    let Some(part) = store.part(number, kind.part())? else { return Ok(None) };
    let built = kind.read(Arc::clone(generation.table()), &part)?;
    read_lists(shared, generation, &built);
    Ok(Some(built))
}

/// Reads the lists that an index wants, if there are some.
fn read_lists(shared: &Shared, generation: &Generation, built: &Built) {
    if !built.wants_lists() {
        return;
    }
    let lists = shared
        .store
        .part(generation.number(), lists::KIND)
        .and_then(|part| part.map(|part| lists::read(generation.table().len(), &part)).transpose());
    match lists {
        Ok(Some(lists)) => built.join_lists(lists),
        Ok(None) => {}
        Err(error) => {
            let table = &generation.name();
            tracing::warn!(%table, ?error, "the lists are not used; making them again");
        }
    }
}

fn build_index(shared: &Shared, lineage: &Lineage, generation: &Generation, threads: usize) {
    let watch = Watcher { shared, lineage, generation, began: Instant::now(), share: (0.0, 1.0) };
    watch.end(build_all(&watch, threads));
}

/// The index, which answers as soon as it is kept; then its lists.
fn build_all(watch: &Watcher<'_>, threads: usize) -> Result<()> {
    let generation = watch.generation;
    let table = generation.table();
    let kind = BuiltKind::of(generation.index_choice(), table.dim());
    let share = kind.first_share(table);
    if generation.built().is_none() {
        let first = Watcher { share: (0.0, share), ..*watch };
        let built = kind.build(table, threads, &first)?;
        // Where only the index was damaged, its lists need not be found again.
        read_lists(watch.shared, generation, &built);
        keep(&first, kind.part(), |out| built.write(out))?;
        generation.set_built(built, SystemTime::now());
        let seconds = first.began.elapsed().as_secs_f32();
        tracing::info!(table = %generation.name(), ?kind, seconds, "the index answers");
    }
    let Some(built) = generation.built() else { return Ok(()) };
    let rest = Watcher { share: (share, 1.0), ..*watch };
    if let Some(lists) = built.find_lists(threads, &rest)? {
        keep(&rest, lists::KIND, |out| lists::write(&lists, out))?;
        built.join_lists(lists);
    }
    Ok(())
}

/// Writes a part, unless it is not wanted any more.
fn keep(
    watch: &Watcher<'_>,
    kind: Kind,
    write: impl FnOnce(&mut FileWriter) -> Result<()>,
) -> Result<()> {
    let store = &watch.shared.store;
    let written = store.write_part(watch.generation.number(), kind, write)?;
    // The lock keeps a deleted table's manifest from being written behind the deletion.
    let _publishing = watch.shared.publishing.lock();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    written.seal()
}

#[derive(Clone, Copy)]
struct Watcher<'a> {
    shared: &'a Shared,
    lineage: &'a Lineage,
    generation: &'a Generation,
    began: Instant,
    /// The part of the build that it watches.
    share: (f32, f32),
}

impl Watch for Watcher<'_> {
    fn progress(&self, share: f32) {
        let (from, to) = self.share;
        let share = from + (to - from) * share;
        self.generation.build_went_on(share, self.began.elapsed().as_secs_f32());
    }

    fn is_cancelled(&self) -> bool {
        let rows = self.generation.table().len();
        self.is_stopped() || self.lineage.is_rebuilding() && self.lineage.is_outgrown(rows, 0)
    }
}

impl Watcher<'_> {
    /// Tells what came of the build.
    fn end(&self, outcome: Result<()>) {
        let (generation, table) = (self.generation, &self.generation.name());
        match outcome {
            Ok(()) => {
                let seconds = self.began.elapsed().as_secs_f32();
                tracing::info!(%table, rows = generation.table().len(), seconds, "built the index");
                generation.build_ended(seconds);
            }
            // Its files may be missing, which is no damage.
            Err(error) if self.is_overtaken() => {
                tracing::info!(%table, ?error, "stopped building the index of rows that are gone");
                generation.build_stopped();
            }
            Err(error) if *error.kind() == ErrorKind::Cancelled => {
                if self.is_stopped() {
                    tracing::info!(%table, "stopped building the index");
                    generation.build_stopped();
                } else {
                    tracing::info!(%table, "the index waits for rows that are written");
                    generation.build_waits();
                }
            }
            Err(error) => {
                tracing::error!(%table, ?error, "the index cannot be built");
                generation.build_failed(error.to_string());
            }
        }
    }

    /// Whether the index is not wanted.
    fn is_stopped(&self) -> bool {
        self.shared.is_closing() || self.lineage.is_cancelled() || self.is_overtaken()
    }

    /// Whether the table has other rows by now, or is deleted.
    fn is_overtaken(&self) -> bool {
        !self.lineage.is_at(self.generation) || !self.shared.catalog.is_current(self.lineage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::config::EngineConfig;
    use crate::engine::generation::IndexState;
    use crate::engine::import::{IfExists, ImportOptions, Source};
    use crate::table::attributes::Attributes;
    use crate::table::meta::TableName;

    #[test]
    fn what_is_missing_of_a_table_that_was_replaced_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(&EngineConfig::new(folder.path())).unwrap();
        let name = TableName::try_from("en".to_owned()).unwrap();
        let import = || {
            let options =
                ImportOptions { if_exists: IfExists::Replace, ..ImportOptions::new(name.clone()) };
            let row = Ok((b"word".to_vec(), vec![1.0, 2.0], Attributes::new()));
            engine
                .import(&options, Source::Rows(Box::new([row].into_iter())), &mut |_| {})
                .unwrap();
            engine.shared.catalog.lineage(&name).unwrap()
        };
        // The part of an index comes too late for the first, and in time for the second.
        let state = |lineage: &Lineage, error: Error| {
            let (shared, current) = (&*engine.shared, lineage.current());
            let generation = &**current.generation();
            let (began, share) = (Instant::now(), (0.0, 1.0));
            Watcher { shared, lineage, generation, began, share }.end(Err(error));
            generation.index_status()
        };
        let (first, second) = (import(), import());
        let store = &engine.shared.store;
        let missing =
            || store.write_part(first.number(), lists::KIND, |_| Ok(())).map(drop).unwrap_err();
        assert!(matches!(missing().kind(), ErrorKind::Corrupt { .. }), "{}", missing());
        assert_eq!(state(&first, missing()).state, IndexState::Stopped);
        let failed = state(&second, missing());
        assert!(failed.state == IndexState::Failed && failed.problem.contains("missing"));
        engine.close();
    }
}
