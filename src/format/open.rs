//! Opens a file, or a main file with its companions.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::archive::Archive;
use crate::format::beside;
use crate::format::checkpoint::Checkpoint;
use crate::format::columns::{self, ColumnReader};
use crate::format::csv::CsvReader;
use crate::format::detect::detect;
use crate::format::floret::MadeRows;
use crate::format::input::Input;
use crate::format::jsonl::JsonReader;
use crate::format::magnitude::MagnitudeReader;
use crate::format::paired::Paired;
use crate::format::source::{self, Body, Bytes, Files, Named, Spool};
use crate::format::tensor::Matrix;
use crate::format::words::{self, Words};
use crate::format::{
    Compression, Format, Note, Opened, RowReader, archive, binary, fasttext, fbin, finalfusion,
    floret, gguf, kind, malformed, npy, safetensors, text,
};
use crate::text::spec::Spec;
use crate::text::subword::Subwords;

/// How to open a source.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format; none to look.
    pub wanted: Option<Format>,
    /// The tensor or the array to read; none for a known one.
    pub tensor: Option<String>,
    /// The companion that holds the words; none to look.
    pub words: Option<String>,
    /// Where streams are kept that must be seen as a whole.
    pub spool: Spool,
}

/// Opens an embedding file. Without a `wanted` format it is told by the file's beginning; how the
/// file is compressed is always told so.
///
/// # Errors
///
/// See [`open_files`].
pub fn open(source: Box<dyn Read + Send>, wanted: Option<Format>) -> Result<Opened> {
    let main = Named { name: String::new(), body: Body::Stream(source) };
    let options = Options { wanted, ..Options::default() };
    open_files(&mut vec![main].into_iter(), &options)
}

/// Opens a source of one file or more, the main one first. Formats that are lines or rows in order
/// are read as their bytes come; for the others, streams are kept in temporary files.
///
/// # Errors
///
/// If the file is of another kind, or not of the wanted format; if its vectors have more than
/// `DIM_MAX` components; if it has no words and no companion does; if the source fails. If it fails
/// with an [`Error`] inside its [`std::io::Error`], that one comes out.
pub fn open_files(files: &mut dyn Files, options: &Options) -> Result<Opened> {
    let Some(Named { mut name, body }) = files.next()? else {
        return Err(malformed("embedding", At::Byte(0), "there is no file"));
    };
    let mut whole = match &body {
        Body::Whole(bytes) if Compression::of(bytes) == Compression::None => Some(bytes.clone()),
        Body::Whole(_) | Body::Stream(_) => None,
    };
    let mut input = Input::open(body.stream())?;
    if let Some(format) = options.wanted {
        input.read_as(format.name());
    }
    if input.compression() != Compression::None {
        // The suffix of the file within tells more.
        name = name.rsplit_once('.').map_or(name.clone(), |(inner, _)| inner.to_owned());
    }
    input.fill_to(kind::HEAD_BYTES)?;
    let mut arrays = None;
    if input.window().starts_with(archive::MAGIC)
        && !options.wanted.is_some_and(Format::is_streamed)
    {
        let bytes = match whole.take() {
            Some(bytes) => bytes,
            None => options.spool.keep(&mut input)?,
        };
        match archive::open(&bytes, options.tensor.as_deref(), &options.spool)? {
            Archive::Arrays(found) => arrays = Some(found),
            Archive::One(member, stream) => {
                name = member;
                input = Input::open(stream)?;
                input.unpacked_from(Compression::Zip);
                input.fill_to(kind::HEAD_BYTES)?;
            }
        }
    }
    let compression = input.compression();
    if let Some(arrays) = arrays {
        let others = rest(files, options)?;
        let (matrix, own) = npy::open_archive(&arrays)?;
        let own = own.map(|list| {
            let mut words = Words::default();
            for word in &list {
                words.push(word);
            }
            words
        });
        let source = Whole { format: Format::Npz, name: &name, others: &others, options };
        let reader = Box::new(source.paired(own, Box::new(matrix), Vec::new())?);
        return Ok(Opened::new(reader, Format::Npz, compression));
    }
    let head = &input.window()[..input.window().len().min(kind::HEAD_BYTES)];
    let told = options.wanted.or_else(|| kind::told(head, &name));
    match told {
        #[cfg(not(any(test, feature = "hdf5")))]
        // Before gigabytes of it were kept.
        Some(Format::Hdf5) => Err(without_hdf5()),
        Some(format) if !format.is_streamed() => {
            let bytes = match whole {
                Some(bytes) => bytes,
                None => options.spool.keep(&mut input)?,
            };
            let others = rest(files, options)?;
            let source = Whole { format, name: &name, others: &others, options };
            let opened = source.open(&bytes)?;
            Ok(Opened { compression, ..opened })
        }
        told => streamed(input, told, compression),
    }
}

fn streamed(mut input: Input, told: Option<Format>, compression: Compression) -> Result<Opened> {
    let (reader, format): (Box<dyn RowReader>, _) = match told {
        Some(format @ Format::JsonLines) => {
            input.read_as(format.name());
            (Box::new(JsonReader::open(input)?), format)
        }
        Some(format @ (Format::Csv | Format::Tsv)) => {
            input.read_as(format.name());
            let delimiter = if format == Format::Csv { b',' } else { b'\t' };
            (Box::new(CsvReader::open(input, delimiter)?), format)
        }
        told => {
            let layout = detect(&mut input, told)?;
            input.read_as(layout.format.name());
            if layout.format == Format::Word2vecBinary {
                (Box::new(binary::BinaryReader::new(input, &layout)), layout.format)
            } else {
                (Box::new(text::TextReader::new(input, &layout)), layout.format)
            }
        }
    };
    Ok(Opened::new(reader, format, compression))
}

/// All companions.
fn rest(files: &mut dyn Files, options: &Options) -> Result<Vec<(String, Bytes)>> {
    let mut others = Vec::new();
    while let Some(Named { name, body }) = files.next()? {
        let bytes = match body {
            Body::Whole(bytes) => bytes,
            Body::Stream(stream) => {
                options.spool.keep(&mut BufReader::with_capacity(source::BLOCK, stream))?
            }
        };
        others.push((name, bytes));
    }
    Ok(others)
}

/// A file that is there as a whole, with its companions.
struct Whole<'a> {
    format: Format,
    name: &'a str,
    others: &'a [(String, Bytes)],
    options: &'a Options,
}

impl Whole<'_> {
    fn open(&self, bytes: &Bytes) -> Result<Opened> {
        let tensor = self.options.tensor.as_deref();
        match self.format {
            Format::Fasttext => {
                let model = fasttext::open(bytes)?;
                let reader = Paired::new(model.words, Box::new(model.matrix), model.notes);
                Ok(self.with_subwords(reader, model.subwords))
            }
            Format::Finalfusion => {
                let model = finalfusion::open(bytes)?;
                match model.subwords {
                    Some(subwords) if model.words.len() == 0 => {
                        self.made(subwords, model.notes, finalfusion::no_words())
                    }
                    subwords => {
                        let reader = Paired::new(model.words, Box::new(model.matrix), model.notes);
                        Ok(self.with_subwords(reader, subwords))
                    }
                }
            }
            Format::Floret => self.made(floret::open(bytes)?, Vec::new(), self.no_words()),
            Format::Npy => self.plain(None, Box::new(npy::open(bytes)?)),
            Format::Fbin => self.plain(None, Box::new(fbin::open(bytes)?)),
            #[cfg(any(test, feature = "hdf5"))]
            Format::Hdf5 => self.hdf5(bytes),
            #[cfg(not(any(test, feature = "hdf5")))]
            Format::Hdf5 => Err(without_hdf5()),
            Format::Safetensors => self.checkpoint(bytes, tensor),
            Format::Gguf => {
                let model = gguf::open(bytes, tensor)?;
                self.plain(model.words, Box::new(model.matrix))
            }
            Format::Parquet | Format::Arrow => {
                Ok(self.opened(Box::new(ColumnReader::open(bytes, self.format)?)))
            }
            Format::Magnitude => Ok(self.opened(Box::new(MagnitudeReader::open(bytes)?))),
            Format::Npz => {
                let problem = "an .npz file is a zip archive of arrays; this one is not";
                Err(malformed(self.format.name(), At::Byte(0), problem))
            }
            Format::Projector => Err(Error::new(ErrorKind::Unsupported {
                what: "reading the two files of the projector; tsv reads the vectors with words"
                    .to_owned(),
            })),
            Format::Word2vecText
            | Format::Word2vecBinary
            | Format::Glove
            | Format::JsonLines
            | Format::Csv
            | Format::Tsv => Err(Error::new(ErrorKind::Internal)),
        }
    }

    /// Benchmarks have no words: without a file of them, rows are named by their numbers.
    #[cfg(any(test, feature = "hdf5"))]
    fn hdf5(&self, bytes: &Bytes) -> Result<Opened> {
        let (matrix, notes) = crate::format::hdf5::open(bytes, self.options.tensor.as_deref())?;
        let reader = match self.words(matrix.rows(), false)? {
            Some(words) => Paired::new(words, matrix, notes),
            None => Paired::numbered(matrix, notes),
        };
        Ok(self.opened(Box::new(reader)))
    }

    fn opened(&self, reader: Box<dyn RowReader>) -> Opened {
        Opened::new(reader, self.format, Compression::None)
    }

    fn with_subwords(&self, reader: Paired, subwords: Option<Subwords>) -> Opened {
        Opened { subwords: subwords.map(Arc::new), ..self.opened(Box::new(reader)) }
    }

    /// A matrix with its words, and the tokenizer that they came from if there is one.
    fn plain(&self, own: Option<Words>, matrix: Box<dyn Matrix>) -> Result<Opened> {
        let (tokenizer, notes) = self.tokenizer(own.is_some())?;
        let reader = self.paired(own, matrix, notes)?;
        Ok(Opened { tokenizer, ..self.opened(Box::new(reader)) })
    }

    /// A checkpoint's table, and what stands beside it.
    fn checkpoint(&self, bytes: &Bytes, tensor: Option<&str>) -> Result<Opened> {
        let checkpoint = Checkpoint::open(self.name, bytes, self.others)?;
        let (file, name) = checkpoint.table(tensor)?;
        let matrix = file.adjusted(file.tensor(&name)?)?;
        let beside = checkpoint.beside(&name, matrix.dim())?;
        let own = file.own_words()?;
        let (tokenizer, mut notes) = self.tokenizer(own.is_some())?;
        notes.extend(beside.notes);
        let reader = self.paired(own, matrix, notes)?;
        let opened = self.opened(Box::new(reader));
        Ok(Opened { inputs: beside.inputs, tables: beside.tables, tokenizer, ..opened })
    }

    fn paired(
        &self,
        own: Option<Words>,
        matrix: Box<dyn Matrix>,
        notes: Vec<Note>,
    ) -> Result<Paired> {
        let words = match self.words(matrix.rows(), own.is_some())? {
            Some(words) => words,
            None => own.ok_or_else(|| self.no_words())?,
        };
        Ok(Paired::new(words, matrix, notes))
    }

    /// A row for each word of a companion, made of n-grams.
    fn made(&self, subwords: Subwords, notes: Vec<Note>, missing: Error) -> Result<Opened> {
        let words = self.words(0, false)?.ok_or(missing)?;
        let matrix = MadeRows { words: words.clone(), subwords: subwords.clone() };
        let reader = Paired::new(words, Box::new(matrix), notes);
        Ok(self.with_subwords(reader, Some(subwords)))
    }

    /// The words of the companion that was named, or else of one that is known to hold them, unless
    /// the file has its own.
    fn words(&self, rows: usize, has_own: bool) -> Result<Option<Words>> {
        let Some((name, bytes)) = self.words_file(has_own)? else { return Ok(None) };
        let format = kind::told(&bytes[..bytes.len().min(kind::HEAD_BYTES)], name);
        if let Some(format @ (Format::Parquet | Format::Arrow)) = format {
            return columns::words(bytes, format).map(Some);
        }
        words::check_size(name, bytes)?;
        if Compression::of(bytes) == Compression::None {
            return Words::from_file(name, bytes, rows).map(Some);
        }
        let mut input = Input::open(Box::new(bytes.reader()))?;
        let unpacked = self.options.spool.keep(&mut input)?;
        let inner = name.rsplit_once('.').map_or(name.as_str(), |(inner, _)| inner);
        Words::from_file(inner, &unpacked, rows).map(Some)
    }

    fn words_file(&self, has_own: bool) -> Result<Option<&(String, Bytes)>> {
        match &self.options.words {
            Some(wanted) => {
                let named = self.others.iter().find(|(name, _)| name == wanted);
                let missing = || {
                    let problem = format!("the file of words, {wanted}, is not there");
                    malformed(self.format.name(), At::Byte(0), problem)
                };
                Ok(Some(named.ok_or_else(missing)?))
            }
            None if has_own => Ok(None),
            None => Ok(words::find(self.name, self.others)),
        }
    }

    /// The tokenizer of the words: the file that has them, if it is one; beside a checkpoint that has
    /// its own words, the first that is known.
    fn tokenizer(&self, has_own: bool) -> Result<(Option<Spec>, Vec<Note>)> {
        let is_checkpoint = self.format == Format::Safetensors;
        let found = match self.words_file(has_own)? {
            Some((name, _)) => Some(name.as_str()),
            None if is_checkpoint => beside::first(self.others),
            None => None,
        };
        Ok(found.map_or((None, Vec::new()), |name| beside::tokenizer(name, self.others)))
    }

    fn no_words(&self) -> Error {
        let stem = words::stem(self.name);
        let stem = if stem.is_empty() { "NAME" } else { stem };
        let problem = format!(
            "the file has vectors and no words; put {stem}.words.txt, vocab.txt, vocab.json, \
             tokenizer.json or tokenizer.model beside it, or name a file with a word a line with \
             --words FILE"
        );
        malformed(self.format.name(), At::Byte(0), problem)
    }
}

#[cfg(not(any(test, feature = "hdf5")))]
fn without_hdf5() -> Error {
    let problem = format!(
        "this is an HDF5 file, and this program was built without them (cargo build --features \
         hdf5); {}",
        crate::format::foreign::CONVERT_HDF5
    );
    malformed("hdf5", At::Byte(0), problem)
}

/// The main file of a folder that holds a model.
///
/// # Errors
///
/// If the folder cannot be read, or no file of it is known to be a model's main one.
pub fn folder(folder: &Path) -> io::Result<PathBuf> {
    const MAIN: &[&str] = &[
        "model.safetensors",
        "model.safetensors.index.json",
        "0_StaticEmbedding/model.safetensors",
    ];
    if let Some(main) = MAIN.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        return Ok(main);
    }
    let known = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let format = Format::of_suffix(&name);
        path.is_file() && format.is_some_and(|format| !format.is_streamed())
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.sort();
    let mut mains = files.into_iter().filter(known);
    match (mains.next(), mains.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            Err(io::Error::other("the folder has no model.safetensors; name a file of it"))
        }
        (Some(_), Some(_)) => {
            Err(io::Error::other("the folder has several files; name one of them"))
        }
    }
}

/// The files beside `main` that may be needed to read it, with their names as a source has them. Of
/// a checkpoint's shards only those that have `tensor`, or a table.
///
/// # Errors
///
/// If the file or its folder cannot be read.
pub fn companions(
    main: &Path,
    wanted: Option<Format>,
    tensor: Option<&str>,
) -> Result<Vec<(String, PathBuf)>> {
    let file = File::open(main).map_err(Error::disk)?;
    let mut input = Input::open(Box::new(file))?;
    input.fill_to(kind::HEAD_BYTES)?;
    let head = &input.window()[..input.window().len().min(kind::HEAD_BYTES)];
    let name = main.file_name().unwrap_or_default().to_string_lossy();
    let may_need = match wanted.or_else(|| kind::told(head, &name)) {
        Some(format) => kind::may_need_words(format),
        None => head.starts_with(archive::MAGIC),
    };
    if !may_need {
        return Ok(Vec::new());
    }
    let folder = match main.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut found = Vec::new();
    let stem = words::stem(&name);
    for place in words::PLACES.iter().chain(beside::PLACES) {
        let name = place.replace('*', stem);
        // A model's tokenizer may stand above the folder of its table.
        let above = folder.parent().map(|above| above.join(&name));
        let here = folder.join(&name);
        if here.is_file() && here != main {
            found.push((name, here));
        } else if folder.ends_with("0_StaticEmbedding")
            && let Some(above) = above.filter(|above| above.is_file())
        {
            found.push((name, above));
        }
    }
    if name.ends_with(kind::SHARDS) {
        let index = safetensors::Index::parse(&fs::read(main).map_err(Error::disk)?)?;
        for shard in index.needed(tensor) {
            let path = folder.join(shard);
            // A name with folders could lead anywhere.
            if !shard.contains(['/', '\\']) && path.is_file() {
                found.push((shard.to_owned(), path));
            }
        }
    }
    Ok(found)
}
