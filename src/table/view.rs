//! `View`: a table as it is after some writes; a write makes a new one, which shares nearly all of
//! its memory with the old.

use std::borrow::Cow;
use std::sync::Arc;

use rpds::HashTrieMapSync;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::Table;
use crate::table::added::AddedWords;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::builder::{at_most, check_vector, check_word};
use crate::table::change::Change;
use crate::table::columns::{Collected, Column, Columns, RowAttributes};
use crate::table::input::Inputs;
use crate::text::cutter::Cutter;
use crate::text::subword::Subwords;
use crate::vector::row_set::RowSet;
use crate::vector::rows::Rows;
use crate::vector::{Dtype, RowId, algebra, scalar};

/// The rows of a dense table, less those that were deleted, with those that were added or
/// overwritten since. Immutable: who holds one sees one state.
///
/// A word that is added gets the next row number. A word that is overwritten keeps its row. A row
/// whose word was deleted is a hole, and its number is not given out again.
#[derive(Clone, Debug)]
pub struct View {
    base: Arc<Table>,
    /// Rows of the base that are as they were.
    intact: Arc<RowSet>,
    /// The places in `overwrites` of rows of the base that were overwritten.
    overwritten: HashTrieMapSync<RowId, u32>,
    overwrites: Written,
    /// The rows after those of the base, in their order.
    added: Written,
    /// Those of them that are there.
    added_count: usize,
    added_words: AddedWords,
    /// The attributes that rows of the base had.
    columns: Arc<Columns>,
    /// Those of rows whose attributes stand in no column, or were changed: none for a row that has none
    /// any more. Rows that were added have theirs beside their vectors.
    attributes: HashTrieMapSync<RowId, Option<Arc<Attributes>>>,
    /// Rows that have attributes.
    attributed: usize,
    /// Bytes of all words that were ever added.
    word_bytes: usize,
    /// The last write that it has seen.
    sequence: u64,
    /// Changes since the base.
    change_count: usize,
    /// Who cuts its texts; none for a table that has no name.
    cutter: Option<Arc<dyn Cutter>>,
}

/// Rows that were written, in chunks that views share.
#[derive(Clone, Debug)]
struct Written {
    dtype: Dtype,
    dim: usize,
    /// Every one but the last has so many rows.
    rows_max: usize,
    chunks: Vec<Arc<Chunk>>,
}

/// Some rows that were added or overwritten, side by side; copied when one of them changes.
#[derive(Clone, Debug)]
struct Chunk {
    /// None for what was deleted.
    rows: Vec<Option<RowId>>,
    /// Empty for rows of the base, which has their words.
    words: Vec<Arc<[u8]>>,
    /// None for rows of the base, and for those that have none.
    attributes: Vec<Option<Arc<Attributes>>>,
    vectors: Rows,
    norms: Vec<f32>,
}

/// Bytes of vectors in a chunk, about: what a write of one word copies.
const CHUNK_BYTES: usize = 16 << 10;

impl View {
    /// A table as it was built, after the write `sequence`.
    pub fn new(base: Arc<Table>, sequence: u64) -> Self {
        Self {
            intact: Arc::new(RowSet::all(base.len())),
            overwritten: HashTrieMapSync::default(),
            overwrites: Written::new(base.dtype(), base.dim()),
            added: Written::new(base.dtype(), base.dim()),
            added_count: 0,
            added_words: AddedWords::default(),
            columns: Arc::default(),
            attributes: HashTrieMapSync::default(),
            attributed: 0,
            word_bytes: 0,
            sequence,
            change_count: 0,
            cutter: None,
            base,
        }
    }

    /// What makes vectors of words that the table does not have.
    pub fn subwords(&self) -> Option<&Arc<Subwords>> {
        self.base.subwords()
    }

    /// Who knows the tokenizer that cuts its texts.
    pub fn cutter(&self) -> Option<&Arc<dyn Cutter>> {
        self.cutter.as_ref()
    }

    /// The same with one who cuts its texts.
    #[must_use]
    pub fn with_cutter(self, cutter: Option<Arc<dyn Cutter>>) -> Self {
        Self { cutter, ..self }
    }

    /// What a transformer adds to a token's vector.
    pub fn inputs(&self) -> &Inputs {
        self.base.inputs()
    }

    /// The same with the attributes of rows of its base.
    #[must_use]
    pub fn with_attributes(mut self, collected: Collected) -> Self {
        self.attributed = collected.attributed();
        self.columns = Arc::new(collected.columns);
        self.attributes = HashTrieMapSync::default();
        for (row, attributes) in collected.rest {
            self.attributes.insert_mut(row, Some(Arc::new(attributes)));
        }
        self
    }

    /// Gives a row its attributes.
    #[cfg(test)]
    pub(crate) fn give_attributes(&mut self, row: RowId, attributes: Attributes) {
        self.keep_attributes(row, attributes);
    }

    /// The table after one more write, whose changes are made in order.
    ///
    /// # Errors
    ///
    /// If a word that is to be deleted or attributed is not there; if a vector has another
    /// dimension, a value that is not finite or one that the dtype cannot hold; if a limit is passed.
    pub fn after(&self, changes: &[Change]) -> Result<Self> {
        let mut view = self.clone();
        view.write(changes)?;
        Ok(view)
    }

    /// Makes a write here, which costs less than making a new view. After an error it is made in
    /// part, and the view is good for nothing.
    ///
    /// # Errors
    ///
    /// As [`View::after`].
    pub fn write(&mut self, changes: &[Change]) -> Result<()> {
        for change in changes {
            self.apply(change)?;
        }
        self.added_words.join();
        self.sequence += 1;
        self.change_count += changes.len();
        Ok(())
    }

    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Put { word, vector, attributes } => {
                let row = self.put(word, vector)?;
                self.attribute(row, attributes, &[])
            }
            Change::Delete { word } => {
                let row = self.known(word)?;
                self.delete(row);
                Ok(())
            }
            Change::Attributes { word, set, remove } => {
                let row = self.known(word)?;
                self.attribute(row, set, remove)
            }
        }
    }

    fn known(&self, word: &[u8]) -> Result<RowId> {
        let unknown =
            || ErrorKind::UnknownWords { words: vec![String::from_utf8_lossy(word).into_owned()] };
        self.row(word).ok_or_else(|| Error::new(unknown()))
    }

    fn put(&mut self, word: &[u8], vector: &[f32]) -> Result<RowId> {
        check_word(word)?;
        check_vector((self.dtype(), self.dim()), word, vector)?;
        let Some(row) = self.row(word) else { return self.add(word, vector) };
        let (rows, at) = if row.index() >= self.base.len() {
            (&mut self.added, row.index() - self.base.len())
        } else if let Some(&at) = self.overwritten.get(&row) {
            (&mut self.overwrites, at as usize)
        } else {
            Arc::make_mut(&mut self.intact).remove(row);
            let at = self.overwrites.push(row, Arc::default(), vector);
            // A row of the base gets one place at most.
            self.overwritten.insert_mut(row, u32::try_from(at).expect("below ROWS_MAX"));
            return Ok(row);
        };
        rows.overwrite(at, vector);
        Ok(row)
    }

    /// Gives a new word the next row.
    fn add(&mut self, word: &[u8], vector: &[f32]) -> Result<RowId> {
        let end = self.rows_end();
        at_most("ROWS_MAX", limits::ROWS_MAX, end + 1)?;
        let word_bytes = self.word_bytes + word.len();
        let all_bytes = self.base.word_bytes() + word_bytes;
        at_most("VOCAB_BYTES_MAX", limits::VOCAB_BYTES_MAX, all_bytes)?;
        let row = RowId::try_from(end).expect("below ROWS_MAX");
        let word: Arc<[u8]> = word.into();
        self.added_words.insert(Arc::clone(&word), row);
        self.added.push(row, word, vector);
        self.added_count += 1;
        self.word_bytes = word_bytes;
        Ok(row)
    }

    fn delete(&mut self, row: RowId) {
        self.attributed -= usize::from(!self.attributes(row).is_empty());
        if let Some(at) = row.index().checked_sub(self.base.len()) {
            self.added.remove(at);
            self.added_count -= 1;
            return;
        }
        self.attributes.remove_mut(&row);
        if let Some(at) = self.overwritten.get(&row).copied() {
            self.overwrites.remove(at as usize);
            self.overwritten.remove_mut(&row);
        } else {
            Arc::make_mut(&mut self.intact).remove(row);
        }
    }

    fn attribute(&mut self, row: RowId, set: &Attributes, remove: &[String]) -> Result<()> {
        if set.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let mut attributes = self.attributes(row).to_attributes();
        for name in remove {
            attributes.remove(name);
        }
        for (name, value) in set.iter() {
            attributes.set(name.to_owned(), value.clone());
        }
        at_most("ATTRIBUTES_MAX", limits::ATTRIBUTES_MAX, attributes.len())?;
        self.keep_attributes(row, attributes);
        Ok(())
    }

    fn keep_attributes(&mut self, row: RowId, attributes: Attributes) {
        self.attributed -= usize::from(!self.attributes(row).is_empty());
        self.attributed += usize::from(!attributes.is_empty());
        let kept = (!attributes.is_empty()).then(|| Arc::new(attributes));
        if let Some(at) = row.index().checked_sub(self.base.len()) {
            self.added.attribute(at, kept);
        } else if kept.is_some() || self.columns.has(row) {
            self.attributes.insert_mut(row, kept);
        } else {
            self.attributes.remove_mut(&row);
        }
    }

    /// Where an added or overwritten row stands.
    fn delta(&self, row: RowId) -> (&Chunk, RowId) {
        if let Some(place) = row.index().checked_sub(self.base.len()) {
            return self.added.at(place);
        }
        let place = self.overwritten.get(&row).expect("the row is there: it has no hole");
        self.overwrites.at(*place as usize)
    }
}

impl From<Table> for View {
    fn from(table: Table) -> Self {
        Self::new(Arc::new(table), 0)
    }
}

/// What a table can tell.
impl View {
    /// Components of each vector.
    pub fn dim(&self) -> usize {
        self.base.dim()
    }

    /// How the components of its vectors are kept.
    pub fn dtype(&self) -> Dtype {
        self.base.dtype()
    }

    /// How many rows are there.
    pub fn len(&self) -> usize {
        self.intact.len() + self.written_count()
    }

    /// Whether no row is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One past the last row; before it are rows and holes.
    pub fn rows_end(&self) -> usize {
        self.base.len() + self.added.len()
    }

    /// The rows that are there, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        self.rows_from(0)
    }

    /// The rows that are there from this number on, ascending.
    pub fn rows_from(&self, start: usize) -> impl Iterator<Item = RowId> {
        let rows = (start..self.rows_end()).map_while(|row| RowId::try_from(row).ok());
        rows.filter(|&row| self.has(row))
    }

    /// Whether this row is there.
    #[inline]
    pub fn has(&self, row: RowId) -> bool {
        match row.index().checked_sub(self.base.len()) {
            Some(at) => self.added.has(at),
            None => self.intact.has(row) || self.overwritten.contains_key(&row),
        }
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<RowId> {
        let added = || self.added_words.row(word).filter(|&row| self.has(row));
        self.base.row(word).filter(|&row| self.has(row)).or_else(added)
    }

    /// The bytes of a row's word.
    ///
    /// # Panics
    ///
    /// If there is no such row, as with every method that takes a row.
    pub fn word(&self, row: RowId) -> &[u8] {
        if row.index() < self.base.len() {
            return self.base.word(row);
        }
        let (chunk, at) = self.delta(row);
        &chunk.words[at.index()]
    }

    /// Asks the processor to fetch words that will be read soon.
    pub fn prefetch_words(&self, rows: impl Iterator<Item = RowId> + Clone) {
        self.base.prefetch_words(rows.filter(|row| row.index() < self.base.len()));
    }

    /// A row's word to show: U+FFFD stands for what is not UTF-8.
    pub fn shown(&self, row: RowId) -> Cow<'_, str> {
        String::from_utf8_lossy(self.word(row))
    }

    /// A row's vector, as it is kept: as it was given, rounded to the dtype.
    #[inline]
    pub fn vector(&self, row: RowId) -> Cow<'_, [f32]> {
        if self.intact.has(row) {
            return self.base.vector(row);
        }
        let (chunk, at) = self.delta(row);
        chunk.vectors.row(at)
    }

    /// The Euclidean length of a row's vector; 0 for a row of zeros.
    #[inline]
    pub fn norm(&self, row: RowId) -> f32 {
        if self.intact.has(row) {
            return self.base.norm(row);
        }
        let (chunk, at) = self.delta(row);
        chunk.norms[at.index()]
    }

    /// A row's vector at length 1; a row of zeros stays so.
    pub fn unit(&self, row: RowId) -> Vec<f32> {
        let vector = self.vector(row);
        algebra::unit(&vector).unwrap_or_else(|| vector.to_vec())
    }

    /// The cosine similarity of a row and a vector, in double precision; 0 if one is all zeros.
    pub fn similarity(&self, row: RowId, vector: &[f32]) -> f64 {
        scalar::cosine(&self.vector(row), vector)
    }

    /// The attributes of a row.
    pub fn attributes(&self, row: RowId) -> RowAttributes<'_> {
        if row.index() >= self.base.len() {
            let (chunk, at) = self.delta(row);
            return own(chunk.attributes[at.index()].as_ref());
        }
        let kept = self.attributes.get(&row);
        kept.map_or(RowAttributes::Columns(&self.columns, row), |kept| own(kept.as_ref()))
    }

    /// How many rows have attributes.
    pub fn attributed(&self) -> usize {
        self.attributed
    }

    /// The rows that have an attribute.
    pub fn held<'a>(&'a self, name: &'a str) -> Held<'a> {
        Held { view: self, name, column: self.columns.column(name) }
    }

    /// Columns of the base's attributes; those of [`View::apart`] are not as they stand there.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The rows that are there whose attributes stand in no column, or differ from what stands there, in
    /// no order.
    pub fn apart(&self) -> impl Iterator<Item = (RowId, RowAttributes<'_>)> {
        let of_base = self.attributes.iter().map(|(&row, kept)| (row, own(kept.as_ref())));
        let of_added = self.added.chunks.iter().flat_map(|chunk| {
            let rows = chunk.rows.iter().zip(&chunk.attributes);
            rows.filter_map(|(row, kept)| Some(((*row)?, RowAttributes::Own(kept.as_deref()?))))
        });
        of_base.chain(of_added)
    }
}

/// The rows that have an attribute.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    view: &'a View,
    name: &'a str,
    column: Option<&'a Column>,
}

impl<'a> Held<'a> {
    /// The values of most of them.
    pub fn column(self) -> Option<&'a Column> {
        self.column
    }

    /// Whether a row is there and has the attributes that the columns say.
    pub fn is_of_column(self, row: RowId) -> bool {
        self.view.has(row) && !self.view.attributes.contains_key(&row)
    }

    /// The rows that have it beside the column, in no order.
    pub fn others(self) -> impl Iterator<Item = (RowId, &'a AttributeValue)> {
        self.view
            .apart()
            .filter_map(move |(row, attributes)| Some((row, attributes.get(self.name)?)))
    }

    /// The rows that had it when the base was made and those that got it, and whether each has it: what
    /// a loop that must look up now and then goes through.
    pub fn rows_or_not(self) -> impl Iterator<Item = bool> {
        let column = self.column.into_iter().flat_map(Column::places);
        let of_column = column.map(move |(row, _)| self.is_of_column(row));
        of_column.chain(self.view.apart().map(move |(_, kept)| kept.get(self.name).is_some()))
    }

    /// All of them: those of the column in row order, then the others.
    pub fn rows(self) -> impl Iterator<Item = (RowId, &'a AttributeValue)> {
        let column = self.column.into_iter().flat_map(Column::iter);
        column.filter(move |&(row, _)| self.is_of_column(row)).chain(self.others())
    }
}

/// What an index needs to know, and whoever makes a new table of it.
impl View {
    /// The table that was written to.
    pub fn base(&self) -> &Arc<Table> {
        &self.base
    }

    /// Rows of the base that are as they were.
    pub fn intact(&self) -> &RowSet {
        &self.intact
    }

    /// Whether it differs from its base in nothing but attributes.
    pub fn is_base(&self) -> bool {
        self.added.chunks.is_empty() && self.intact.len() == self.base.len()
    }

    /// Rows that were added or overwritten, in no order, with their vectors and norms.
    pub fn written(&self) -> impl Iterator<Item = (RowId, Cow<'_, [f32]>, f32)> {
        self.overwrites.chunks.iter().chain(&self.added.chunks).flat_map(|chunk| {
            let rows = chunk.rows.iter().zip((0..).map(RowId)).zip(&chunk.norms);
            rows.filter_map(|((row, at), &norm)| Some(((*row)?, chunk.vectors.row(at), norm)))
        })
    }

    /// How many rows were added or overwritten and are there.
    pub fn written_count(&self) -> usize {
        self.overwritten.size() + self.added_count
    }

    /// How many rows are holes.
    pub fn hole_count(&self) -> usize {
        self.rows_end() - self.len()
    }

    /// Rows in which it differs from its base, those that came and went among them: what a new
    /// table would save.
    pub fn drift(&self) -> usize {
        let written = self.overwrites.len() + self.added.len();
        written + (self.base.len() - self.intact.len() - self.overwritten.size())
    }

    /// The last write that it has seen.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Changes to words since the base.
    pub fn change_count(&self) -> usize {
        self.change_count
    }

    /// Bytes of memory that it takes beside the base, about.
    pub fn memory_bytes(&self) -> usize {
        let chunks = self.overwrites.memory_bytes() + self.added.memory_bytes();
        let maps = self.overwritten.size() + self.added_words.len() + 4 * self.attributes.size();
        let columns = self.columns.memory_bytes();
        self.intact.memory_bytes() + columns + chunks + self.word_bytes + maps * MAP_ENTRY_BYTES
    }
}

/// An entry of a persistent map with its share of the nodes above, about.
const MAP_ENTRY_BYTES: usize = 64;

fn own(kept: Option<&Arc<Attributes>>) -> RowAttributes<'_> {
    kept.map_or(RowAttributes::None, |kept| RowAttributes::Own(kept))
}

impl Written {
    fn new(dtype: Dtype, dim: usize) -> Self {
        let rows_max = (CHUNK_BYTES / dtype.row_bytes(dim)).max(1);
        Self { dtype, dim, rows_max, chunks: Vec::new() }
    }

    /// How many rows were written, those that are not there any more among them.
    fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * self.rows_max;
        full + self.chunks.last().map_or(0, |chunk| chunk.rows.len())
    }

    /// Appends a row; its place.
    fn push(&mut self, row: RowId, word: Arc<[u8]>, vector: &[f32]) -> usize {
        let place = self.len();
        if place.is_multiple_of(self.rows_max) {
            self.chunks.push(Arc::new(Chunk::new(self.dtype, self.dim)));
        }
        let (_, at) = self.split(place);
        if let Some(chunk) = self.chunks.last_mut().map(Arc::make_mut) {
            chunk.rows.push(Some(row));
            chunk.words.push(word);
            chunk.attributes.push(None);
            chunk.vectors.push(vector);
            chunk.norms.push(norm(&chunk.vectors, at));
        }
        place
    }

    fn overwrite(&mut self, place: usize, vector: &[f32]) {
        let (chunk, at) = self.at_mut(place);
        chunk.vectors.replace(at, vector);
        chunk.norms[at.index()] = norm(&chunk.vectors, at);
    }

    fn attribute(&mut self, place: usize, attributes: Option<Arc<Attributes>>) {
        let (chunk, at) = self.at_mut(place);
        chunk.attributes[at.index()] = attributes;
    }

    fn remove(&mut self, place: usize) {
        let (chunk, at) = self.at_mut(place);
        chunk.rows[at.index()] = None;
        chunk.attributes[at.index()] = None;
    }

    fn has(&self, place: usize) -> bool {
        let (chunk, at) = self.split(place);
        let row = self.chunks.get(chunk).and_then(|chunk| chunk.rows.get(at.index()));
        row.is_some_and(Option::is_some)
    }

    fn at(&self, place: usize) -> (&Chunk, RowId) {
        let (chunk, at) = self.split(place);
        (&self.chunks[chunk], at)
    }

    fn at_mut(&mut self, place: usize) -> (&mut Chunk, RowId) {
        let (chunk, at) = self.split(place);
        (Arc::make_mut(&mut self.chunks[chunk]), at)
    }

    /// The chunk of a place, and where in it.
    fn split(&self, place: usize) -> (usize, RowId) {
        let at = u32::try_from(place % self.rows_max).expect("a chunk has few rows");
        (place / self.rows_max, RowId(at))
    }

    fn memory_bytes(&self) -> usize {
        let chunk = |chunk: &Arc<Chunk>| chunk.vectors.memory_bytes() + 48 * chunk.rows.len();
        self.chunks.iter().map(chunk).sum()
    }
}

impl Chunk {
    fn new(dtype: Dtype, dim: usize) -> Self {
        Self {
            rows: Vec::new(),
            words: Vec::new(),
            attributes: Vec::new(),
            vectors: Rows::new(dtype, dim),
            norms: Vec::new(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "norms are kept in single precision")]
fn norm(rows: &Rows, row: RowId) -> f32 {
    scalar::norm(&rows.row(row)) as f32
}
