//! How to import, what is imported, and what came of it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::engine::{Engine, TokenizerStatus};
use crate::error::Result;
use crate::format::intake::{Policies, ReasonCount};
use crate::format::source::Files;
use crate::format::{self, Compression, Format, RowReader};
use crate::table::attributes::Attributes;
use crate::table::meta::{IndexChoice, Residence, TableName};
use crate::text::subword::Subwords;
use crate::vector::Dtype;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The table to make or replace.
    pub table: TableName,
    /// A name for the source, kept as provenance.
    pub source_name: String,
    /// For odd rows.
    pub policies: Policies,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// Stop after so many rows of the source.
    pub limit: Option<u64>,
    /// Bytes that the source's main file must have.
    pub total_bytes: Option<u64>,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
    /// The further file that holds how often words occur.
    pub counts: Option<String>,
    /// The licence, kept as provenance.
    pub license: String,
    /// These options, as whoever asked would write them; kept as provenance.
    pub told: String,
    /// Whether to read and account for everything, and to keep nothing.
    pub dry_run: bool,
    /// For a tokenizer that comes with the file.
    pub tokenizer: TokenizerPolicy,
    /// Which index the table should have.
    pub index: IndexChoice,
    /// How its vectors are kept; none: as the source has them, where a table can and they are not changed.
    pub dtype: Option<Dtype>,
    /// Where they are.
    pub residence: Residence,
}

/// For a tokenizer that comes with the file, whose tokens are the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenizerPolicy {
    /// It is stored under the table's name, or one like it that is free, and cuts the table's texts.
    #[default]
    Attach,
    /// The same under this name.
    AttachAs(TableName),
    /// It is only read for the words.
    Leave,
    /// It is only read for the words; this one, which is stored or built in, cuts the table's texts.
    Use(String),
}

/// For a table that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse the import.
    #[default]
    Error,
    /// Replace it when the import is complete.
    Replace,
    /// Add the rows to it when the import is complete: it must be there, and have vectors of the same
    /// dimension. Its rows come first, so that a word that it has comes again in the file. Its writes,
    /// its sub-words, its inputs and its tokenizer stay; what was written meanwhile is written after.
    Append,
}

/// What is imported.
pub enum Source {
    /// A file with its companions, and how to open them; streams are kept in the data folder if
    /// they must be seen as a whole.
    Files(Box<dyn Files>, format::Options),
    /// Rows, one by one.
    Rows(Rows),
    /// Rows that are made of something else.
    Made(Made),
}

/// Rows that are made as they are read.
pub struct Made {
    /// What they are made of, for messages and provenance.
    pub name: &'static str,
    /// Makes them.
    pub reader: Box<dyn RowReader>,
    /// Bytes read of what they are made of.
    pub bytes: Arc<AtomicU64>,
    /// The digest of what they are made of, in hexadecimal digits; empty if there is none.
    pub sha256: String,
    /// What makes vectors of words that are not among them.
    pub subwords: Option<Arc<Subwords>>,
    /// Puts what the table comes with in its place.
    pub first: Option<First>,
}

/// Done when all that may fail but the disk has been done, just before the table appears: what it puts in its place
/// appears together with the table. If the process ends or the disk fails between the two, the table alone is missing.
pub type First = Box<dyn FnOnce(&Engine) -> Result<()> + Send>;

/// Words with their vectors and attributes, one by one.
pub type Rows = Box<dyn Iterator<Item = Result<WholeRow>> + Send>;

/// A word with its vector and attributes.
pub type WholeRow = (Vec<u8>, Vec<f32>, Attributes);

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(_, options) => {
                f.debug_tuple("Files").field(options).finish_non_exhaustive()
            }
            Self::Rows(_) => f.debug_tuple("Rows").finish_non_exhaustive(),
            Self::Made(made) => made.fmt(f),
        }
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct ImportProgress {
    /// Bytes of the source.
    pub bytes_read: u64,
    /// Rows of the source.
    pub rows_read: u64,
}

/// What became of every row: `rows_read` is `rows_kept` and the rows of those reasons that left
/// rows out.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// The new generation's number; 0 for a dry run.
    pub generation: u64,
    /// None for rows without a file.
    pub format: Option<Format>,
    /// How the file was compressed.
    pub compression: Compression,
    /// Components of each vector.
    pub dim: usize,
    /// Rows of the source.
    pub rows_read: u64,
    /// Rows that have a row of their own in the table.
    pub rows_kept: u64,
    /// Bytes of the source.
    pub bytes_read: u64,
    /// What was odd, by reason.
    pub reasons: Vec<ReasonCount>,
    /// The tokenizer that came with the file, if it is the table's now.
    pub tokenizer: Option<TokenizerStatus>,
    /// From the beginning to the last row read.
    pub read_seconds: f64,
    /// From the beginning to everything on disk.
    pub durable_seconds: f64,
}

impl ImportOptions {
    /// Rows as they are, into a table that must not be there yet.
    pub fn new(table: TableName) -> Self {
        Self {
            table,
            source_name: String::new(),
            policies: Policies::default(),
            if_exists: IfExists::Error,
            limit: None,
            total_bytes: None,
            imported_at: 0,
            counts: None,
            license: String::new(),
            told: String::new(),
            dry_run: false,
            tokenizer: TokenizerPolicy::Attach,
            index: IndexChoice::Auto,
            dtype: None,
            residence: Residence::Memory,
        }
    }
}

impl ImportOptions {
    /// The table that is made, or to which rows are added; that may be named by an alias.
    pub(super) fn target(&self, engine: &Engine) -> TableName {
        match self.if_exists {
            IfExists::Append => engine.shared.catalog.table_of(&self.table),
            IfExists::Error | IfExists::Replace => self.table.clone(),
        }
    }

    /// How vectors of a source are kept.
    pub(super) fn dtype_of(&self, reader: &dyn RowReader) -> Dtype {
        let suited = || if self.policies.normalize { Dtype::F32 } else { reader.suits() };
        self.dtype.unwrap_or_else(suited)
    }

    /// Refuses what cannot be done whatever the source holds.
    ///
    /// # Errors
    ///
    /// If the table is there and not to be replaced, or if an alias has its name; if it is not there, and
    /// rows are to be added to it.
    pub fn check(&self, engine: &Engine) -> Result<()> {
        if self.if_exists == IfExists::Append {
            return engine.shared.catalog.entry(&self.table).map(drop);
        }
        let replace = self.if_exists == IfExists::Replace || self.dry_run;
        engine.shared.catalog.check_target(&self.table, replace)
    }
}
