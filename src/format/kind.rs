//! `Format`: the formats, their names, and which one a file begins like.

use crate::format::{csv, fasttext, input::BOM, npy, safetensors};

/// The layout of an embedding file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header, then a line of text for each row; fastText's `.vec` too.
    Word2vecText,
    /// A header, then each word with its vector as little-endian floats.
    Word2vecBinary,
    /// A line of text for each row, no header.
    Glove,
    /// fastText's `.bin` and `.ftz`.
    Fasttext,
    /// floret's table of buckets, with a file of words.
    Floret,
    /// `.fifu`.
    Finalfusion,
    /// A `NumPy` array with a file of words.
    Npy,
    /// A `NumPy` archive with one matrix.
    Npz,
    /// Tensors with a tokenizer or a vocabulary.
    Safetensors,
    /// A model of llama.cpp.
    Gguf,
    /// An object of JSON for each row.
    JsonLines,
    /// Fields between commas.
    Csv,
    /// Fields between tabs.
    Tsv,
    /// Columns, compressed.
    Parquet,
    /// Columns as Arrow IPC, a file or a stream.
    Arrow,
    /// Magnitude's database.
    Magnitude,
    /// Rows and components (u32 each), then floats; with a file of words.
    Fbin,
    /// The array of an HDF5 file, with a file of words or none.
    Hdf5,
    /// Two files of the `TensorBoard` projector.
    Projector,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 19] = [
        Self::Word2vecText,
        Self::Word2vecBinary,
        Self::Glove,
        Self::Fasttext,
        Self::Floret,
        Self::Finalfusion,
        Self::Npy,
        Self::Npz,
        Self::Safetensors,
        Self::Gguf,
        Self::JsonLines,
        Self::Csv,
        Self::Tsv,
        Self::Parquet,
        Self::Arrow,
        Self::Magnitude,
        Self::Fbin,
        Self::Hdf5,
        Self::Projector,
    ];

    /// Its name on the command line and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word2vecText => "word2vec-text",
            Self::Word2vecBinary => "word2vec-binary",
            Self::Glove => "glove",
            Self::Fasttext => "fasttext",
            Self::Floret => "floret",
            Self::Finalfusion => "finalfusion",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::JsonLines => "json-lines",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Magnitude => "magnitude",
            Self::Fbin => "fbin",
            Self::Hdf5 => "hdf5",
            Self::Projector => "projector",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether it is read as its bytes come; the others must be there as a whole.
    pub fn is_streamed(self) -> bool {
        match self {
            Self::Word2vecText
            | Self::Word2vecBinary
            | Self::Glove
            | Self::JsonLines
            | Self::Csv
            | Self::Tsv => true,
            Self::Fasttext
            | Self::Floret
            | Self::Finalfusion
            | Self::Npy
            | Self::Npz
            | Self::Safetensors
            | Self::Gguf
            | Self::Parquet
            | Self::Arrow
            | Self::Magnitude
            | Self::Fbin
            | Self::Hdf5
            | Self::Projector => false,
        }
    }

    /// Whether tables can be written so.
    pub fn is_written(self) -> bool {
        match self {
            Self::Word2vecText
            | Self::Word2vecBinary
            | Self::Glove
            | Self::Finalfusion
            | Self::Npy
            | Self::Safetensors
            | Self::JsonLines
            | Self::Csv
            | Self::Tsv
            | Self::Parquet
            | Self::Arrow
            | Self::Projector => true,
            Self::Fasttext
            | Self::Floret
            | Self::Npz
            | Self::Gguf
            | Self::Magnitude
            | Self::Fbin
            | Self::Hdf5 => false,
        }
    }

    /// Whether files have a place for the attributes of words.
    pub fn has_attributes(self) -> bool {
        matches!(self, Self::JsonLines | Self::Csv | Self::Tsv | Self::Parquet | Self::Arrow)
    }

    /// Whether a written table is more than one file.
    pub fn has_companions(self) -> bool {
        matches!(self, Self::Npy | Self::Projector)
    }

    /// The format that a file's suffix means; none for those that mean several.
    pub fn of_suffix(name: &str) -> Option<Self> {
        let suffix = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Some(match suffix.as_str() {
            "vec" => Self::Word2vecText,
            "ftz" => Self::Fasttext,
            "floret" => Self::Floret,
            "fifu" => Self::Finalfusion,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "safetensors" => Self::Safetensors,
            "gguf" => Self::Gguf,
            "jsonl" | "ndjson" => Self::JsonLines,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "magnitude" => Self::Magnitude,
            "fbin" => Self::Fbin,
            "hdf5" | "h5" => Self::Hdf5,
            _ => return None,
        })
    }
}

/// How the list of a checkpoint's shards is named.
pub(super) const SHARDS: &str = ".safetensors.index.json";

/// Whether the words may stand in another file.
pub(super) fn may_need_words(format: Format) -> bool {
    matches!(
        format,
        Format::Npy
            | Format::Npz
            | Format::Safetensors
            | Format::Floret
            | Format::Fbin
            | Format::Hdf5
            | Format::Finalfusion
            | Format::Gguf
    )
}

/// Bytes that tell a format, if any do.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// The format of a file that is not one of lines, by its beginning, then by its name; none if its
/// lines must tell.
pub(super) fn told(head: &[u8], name: &str) -> Option<Format> {
    let by_magic = match head {
        _ if head.starts_with(npy::MAGIC) => Some(Format::Npy),
        _ if head.starts_with(&fasttext::MAGIC_BYTES) => Some(Format::Fasttext),
        [b'F', b'i', b'F', b'u', _, 0, 0, 0, ..] => Some(Format::Finalfusion),
        [b'G', b'G', b'U', b'F', _, 0, 0, 0, ..] => Some(Format::Gguf),
        // Then the first page of a column.
        [b'P', b'A', b'R', b'1', 0x15, ..] => Some(Format::Parquet),
        _ if head.starts_with(b"ARROW1\0\0") => Some(Format::Arrow),
        [0xFF, 0xFF, 0xFF, 0xFF, _, _, _, 0, ..] => Some(Format::Arrow),
        _ if head.starts_with(b"\x89HDF\r\n\x1A\n") => Some(Format::Hdf5),
        _ if head.starts_with(b"SQLite format 3\0") => Some(Format::Magnitude),
        _ if safetensors::begins(head) => Some(Format::Safetensors),
        _ if name.ends_with(SHARDS) => Some(Format::Safetensors),
        _ if is_floret(head) => Some(Format::Floret),
        _ if is_json(head) => Some(Format::JsonLines),
        _ if fasttext::begins_old(head) => Some(Format::Fasttext),
        _ if csv::begins(head, b',') => Some(Format::Csv),
        _ if csv::begins(head, b'\t') => Some(Format::Tsv),
        _ => None,
    };
    by_magic.or_else(|| match Format::of_suffix(name) {
        Some(Format::Fbin) => Some(Format::Fbin),
        Some(format @ (Format::Csv | Format::Tsv)) => Some(format),
        Some(_) | None => None,
    })
}

fn first_line(head: &[u8]) -> (&[u8], bool) {
    match memchr::memchr(b'\n', head) {
        Some(end) => (&head[..end], true),
        None => (head, head.len() < HEAD_BYTES),
    }
}

/// Six whole numbers, then what stands before and behind a word.
fn is_floret(head: &[u8]) -> bool {
    let (line, _) = first_line(head);
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let whole = |field: &&[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let number = |field: &&[u8]| fast_float2::parse::<f32, _>(field).is_ok();
    match fields.as_slice() {
        [numbers @ .., before, behind] => {
            numbers.len() == 6 && numbers.iter().all(whole) && !number(before) && !number(behind)
        }
        _ => false,
    }
}

/// An object or a list in the first line, as far as it can be seen.
fn is_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    if !matches!(head, [b'{' | b'[', ..]) {
        return false;
    }
    let (line, whole) = first_line(head);
    match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
        Ok(_) => true,
        Err(error) => error.is_eof() && !whole,
    }
}
