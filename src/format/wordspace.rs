//! `.wordspace`: a table as one file, with attributes, sub-words and a transformer's tables.
//!
//! A [container](crate::container) of the kind `archive`. Its section `manifest`, JSON, tells rows,
//! components and metadata, and of each part its length and BLAKE3; every other section is a
//! [part of a table](crate::table::part), itself a container.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Kind, Sealed, Writer as Sealing};
use crate::error::{At, Error, ErrorKind, Result};
use crate::format::entry::{Entry, Read, Told, Writer};
use crate::format::paired::Paired;
use crate::format::selection::Selection;
use crate::format::tensor::{Matrix, check_dim};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, Row, RowReader, Step, malformed};
use crate::table::columns::Collected;
use crate::table::part::{self, ATTRIBUTES, INPUTS, SUBWORDS, WORDS, vectors_of};
use crate::vector::{Dtype, RowId};

const NAME: &str = "wordspace";
const ARCHIVE: Kind =
    Kind { name: "archive", version: 1, advice: "copy or export the file once more" };
const BEGINS: &[u8] = b"WSPACE\0\x01archive\0";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "wordspace archive",
    about: "a table with all that belongs to it, digests checked",
    suffixes: &["wordspace"],
    begins: |head| Told::surely(head.bytes.starts_with(BEGINS)),
    read: Read::Whole(read),
    write: Some(Writer { write, has_attributes: true, has_inputs: true, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

#[derive(Serialize, Deserialize)]
struct Manifest {
    rows: usize,
    dim: usize,
    #[serde(default, skip_serializing_if = "is_f32")]
    dtype: Dtype,
    metadata: BTreeMap<String, String>,
    /// The parts, by name.
    parts: BTreeMap<String, PartHead>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_f32(dtype: &Dtype) -> bool {
    *dtype == Dtype::F32
}

#[derive(Serialize, Deserialize)]
struct PartHead {
    bytes: u64,
    blake3: String,
}

/// A section that is a file itself.
struct Within<'a, W: Write>(&'a mut Sealing<W>);

impl<W: Write> Write for Within<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    write_all(table, out).map_err(io::Error::other)
}

fn write_all(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    let mut out = Sealing::new(out, ARCHIVE, 0)?;
    let mut parts = BTreeMap::new();
    add(&mut out, &mut parts, WORDS, |out| {
        part::rows::write_words(|| table.rows().map(|row| table.word(row)), out)
    })?;
    let dtype = table.dtype();
    add(&mut out, &mut parts, vectors_of(dtype), |out| {
        part::rows::begin_vectors(dtype, table.dim(), out)?;
        let mut bytes = Vec::new();
        table.rows().try_for_each(|row| {
            bytes.clear();
            dtype.encode(&table.vector(row), &mut bytes);
            out.write(&bytes)
        })
    })?;
    let attributed = || {
        let rows = (0..).map(RowId).zip(table.rows());
        rows.map(|(number, row)| (number, table.attributes(row)))
    };
    if table.attributed() > 0 && attributed().any(|(_, kept)| !kept.is_empty()) {
        add(&mut out, &mut parts, ATTRIBUTES, |out| part::attributes::write(attributed(), out))?;
    }
    if let Some(subwords) = table.subwords() {
        add(&mut out, &mut parts, SUBWORDS, |out| part::subwords::write(subwords, out).map(drop))?;
    }
    if let Some(inputs) = table.inputs() {
        let inputs = inputs.as_ref().map_err(|kind| Error::new(kind.clone()))?;
        add(&mut out, &mut parts, INPUTS, |out| part::inputs::write(inputs, table.dim(), out))?;
    }
    let metadata = table.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let (rows, dim) = (table.len(), table.dim());
    let manifest = Manifest { rows, dim, dtype, metadata: metadata.collect(), parts };
    let manifest = serde_json::to_vec_pretty(&manifest)
        .map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    out.section("manifest", CHUNK_BYTES)?;
    out.write(&manifest)?;
    out.finish().map(drop)
}

/// Writes a part as a section.
fn add<W: Write>(
    out: &mut Sealing<W>,
    parts: &mut BTreeMap<String, PartHead>,
    kind: Kind,
    write: impl FnOnce(&mut Sealing<io::BufWriter<Within<'_, W>>>) -> Result<()>,
) -> Result<()> {
    out.section(kind.name, CHUNK_BYTES)?;
    let within = io::BufWriter::with_capacity(CHUNK_BYTES as usize, Within(out));
    let mut part = Sealing::new(within, kind, 0)?;
    write(&mut part)?;
    let (mut within, Sealed { bytes, blake3 }) = part.finish()?;
    within.flush().map_err(Error::disk)?;
    parts.insert(kind.name.to_owned(), PartHead { bytes, blake3 });
    Ok(())
}

/// Damage of somebody's file is no fault of the server's.
fn whole<T>(read: Result<T>) -> Result<T> {
    read.map_err(|error| {
        let ErrorKind::Corrupt { what, .. } = error.kind() else { return error };
        malformed(NAME, At::Byte(0), format!("{what} is damaged; {}", ARCHIVE.advice))
    })
}

fn read(file: &Whole<'_>) -> Result<Parts> {
    whole(open(file))
}

fn open(file: &Whole<'_>) -> Result<Parts> {
    let file = Container::open(Arc::new(file.bytes.clone()), "the file".to_owned(), ARCHIVE)?;
    let manifest: Option<Manifest> =
        serde_json::from_slice(&file.section("manifest")?.read()?).ok();
    let manifest = manifest.ok_or_else(|| file.senseless())?;
    let part = |kind: Kind| {
        let Some(head) = manifest.parts.get(kind.name) else { return Ok(None) };
        let part = file.within(kind.name, kind)?;
        let is_same = part.bytes() == head.bytes && part.blake3()? == head.blake3;
        if is_same { Ok(Some(part)) } else { Err(part.senseless()) }
    };
    let needed = |kind| part(kind)?.ok_or_else(|| file.senseless());
    let Manifest { dim, dtype, .. } = manifest;
    check_dim(dim, "the file")?;
    let words = words(&needed(WORDS)?)?;
    let vectors = Vectors::new(needed(vectors_of(dtype))?, manifest.rows, (dtype, dim))?;
    if words.len() != manifest.rows {
        return Err(file.senseless());
    }
    let attributes = part(ATTRIBUTES)?;
    let attributes = attributes.map(|part| part::attributes::read(&part, manifest.rows));
    let attributes = attributes.transpose()?.unwrap_or_default();
    let rows = Paired::new(words, Box::new(vectors), Vec::new());
    let parts = Parts::rows(Attributed { rows, attributes, next: 0 });
    let subwords = part(SUBWORDS)?.map(part::subwords::open).transpose()?;
    let inputs = part(INPUTS)?.map(|part| part::inputs::read(&part, dim).map(Arc::new));
    Ok(Parts { inputs: inputs.transpose()?, ..parts.with_subwords(subwords) })
}

fn words(part: &Container) -> Result<Words> {
    let lengths = part.section("lengths")?.numbers(u32::from_le_bytes)?;
    let bytes = part.section("bytes")?.read()?;
    let (mut words, mut rest) = (Words::default(), &bytes[..]);
    for length in lengths {
        let cut = rest.split_at_checked(length as usize);
        let (word, after) = cut.ok_or_else(|| part.senseless())?;
        words.push(word);
        rest = after;
    }
    if rest.is_empty() { Ok(words) } else { Err(part.senseless()) }
}

/// The rows of the part, a block at a time.
struct Vectors {
    part: Container,
    rows: usize,
    dtype: Dtype,
    dim: usize,
    block: Vec<u8>,
    /// Of the block.
    first: usize,
}

impl Vectors {
    fn new(part: Container, rows: usize, (dtype, dim): (Dtype, usize)) -> Result<Self> {
        let bytes = rows.checked_mul(dtype.row_bytes(dim));
        let section = part.section(part::rows::vectors_section(dtype))?;
        if bytes.map(|bytes| bytes as u64) != Some(section.length()) {
            return Err(part.senseless());
        }
        Ok(Self { part, rows, dtype, dim, block: Vec::new(), first: 0 })
    }
}

impl Matrix for Vectors {
    fn dim(&self) -> usize {
        self.dim
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn counted_rows(&self) -> Option<usize> {
        Some(self.rows)
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        let row_bytes = self.dtype.row_bytes(self.dim);
        let is_here = (row.wrapping_sub(self.first)) < self.block.len() / row_bytes;
        if !is_here {
            let count = (CHUNK_BYTES as usize / row_bytes).max(1);
            self.first = row - row % count;
            let end = (self.first + count).min(self.rows);
            let range = (self.first * row_bytes) as u64..(end * row_bytes) as u64;
            let section = self.part.section(part::rows::vectors_section(self.dtype));
            let read = section.and_then(|rows| rows.at(range, &mut self.block));
            whole(read)?;
        }
        let from = (row - self.first) * row_bytes;
        vector.resize(self.dim, 0.0);
        self.dtype.decode(&self.block[from..from + row_bytes], vector);
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }

    fn suits(&self) -> Dtype {
        self.dtype
    }
}

/// Rows with the attributes that stand beside them.
struct Attributed {
    rows: Paired,
    attributes: Collected,
    next: u32,
}

impl RowReader for Attributed {
    fn dim(&self) -> usize {
        self.rows.dim()
    }

    fn claimed_rows(&self) -> Option<u64> {
        self.rows.claimed_rows()
    }

    fn counted_rows(&self) -> Option<usize> {
        self.rows.counted_rows()
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        let step = self.rows.read(row)?;
        row.attributes = self.attributes.of(RowId(self.next)).to_attributes();
        self.next = self.next.saturating_add(1);
        Ok(step)
    }

    fn notes(&self) -> Vec<Note> {
        self.rows.notes()
    }

    fn dtype(&self) -> &'static str {
        self.rows.dtype()
    }

    fn suits(&self) -> Dtype {
        self.rows.suits()
    }
}
