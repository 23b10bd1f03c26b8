//! `View`: a table as it is after some writes; a write makes a new one, which shares nearly all of
//! its memory with the old.

use std::borrow::Cow;
use std::sync::Arc;

use rpds::HashTrieMapSync;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::Table;
use crate::table::attributes::Attributes;
use crate::table::builder::{at_most, check_vector, check_word};
use crate::table::change::Change;
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
    /// Rows that were added or overwritten, where there is one.
    slots: HashTrieMapSync<RowId, u32>,
    /// The words of the rows that were added.
    added: HashTrieMapSync<Arc<[u8]>, RowId>,
    attributes: HashTrieMapSync<RowId, Arc<Attributes>>,
    chunks: Vec<Arc<Chunk>>,
    /// One past the last row number that was given out.
    end: usize,
    /// Rows of the base that have a slot.
    overwritten: usize,
    /// Bytes of all words that were ever added.
    word_bytes: usize,
    /// The last write that it has seen.
    sequence: u64,
    /// Changes since the base.
    change_count: usize,
    /// Who cuts its texts; none for a table that has no name.
    cutter: Option<Arc<dyn Cutter>>,
}

/// Some rows that were added or overwritten, side by side; copied when one of them changes.
#[derive(Clone, Debug)]
struct Chunk {
    /// None for what was deleted.
    rows: Vec<Option<RowId>>,
    /// Empty for rows of the base, which has their words.
    words: Vec<Arc<[u8]>>,
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
            slots: HashTrieMapSync::default(),
            added: HashTrieMapSync::default(),
            attributes: HashTrieMapSync::default(),
            chunks: Vec::new(),
            end: base.len(),
            overwritten: 0,
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

    /// The same with the attributes of a row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn give_attributes(&mut self, row: RowId, attributes: Attributes) {
        assert!(self.has(row), "attributes belong to a row");
        if !attributes.is_empty() {
            self.attributes.insert_mut(row, Arc::new(attributes));
        }
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
                self.delete(row, word);
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
        let known = self.row(word);
        if let Some(row) = known
            && let Some(&slot) = self.slots.get(&row)
        {
            let (chunk, at) = self.chunk_mut(slot);
            chunk.vectors.replace(RowId(at), vector);
            chunk.norms[at as usize] = norm(&chunk.vectors, RowId(at));
            return Ok(row);
        }
        let word_bytes = self.word_bytes + word.len();
        let row = if let Some(row) = known {
            Arc::make_mut(&mut self.intact).remove(row);
            self.overwritten += 1;
            self.push(row, Arc::default(), vector);
            row
        } else {
            at_most("ROWS_MAX", limits::ROWS_MAX, self.end + 1)?;
            let all_bytes = self.base.word_bytes() + word_bytes;
            at_most("VOCAB_BYTES_MAX", limits::VOCAB_BYTES_MAX, all_bytes)?;
            let row = RowId::try_from(self.end).expect("below ROWS_MAX");
            let word: Arc<[u8]> = word.into();
            self.added.insert_mut(Arc::clone(&word), row);
            self.end += 1;
            self.word_bytes = word_bytes;
            self.push(row, word, vector);
            row
        };
        Ok(row)
    }

    /// Gives a row its slot.
    fn push(&mut self, row: RowId, word: Arc<[u8]>, vector: &[f32]) {
        let rows_max = self.rows_per_chunk();
        if self.chunks.last().is_none_or(|chunk| chunk.rows.len() == rows_max) {
            self.chunks.push(Arc::new(Chunk::new(self.dtype(), self.dim())));
        }
        let whole = (self.chunks.len() - 1) * rows_max;
        let Some(chunk) = self.chunks.last_mut().map(Arc::make_mut) else { return };
        // No more slots are given out than rows, and overwritten rows are rows.
        let slot = u32::try_from(whole + chunk.rows.len()).expect("slots have numbers as rows do");
        chunk.rows.push(Some(row));
        chunk.words.push(word);
        chunk.vectors.push(vector);
        // No chunk has so many rows.
        let at = RowId::try_from(chunk.rows.len() - 1).unwrap_or(RowId(0));
        chunk.norms.push(norm(&chunk.vectors, at));
        self.slots.insert_mut(row, slot);
    }

    fn delete(&mut self, row: RowId, word: &[u8]) {
        self.attributes.remove_mut(&row);
        if let Some(slot) = self.slots.get(&row).copied() {
            let (chunk, at) = self.chunk_mut(slot);
            chunk.rows[at as usize] = None;
            self.slots.remove_mut(&row);
            if !self.added.remove_mut(word) {
                self.overwritten -= 1;
            }
        } else {
            Arc::make_mut(&mut self.intact).remove(row);
        }
    }

    fn attribute(&mut self, row: RowId, set: &Attributes, remove: &[String]) -> Result<()> {
        if set.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let mut attributes = self.attributes(row).cloned().unwrap_or_default();
        for name in remove {
            attributes.remove(name);
        }
        for (name, value) in set.iter() {
            attributes.set(name.to_owned(), value.clone());
        }
        at_most("ATTRIBUTES_MAX", limits::ATTRIBUTES_MAX, attributes.len())?;
        if attributes.is_empty() {
            self.attributes.remove_mut(&row);
        } else {
            self.attributes.insert_mut(row, Arc::new(attributes));
        }
        Ok(())
    }

    fn rows_per_chunk(&self) -> usize {
        (CHUNK_BYTES / self.dtype().row_bytes(self.dim())).max(1)
    }

    fn chunk_mut(&mut self, slot: u32) -> (&mut Chunk, u32) {
        let (chunk, at) = self.place(slot);
        (Arc::make_mut(&mut self.chunks[chunk]), at)
    }

    fn place(&self, slot: u32) -> (usize, u32) {
        let rows_max = self.rows_per_chunk();
        let at = slot as usize % rows_max;
        (slot as usize / rows_max, u32::try_from(at).expect("less than a slot's number"))
    }

    /// Where an added or overwritten row stands.
    fn delta(&self, row: RowId) -> (&Chunk, u32) {
        let slot = *self.slots.get(&row).expect("the row is there: it has no hole");
        let (chunk, at) = self.place(slot);
        (&self.chunks[chunk], at)
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
        self.intact.len() + self.slots.size()
    }

    /// Whether no row is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One past the last row; before it are rows and holes.
    pub fn rows_end(&self) -> usize {
        self.end
    }

    /// The rows that are there, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        self.rows_from(0)
    }

    /// The rows that are there from this number on, ascending.
    pub fn rows_from(&self, start: usize) -> impl Iterator<Item = RowId> {
        let rows = (start..self.end).map_while(|row| RowId::try_from(row).ok());
        rows.filter(|&row| self.has(row))
    }

    /// Whether this row is there.
    #[inline]
    pub fn has(&self, row: RowId) -> bool {
        self.intact.has(row) || self.slots.contains_key(&row)
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<RowId> {
        let added = || self.added.get(word).copied();
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
        &chunk.words[at as usize]
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
        chunk.vectors.row(RowId(at))
    }

    /// The Euclidean length of a row's vector; 0 for a row of zeros.
    #[inline]
    pub fn norm(&self, row: RowId) -> f32 {
        if self.intact.has(row) {
            return self.base.norm(row);
        }
        let (chunk, at) = self.delta(row);
        chunk.norms[at as usize]
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

    /// The attributes of a row; none if it has none.
    pub fn attributes(&self, row: RowId) -> Option<&Attributes> {
        self.attributes.get(&row).map(|attributes| &**attributes)
    }

    /// Rows that have attributes, in no order.
    pub fn attributed(&self) -> impl ExactSizeIterator<Item = (RowId, &Attributes)> {
        self.attributes.iter().map(|(&row, attributes)| (row, &**attributes))
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
        self.chunks.is_empty() && self.intact.len() == self.base.len()
    }

    /// Rows that were added or overwritten, in no order, with their vectors and norms.
    pub fn written(&self) -> impl Iterator<Item = (RowId, Cow<'_, [f32]>, f32)> {
        self.chunks.iter().flat_map(|chunk| {
            let rows = chunk.rows.iter().zip((0..).map(RowId)).zip(&chunk.norms);
            rows.filter_map(|((row, at), &norm)| Some(((*row)?, chunk.vectors.row(at), norm)))
        })
    }

    /// How many rows were added or overwritten and are there.
    pub fn written_count(&self) -> usize {
        self.slots.size()
    }

    /// How many rows are holes.
    pub fn hole_count(&self) -> usize {
        self.end - self.len()
    }

    /// Rows in which it differs from its base, those that came and went among them: what a new
    /// table would save.
    pub fn drift(&self) -> usize {
        // Every chunk but the last is full.
        let full = self.chunks.len().saturating_sub(1) * self.rows_per_chunk();
        let slots = full + self.chunks.last().map_or(0, |chunk| chunk.rows.len());
        slots + (self.base.len() - self.intact.len() - self.overwritten)
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
        let chunk = |chunk: &Arc<Chunk>| chunk.vectors.memory_bytes() + 40 * chunk.rows.len();
        let chunks: usize = self.chunks.iter().map(chunk).sum();
        let maps = self.slots.size() + 2 * self.added.size() + 4 * self.attributes.size();
        self.intact.memory_bytes() + chunks + self.word_bytes + maps * MAP_ENTRY_BYTES
    }
}

/// An entry of a persistent map with its share of the nodes above, about.
const MAP_ENTRY_BYTES: usize = 64;

impl Chunk {
    fn new(dtype: Dtype, dim: usize) -> Self {
        let vectors = Rows::new(dtype, dim);
        Self { rows: Vec::new(), words: Vec::new(), vectors, norms: Vec::new() }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "norms are kept in single precision")]
fn norm(rows: &Rows, row: RowId) -> f32 {
    scalar::norm(&rows.row(row)) as f32
}
