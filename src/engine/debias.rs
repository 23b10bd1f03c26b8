//! Debiasing: a new table made of another, with the same probes of both.

use std::sync::Arc;
use std::time::Instant;

use crate::bias::SetUsed;
use crate::bias::debias::{DebiasMethod, DebiasQuery, Debiaser, told_apart};
use crate::bias::partition::Partitions;
use crate::bias::suites::{self, Language, Published};
use crate::bias::weat::{self, WeatQuery};
use crate::engine::import::{IfExists, ImportOptions, Rows, Source, TokenizerPolicy};
use crate::engine::{Ask, Current, Engine};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::test_set::{Figure, TestSet, TestSetKind};
use crate::format::intake::Policies;
use crate::limits;
use crate::query::GoOn;
use crate::table::meta::TableName;
use crate::table::view::View;
use crate::vector::RowId;

/// What is to be done with a table.
#[derive(Clone, Debug)]
pub struct DebiasJob {
    /// The new table.
    pub target: TableName,
    /// Whether it may replace one.
    pub replace: bool,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
    /// How.
    pub query: DebiasQuery,
    /// By which the report compares both tables.
    pub test_sets: Vec<ReportTestSet>,
}

/// A test set that a report is to tell of.
#[derive(Clone, Debug)]
pub struct ReportTestSet {
    /// Its name in the report.
    pub name: String,
    /// Its kind, and its file; none for a stored one, which is found by its name.
    pub file: Option<(TestSetKind, Vec<u8>)>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct DebiasReport {
    /// The new table.
    pub table: TableName,
    /// Its generation.
    pub generation: u64,
    /// How it came about, kept as the new table's source.
    pub lineage: String,
    /// Rows of both.
    pub row_count: u64,
    /// Rows of the old one with attributes, which the new one took over.
    pub attributed_rows: u64,
    /// Name, before, after; none where it could not be measured.
    pub probes: Vec<BeforeAfter>,
    /// The sets as used.
    pub sets: Vec<SetUsed>,
    /// What makes the outcome doubtful.
    pub warnings: Vec<String>,
    /// To the last row on disk, without the probes.
    pub seconds: f64,
}

/// A figure's name, and what it was before and after.
pub type BeforeAfter = (String, Option<f64>, Option<f64>);

/// Rows between two looks at whether to go on.
const ROWS_PER_LOOK: usize = 1_024;
/// Rows of which the mean bias is told.
const MEASURED: usize = 5_000;
/// Partitions of each association test, whose p-value is not told.
const PARTITIONS: Partitions = Partitions { drawn: 1, draw: true, seed: 0 };

impl Engine {
    /// Makes a new table with less of a bias; the old one stays as it is. If anything fails, or the
    /// caller leaves before the new one is there, nothing changes. Once it is there the report comes,
    /// without probes if these were stopped.
    ///
    /// # Errors
    ///
    /// As [`Debiaser::new`]; if there is no such table, or the target is there and not to be replaced,
    /// or is the table itself; if the disk fails.
    pub fn debias(
        &self,
        ask: &Ask<DebiasJob>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<DebiasReport> {
        let DebiasJob { target, replace, imported_at, query, test_sets } = &ask.query;
        if *target == ask.table {
            return Err(Error::invalid("target", "a new table: the old one stays as it is"));
        }
        let test_sets = self.report_test_sets(test_sets)?;
        let began = Instant::now();
        let current = self.current(&ask.table)?;
        let go_on = || self.go_on();
        let debiaser = Debiaser::new(current.view(), query, &go_on)
            .context(|| format!("table {}", ask.table))?;
        let (sets, mut warnings) = (debiaser.used.clone(), debiaser.warnings.clone());
        let debiaser = Arc::new(debiaser);
        let lineage = lineage(&ask.table, &current, query);
        let row_count = current.view().len() as u64;
        let options = ImportOptions {
            table: target.clone(),
            source_name: lineage.clone(),
            policies: Policies::default(),
            if_exists: if *replace { IfExists::Replace } else { IfExists::Error },
            limit: None,
            total_bytes: None,
            imported_at: *imported_at,
            counts: None,
            license: current.generation().meta().provenance.license,
            told: String::new(),
            dry_run: false,
            index: current.generation().index_choice(),
            dtype: Some(current.view().dtype()),
            residence: current.generation().residence(),
            tokenizer: TokenizerPolicy::Leave,
        };
        let rows = self.debiased(&current, &debiaser);
        let report = self.import(&options, Source::Rows(rows), &mut |progress| {
            on_progress(progress.rows_read, row_count);
        })?;
        let seconds = began.elapsed().as_secs_f64();
        // The table is there: what ends this from here on takes nothing back.
        let probes = self.measured(&ask.query, &current, &debiaser, &test_sets);
        let probes = probes.unwrap_or_else(|error| {
            warnings.push(format!("the new table is there, and was not measured: {error}"));
            Vec::new()
        });
        Ok(DebiasReport {
            table: target.clone(),
            generation: report.generation,
            lineage,
            row_count: report.rows_kept,
            attributed_rows: current.view().attributed() as u64,
            probes,
            sets,
            warnings,
            seconds,
        })
    }

    /// The probes and test sets of a report, of the old table and the new one.
    fn measured(
        &self,
        job: &DebiasJob,
        old: &Current,
        debiaser: &Debiaser,
        test_sets: &[(String, TestSet)],
    ) -> Result<Vec<BeforeAfter>> {
        let new = self.shared.catalog.current(&job.target)?;
        let (views, go_on) = ((old.view(), new.view()), || self.go_on());
        let mut probes = probes(views, debiaser, &job.query, &go_on)?;
        probes.extend(compared(views, test_sets, &go_on)?);
        Ok(probes)
    }

    /// The test sets of a report, read before the work begins.
    fn report_test_sets(&self, asked: &[ReportTestSet]) -> Result<Vec<(String, TestSet)>> {
        let each = asked.iter().map(|ReportTestSet { name, file }| {
            let (kind, bytes) = match file {
                Some((kind, bytes)) => (*kind, bytes.clone()),
                None => self.stored_test_set(name)?,
            };
            let read = TestSet::read(kind, &bytes, Lookup::default());
            Ok((name.clone(), read.context(|| format!("test set {name}"))?))
        });
        each.collect()
    }

    fn stored_test_set(&self, name: &str) -> Result<(TestSetKind, Vec<u8>)> {
        let not_found = || Error::new(ErrorKind::TestSetNotFound { name: name.to_owned() });
        let name = TableName::try_from(name.to_owned()).map_err(|_| not_found())?;
        let (head, bytes) = self.test_set(&name)?;
        let kind = TestSetKind::of_name(&head.kind).ok_or_else(not_found)?;
        Ok((kind, bytes))
    }

    /// The rows of the new table, made one by one.
    fn debiased(&self, current: &Arc<Current>, debiaser: &Arc<Debiaser>) -> Rows {
        let (current, debiaser) = (Arc::clone(current), Arc::clone(debiaser));
        let stop = self.stop.clone();
        let end = current.view().rows_end();
        let rows = (0..end).map_while(|row| RowId::try_from(row).ok()).enumerate();
        Box::new(rows.filter_map(move |(i, row)| {
            if i.is_multiple_of(ROWS_PER_LOOK)
                && let Err(error) = stop.check()
            {
                return Some(Err(error));
            }
            let view = current.view();
            let there = view.has(row);
            there.then(|| {
                let attributes = view.attributes(row).to_attributes();
                Ok((view.word(row).to_vec(), debiaser.row(row, &view.vector(row)), attributes))
            })
        }))
    }
}

/// How the new table came about, as one line.
fn lineage(table: &TableName, current: &Current, query: &DebiasQuery) -> String {
    let method = match query.method {
        DebiasMethod::Hard => "hard",
        DebiasMethod::Multiclass => "multiclass",
        DebiasMethod::DoubleHard => "double hard",
        DebiasMethod::LinearProjection => "linear projection",
        DebiasMethod::HalfSibling => "half-sibling",
    };
    let generation = current.generation().number();
    let pairs = query.from.words.iter().zip(&query.to.words);
    let pairs: Vec<_> = pairs.map(|(from, to)| format!("{from}:{to}")).collect();
    let sets: Vec<_> = query.sets.iter().map(|set| set.words.join(":")).collect();
    let words = [pairs, sets].concat().join(" ");
    let mut line =
        format!("table {table}, generation {generation}, debiased ({method}) by {words}");
    let fits = (0..=limits::SOURCE_BYTES_MAX.min(line.len())).rev();
    let end = fits.into_iter().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    line.truncate(end);
    line
}

/// The same probes of the old table and the new one.
fn probes(
    (old, new): (&View, &View),
    debiaser: &Debiaser,
    query: &DebiasQuery,
    go_on: GoOn<'_>,
) -> Result<Vec<BeforeAfter>> {
    let mean_bias = |view: &View| {
        let rows: Vec<RowId> = view.rows().take(MEASURED).collect();
        let sum: f64 = rows.iter().map(|&row| debiaser.bias_of(&view.vector(row))).sum();
        sum / rows.len().max(1) as f64
    };
    let name = format!("mean bias of the first {MEASURED} words");
    let mut probes = vec![(name, Some(mean_bias(old)), Some(mean_bias(new)))];
    if query.method != DebiasMethod::Multiclass {
        let (before, after) = match told_apart(old, new, query, go_on) {
            Ok((before, after)) => (Some(before), Some(after)),
            Err(error) if matches!(error.kind(), ErrorKind::Unsuited { .. }) => (None, None),
            Err(error) => return Err(error),
        };
        probes.push(("biased words told apart by clusters".to_owned(), before, after));
    }
    for Published { name, language, sets } in suites::all() {
        go_on()?;
        let test = WeatQuery { sets, terms: query.terms.clone(), partitions: PARTITIONS };
        let effect = |view: &View| -> Option<f64> {
            weat::weat(view, &test, go_on).ok().map(|answer| answer.effect_size)
        };
        let (before, after) = (effect(old), effect(new));
        // Tests in a language that the table does not have would only be noise.
        if language == Language::English || before.is_some() {
            probes.push((format!("effect size of {name}"), before, after));
        }
    }
    Ok(probes)
}

/// The figures of test sets, of the old table and of the new one.
fn compared(
    (old, new): (&View, &View),
    test_sets: &[(String, TestSet)],
    go_on: GoOn<'_>,
) -> Result<Vec<BeforeAfter>> {
    let mut figures = Vec::new();
    for (name, set) in test_sets {
        let both = set.figures(old, go_on)?.into_iter().zip(set.figures(new, go_on)?);
        let told = |((figure, before), (_, after)): (Figure, Figure)| {
            (format!("{name}: {figure}"), before, after)
        };
        figures.extend(both.map(told));
    }
    Ok(figures)
}
