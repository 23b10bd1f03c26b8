//! Writes: checked, put into the journal, durable, and only then seen and acknowledged.

use std::sync::Arc;

use crate::engine::lineage::{Current, Lineage};
use crate::engine::{Ask, Engine, Shared, TableStatus};
use crate::error::{Context as _, Error, ErrorKind, Result, Violation};
use crate::limits;
use crate::query::filter::{Filter, Scan};
use crate::query::resolve::resolve;
use crate::query::{GoOn, OovPolicy, WordOptions, WordOrVector};
use crate::table::attributes::Attributes;
use crate::table::change::Change;
use crate::table::meta::{IndexChoice, TableName};
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;

/// Words with their vectors are to be put into a table.
#[derive(Clone, Debug, PartialEq)]
pub struct PutQuery {
    /// Each word once.
    pub words: Vec<PutWord>,
    /// For words that the table has, or has not.
    pub mode: PutMode,
}

/// A word to put.
#[derive(Clone, Debug, PartialEq)]
pub struct PutWord {
    /// The word's bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Of the table's dimension; every value finite.
    pub vector: Vec<f32>,
    /// Set beside those that the word has.
    pub attributes: Attributes,
}

/// For words that the table has, or has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PutMode {
    /// Add those that are new, overwrite the others.
    #[default]
    Upsert,
    /// Refuse the call if the table has one of the words.
    InsertOnly,
    /// Refuse the call if the table lacks one of the words.
    UpdateOnly,
}

/// What became of a [`PutQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAnswer {
    /// One a word, in the order given.
    pub rows: Vec<RowId>,
    /// Words that are new.
    pub added: usize,
    /// Words that had a vector.
    pub overwritten: usize,
}

/// Words are to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteQuery {
    /// Words or rows; one that comes again counts once.
    pub queries: Vec<WordOrVector>,
    /// For words that the table lacks.
    pub oov: OovPolicy,
}

/// Words that a filter let through.
#[derive(Clone, Debug)]
pub struct Selected {
    table: TableName,
    scan: Scan,
    current: Arc<Current>,
    rows: Arc<RowSet>,
}

/// What became of words that were found to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedAnswer {
    /// Words that were deleted.
    pub count: usize,
    /// Words that were found and are too many for one write.
    pub left: usize,
}

impl Selected {
    fn delete(&self, now: &View) -> Result<(Vec<Change>, DeletedAnswer)> {
        let view = self.current.view();
        let rows = self.rows.rows().take(limits::DELETED_MAX);
        let words: Vec<&[u8]> = rows.map(|row| view.word(row)).collect();
        let left = self.rows.len() - words.len();
        let delete = |word: &[u8]| Change::Delete { word: word.into() };
        let changes: Vec<_> = if now.sequence() == view.sequence() {
            words.into_iter().map(delete).collect()
        } else {
            // Rows may have other numbers by now, and were chosen by those of then.
            let scan = Scan { rows: None, ..self.scan.clone() };
            let rows = scan.among(now, words.into_iter())?;
            rows.rows().map(|row| delete(now.word(row))).collect()
        };
        let answer = DeletedAnswer { count: changes.len(), left };
        Ok((changes, answer))
    }
}

/// Attributes of words are to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributesQuery {
    /// One a word, made in order.
    pub changes: Vec<AttributesChange>,
    /// For words that the table lacks.
    pub oov: OovPolicy,
}

/// What is to become of the attributes of a word.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributesChange {
    /// A word or a row.
    pub query: WordOrVector,
    /// Names that are taken away first.
    pub remove: Vec<String>,
    /// Names that get a value then.
    pub set: Attributes,
}

/// What became of a write that names words of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteAnswer {
    /// Words that were changed or deleted.
    pub count: usize,
    /// Words that the table lacks, in the order first asked.
    pub unknown: Vec<String>,
}

/// A write that is durable and seen.
#[derive(Clone, Debug)]
pub struct Acknowledged<A> {
    /// The table, by its own name.
    pub table: TableName,
    /// The generation that was written to.
    pub generation: u64,
    /// The number of the write, or of the last one before it if it changes nothing.
    pub sequence: u64,
    /// What became of it.
    pub answer: A,
}

/// Every write is made whole or not at all; when it returns it survives a power cut, and every
/// question that begins then sees it. Each fails if there is no such table, if its rows are damaged,
/// if a limit is passed, or if the disk fails.
impl Engine {
    /// Puts words with their vectors into a table.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` naming every vector of another dimension; `WordsExist` or `UnknownWords`
    /// naming every word that the mode does not allow.
    pub fn put(&self, ask: &Ask<PutQuery>) -> Result<Acknowledged<PutAnswer>> {
        self.begin_put(ask)?.wait()
    }

    /// The same, not yet durable: many that have begun share one sync.
    ///
    /// # Errors
    ///
    /// As [`Engine::put`].
    pub fn begin_put(&self, ask: &Ask<PutQuery>) -> Result<Written<PutAnswer>> {
        self.write(&ask.table, WhenBehind::Refuse, |view| put(view, &ask.query))
    }

    /// The same for a write of a stream, which has waited for [`Engine::takes_writes`]: others that
    /// waited with it may have written since.
    ///
    /// # Errors
    ///
    /// As [`Engine::put`].
    pub fn begin_awaited_put(&self, ask: &Ask<PutQuery>) -> Result<Written<PutAnswer>> {
        self.write(&ask.table, WhenBehind::Write, |view| put(view, &ask.query))
    }

    /// Whether writes to a table are taken now, or refused until a rebuild has taken in those before.
    ///
    /// # Errors
    ///
    /// If there is no such table, or if its rows are damaged.
    pub fn takes_writes(&self, name: &TableName) -> Result<bool> {
        self.shared.check_open()?;
        let lineage = self.shared.catalog.lineage(name)?;
        Ok(!lineage.is_behind(lineage.current().view().drift()))
    }

    /// Deletes words with their vectors and attributes.
    ///
    /// # Errors
    ///
    /// As [`resolve`].
    pub fn delete_words(&self, ask: &Ask<DeleteQuery>) -> Result<Acknowledged<WriteAnswer>> {
        self.begin_delete(ask)?.wait()
    }

    /// The same, not yet durable.
    ///
    /// # Errors
    ///
    /// As [`Engine::delete_words`].
    pub fn begin_delete(&self, ask: &Ask<DeleteQuery>) -> Result<Written<WriteAnswer>> {
        self.write(&ask.table, WhenBehind::Refuse, |view| {
            delete(view, &ask.query, &|| self.stop.check())
        })
    }

    /// Finds the words that a filter lets through, to delete them: what takes long stands before the write.
    ///
    /// # Errors
    ///
    /// As [`Current::allowed`].
    pub fn select(&self, ask: &Ask<Filter>) -> Result<Selected> {
        let current = self.current(&ask.table)?;
        let rows = current.allowed(&ask.query, &|| self.stop.check())?;
        Ok(Selected { table: ask.table.clone(), scan: ask.query.scan.clone(), current, rows })
    }

    /// Deletes words that were found, the first [`limits::DELETED_MAX`] in row order; not yet durable. Those
    /// that were written since are looked at again, and words that only fit since then stay.
    ///
    /// # Errors
    ///
    /// If there is no such table, or if its rows are damaged.
    pub fn begin_delete_selected(&self, selected: &Selected) -> Result<Written<DeletedAnswer>> {
        self.write(&selected.table, WhenBehind::Refuse, |view| selected.delete(view))
    }

    /// Changes attributes of words.
    ///
    /// # Errors
    ///
    /// As [`resolve`].
    pub fn set_attributes(&self, ask: &Ask<AttributesQuery>) -> Result<Acknowledged<WriteAnswer>> {
        self.begin_attributes(ask)?.wait()
    }

    /// The same, not yet durable.
    ///
    /// # Errors
    ///
    /// As [`Engine::set_attributes`].
    pub fn begin_attributes(&self, ask: &Ask<AttributesQuery>) -> Result<Written<WriteAnswer>> {
        self.write(&ask.table, WhenBehind::Refuse, |view| {
            attribute(view, &ask.query, &|| self.stop.check())
        })
    }

    /// Takes the writes of a table into a new generation with its own index, in the background; or
    /// tries an index again that failed or was stopped. Nothing happens if there is nothing to do; if a
    /// rebuild runs, another follows for what was written since it began. An index of another kind than
    /// the table has is built by a rebuild too, and the table keeps the kind.
    ///
    /// # Errors
    ///
    /// If there is no such table, or if its rows are damaged.
    pub fn build_index(&self, name: &TableName, index: Option<IndexChoice>) -> Result<TableStatus> {
        self.shared.check_open()?;
        let lineage = self.shared.catalog.lineage(name)?;
        let current = lineage.current();
        let is_another = index.is_some_and(|index| lineage.want_index(index));
        if is_another || current.view().change_count() > 0 {
            if lineage.rebuild_wanted() {
                self.shared.queue.push(Arc::clone(&lineage));
            }
        } else if current.generation().wants_index_again() {
            self.shared.queue.push(Arc::clone(&lineage));
        } else {
            lineage.keep_going();
        }
        self.table(name)
    }

    /// Stops the build or rebuild of a table that waits or runs; what answers stays.
    ///
    /// # Errors
    ///
    /// If there is no such table, or if its rows are damaged.
    pub fn cancel_build(&self, name: &TableName) -> Result<TableStatus> {
        let lineage = self.shared.catalog.lineage(name)?;
        if lineage.index_status().is_under_way() {
            lineage.cancel();
        }
        self.table(name)
    }

    fn write<A>(
        &self,
        name: &TableName,
        when_behind: WhenBehind,
        make: impl Fn(&View) -> Result<(Vec<Change>, A)>,
    ) -> Result<Written<A>> {
        loop {
            self.shared.check_open()?;
            self.shared.fence.check()?;
            let lineage = self.shared.catalog.lineage(name)?;
            let written =
                self.write_to(&lineage, when_behind, &make).context(|| format!("table {name}"))?;
            // None: the table was replaced or deleted a moment ago, and the catalog knows.
            if let Some(Appended { generation, sequence, answer, epoch, words }) = written {
                let table = TableName::clone(&lineage.name());
                let answer = Acknowledged { table, generation, sequence, answer };
                let shared = Arc::clone(&self.shared);
                return Ok(Written { shared, lineage, epoch, words, answer });
            }
        }
    }

    fn write_to<A>(
        &self,
        lineage: &Lineage,
        when_behind: WhenBehind,
        make: impl Fn(&View) -> Result<(Vec<Change>, A)>,
    ) -> Result<Option<Appended<A>>> {
        let store = &self.shared.store;
        let mut writer = lineage.writer();
        if writer.is_closed {
            return Ok(None);
        }
        if when_behind == WhenBehind::Refuse && lineage.is_behind(writer.head.drift()) {
            let behind = "a rebuild of its index has to take in what was written before";
            return Err(Error::new(ErrorKind::Overloaded).context(behind));
        }
        let epoch = store.ready()?;
        lineage.follow(&mut writer, epoch, store.last_write(lineage.number()));
        let generation = lineage.current().generation().number();
        let (changes, answer) = make(&writer.head)?;
        if changes.is_empty() {
            let sequence = lineage.current().view().sequence();
            return Ok(Some(Appended { generation, sequence, answer, epoch: None, words: 0 }));
        }
        let words = changes.len();
        let view = writer.head.after(&changes)?;
        let sequence = view.sequence();
        store.append(epoch, lineage.number(), sequence, &changes)?;
        writer.wrote(view, changes);
        Ok(Some(Appended { generation, sequence, answer, epoch: Some(epoch), words }))
    }
}

/// What becomes of a write that a rebuild is too far behind for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenBehind {
    Refuse,
    /// It has waited: the streams are few, and each writes one message more.
    Write,
}

/// What was written to the journal.
struct Appended<A> {
    generation: u64,
    /// The number of the write, or of the last one before it if it changes nothing.
    sequence: u64,
    answer: A,
    /// The store's epoch; none if it changes nothing.
    epoch: Option<u64>,
    /// Words that it changes.
    words: usize,
}

/// A write that is in the journal, and that nobody sees before it is durable.
#[derive(Debug)]
#[must_use = "it is not durable yet"]
pub struct Written<A> {
    shared: Arc<Shared>,
    lineage: Arc<Lineage>,
    /// The store's epoch in which it was written; none if it changes nothing.
    epoch: Option<u64>,
    /// Words that it changes.
    words: usize,
    answer: Acknowledged<A>,
}

impl<A> Written<A> {
    /// Waits until it is durable, and shows it.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn wait(self) -> Result<Acknowledged<A>> {
        let Self { shared, lineage, epoch, words, answer } = self;
        if let Some(epoch) = epoch {
            let durable = shared.store.make_durable(epoch);
            durable.context(|| format!("table {}", answer.table))?;
            lineage.publish(&mut lineage.writer(), answer.sequence);
            shared.standing.wrote(words);
        }
        if lineage.rebuild_if_due() {
            shared.queue.push(lineage);
        }
        Ok(answer)
    }
}

fn put(view: &View, query: &PutQuery) -> Result<(Vec<Change>, PutAnswer)> {
    let violations: Vec<_> = (0..)
        .zip(&query.words)
        .filter(|(_, put)| put.vector.len() != view.dim())
        .map(|(i, put)| Violation {
            field: format!("words[{i}].vector"),
            problem: wrong_dimension(view.dim(), put.vector.len()),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument { violations }));
    }
    let mut answer = PutAnswer { rows: Vec::new(), added: 0, overwritten: 0 };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for put in &query.words {
        let shown = || String::from_utf8_lossy(&put.word).into_owned();
        if let Some(row) = view.row(&put.word) {
            known.push(shown());
            answer.rows.push(row);
        } else {
            // Beyond the last number there is, the write itself is refused.
            let row = RowId::try_from(view.rows_end() + unknown.len());
            unknown.push(shown());
            answer.rows.push(row.unwrap_or(RowId(u32::MAX)));
        }
    }
    (answer.added, answer.overwritten) = (unknown.len(), known.len());
    match query.mode {
        PutMode::InsertOnly if !known.is_empty() => {
            return Err(Error::new(ErrorKind::WordsExist { words: known }));
        }
        PutMode::UpdateOnly if !unknown.is_empty() => {
            return Err(Error::new(ErrorKind::UnknownWords { words: unknown }));
        }
        PutMode::Upsert | PutMode::InsertOnly | PutMode::UpdateOnly => {}
    }
    let changes = query.words.iter().cloned().map(|put| {
        let PutWord { word, vector, attributes } = put;
        Change::Put { word, vector, attributes }
    });
    Ok((changes.collect(), answer))
}

fn wrong_dimension(expected: usize, got: usize) -> String {
    format!("the vector has {got} components, the table has {expected}")
}

fn delete(view: &View, query: &DeleteQuery, go_on: GoOn<'_>) -> Result<(Vec<Change>, WriteAnswer)> {
    let asked: Vec<_> = query.queries.iter().collect();
    let (mut rows, unknown) = rows(view, &asked, query.oov, &|i| format!("queries[{i}]"), go_on)?;
    rows.sort_unstable();
    rows.dedup();
    let changes =
        rows.into_iter().flatten().map(|row| Change::Delete { word: view.word(row).into() });
    let changes: Vec<_> = changes.collect();
    let answer = WriteAnswer { count: changes.len(), unknown };
    Ok((changes, answer))
}

fn attribute(
    view: &View,
    query: &AttributesQuery,
    go_on: GoOn<'_>,
) -> Result<(Vec<Change>, WriteAnswer)> {
    let asked: Vec<_> = query.changes.iter().map(|change| &change.query).collect();
    let field = |i: usize| format!("changes[{i}].query");
    let (rows, unknown) = rows(view, &asked, query.oov, &field, go_on)?;
    let changes = rows.into_iter().zip(&query.changes).filter_map(|(row, change)| {
        let (set, remove) = (change.set.clone(), change.remove.clone());
        Some(Change::Attributes { word: view.word(row?).into(), set, remove })
    });
    let changes: Vec<_> = changes.collect();
    let answer = WriteAnswer { count: changes.len(), unknown };
    Ok((changes, answer))
}

/// The row of each word, none where it is unknown; and those that are.
fn rows(
    view: &View,
    asked: &[&WordOrVector],
    oov: OovPolicy,
    field: &dyn Fn(usize) -> String,
    go_on: GoOn<'_>,
) -> Result<(Vec<Option<RowId>>, Vec<String>)> {
    let options = WordOptions { oov, ..WordOptions::default() };
    let (resolved, words) = resolve(view, &options, asked, field, go_on)?;
    Ok((resolved.into_iter().map(|found| found?.row).collect(), words.unknown))
}
