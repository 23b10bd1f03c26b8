//! `Meta`: what is known of a table beside its rows; and the rule for names.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;
use crate::vector::Dtype;

/// A table's name: 1 to 128 characters of `A-Z a-z 0-9 _ - .`, not starting with a dot or a dash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName(String);

impl TableName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An error if one of these names differs from this one only in case: what is stored under both
    /// would be one file where the file system does not tell case apart.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`.
    pub fn check_case<'n>(&self, mut names: impl Iterator<Item = &'n Self>) -> Result<()> {
        match names.find(|other| *other != self && other.0.eq_ignore_ascii_case(&self.0)) {
            None => Ok(()),
            Some(other) => {
                let problem =
                    format!("{other} is stored, which differs only in case; take another");
                Err(Error::invalid("name", problem))
            }
        }
    }
}

impl TryFrom<String> for TableName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() {
            return Err(Error::invalid("table", "a table's name is needed"));
        }
        if name.len() > limits::TABLE_NAME_CHARS_MAX
            || !name.chars().all(legal)
            || name.starts_with(['.', '-'])
        {
            let problem = format!(
                "a table's name has 1 to {} characters of A-Z a-z 0-9 _ - . and starts with \
                 neither a dot nor a dash",
                limits::TABLE_NAME_CHARS_MAX
            );
            return Err(Error::invalid("table", problem));
        }
        Ok(Self(name))
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of one generation of a table beside its rows; kept in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The table's name.
    pub name: TableName,
    /// Grows with each import into any table of the store; never used twice.
    pub generation: u64,
    /// Rows of the table.
    pub row_count: u64,
    /// Components of each vector.
    pub dim: u32,
    /// How they are kept.
    #[serde(default)]
    pub dtype: Dtype,
    /// Where the rows came from.
    pub provenance: Provenance,
    /// Which writes stand in these rows.
    #[serde(default)]
    pub applied: Applied,
    /// What the import kept for words that the table does not have.
    #[serde(default)]
    pub subwords: Option<SubwordsMeta>,
    /// What the import kept of a transformer's input.
    #[serde(default)]
    pub inputs: Option<InputsMeta>,
    /// Which index it should have.
    #[serde(default)]
    pub index: IndexChoice,
    /// Where its vectors are while it answers.
    #[serde(default)]
    pub residence: Residence,
}

/// Where the vectors of a table are while it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Residence {
    /// In memory.
    #[default]
    Memory,
    /// In the generation's file, which is mapped.
    Disk,
}

/// Which index a large table should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexChoice {
    /// What is faster for such rows.
    #[default]
    Auto,
    /// A graph.
    Hnsw,
    /// A partition.
    Partition,
    /// None: every row is compared.
    None,
}

/// Tables that a transformer adds to that of its tokens, in a file of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputsMeta {
    /// Bytes of the file.
    pub bytes: u64,
}

/// N-grams of characters whose vectors stand beside the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubwordsMeta {
    /// Characters of the shortest.
    pub min_n: usize,
    /// Characters of the longest.
    pub max_n: usize,
    /// Buckets that have a vector.
    pub rows: u64,
    /// Bytes of their file; what is used of it is in memory as the system sees fit.
    pub bytes: u64,
}

impl Meta {
    /// That of a table of which only the name and the generation are known.
    pub fn unknown(name: TableName, generation: u64) -> Self {
        Self {
            name,
            generation,
            row_count: 0,
            dim: 0,
            dtype: Dtype::F32,
            provenance: Provenance::default(),
            applied: Applied::default(),
            subwords: None,
            inputs: None,
            index: IndexChoice::Auto,
            residence: Residence::Memory,
        }
    }

    /// Whether so many rows of it are to have an index, where more than `least` need one.
    pub fn wants_index(&self, rows: usize, least: usize) -> bool {
        rows > least && self.index != IndexChoice::None
    }

    /// The generation that an import made, and of whose writes this one came.
    pub fn lineage(&self) -> u64 {
        self.applied.lineage.unwrap_or(self.generation)
    }
}

/// Which writes stand in the rows of a generation. An import has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The generation that was imported; none if it is this one.
    pub lineage: Option<u64>,
    /// The last write whose changes are among the rows; later ones are in the journal.
    pub sequence: u64,
    /// Rows that have attributes.
    pub attributed_rows: u64,
}

/// Where the rows of a table came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// As the importer named it, such as a file name.
    pub source: String,
    /// The file's format, in the words of the command line.
    pub format: String,
    /// Bytes of the source as they arrived.
    pub source_bytes: u64,
    /// Seconds since 1970-01-01 UTC.
    pub imported_at: u64,
    /// SHA-256 of the source's main file as it arrived, in hexadecimal digits; empty for rows, and
    /// for files that were not read to their end.
    #[serde(default)]
    pub sha256: String,
    /// The importer's options other than the defaults, in the words of the command line.
    #[serde(default)]
    pub options: String,
    /// The licence, if the importer gave one.
    #[serde(default)]
    pub license: String,
    /// Rows of the source.
    #[serde(default)]
    pub rows_read: u64,
}
