//! Writes tables as embedding files.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most formats need nothing of their own; which are written is asked first"
)]

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::Deref;

use flate2::{Compression as Level, GzBuilder};
use memchr::memchr;

use crate::error::{Error, ErrorKind, Result};
use crate::format::csv::CsvWriter;
use crate::format::input::BOM;
use crate::format::{
    Compression, Format, archive, columns, finalfusion, jsonl, kind, npy, open, safetensors, text,
};
use crate::limits;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;

/// Bytes that are gathered for one write.
const BLOCK: usize = 256 << 10;
/// Digits pack badly: level 6 takes six times as long and saves an eighth.
const GZIP_LEVEL: u32 = 2;

/// Where the files of a table go.
pub trait Outputs {
    /// Begins the main file.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>>;

    /// Begins a companion, named like the main file but for this end, such as `words.txt`.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    fn companion(&mut self, end: &str) -> io::Result<Box<dyn Write + Send + '_>>;
}

/// Rows of a table that are to be written, and what the file tells of them.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The table.
    pub view: &'a View,
    /// These rows of it; none: all.
    pub rows: Option<&'a RowSet>,
    /// Names and values for formats that have a place for them; the names are of letters and
    /// digits.
    pub metadata: &'a [(&'static str, String)],
}

impl<'a> Selection<'a> {
    /// All rows, and nothing told of them.
    pub fn all(view: &'a View) -> Self {
        Self { view, rows: None, metadata: &[] }
    }

    /// The rows, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        let chosen = self.rows;
        self.view.rows().filter(move |&row| chosen.is_none_or(|chosen| chosen.has(row)))
    }

    /// The names of the attributes that any row has, ascending.
    pub(super) fn attribute_names(&self) -> Vec<String> {
        let names = self.rows().flat_map(|row| {
            let kept = self.view.attributes(row);
            kept.into_iter().flat_map(|kept| kept.iter().map(|(name, _)| name))
        });
        names.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "nothing is not written")]
    pub fn len(&self) -> usize {
        self.rows.map_or_else(|| self.view.len(), |_| self.rows().count())
    }
}

impl Deref for Selection<'_> {
    type Target = View;

    fn deref(&self) -> &View {
        self.view
    }
}

/// Writes rows as a file that [`open`] reads back as the same rows, bit for bit, and as the
/// companions that its format has. The same rows give the same bytes.
///
/// Text formats get the shortest decimals that read back as the same single-precision numbers, and
/// no space at a line's end. Text words that contain spaces are written as they are, which other
/// tools, gensim among them, cannot read.
///
/// # Errors
///
/// [`ErrorKind::Unsuited`], before anything is written, if there is no row, or if the format cannot
/// carry a word or is only read. If an output fails; an [`Error`] inside its [`std::io::Error`] comes
/// out as it is.
pub fn write(
    table: &Selection<'_>,
    format: Format,
    compression: Compression,
    outputs: &mut dyn Outputs,
) -> Result<()> {
    check(table, format)?;
    let written = outputs.main().and_then(|mut out| {
        write_packed(table, format, compression, &mut *out)?;
        out.flush()
    });
    written.map_err(failed)?;
    let end = match format {
        Format::Npy => "words.txt",
        Format::Projector => "metadata.tsv",
        _ => return Ok(()),
    };
    // One column of words has no header, in either.
    let written = outputs.companion(end).and_then(|mut out| {
        each_row(table, &mut *out, |row, bytes| {
            bytes.extend_from_slice(table.word(row));
            bytes.push(b'\n');
            Ok(())
        })?;
        out.flush()
    });
    written.map_err(failed)
}

/// The main file alone.
#[cfg(test)]
pub(crate) struct OneFile<W>(pub(crate) W);

#[cfg(test)]
impl<W: Write + Send> Outputs for OneFile<W> {
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>> {
        Ok(Box::new(&mut self.0))
    }

    fn companion(&mut self, _: &str) -> io::Result<Box<dyn Write + Send + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn failed(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::disk(error).context("writing an embedding file"),
    }
}

fn write_packed(
    table: &Selection<'_>,
    format: Format,
    compression: Compression,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    match compression {
        Compression::Gzip => {
            // No name and no time, so that the bytes depend on nothing but the table.
            let mut packed = GzBuilder::new().mtime(0).write(out, Level::new(GZIP_LEVEL));
            write_file(table, format, &mut packed).and_then(|()| packed.finish().map(drop))
        }
        Compression::Zstd => {
            let mut packed = zstd::stream::write::Encoder::new(out, 0)?;
            write_file(table, format, &mut packed).and_then(|()| packed.finish().map(drop))
        }
        Compression::None | Compression::Bzip2 | Compression::Xz | Compression::Zip => {
            write_file(table, format, out)
        }
    }
}

fn write_file(
    table: &Selection<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    match format {
        Format::Finalfusion | Format::Npy | Format::Safetensors => {
            let mut gathered = io::BufWriter::with_capacity(BLOCK, out);
            match format {
                Format::Finalfusion => finalfusion::write(table, &mut gathered)?,
                Format::Npy => npy::write(table, &mut gathered)?,
                _ => safetensors::write(table, &mut gathered)?,
            }
            gathered.flush()
        }
        Format::Parquet => columns::write_parquet(table, out),
        Format::Arrow => columns::write_arrow(table, out),
        Format::Csv | Format::Tsv => {
            let delimiter = if format == Format::Csv { b',' } else { b'\t' };
            let writer = CsvWriter::new(table, delimiter);
            let mut header = Vec::new();
            writer.push_header(table.dim(), &mut header)?;
            out.write_all(&header)?;
            each_row(table, out, |row, bytes| writer.push_row(table, row, bytes))
        }
        _ => {
            let mut beginning = Vec::new();
            push_beginning(table, format, &mut beginning)?;
            out.write_all(&beginning)?;
            each_row(table, out, |row, bytes| push_row(table, row, format, bytes))
        }
    }
}

/// The vectors of a table as little-endian floats, row by row.
pub(super) fn vectors(table: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    each_row(table, out, |row, bytes| {
        bytes.extend(table.vector(row).iter().flat_map(|value| value.to_le_bytes()));
        Ok(())
    })
}

fn each_row(
    table: &Selection<'_>,
    out: &mut dyn Write,
    mut push: impl FnMut(RowId, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK);
    for row in table.rows() {
        push(row, &mut block)?;
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            block.clear();
        }
    }
    out.write_all(&block)
}

/// What stands before the first row.
fn push_beginning(table: &Selection<'_>, format: Format, bytes: &mut Vec<u8>) -> io::Result<()> {
    match format {
        Format::Word2vecText | Format::Word2vecBinary => {
            writeln!(bytes, "{} {}", table.len(), table.dim())
        }
        Format::Glove => {
            let mut first = Vec::new();
            if let Some(row) = table.rows().next() {
                push_row(table, row, format, &mut first)?;
            }
            let taken_for_another = first.starts_with(BOM)
                || first.starts_with(archive::MAGIC)
                || Compression::of(&first) != Compression::None
                || kind::told(&first, "").is_some();
            if taken_for_another {
                // A byte order mark of its own keeps the word from being taken for something else.
                bytes.extend_from_slice(BOM);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn push_row(
    table: &Selection<'_>,
    row: RowId,
    format: Format,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    let (word, vector) = (table.word(row), table.vector(row));
    match format {
        Format::Word2vecBinary => {
            bytes.extend_from_slice(word);
            bytes.push(b' ');
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            bytes.push(b'\n');
        }
        Format::JsonLines => jsonl::push_row(table, row, bytes)?,
        Format::Projector => {
            for (i, value) in vector.iter().enumerate() {
                let tab = if i == 0 { "" } else { "\t" };
                write!(bytes, "{tab}{value:?}")?;
            }
            bytes.push(b'\n');
        }
        _ => {
            bytes.extend_from_slice(word);
            for value in vector {
                // The debug form has a point or an exponent always, so that a GloVe file's first
                // line is never two whole numbers.
                write!(bytes, " {value:?}")?;
            }
            bytes.push(b'\n');
        }
    }
    Ok(())
}

/// Whether the format can be written, and every word would come back as it is.
fn check(table: &Selection<'_>, format: Format) -> Result<()> {
    if table.rows().next().is_none() {
        let because = "no row is left to write".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "writing", because }));
    }
    if !format.is_written() {
        return Err(Error::new(ErrorKind::Unsuited {
            operation: "writing",
            because: format!("{} is only read, not written", format.name()),
        }));
    }
    let refused = |word: &[u8]| -> Option<&'static str> {
        match format {
            Format::Finalfusion => finalfusion::check_word(word).err(),
            Format::JsonLines if std::str::from_utf8(word).is_err() => {
                Some("is not UTF-8, as JSON must be; csv can carry it")
            }
            Format::Npy if word.contains(&b'\n') || word.ends_with(b"\r") => {
                Some("ends a line, and the words stand a line each; csv can carry it")
            }
            Format::Projector if word.iter().any(|byte| b"\n\r\t".contains(byte)) => {
                Some("contains a tab or ends a line, which the projector cannot show")
            }
            _ => None,
        }
    };
    for row in table.rows() {
        if let Some(because) = refused(table.word(row)) {
            return Err(unsuited(table, row, format, because));
        }
    }
    check_attributes(table, format)?;
    match format {
        Format::Word2vecText | Format::Word2vecBinary | Format::Glove => check_words(table, format),
        Format::Npy if table.rows().next().is_some_and(|row| table.word(row).starts_with(BOM)) => {
            let because = "begins with a byte order mark, which a reader lets go";
            let first = table.rows().next().unwrap_or(RowId(0));
            Err(unsuited(table, first, format, because))
        }
        _ => Ok(()),
    }
}

/// Whether no attribute has the name of a field that every row has.
fn check_attributes(table: &Selection<'_>, format: Format) -> Result<()> {
    if !matches!(format, Format::JsonLines | Format::Parquet | Format::Arrow) {
        return Ok(());
    }
    let names = table.attribute_names();
    let taken = names.iter().find(|name| matches!(name.as_str(), "word" | "vector"));
    taken.map_or(Ok(()), |name| {
        let because =
            format!("an attribute is named \"{name}\", as a field of every row; csv can carry it");
        Err(Error::new(ErrorKind::Unsuited { operation: operation(format), because }))
    })
}

/// Whether every word would come back as it is from a line.
fn check_words(table: &Selection<'_>, format: Format) -> Result<()> {
    let (mut line, mut vector) = (Vec::new(), Vec::new());
    let mut spaces = false;
    for row in table.rows() {
        let word = table.word(row);
        if memchr(b'\n', word).is_some() {
            let because =
                "contains a newline, which ends a row; csv, tsv or safetensors can carry it";
            return Err(unsuited(table, row, format, because));
        }
        if memchr(b' ', word).is_none() {
            continue;
        }
        spaces = true;
        if format == Format::Word2vecBinary {
            let because = "contains a space, which ends a word; word2vec-text can carry it";
            return Err(unsuited(table, row, format, because));
        }
        line.clear();
        push_row(table, row, format, &mut line).map_err(Error::disk)?;
        let read = text::parse(text::trim(&line), table.dim(), &mut vector);
        if !read.is_ok_and(|read| read == word) {
            let because = "ends like the numbers that would follow it; csv, tsv or safetensors can \
                           carry it";
            return Err(unsuited(table, row, format, because));
        }
    }
    if spaces && format == Format::Glove { check_dimension(table) } else { Ok(()) }
}

/// Whether the dimension of a GloVe file could be told from its lines though words have spaces.
fn check_dimension(table: &Selection<'_>) -> Result<()> {
    let mut bytes = Vec::new();
    for row in table.rows() {
        push_row(table, row, Format::Glove, &mut bytes).map_err(Error::disk)?;
        // More than is looked at.
        if bytes.len() > 2 * limits::LINE_BYTES_MAX {
            break;
        }
    }
    let opened = open(Box::new(io::Cursor::new(bytes)), Some(Format::Glove));
    if opened.is_ok_and(|opened| opened.reader.dim() == table.dim()) {
        return Ok(());
    }
    let because = "too many words contain spaces, so that the file would not tell the number of \
                   components; word2vec-text can carry them";
    Err(Error::new(ErrorKind::Unsuited {
        operation: operation(Format::Glove),
        because: because.to_owned(),
    }))
}

fn unsuited(table: &Selection<'_>, row: RowId, format: Format, because: &str) -> Error {
    let because = format!("the word {:?} {because}", table.shown(row));
    Error::new(ErrorKind::Unsuited { operation: operation(format), because })
}

fn operation(format: Format) -> &'static str {
    match format {
        Format::Word2vecText => "writing word2vec-text",
        Format::Word2vecBinary => "writing word2vec-binary",
        Format::Glove => "writing glove",
        Format::Finalfusion => "writing finalfusion",
        Format::JsonLines => "writing json-lines",
        Format::Npy => "writing the words of npy",
        Format::Projector => "writing for the projector",
        _ => "writing",
    }
}
