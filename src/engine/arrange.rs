//! Places of a table's words by their neighbors: found by a job, kept beside the rows, read when a map is asked.

use std::sync::Arc;
use std::time::Instant;

use crate::budget::Share;
use crate::engine::arranged::kept;
use crate::engine::generation::Generation;
use crate::engine::lineage::{Current, Lineage};
use crate::engine::{Ask, Engine, Shared};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::Effort;
use crate::query::arrange::{Finder, arrange};
use crate::query::places::{self, Arranged};
use crate::table::meta::TableName;

/// How a table's words are to be arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrangeQuery {
    /// Another seed arranges them otherwise.
    pub seed: u64,
    /// Also if this seed has arranged them already.
    pub again: bool,
}

/// How they were arranged.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrangeReport {
    /// The table, by its own name.
    pub table: TableName,
    /// The generation that has the places.
    pub generation: u64,
    /// The last write that they have seen.
    pub sequence: u64,
    /// Rows that have one.
    pub placed_count: usize,
    /// By which others were drawn.
    pub seed: u64,
    /// Whether it had been done before.
    pub was_there: bool,
    /// How long it took then or now.
    pub seconds: f64,
}

/// Bytes of memory for each row while it is arranged: its neighbors, its place, and its number.
const ROW_BYTES: u64 = 200;
/// Bytes of disk for each row.
const KEPT_BYTES: u64 = 16;

impl Engine {
    /// Arranges a table's words by their neighbors, and keeps their places on disk until the table has other
    /// rows. `on_rows` is told how many rows are done, and how many there are.
    ///
    /// # Errors
    ///
    /// If there is no such table, if nothing may be written, or memory or disk have no room; `Conflict` if the
    /// table gets other rows meanwhile.
    pub fn arrange(
        &self,
        ask: &Ask<ArrangeQuery>,
        on_rows: &mut dyn FnMut(u64, u64),
    ) -> Result<ArrangeReport> {
        let (shared, ArrangeQuery { seed, again }) = (&self.shared, ask.query);
        shared.fence.check()?;
        let lineage = shared.catalog.lineage(&ask.table)?;
        let current = lineage.current();
        self.least.check(&current)?;
        let generation = current.generation();
        let kept = kept(shared, generation).filter(|kept| kept.seed == seed && !again);
        if let Some(kept) = kept {
            return Ok(report(generation, &kept, true));
        }
        let began = Instant::now();
        let rows = current.view().rows_end().min(limits::MAP_ROWS_MAX) as u64;
        let (mut memory, mut disk) = (Share::of(&shared.memory), Share::of(&shared.disk));
        memory.grow(rows * ROW_BYTES)?;
        disk.grow(rows * KEPT_BYTES)?;
        let go_on = || {
            self.go_on()?;
            still(shared, &lineage, generation)
        };
        let mut on_share = |share: f64| on_rows(rounded(share, rows), rows);
        let finder = &current.index();
        let finder = Finder { index: finder, default_ef: generation.ef_search(Effort::default()) };
        let mut arranged = arrange(current.view(), finder, seed, &go_on, &mut on_share)
            .context(|| format!("table {}", ask.table))?;
        on_rows(rows, rows);
        arranged.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.keep(&lineage, &current, Arc::new(arranged))
    }

    fn keep(
        &self,
        lineage: &Lineage,
        current: &Current,
        arranged: Arc<Arranged>,
    ) -> Result<ArrangeReport> {
        let (shared, generation) = (&self.shared, current.generation());
        let report = report(generation, &arranged, false);
        // A part that is there is replaced by a whole one, or stays.
        let part = shared
            .store
            .write_part(generation.number(), places::KIND, |out| places::write(&arranged, out))?;
        // The lock keeps a deleted table's manifest from being written behind the deletion.
        let _publishing = shared.publishing.lock();
        still(shared, lineage, generation)?;
        part.seal()?;
        generation.set_arranged(Some(arranged));
        let ArrangeReport { table, placed_count, seconds, .. } = &report;
        tracing::info!(%table, placed_count, seconds, "arranged the map");
        Ok(report)
    }
}

/// An error if a table has other rows by now.
fn still(shared: &Shared, lineage: &Lineage, generation: &Generation) -> Result<()> {
    if lineage.is_at(generation) && shared.catalog.is_current(lineage) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict { table: generation.name().to_string() }))
}

fn report(generation: &Generation, arranged: &Arranged, was_there: bool) -> ArrangeReport {
    ArrangeReport {
        table: TableName::clone(&generation.name()),
        generation: generation.number(),
        sequence: arranged.sequence,
        placed_count: arranged.placed_count(),
        seed: arranged.seed,
        was_there,
        seconds: arranged.milliseconds as f64 / 1e3,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of rows")]
fn rounded(share: f64, rows: u64) -> u64 {
    (share.clamp(0.0, 1.0) * rows as f64) as u64
}
