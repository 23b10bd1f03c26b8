//! Merging: the rows of tables as those of a new one.

use std::sync::Arc;

use crate::engine::import::{
    IfExists, ImportOptions, ImportProgress, ImportReport, Rows, Source, TokenizerPolicy,
};
use crate::engine::{Current, Engine, Stop};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::format::intake::{OnDuplicate, Policies};
use crate::limits;
use crate::table::meta::TableName;

/// Tables that are to be merged.
#[derive(Clone, Debug)]
pub struct MergeJob {
    /// In the order in which their rows come; all of one dimension.
    pub tables: Vec<TableName>,
    /// The new table, which may be one of them.
    pub target: TableName,
    /// For words that more than one of them has.
    pub on_duplicate: OnDuplicate,
    /// For a target that is there already: refused or replaced.
    pub if_exists: IfExists,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub merged_at: u64,
}

/// Rows between two looks at whether to go on.
const ROWS_PER_LOOK: usize = 1_024;

impl Engine {
    /// Makes a table of the rows of others, each as it is now, with their attributes. If anything fails,
    /// nothing changes.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`]; if there is no such table, if one of them has another dimension, or if none of
    /// them has a row.
    pub fn merge(
        &self,
        job: &MergeJob,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let tables = job.tables.iter().map(|table| self.current(table));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let mut dims = tables.iter().map(|table| table.view().dim());
        let expected = dims.next().unwrap_or(0);
        for (table, got) in job.tables.iter().skip(1).zip(dims) {
            if got != expected {
                let error = Error::new(ErrorKind::DimensionMismatch { expected, got });
                return Err(error).context(|| format!("table {table}"));
            }
        }
        if tables.iter().all(|table| table.view().is_empty()) {
            let because = "none of them has a row".to_owned();
            return Err(Error::new(ErrorKind::Unsuited { operation: "merging", because }));
        }
        let mut licenses = tables.iter().map(|table| table.generation().meta().provenance.license);
        let license = licenses.next().unwrap_or_default();
        let is_common = licenses.all(|other| other == license);
        let mut dtypes = tables.iter().map(|table| table.view().dtype());
        let first = dtypes.next();
        // Where they differ, single precision holds all of them.
        let dtype = first.filter(|&first| dtypes.all(|dtype| dtype == first));
        let options = ImportOptions {
            dtype,
            source_name: source_of(&tables),
            policies: Policies { on_duplicate: job.on_duplicate, ..Policies::default() },
            if_exists: job.if_exists,
            imported_at: job.merged_at,
            license: if is_common { license } else { String::new() },
            tokenizer: TokenizerPolicy::Leave,
            index: tables
                .first()
                .map(|table| table.generation().index_choice())
                .unwrap_or_default(),
            ..ImportOptions::new(job.target.clone())
        };
        self.import(&options, Source::Rows(rows_of(tables, self.stop.clone())), on_progress)
    }
}

/// Which tables they are, as one line.
fn source_of(tables: &[Arc<Current>]) -> String {
    let named = tables
        .iter()
        .map(|table| format!("table {}, generation {}", table.name(), table.generation().number()));
    let mut line = named.collect::<Vec<_>>().join("; ");
    line.truncate(line.floor_char_boundary(limits::SOURCE_BYTES_MAX));
    line
}

/// The rows of all of them, one table behind the other.
fn rows_of(tables: Vec<Arc<Current>>, stop: Stop) -> Rows {
    let rows = tables.into_iter().flat_map(|table| {
        let mut next = 0;
        std::iter::from_fn(move || {
            let row = table.view().rows_from(next).next()?;
            next = row.index() + 1;
            let view = table.view();
            let attributes = view.attributes(row).to_attributes();
            Some((view.word(row).to_vec(), view.vector(row).to_vec(), attributes))
        })
    });
    Box::new(rows.enumerate().map(move |(i, row)| {
        if i.is_multiple_of(ROWS_PER_LOOK) {
            stop.check()?;
        }
        Ok(row)
    }))
}
