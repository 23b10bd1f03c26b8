//! Opens a file, or a main file with its companions.

use std::io::{BufReader, Read};

use crate::error::{At, Result};
use crate::format::entry::{HEAD_BYTES, Read as Reading};
use crate::format::lines::detect;
use crate::format::registry::Format;
use crate::format::source::archive::{self, Zip};
use crate::format::source::input::Input;
use crate::format::source::tar;
use crate::format::source::unpack::Compression;
use crate::format::source::{self, Body, Bytes, Files, Named};
use crate::format::whole::{Choices, Parts, Whole};
use crate::format::words::Words;
use crate::format::{Opened, foreign, malformed};
use crate::text::foreign as text_foreign;

/// How to open a source.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format; none to look.
    pub wanted: Option<Format>,
    /// What else the caller says.
    pub choices: Choices,
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
///
/// [`Error`]: crate::error::Error
pub fn open_files(files: &mut dyn Files, options: &Options) -> Result<Opened> {
    let Some(main) = files.next()? else {
        return Err(malformed("embedding", At::Byte(0), "there is no file"));
    };
    let mut main = Main::unpacked(main, options)?;
    let compression = main.input.compression();
    let told = main.told.or(options.wanted).or_else(|| main.look());
    let format = if let Some(format) = told {
        format
    } else {
        let lines = detect::guess(&mut main.input)?;
        Format::from_name(lines.name()).unwrap_or(Format::Glove)
    };
    let Parts { reader, subwords, inputs, tokenizer, tables } = match format.entry().read {
        // Before gigabytes of it are kept.
        Reading::Never(why) => return Err(why()),
        Reading::Stream(open) => {
            main.input.read_as(format.name());
            let kind = text_foreign::beginning(main.input.window());
            let opened = open(main.input, &options.choices);
            // A web page is none of any format, whichever was named.
            Parts::boxed(opened.map_err(|error| match kind {
                Some(kind) => malformed(format.name(), At::Line(1), format!("this is {kind}")),
                None => error,
            })?)
        }
        Reading::Whole(open) => {
            let bytes = match main.whole {
                Some(bytes) => bytes,
                None => options.choices.spool.keep(&mut main.input)?,
            };
            let others = rest(files, options)?;
            open(&Whole {
                bytes: &bytes,
                name: &main.name,
                others: &others,
                choices: &options.choices,
                format: format.name(),
                words_in,
            })?
        }
    };
    Ok(Opened { reader, format, compression, subwords, inputs, tokenizer, tables })
}

/// The main file without what is packed around it.
struct Main {
    /// The suffix of the file within tells more than that of the archive.
    name: String,
    input: Input,
    /// All of it, if it is there.
    whole: Option<Bytes>,
    /// Its format, if it is an archive of a known kind.
    told: Option<Format>,
}

impl Main {
    fn unpacked(main: Named, options: &Options) -> Result<Self> {
        let Named { mut name, body } = main;
        let mut whole = match &body {
            Body::Whole(bytes) if Compression::of(bytes) == Compression::None => {
                Some(bytes.clone())
            }
            Body::Whole(_) | Body::Stream(_) => None,
        };
        let mut input = Input::open(body.stream())?;
        if let Some(format) = options.wanted {
            input.read_as(format.name());
        }
        if input.compression() != Compression::None {
            name = name.rsplit_once('.').map_or(name.clone(), |(inner, _)| inner.to_owned());
        }
        input.fill_to(HEAD_BYTES)?;
        if tar::begins(input.window()) {
            let compression = input.compression();
            let stream;
            (name, stream) = tar::only(input)?;
            (input, whole) = (Input::open(stream)?, None);
            input.unpacked_from(compression);
            input.fill_to(HEAD_BYTES)?;
        }
        let is_zip = input.window().starts_with(archive::MAGIC);
        if !is_zip || options.wanted.is_some_and(Format::is_streamed) {
            return Ok(Self { name, input, whole, told: None });
        }
        let bytes = match whole.take() {
            Some(bytes) => bytes,
            None => options.choices.spool.keep(&mut input)?,
        };
        let zip = Zip::open(&bytes)?;
        let told = Format::told_archive(&bytes, &zip.names());
        if told.is_some() {
            return Ok(Self { name, input, whole: Some(bytes), told });
        }
        if let Some(kind) = foreign::archive(&zip.names()) {
            return Err(malformed("zip", At::Byte(0), format!("this is {kind}")));
        }
        let (name, stream) = zip.only()?;
        let mut input = Input::open(stream)?;
        input.unpacked_from(Compression::Zip);
        input.fill_to(HEAD_BYTES)?;
        Ok(Self { name, input, whole: None, told })
    }

    fn look(&self) -> Option<Format> {
        Format::told(self.input.window(), &self.name)
    }
}

/// The words in a companion of a format that has them in its own way.
fn words_in(bytes: &Bytes, name: &str) -> Option<Result<Words>> {
    let read = Format::told(bytes, name)?.entry().words?;
    Some(read(bytes))
}

/// All companions.
fn rest(files: &mut dyn Files, options: &Options) -> Result<Vec<(String, Bytes)>> {
    let mut others = Vec::new();
    while let Some(Named { name, body }) = files.next()? {
        let bytes = match body {
            Body::Whole(bytes) => bytes,
            Body::Stream(stream) => {
                let mut stream = BufReader::with_capacity(source::BLOCK, stream);
                options.choices.spool.keep(&mut stream)?
            }
        };
        others.push((name, bytes));
    }
    Ok(others)
}
