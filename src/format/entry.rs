//! `Entry`: all that is known of one format. The file of a format makes its entry, and
//! `registry.rs` has a line for it; nothing else in the program spells a format out.

use std::io;

use crate::error::{Error, Result};
use crate::format::RowReader;
use crate::format::selection::Selection;
use crate::format::source::Bytes;
use crate::format::source::input::Input;
use crate::format::whole::{Choices, Parts, Whole};
use crate::format::words::Words;
use crate::text::foreign::beginning;

/// Bytes of a file's beginning that tell its format, if any do.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// A format: how it is called, told, read and written.
pub(super) struct Entry {
    /// Its name on the command line and in messages, such as `word2vec-text`. In the contract it is
    /// `FORMAT_WORD2VEC_TEXT`.
    pub(super) name: &'static str,
    /// Its name for a person.
    pub(super) title: &'static str,
    /// What it is, in a clause for the help of the command line.
    pub(super) about: &'static str,
    /// Suffixes that mean this format and no other, in lower case.
    pub(super) suffixes: &'static [&'static str],
    /// Whether a suffix tells the format of a file whose content tells none.
    pub(super) is_told_by_suffix: bool,
    /// Whether a file begins like one.
    pub(super) begins: fn(&Head<'_>) -> Told,
    pub(super) read: Read,
    pub(super) write: Option<Writer>,
    /// What belongs to a file in its folder.
    pub(super) beside: Beside,
    /// Where its main file stands in the folder of a model.
    pub(super) in_folder: &'static [&'static str],
    /// Reads a file of this format as words for a matrix elsewhere.
    pub(super) words: Option<fn(&Bytes) -> Result<Words>>,
}

impl Entry {
    /// What most formats have in common; an entry adds its own.
    pub(super) const DEFAULT: Self = Self {
        name: "",
        title: "",
        about: "",
        suffixes: &[],
        is_told_by_suffix: false,
        begins: |_| Told::No,
        read: Read::Never(|| Error::new(crate::error::ErrorKind::Internal)),
        write: None,
        beside: Beside { words: false, parts: |_, _| false, named: |_, _| Ok(Vec::new()) },
        in_folder: &[],
        words: None,
    };
}

/// A file before it is read.
pub(super) struct Head<'a> {
    /// Its beginning, of at most `HEAD_BYTES`.
    pub(super) bytes: &'a [u8],
    /// Its name, without folders and suffixes of compression; empty if it has none.
    pub(super) name: &'a str,
    /// The names of the files within, if it is a zip archive.
    pub(super) members: &'a [&'a str],
}

/// How surely a file's beginning tells a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    No,
    /// It looks like it; formats with a magic number are asked first.
    Likely,
    Surely,
}

impl Told {
    /// `Surely` if so.
    pub(super) fn surely(so: bool) -> Self {
        if so { Self::Surely } else { Self::No }
    }

    /// `Likely` if so.
    pub(super) fn likely(so: bool) -> Self {
        if so { Self::Likely } else { Self::No }
    }
}

/// The format of a file that is not one of lines, by its beginning, then by its name; none if its
/// lines must tell.
pub(super) fn told(
    formats: &'static [&'static Entry],
    bytes: &[u8],
    name: &str,
) -> Option<&'static Entry> {
    let bytes = &bytes[..bytes.len().min(HEAD_BYTES)];
    let by_content = surest(formats, &Head { bytes, name, members: &[] });
    by_content.or_else(|| {
        // A page or a pointer in place of the file has the file's name.
        if beginning(bytes).is_some() {
            return None;
        }
        let suffix = name.rsplit_once('.')?.1.to_ascii_lowercase();
        let mut told = formats.iter().copied().filter(|entry| entry.is_told_by_suffix);
        told.find(|entry| entry.suffixes.contains(&suffix.as_str()))
    })
}

/// The format that a file's beginning tells most surely, the first of them.
pub(super) fn surest(
    formats: &'static [&'static Entry],
    head: &Head<'_>,
) -> Option<&'static Entry> {
    let with = |told| formats.iter().copied().find(|entry| (entry.begins)(head) == told);
    with(Told::Surely).or_else(|| with(Told::Likely))
}

/// How a format is read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// As its bytes come.
    Stream(fn(Input, &Choices) -> Result<Box<dyn RowReader>>),
    /// From all of its bytes, with the files beside it.
    Whole(fn(&Whole<'_>) -> Result<Parts>),
    /// Not at all, and why.
    Never(fn() -> Error),
}

/// How a format is written.
pub(super) struct Writer {
    /// Whether every row would come back as it is.
    pub(super) check: fn(&Selection<'_>) -> Result<()>,
    /// Writes the main file.
    pub(super) write: fn(&Selection<'_>, &mut (dyn io::Write + Send)) -> io::Result<()>,
    /// How the name of the file ends that the words go to, if they are apart.
    pub(super) words: Option<&'static str>,
    /// Whether attributes of words have a place.
    pub(super) has_attributes: bool,
    /// Whether the tables of a transformer's input have a place.
    pub(super) has_inputs: bool,
    /// Whether nothing stands before the first row, whose word could be taken for the magic number
    /// of another format.
    pub(super) is_bare: bool,
}

impl Writer {
    /// What most writers have in common.
    pub(super) const DEFAULT: Self = Self {
        check: |_| Ok(()),
        write: |_, _| Err(io::ErrorKind::Unsupported.into()),
        words: None,
        has_attributes: false,
        has_inputs: false,
        is_bare: false,
    };
}

/// The files in the same folder that belong to a file.
pub(super) struct Beside {
    /// Whether its words may stand in a file of a known name.
    pub(super) words: bool,
    /// Whether the file of the second name holds a part of that of the first.
    pub(super) parts: fn(&str, &str) -> bool,
    /// The names that the file itself tells, for a tensor if one is wanted.
    pub(super) named: fn(&[u8], Option<&str>) -> Result<Vec<String>>,
}
