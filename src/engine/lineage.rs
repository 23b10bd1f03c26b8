//! `Lineage`: a table from its import on: which state of it answers now, and where writes come in.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use crate::engine::generation::{Generation, IndexState, IndexStatus};
use crate::error::Result;
use crate::index::EXACT_ROWS_MAX;
use crate::index::live::Live;
use crate::query::GoOn;
use crate::query::filter::{Filter, Scan};
use crate::table::change::Change;
use crate::table::meta::{IndexChoice, TableName};
use crate::table::view::View;
use crate::vector::row_set::RowSet;

/// The name that a table has now: one for all generations of a lineage, and for whoever cuts its texts.
#[derive(Debug)]
pub(super) struct Name(ArcSwap<TableName>);

impl Name {
    pub(super) fn new(name: TableName) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(name)))
    }

    pub(super) fn get(&self) -> Arc<TableName> {
        self.0.load_full()
    }

    fn set(&self, name: &TableName) {
        self.0.store(Arc::new(name.clone()));
    }
}

/// One state of a table, which nothing can change: who holds it answers from it alone.
#[derive(Debug)]
pub struct Current {
    generation: Arc<Generation>,
    view: Arc<View>,
}

impl Current {
    /// The name that the table has now, which is no alias.
    pub fn name(&self) -> TableName {
        TableName::clone(&self.generation.name())
    }

    /// The rows that an import or a rebuild left, and their index.
    pub fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Those rows after the writes since.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The rows that a filter lets through.
    ///
    /// # Errors
    ///
    /// As [`Filter::allowed`].
    pub fn allowed(&self, filter: &Filter, go_on: GoOn<'_>) -> Result<Arc<RowSet>> {
        let (view, scans) = (&*self.view, self.generation.scans());
        let find = |scan: &Scan| {
            scans.rows(view.sequence(), scan, || {
                scan.check_attributes(view, go_on)?;
                scan.rows(view, go_on)
            })
        };
        let allowed = filter.allowed(view, find)?;
        if allowed.is_empty() && !filter.allow.is_empty() {
            // A list of words is not scanned for.
            filter.scan.check_attributes(view, go_on)?;
        }
        Ok(allowed)
    }

    /// What answers a question of this effort.
    pub fn index(&self) -> Live<'_> {
        Live::new(self.generation.index(), &self.view)
    }

    /// Whether so much was written that a rebuild pays. Where every row is compared anyhow, rows that
    /// were written cost a search no more than others: they are taken in once they are as many, or once
    /// the table gets its first index.
    fn is_drifted(&self) -> bool {
        let rows = self.generation.table().len();
        let is_exact = self.generation.built().is_none()
            && (rows > EXACT_ROWS_MAX || self.view.len() <= EXACT_ROWS_MAX);
        self.view.drift() >= if is_exact { rows.max(DRIFT_MIN) } else { drift_max(rows) }
            || self.view.change_count() >= rows.max(JOURNAL_MIN)
    }
}

/// All generations that came of one import, and the writes since. Readers take one atomic load;
/// writers take turns.
#[derive(Debug)]
pub(super) struct Lineage {
    number: u64,
    current: ArcSwap<Current>,
    writer: Mutex<Writer>,
    rebuild: Mutex<Rebuild>,
    /// The index that the next generation is to have, where it is another one.
    index_wanted: Mutex<Option<IndexChoice>>,
}

/// What those who write hold in turn.
#[derive(Debug)]
pub(super) struct Writer {
    /// The table after every write in the journal, durable or not.
    pub(super) head: Arc<View>,
    /// States that are not durable yet, and nobody sees, each with the write that made it.
    pending: VecDeque<(Arc<View>, Arc<[Change]>)>,
    /// Durable writes since a rebuild began, while one is under way.
    pub(super) since: Option<Vec<Arc<[Change]>>>,
    /// The write that an append begins with, while one is under way: those after it stay in the journal.
    pub(super) kept_after: Option<u64>,
    /// The table was replaced or deleted.
    pub(super) is_closed: bool,
    /// The store's epoch in which the pending states were written.
    pub(super) epoch: u64,
}

/// How far a rebuild is: it takes the writes into a new generation.
#[derive(Debug, Default)]
struct Rebuild {
    phase: RebuildPhase,
    progress: f32,
    seconds: f32,
    problem: String,
    is_cancelled: bool,
    /// Whether another one is wanted behind this one.
    again: bool,
    /// The drift from which on the next one begins by itself; after one that came to nothing.
    not_below: usize,
}

/// What a rebuild does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RebuildPhase {
    /// Nothing: there is none.
    #[default]
    Idle,
    /// Waits for its turn.
    Queued,
    /// Copies the rows that are there to a new generation.
    Copying,
    /// Builds the graph of the new generation.
    Building,
    /// The last one failed.
    Failed,
}

/// What is known of a rebuild.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RebuildStatus {
    /// What it does now.
    pub phase: RebuildPhase,
    /// Share of the phase that is done, from 0 to 1.
    pub progress: f32,
    /// Seconds since it began.
    pub seconds: f32,
    /// Why the last one failed, if it did.
    pub problem: String,
}

/// A rebuild begins by itself when this share of the rows, as one in so many, and so many rows at
/// least, differ from the generation's: they are compared one by one by every search.
const DRIFT_SHARE: usize = 20;
const DRIFT_MIN: usize = 1_000;
/// It also begins when the journal has a change for every row, and so many at least: they are read
/// whenever the folder is opened.
const JOURNAL_MIN: usize = 100_000;
/// Writers wait while a rebuild is behind them by this share of the rows, as one in so many, and by so
/// many components at least: 40 MB of vectors, which a search reads in some milliseconds.
const BEHIND_SHARE: usize = 5;
const BEHIND_COMPONENTS: usize = 10_000_000;
/// Without an index a search reads the whole table, and writers wait once it would read so many times as
/// much.
const BEHIND_EXACT: usize = 3;

/// Rows that may differ from those of an index.
fn drift_max(rows: usize) -> usize {
    (rows / DRIFT_SHARE).max(DRIFT_MIN)
}

impl Lineage {
    pub(super) fn new(generation: Arc<Generation>, view: View) -> Self {
        let view = Arc::new(view);
        let writer = Writer {
            head: Arc::clone(&view),
            pending: VecDeque::new(),
            since: None,
            kept_after: None,
            is_closed: false,
            epoch: 0,
        };
        Self {
            number: generation.lineage(),
            current: ArcSwap::from_pointee(Current { generation, view }),
            writer: Mutex::new(writer),
            rebuild: Mutex::default(),
            index_wanted: Mutex::default(),
        }
    }

    /// The name that the table has now.
    pub(super) fn name(&self) -> Arc<TableName> {
        self.current.load().generation.name()
    }

    /// From here on it has this name.
    pub(super) fn rename(&self, name: &TableName) {
        self.current.load().generation.name_cell().set(name);
    }

    /// The generation that was imported.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What answers now.
    pub(super) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Whether this is the generation that answers.
    pub(super) fn is_at(&self, generation: &Generation) -> bool {
        self.current.load().generation.number() == generation.number()
    }

    /// The right to write, and to change what answers.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Lets questions see the writes up to this one, which are durable.
    pub(super) fn publish(&self, writer: &mut Writer, sequence: u64) {
        let mut newest = None;
        while let Some((view, changes)) =
            writer.pending.pop_front_if(|(view, _)| view.sequence() <= sequence)
        {
            newest = Some(view);
            if let Some(since) = &mut writer.since {
                since.push(changes);
            }
        }
        // None: a later writer, or a rebuild, was faster and showed them all.
        if let Some(view) = newest {
            let generation = Arc::clone(self.current.load().generation());
            self.current.store(Arc::new(Current { generation, view }));
        }
    }

    /// Goes on in another epoch of the store: of the states that were written in the last one those up
    /// to `durable` are shown, and the others were never written.
    pub(super) fn follow(&self, writer: &mut Writer, epoch: u64, durable: u64) {
        if writer.epoch != epoch {
            self.publish(writer, durable);
            writer.pending.clear();
            writer.head = Arc::clone(&self.current.load().view);
            writer.epoch = epoch;
        }
    }

    /// From here on another generation answers, after every write, all of which are durable.
    pub(super) fn switch(&self, writer: &mut Writer, generation: Arc<Generation>, view: View) {
        let view = Arc::new(view.with_cutter(writer.head.cutter().cloned()));
        writer.head = Arc::clone(&view);
        writer.pending.clear();
        self.current.store(Arc::new(Current { generation, view }));
    }

    /// What is known of the index.
    pub(super) fn index_status(&self) -> IndexStatus {
        let current = self.current();
        let rebuild = self.rebuild.lock();
        let of_generation = current.generation.index_status();
        // What was stopped in the queue leaves it when its turn comes.
        let (mut state, mut phase) = (of_generation.state, rebuild.phase);
        if rebuild.is_cancelled && state == IndexState::Queued {
            state = IndexState::Stopped;
        }
        if rebuild.is_cancelled && phase == RebuildPhase::Queued {
            phase = RebuildPhase::Idle;
        }
        IndexStatus {
            state,
            written_rows: current.view.written_count(),
            deleted_rows: current.view.hole_count(),
            rebuild: RebuildStatus {
                phase,
                progress: rebuild.progress,
                seconds: rebuild.seconds,
                problem: rebuild.problem.clone(),
            },
            ..of_generation
        }
    }

    /// Bytes of memory that rows, vocabulary, writes and index take.
    pub(super) fn memory_bytes(&self) -> usize {
        let current = self.current();
        current.generation.memory_bytes() + current.view.memory_bytes()
    }

    /// Asks for a rebuild if the writes are so many that it pays; whether it was queued.
    pub(super) fn rebuild_if_due(&self) -> bool {
        let current = self.current();
        let not_below = self.rebuild.lock().not_below;
        current.is_drifted()
            && current.view.drift() >= not_below
            && !self.is_rebuilding()
            && self.rebuild_wanted()
    }

    /// Asks for a rebuild in place of an index that it would follow at once; whether it was asked for.
    pub(super) fn rebuild_before_index(&self) -> bool {
        let current = self.current();
        let drift = current.view.drift();
        drift >= drift_max(current.generation.table().len())
            && drift >= self.rebuild.lock().not_below
            && self.rebuild_wanted()
    }

    /// Whether writers who let the table drift so far have to wait for the rebuild that is under way: every
    /// search compares what they wrote row by row.
    pub(super) fn is_behind(&self, drift: usize) -> bool {
        let current = self.current.load();
        let table = current.generation.table();
        let mut most = (table.len() / BEHIND_SHARE)
            .max(BEHIND_COMPONENTS / table.dim())
            .max(DRIFT_MIN * BEHIND_EXACT);
        if current.generation.built().is_none() {
            most = most.max(table.len() * (BEHIND_EXACT - 1));
        }
        drift >= most && self.is_rebuilding()
    }

    /// Whether more rows were written since a state of the table, which drifted so far, than the table of
    /// so many rows has. An index of its rows alone would spare a search less than half: they are taken in
    /// first, so that a table can be filled as fast as rows are copied.
    pub(super) fn is_outgrown(&self, rows: usize, drift_then: usize) -> bool {
        self.current.load().view.drift().saturating_sub(drift_then) >= rows.max(DRIFT_MIN)
    }

    /// Asks for a rebuild; whether it is to be put into the queue. One that runs is followed by
    /// another, which takes in what it is too old for; one that waits needs no other.
    pub(super) fn rebuild_wanted(&self) -> bool {
        let mut rebuild = self.rebuild.lock();
        match rebuild.phase {
            RebuildPhase::Idle | RebuildPhase::Failed => {
                *rebuild = Rebuild { phase: RebuildPhase::Queued, ..Rebuild::default() };
                return true;
            }
            RebuildPhase::Queued => rebuild.is_cancelled = false,
            RebuildPhase::Copying | RebuildPhase::Building => rebuild.again = true,
        }
        false
    }

    /// The index that the next generation is to have.
    pub(super) fn index_choice(&self) -> IndexChoice {
        self.index_wanted.lock().unwrap_or_else(|| self.current().generation.index_choice())
    }

    /// From the next generation on, the table has this index; whether it has another one now.
    pub(super) fn want_index(&self, choice: IndexChoice) -> bool {
        *self.index_wanted.lock() = Some(choice);
        choice != self.current().generation.index_choice()
    }

    /// Whether a rebuild waits or runs.
    pub(super) fn is_rebuilding(&self) -> bool {
        !matches!(self.rebuild.lock().phase, RebuildPhase::Idle | RebuildPhase::Failed)
    }

    pub(super) fn rebuild_went_on(&self, phase: RebuildPhase, progress: f32, seconds: f32) {
        let mut rebuild = self.rebuild.lock();
        (rebuild.phase, rebuild.progress, rebuild.seconds) = (phase, progress, seconds);
    }

    /// The rebuild is done, or came to nothing: because of a problem, or because it was stopped.
    pub(super) fn rebuild_ended(&self, outcome: Result<(), Option<String>>) {
        let mut rebuild = self.rebuild.lock();
        // Behind the lock: who writes from here on finds no rebuild, and asks for one.
        let current = self.current();
        let drift = current.view.drift();
        // Those who wrote meanwhile may be done, and would ask for no other.
        let is_due = outcome.is_ok() && current.is_drifted();
        let is_wanted = current.view.change_count() > 0
            || self.index_choice() != current.generation.index_choice();
        if is_due || rebuild.again && is_wanted {
            *rebuild = Rebuild { phase: RebuildPhase::Queued, ..Rebuild::default() };
            return;
        }
        let not_below = match outcome {
            Ok(()) => 0,
            Err(_) => drift + (drift / 2).max(DRIFT_MIN),
        };
        let phase = match outcome {
            Err(Some(_)) => RebuildPhase::Failed,
            Ok(()) | Err(None) => RebuildPhase::Idle,
        };
        let problem = outcome.err().flatten().unwrap_or_default();
        *rebuild = Rebuild { phase, problem, not_below, ..Rebuild::default() };
    }

    /// Stops the build or rebuild that waits or runs.
    pub(super) fn cancel(&self) {
        let mut rebuild = self.rebuild.lock();
        (rebuild.is_cancelled, rebuild.again) = (true, false);
        *self.index_wanted.lock() = None;
    }

    /// What waits to be stopped is wanted after all.
    pub(super) fn keep_going(&self) {
        self.rebuild.lock().is_cancelled = false;
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.rebuild.lock().is_cancelled
    }

    /// What was asked to stop has stopped, and what waits behind it is not wanted either.
    pub(super) fn forget_cancel(&self) {
        if self.is_cancelled() {
            self.rebuild_ended(Err(None));
        }
    }
}

impl Writer {
    /// Takes in a write that is in the journal.
    pub(super) fn wrote(&mut self, view: View, changes: Vec<Change>) {
        self.head = Arc::new(view);
        self.pending.push_back((Arc::clone(&self.head), changes.into()));
    }
}
