//! The tokenizer that comes with an import: stored before the table appears, and the table's then.

use crate::engine::import::{IfExists, ImportOptions, TokenizerPolicy};
use crate::engine::{Engine, TokenizerStatus};
use crate::error::{At, Error, ErrorKind, Result};
use crate::format::Note;
use crate::limits;
use crate::table::meta::TableName;
use crate::text::spec::Spec;
use crate::text::tokenizer::Tokenizer;

/// Names like the table's that are tried.
const NAMES_TRIED: usize = 100;

/// A tokenizer that is to be a table's.
#[derive(Debug)]
pub(super) struct Attachment {
    table: TableName,
    /// Where it may go, the best first.
    names: Vec<TableName>,
    /// Whether the table's old one, if no other table uses it, may be replaced.
    replace: bool,
    spec: Spec,
    tokenizer: Tokenizer,
}

/// What becomes of a tokenizer that came with a file.
pub(super) enum Plan {
    Attach(Attachment),
    /// Nobody wants it.
    Leave,
    /// It cannot be stored; this is why.
    Unfit(Note),
}

/// What a name is good for.
enum Place {
    Free,
    /// The same tokenizer stands there.
    Same,
    /// It is the old one of this table and of no other.
    Own,
    Taken,
}

impl Attachment {
    /// Opens a tokenizer, and sees where it may go.
    ///
    /// # Errors
    ///
    /// If it is to be stored under a name that another has, or that none can have.
    pub(super) fn plan(engine: &Engine, options: &ImportOptions, spec: Spec) -> Result<Plan> {
        let wanted = match &options.tokenizer {
            TokenizerPolicy::Leave | TokenizerPolicy::Use(_) => return Ok(Plan::Leave),
            TokenizerPolicy::Attach => None,
            TokenizerPolicy::AttachAs(name) => Some(name),
        };
        let tokenizer = match engine.open_tokenizer(&spec) {
            Ok(tokenizer) => tokenizer,
            Err(error) if wanted.is_none() => return Ok(Plan::Unfit(unfit(&spec, &error))),
            Err(error) => return Err(error),
        };
        if wanted.is_none()
            && let Err(error) = engine.check_tokenizer_count()
        {
            return Ok(Plan::Unfit(unfit(&spec, &error)));
        }
        let names = wanted.map_or_else(|| names(&options.table), |name| vec![name.clone()]);
        let replace = options.if_exists == IfExists::Replace;
        let table = options.table.clone();
        let mut attachment = Self { table, names: Vec::new(), replace, spec, tokenizer };
        let names = names.into_iter();
        attachment.names =
            names.filter(|name| !matches!(attachment.place(engine, name), Place::Taken)).collect();
        match (attachment.names.first(), wanted) {
            (Some(_), _) => Ok(Plan::Attach(attachment)),
            (None, Some(name)) => {
                engine.check_new_tokenizer(name, false)?;
                Err(Error::new(ErrorKind::TokenizerExists { name: name.to_string() }))
            }
            (None, None) => {
                let kind = ErrorKind::TokenizerExists { name: attachment.table.to_string() };
                Ok(Plan::Unfit(unfit(&attachment.spec, &Error::new(kind))))
            }
        }
    }

    fn place(&self, engine: &Engine, name: &TableName) -> Place {
        if engine.check_new_tokenizer(name, true).is_err() {
            return Place::Taken;
        }
        match engine.tokenizer_spec(name.as_str()) {
            Ok(stored) if stored == self.spec => Place::Same,
            Err(error) if matches!(error.kind(), ErrorKind::TokenizerNotFound { .. }) => {
                Place::Free
            }
            Ok(_) | Err(_) => {
                let users = engine.shared.shelf.tables_of(name.as_str());
                let is_own = self.replace && users == [self.table.as_str()];
                if is_own { Place::Own } else { Place::Taken }
            }
        }
    }

    /// What it will be.
    pub(super) fn planned(&self) -> TokenizerStatus {
        TokenizerStatus {
            name: self.names.first().unwrap_or(&self.table).to_string(),
            tokenizer: Ok(self.tokenizer.clone()),
            stored_bytes: None,
            tables: Vec::new(),
        }
    }

    /// Stores it, if it is not there; its name.
    ///
    /// # Errors
    ///
    /// If every name was taken meanwhile, or the disk fails.
    pub(super) fn store(self, engine: &Engine) -> Result<String> {
        for name in &self.names {
            let replace = match self.place(engine, name) {
                Place::Same => return Ok(name.to_string()),
                Place::Free => false,
                Place::Own => true,
                Place::Taken => continue,
            };
            match engine.put_opened(name, &self.spec, self.tokenizer.clone(), replace) {
                Ok(status) => return Ok(status.name),
                Err(error) if matches!(error.kind(), ErrorKind::TokenizerExists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::TokenizerExists { name: self.table.to_string() }))
    }
}

/// The table's name, then the same with a number.
fn names(table: &TableName) -> Vec<TableName> {
    let numbered = |number: usize| {
        let end = format!("-{number}");
        let room = limits::TABLE_NAME_CHARS_MAX - end.len();
        let stem = &table.as_str()[..table.as_str().len().min(room)];
        TableName::try_from(format!("{stem}{end}")).ok()
    };
    std::iter::once(table.clone()).chain((2..NAMES_TRIED).filter_map(numbered)).collect()
}

fn unfit(spec: &Spec, error: &Error) -> Note {
    let file = spec.files.first().map_or("the tokenizer", |file| file.name.as_str());
    let detail = format!("{file}: {error}");
    Note { reason: "tokenizer_left", done: "not stored", at: At::Row(0), detail }
}
