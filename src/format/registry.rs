//! The table of formats. A format is a file with an [`Entry`] and a line here.

use crate::format::entry::{Entry, HEAD_BYTES, Head, Read, Writer, surest, told};
use crate::format::lines::{binary, glove, word2vec_text};
use crate::format::pickle::{gensim, torch};
use crate::format::{
    checkpoint, columns, csv, fasttext, fbin, finalfusion, floret, gguf, hdf5, json, magnitude,
    npy, npz, projector, wordspace,
};

macro_rules! formats {
    ($($format:ident = $entry:path,)+) => {
        /// The layout of an embedding file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Format {
            $(#[doc = concat!("See `", stringify!($entry), "`.")] $format,)+
        }

        /// Those with a magic number are told by it; the others in this order.
        pub(super) const FORMATS: &[&Entry] = &[$(&$entry,)+];

        impl Format {
            /// Every format.
            pub const ALL: [Self; FORMATS.len()] = [$(Self::$format,)+];
        }
    };
}

formats! {
    Word2vecText = word2vec_text::ENTRY,
    Word2vecBinary = binary::ENTRY,
    Glove = glove::ENTRY,
    Fasttext = fasttext::ENTRY,
    Floret = floret::ENTRY,
    Finalfusion = finalfusion::ENTRY,
    Npy = npy::ENTRY,
    Npz = npz::ENTRY,
    Safetensors = checkpoint::ENTRY,
    Gguf = gguf::ENTRY,
    JsonLines = json::ENTRY,
    Csv = csv::CSV,
    Tsv = csv::TSV,
    Parquet = columns::PARQUET,
    Arrow = columns::ARROW,
    Magnitude = magnitude::ENTRY,
    Gensim = gensim::ENTRY,
    Torch = torch::ENTRY,
    Fbin = fbin::ENTRY,
    Hdf5 = hdf5::ENTRY,
    Projector = projector::ENTRY,
    Wordspace = wordspace::ENTRY,
}

impl Format {
    pub(super) fn entry(self) -> &'static Entry {
        FORMATS[self as usize]
    }

    /// Its name on the command line and in messages.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Its name for a person, such as `JSON Lines`.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// What it is, in a clause.
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its name in the contract, such as `FORMAT_JSON_LINES`.
    pub fn contract_name(self) -> String {
        format!("FORMAT_{}", self.name().replace('-', "_").to_ascii_uppercase())
    }

    /// The format of that name in the contract.
    pub fn from_contract_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.contract_name() == name)
    }

    /// Whether it is read as its bytes come; the others must be there as a whole.
    pub fn is_streamed(self) -> bool {
        matches!(self.entry().read, Read::Stream(_))
    }

    /// Whether it is a format that this program reads.
    pub fn is_read(self) -> bool {
        !matches!(self.entry().read, Read::Never(_))
    }

    /// Whether tables can be written so.
    pub fn is_written(self) -> bool {
        self.writer().is_some()
    }

    /// Whether files have a place for the attributes of words.
    pub fn has_attributes(self) -> bool {
        self.writer().is_some_and(|writer| writer.has_attributes)
    }

    /// Whether files have a place for the tables of a transformer's input.
    pub fn has_inputs(self) -> bool {
        self.writer().is_some_and(|writer| writer.has_inputs)
    }

    /// Whether a written table is more than one file.
    pub fn has_companions(self) -> bool {
        self.writer().is_some_and(|writer| writer.words.is_some())
    }

    /// The format that a file's suffix means; none for those that mean several.
    pub fn of_suffix(name: &str) -> Option<Self> {
        let suffix = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.entry().suffixes.contains(&suffix.as_str()))
    }

    /// The format of a file that is not one of lines, by its beginning, then by its name; none if its
    /// lines must tell.
    pub(super) fn told(head: &[u8], name: &str) -> Option<Self> {
        Self::of(told(FORMATS, head, name)?)
    }

    /// The same for a zip archive with these files.
    pub(super) fn told_archive(head: &[u8], members: &[&str]) -> Option<Self> {
        let head = Head { bytes: &head[..head.len().min(HEAD_BYTES)], name: "", members };
        Self::of(surest(FORMATS, &head)?)
    }

    fn of(entry: &Entry) -> Option<Self> {
        Self::from_name(entry.name)
    }

    pub(super) fn writer(self) -> Option<&'static Writer> {
        self.entry().write.as_ref()
    }
}
