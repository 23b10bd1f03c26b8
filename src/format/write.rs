//! Writes tables as embedding files.

use std::io::{self, Write};

use flate2::{Compression as Level, GzBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::Writer;
use crate::format::registry::Format;
use crate::format::selection::{self, Selection};
use crate::format::source::archive;
use crate::format::source::input::BOM;
use crate::format::source::unpack::Compression;

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
///
/// [`open`]: crate::format::open
pub fn write(
    table: &Selection<'_>,
    format: Format,
    compression: Compression,
    outputs: &mut dyn Outputs,
) -> Result<()> {
    let refused = |because| Error::new(ErrorKind::Unsuited { operation: "writing", because });
    if table.rows().next().is_none() {
        return Err(refused("no row is left to write".to_owned()));
    }
    let Some(writer) = format.writer() else {
        return Err(refused(format!("{} is only read, not written", format.name())));
    };
    (writer.check)(table)?;
    let written = outputs.main().and_then(|mut out| {
        write_packed(table, writer, compression, &mut *out)?;
        out.flush()
    });
    written.map_err(failed)?;
    let Some(end) = writer.words else { return Ok(()) };
    // One column of words has no header.
    let written = outputs.companion(end).and_then(|mut out| {
        selection::words(table, &mut *out)?;
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
    writer: &Writer,
    compression: Compression,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    match compression {
        Compression::Gzip => {
            // No name and no time, so that the bytes depend on nothing but the table.
            let mut packed = GzBuilder::new().mtime(0).write(out, Level::new(GZIP_LEVEL));
            write_file(table, writer, &mut packed).and_then(|()| packed.finish().map(drop))
        }
        Compression::Zstd => {
            let mut packed = zstd::stream::write::Encoder::new(out, 0)?;
            write_file(table, writer, &mut packed).and_then(|()| packed.finish().map(drop))
        }
        Compression::None | Compression::Bzip2 | Compression::Xz | Compression::Zip => {
            write_file(table, writer, out)
        }
    }
}

fn write_file(
    table: &Selection<'_>,
    writer: &Writer,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let mut gathered = io::BufWriter::with_capacity(BLOCK, Marked { out, is_bare: writer.is_bare });
    (writer.write)(table, &mut gathered)?;
    gathered.flush()
}

/// Puts a byte order mark before rows that would be taken for a file of another format.
struct Marked<'o> {
    out: &'o mut (dyn Write + Send),
    /// Whether rows come first, of which none was written yet.
    is_bare: bool,
}

impl Write for Marked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.is_bare) {
            let line = bytes.split_inclusive(|&byte| byte == b'\n').next().unwrap_or(bytes);
            let is_taken = line.starts_with(BOM)
                || line.starts_with(archive::MAGIC)
                || Compression::of(line) != Compression::None
                || Format::told(line, "").is_some();
            if is_taken {
                self.out.write_all(BOM)?;
            }
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
