//! What the readers and writers must bear, a story each.

mod arrays;
mod csv;
mod detect;
mod every;
mod hdf5;
mod hostile;
mod models;
mod pickle;
mod read;
mod roles;
mod vectors;
mod write;

use std::io::{Cursor, Read, Write as _};

use flate2::write::GzEncoder;
use proptest::test_runner::{Config, RngSeed};

use crate::error::{At, Error, Result};
use crate::format::source::{Body, Bytes, Named};
use crate::format::{
    Choices, Compression, Fault, Format, Opened, Options, Outputs, Reason, Row, Selection, Step,
    open, open_files,
};
use crate::table::builder::TableBuilder;
use crate::table::view::View;

/// All that a file has.
#[derive(Debug, PartialEq)]
struct Contents {
    format: Format,
    compression: Compression,
    dim: usize,
    claimed: Option<u64>,
    /// Each word with the bits of its vector.
    rows: Vec<(Vec<u8>, Vec<u32>)>,
    places: Vec<At>,
    faults: Vec<Fault>,
}

impl Contents {
    fn words(&self) -> Vec<String> {
        self.rows.iter().map(|(word, _)| String::from_utf8_lossy(word).into_owned()).collect()
    }

    fn values(&self, row: usize) -> Vec<f32> {
        self.rows[row].1.iter().map(|&bits| f32::from_bits(bits)).collect()
    }

    fn reasons(&self) -> Vec<(Reason, At)> {
        self.faults.iter().map(|fault| (fault.reason, fault.at)).collect()
    }
}

fn read_source(source: impl Read + Send + 'static, wanted: Option<Format>) -> Result<Contents> {
    contents(open(Box::new(source), wanted)?)
}

/// A source of files that are there, the main one first.
fn read_files(files: &[(&str, &[u8])], options: &Options) -> Result<Contents> {
    contents(open_all(files, options)?)
}

fn open_all(files: &[(&str, &[u8])], options: &Options) -> Result<Opened> {
    let named = |(name, bytes): &(&str, &[u8])| Named {
        name: (*name).to_owned(),
        body: Body::Whole(Bytes::from(bytes.to_vec())),
    };
    let files: Vec<Named> = files.iter().map(named).collect();
    open_files(&mut files.into_iter(), options)
}

fn with_tensor(tensor: Option<String>) -> Options {
    Options { choices: Choices { tensor, ..Choices::default() }, ..Options::default() }
}

/// The files that a table is written as, by name.
fn written_files(table: &View, format: Format, name: &str) -> Result<Vec<(String, Vec<u8>)>> {
    packed_files(table, format, Compression::None, name)
}

fn packed_files(
    table: &View,
    format: Format,
    compression: Compression,
    name: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    struct Kept<'n>(&'n str, Vec<(String, Vec<u8>)>);
    impl Kept<'_> {
        fn begin(&mut self, name: String) -> Box<dyn std::io::Write + Send + '_> {
            self.1.push((name, Vec::new()));
            Box::new(&mut self.1.last_mut().unwrap().1)
        }
    }
    impl Outputs for Kept<'_> {
        fn main(&mut self) -> std::io::Result<Box<dyn std::io::Write + Send + '_>> {
            Ok(self.begin(self.0.to_owned()))
        }
        fn companion(&mut self, end: &str) -> std::io::Result<Box<dyn std::io::Write + Send + '_>> {
            Ok(self.begin(format!("{}.{end}", crate::format::stem(self.0))))
        }
    }
    let mut kept = Kept(name, Vec::new());
    crate::format::write(&Selection::all(table), format, compression, &mut kept)?;
    Ok(kept.1)
}

fn contents(opened: Opened) -> Result<Contents> {
    let Opened { mut reader, format, compression, .. } = opened;
    let (dim, claimed) = (reader.dim(), reader.claimed_rows());
    let (mut rows, mut places, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let mut row = Row::default();
    loop {
        match reader.read(&mut row)? {
            Step::Row => {
                assert_eq!(row.vector.len(), dim, "every row has the file's dimension");
                assert!(!row.word.is_empty(), "every row has a word");
                let bits = row.vector.iter().map(|value| value.to_bits()).collect();
                rows.push((row.word.clone(), bits));
                places.push(row.at);
            }
            Step::Fault(fault) => faults.push(fault),
            Step::End => break,
        }
    }
    assert_eq!(reader.read(&mut row)?, Step::End, "the end stays the end");
    Ok(Contents { format, compression, dim, claimed, rows, places, faults })
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Contents> {
    read_source(Cursor::new(bytes.as_ref().to_vec()), None)
}

fn read_as(bytes: impl AsRef<[u8]>, format: Format) -> Result<Contents> {
    read_source(Cursor::new(bytes.as_ref().to_vec()), Some(format))
}

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).expect_err("the file is refused").to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn table(rows: &[(&[u8], &[f32])]) -> View {
    let mut builder = TableBuilder::new(rows[0].1.len()).unwrap();
    for (word, vector) in rows {
        builder.push(word, vector).unwrap();
    }
    builder.build().into()
}

fn written(table: &View, format: Format, gzip: bool) -> Result<Vec<u8>> {
    let compression = if gzip { Compression::Gzip } else { Compression::None };
    Ok(packed_files(table, format, compression, "file")?.swap_remove(0).1)
}

/// A word2vec binary file without newlines.
fn binary(header: &str, rows: &[(&[u8], &[f32])]) -> Vec<u8> {
    let mut bytes = header.as_bytes().to_vec();
    for (word, vector) in rows {
        bytes.extend_from_slice(word);
        bytes.push(b' ');
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

/// Fails with an error after its bytes.
struct Breaks {
    bytes: Cursor<Vec<u8>>,
    error: Option<std::io::Error>,
}

impl Breaks {
    fn after(bytes: &[u8], error: std::io::Error) -> Self {
        Self { bytes: Cursor::new(bytes.to_vec()), error: Some(error) }
    }
}

impl Read for Breaks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.bytes.read(buffer)? {
            0 => self.error.take().map_or(Ok(0), Err),
            count => Ok(count),
        }
    }
}

/// Gives a few bytes at a time, and is interrupted between.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    step: usize,
    interrupted: bool,
}

impl Trickle {
    fn of(bytes: &[u8], step: usize) -> Self {
        Self { bytes: Cursor::new(bytes.to_vec()), step, interrupted: false }
    }
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(self.step);
        self.bytes.read(&mut buffer[..length])
    }
}

/// The same cases in every run, and no files.
fn seeded() -> Config {
    Config { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() }
}

fn own(error: Error) -> std::io::Error {
    std::io::Error::other(error)
}
