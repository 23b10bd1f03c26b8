//! `Lesson`: what is left to do once a text was read, as it is kept beside the text's numbers.

use serde::{Deserialize, Serialize};

use crate::engine::import::{IfExists, ImportOptions, TokenizerPolicy};
use crate::engine::train_table::asked::{Along, Method};
use crate::format::intake::Policies;
use crate::table::meta::{IndexChoice, Residence, TableName};

/// What is to be learned of a text that was read, and told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Lesson {
    /// The new table, and whether it may take the place of another.
    pub(super) table: TableName,
    pub(super) replaces: bool,
    pub(super) source_name: String,
    /// Seconds since 1970-01-01 UTC.
    pub(super) trained_at: u64,
    /// How the vectors come about, for provenance.
    pub(super) told: String,
    /// What cut the text; none: white space of ASCII.
    pub(super) tokenizer: Option<String>,
    /// How vectors are learned, with as much room as was chosen for this text.
    pub(super) method: Method,
    pub(super) from: Option<Origin>,
    /// The table of the output vectors.
    pub(super) outputs: Option<TableName>,
    pub(super) along: Along,
    pub(super) text: TextTold,
}

/// The state of a table that training began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) table: TableName,
    /// Whether its words keep their vectors.
    pub(super) is_frozen: bool,
    /// The state: another one has other vectors.
    pub(super) generation: u64,
    pub(super) sequence: u64,
}

/// What is told of the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TextTold {
    /// In all.
    pub(super) bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
    /// Places that were not UTF-8.
    pub(super) repaired: u64,
    /// Different phrases that each pass has joined.
    pub(super) phrases: Vec<usize>,
    /// Time that reading took.
    pub(super) seconds: f64,
}

impl Lesson {
    /// How the output vectors become a table, if they do.
    pub(super) fn output_options(&self) -> Option<ImportOptions> {
        let table = self.outputs.clone()?;
        let told = format!("outputs of table {}: {}", self.table, self.told);
        Some(ImportOptions { table, told, ..self.options() })
    }

    /// How what was learned becomes a table.
    pub(super) fn options(&self) -> ImportOptions {
        let if_exists = if self.replaces { IfExists::Replace } else { IfExists::Error };
        ImportOptions {
            table: self.table.clone(),
            source_name: self.source_name.clone(),
            policies: Policies::default(),
            if_exists,
            limit: None,
            total_bytes: None,
            imported_at: self.trained_at,
            counts: None,
            license: String::new(),
            told: self.told.clone(),
            dry_run: false,
            index: IndexChoice::Auto,
            dtype: None,
            residence: Residence::Memory,
            tokenizer: match &self.tokenizer {
                Some(name) => TokenizerPolicy::Use(name.clone()),
                None => TokenizerPolicy::Leave,
            },
        }
    }
}
