//! Rebuilds: the writes of a table taken into the dense rows of a new generation, with its own index,
//! while questions and writes go on.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::engine::Shared;
use crate::engine::generation::Generation;
use crate::engine::lineage::{Lineage, RebuildPhase};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::index::built::BuiltKind;
use crate::index::lists;
use crate::index::{EXACT_ROWS_MAX, Watch};
use crate::store::{Staging, TokenizerOf};
use crate::table::builder::TableBuilder;
use crate::table::change::Change;
use crate::table::columns::ColumnsBuilder;
use crate::table::meta::{Applied, Meta, Residence};
use crate::table::view::View;
use crate::vector::RowId;

/// Rows between two looks at the clock of progress and at what stops a rebuild.
const ROWS_PER_LOOK: usize = 1_024;
/// Writes that are made again while others wait.
const WRITES_AT_ONCE: usize = 64;

/// A table is being filled if it gets this share of its rows, as one in so many, in so much time.
const FILLED_WITHIN: Duration = Duration::from_millis(200);
const FILLED_AGAIN: usize = 100;

/// Rebuilds a table; the reason if it came to nothing.
///
/// The new generation holds the writes up to one; those that come meanwhile are remembered, and made
/// again on the new rows before these answer. Until its record is written the old generation and the
/// whole journal are what a crash leaves; from then on, the new one and the journal's end.
pub(super) fn rebuild(shared: &Shared, lineage: &Lineage, threads: usize) -> Result<()> {
    let began = Instant::now();
    let from = lineage.current().generation().number();
    let work = Rebuild { shared, lineage, from, began };
    let outcome = work.run(threads);
    lineage.writer().since = None;
    let name = &lineage.current().generation().name();
    let outcome = outcome.context(|| format!("rebuilding table {name}"));
    match &outcome {
        Ok(()) => {
            tracing::info!(table = %name, seconds = began.elapsed().as_secs_f32(), "rebuilt the table");
            lineage.rebuild_ended(Ok(()));
        }
        // Files of rows that are gone may be missing, which is no damage.
        Err(error) if *error.kind() == ErrorKind::Cancelled || work.is_overtaken() => {
            tracing::info!(table = %name, ?error, "stopped rebuilding the table");
            lineage.rebuild_ended(Err(None));
        }
        Err(error) => {
            tracing::error!(table = %name, ?error, "the table cannot be rebuilt");
            lineage.rebuild_ended(Err(Some(error.to_string())));
        }
    }
    outcome
}

struct Rebuild<'a> {
    shared: &'a Shared,
    lineage: &'a Lineage,
    /// The generation that it takes the rows of: it comes to nothing if that is replaced meanwhile.
    from: u64,
    began: Instant,
}

/// What stands in the new generation, durable, and seen by nobody.
struct Staged {
    staging: Staging,
    /// Its rows, after the last write among them.
    view: View,
}

impl Rebuild<'_> {
    fn run(&self, threads: usize) -> Result<()> {
        // Said before the view is taken: whoever asks for a rebuild from here on wants another one.
        self.look(RebuildPhase::Copying, 0.0)?;
        let view = {
            let mut writer = self.lineage.writer();
            writer.since = Some(Vec::new());
            // Writes that are under way are remembered once they are durable.
            self.lineage.current()
        };
        let view = view.view();
        let mut staged = self.stage(view)?;
        let generation = self.generation(&staged);
        let is_wanted = generation.meta().wants_index(staged.view.len(), EXACT_ROWS_MAX);
        if is_wanted && !self.is_outgrown(view) {
            let build = Build { of: self, drift: view.drift(), rows: staged.view.len() };
            match build.run(&mut staged.staging, &generation, threads) {
                // The rows answer without it, and it is built behind the next rebuild.
                Err(error) if *error.kind() == ErrorKind::Cancelled && !self.is_cancelled() => {}
                outcome => outcome?,
            }
        }
        self.switch(staged, generation)
    }

    /// Copies the rows that are there.
    fn stage(&self, view: &View) -> Result<Staged> {
        let mut staging = self.shared.store.stage(view.dtype(), view.dim())?;
        let mut builder = TableBuilder::of(view.dtype(), view.dim())?;
        let mut attributes = ColumnsBuilder::default();
        let residence = self.lineage.current().generation().residence();
        for (i, row) in view.rows().enumerate() {
            if i.is_multiple_of(ROWS_PER_LOOK) {
                self.look(RebuildPhase::Copying, i as f32 / view.len() as f32)?;
                staging.push(&builder)?;
                if residence == Residence::Disk {
                    builder.let_go(staging.rows());
                }
            }
            if let Ok(new) = RowId::try_from(builder.len()) {
                attributes.push(new, view.attributes(row));
            }
            builder.push(view.word(row), &view.vector(row))?;
        }
        staging.end(&builder)?;
        let attributes = attributes.build();
        staging.complete(&attributes)?;
        let table = staging.table(builder, residence)?;
        let table = table.with_subwords(view.subwords().cloned());
        let table = Arc::new(table.with_inputs(view.inputs().clone()));
        staging.inherit(self.lineage.current().generation().number())?;
        let view = View::new(table, view.sequence()).with_attributes(attributes);
        Ok(Staged { staging, view })
    }

    /// Whether an index of the rows that were copied would be outgrown before it is built.
    fn is_outgrown(&self, copied: &View) -> bool {
        let has_index = self.lineage.current().generation().built().is_some();
        self.lineage.is_outgrown(copied.base().len(), 0)
            || !has_index && is_being_filled(self.shared, self.lineage)
    }

    /// The new generation, without an index.
    fn generation(&self, staged: &Staged) -> Generation {
        let old = self.lineage.current();
        let meta = Meta {
            generation: staged.staging.generation(),
            row_count: staged.view.len() as u64,
            applied: Applied {
                lineage: Some(self.lineage.number()),
                sequence: staged.view.sequence(),
                attributed_rows: staged.view.attributed() as u64,
            },
            index: self.lineage.index_choice(),
            ..old.generation().meta()
        };
        let name = Arc::clone(old.generation().name_cell());
        Generation::new(meta, name, Arc::clone(staged.view.base()))
    }

    /// Makes the writes that came meanwhile again, and lets the new generation answer.
    fn switch(&self, staged: Staged, generation: Generation) -> Result<()> {
        let mut view = staged.view;
        while let Some(writes) = self.many_writes() {
            write(&mut view, &writes)?;
        }
        // First the lock that imports and deletions take first.
        let publishing = self.shared.publishing.lock();
        let mut writer = self.lineage.writer();
        if writer.is_closed || self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        let store = &self.shared.store;
        let epoch = store.ready()?;
        self.lineage.follow(&mut writer, epoch, store.last_write(self.lineage.number()));
        store.make_durable(epoch)?;
        let last = writer.head.sequence();
        self.lineage.publish(&mut writer, last);
        write(&mut view, &writer.since.take().unwrap_or_default())?;
        assert_eq!(view.sequence(), last, "every write was made again");
        let replaced = staged.staging.switch(&generation.meta(), TokenizerOf::Same)?;
        self.lineage.switch(&mut writer, Arc::new(generation), view);
        let kept_after = writer.kept_after.unwrap_or(u64::MAX);
        drop((writer, publishing));
        replaced.remove_but(kept_after);
        Ok(())
    }

    /// The writes remembered, if they are so many that others should not wait for them.
    fn many_writes(&self) -> Option<Vec<Arc<[Change]>>> {
        let mut writer = self.lineage.writer();
        writer.since.as_mut().filter(|since| since.len() > WRITES_AT_ONCE).map(std::mem::take)
    }

    fn look(&self, phase: RebuildPhase, progress: f32) -> Result<()> {
        self.lineage.rebuild_went_on(phase, progress, self.began.elapsed().as_secs_f32());
        if self.is_cancelled() { Err(Error::new(ErrorKind::Cancelled)) } else { Ok(()) }
    }
}

/// Whether so much is written to a table that an index of the rows that it has would soon be outgrown.
pub(super) fn is_being_filled(shared: &Shared, lineage: &Lineage) -> bool {
    let before = lineage.current();
    let drift = before.view().drift();
    if drift == 0 {
        return false;
    }
    shared.queue.pause(FILLED_WITHIN);
    let grown = lineage.current().view().drift().saturating_sub(drift);
    grown * FILLED_AGAIN >= before.generation().table().len()
        && lineage.is_at(before.generation())
        && !shared.is_closing()
        && !lineage.is_cancelled()
}

fn write(view: &mut View, writes: &[Arc<[Change]>]) -> Result<()> {
    writes.iter().try_for_each(|changes| view.write(changes))
}

/// The index of a rebuild. It comes to nothing where writes outgrow it.
#[derive(Clone, Copy)]
struct Build<'a> {
    of: &'a Rebuild<'a>,
    /// How far the table had drifted when its rows were copied, and how many they are.
    drift: usize,
    rows: usize,
}

impl Build<'_> {
    fn run(self, staging: &mut Staging, generation: &Generation, threads: usize) -> Result<()> {
        let table = generation.table();
        self.of.look(RebuildPhase::Building, 0.0)?;
        let kind = BuiltKind::of(generation.index_choice(), table.dim());
        let share = kind.first_share(table);
        let built = kind.build(table, threads, &Part { of: self, from: 0.0, to: share })?;
        staging.write_part(kind.part(), |out| built.write(out))?;
        generation.set_built(built, SystemTime::now());
        let rest = Part { of: self, from: share, to: 1.0 };
        if let Some(built) = generation.built()
            && let Some(lists) = built.find_lists(threads, &rest)?
        {
            staging.write_part(lists::KIND, |out| lists::write(&lists, out))?;
            built.join_lists(lists);
        }
        generation.build_ended(self.of.began.elapsed().as_secs_f32());
        Ok(())
    }
}

/// A part of the work on the index of a rebuild.
struct Part<'a> {
    of: Build<'a>,
    from: f32,
    to: f32,
}

impl Watch for Part<'_> {
    fn progress(&self, share: f32) {
        let share = self.from + (self.to - self.from) * share;
        let rebuild = self.of.of;
        let seconds = rebuild.began.elapsed().as_secs_f32();
        rebuild.lineage.rebuild_went_on(RebuildPhase::Building, share, seconds);
    }

    fn is_cancelled(&self) -> bool {
        let Build { of, drift, rows } = self.of;
        of.is_cancelled() || of.lineage.is_outgrown(rows, drift)
    }
}

impl Rebuild<'_> {
    fn is_cancelled(&self) -> bool {
        self.shared.is_closing() || self.lineage.is_cancelled() || self.is_overtaken()
    }

    /// Whether the table has other rows by now, or is deleted.
    fn is_overtaken(&self) -> bool {
        self.lineage.current().generation().number() != self.from
            || !self.shared.catalog.is_current(self.lineage)
    }
}
