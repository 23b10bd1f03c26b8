//! Rows in: reads a source, applies the policies, accounts for every row, and publishes the table
//! when everything is on disk.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | what an engine is asked, and whose turn it is |
//! | `options.rs` | how to import, what, and what came of it |
//! | `work.rs` | one import, from its first row to its last |
//! | `source.rs` | bytes counted as they are read, and rows without a file |
//! | `publish.rs` | what was staged becomes a table, or part of one |

mod options;
mod publish;
mod source;
mod work;

use crate::engine::{Engine, Shared};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::upload::{Upload, UploadStatus};
use crate::table::meta::TableName;

pub use options::{
    First, IfExists, ImportOptions, ImportProgress, ImportReport, Made, Rows, Source,
    TokenizerPolicy, WholeRow,
};
pub(super) use publish::publish;

use work::Import;

impl Engine {
    /// Imports a source into a table, which appears, or is replaced, when everything is on disk;
    /// the index follows in the background. If anything fails, nothing changes.
    ///
    /// # Errors
    ///
    /// If the table is there (`IfExists::Error`), if another import into it runs, if the source is
    /// malformed or breaks off, if a policy refuses a row, if a limit is passed, or if the disk
    /// fails.
    pub fn import(
        &self,
        options: &ImportOptions,
        source: Source,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let table = options.target(self);
        let _turn = Turn::take(&self.shared, &table)?;
        self.import_in_turn(options, source, on_progress)
    }

    /// The same of a source that is kept as it arrives. What is kept goes away before anybody else may
    /// import into the table, unless the import failed for a reason that is not the source's: then another
    /// call can go on there.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`].
    pub fn import_kept(
        &self,
        options: &ImportOptions,
        source: Source,
        upload: &Upload,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let table = options.target(self);
        let _turn = Turn::take(&self.shared, &table)?;
        let imported = self.import_in_turn(options, source, on_progress);
        if !can_go_on(&imported)
            && let Err(error) = upload.remove()
        {
            tracing::warn!(?error, "what was kept of a file stays");
        }
        imported
    }

    /// Drops what has arrived of a file for a table; how many bytes there were.
    ///
    /// # Errors
    ///
    /// `Conflict` if an import into the table runs; if the disk fails.
    pub fn delete_upload(&self, table: &TableName) -> Result<u64> {
        let _turn = Turn::take(&self.shared, table)?;
        Ok(self.upload(table).remove()?.unwrap_or(0))
    }

    /// How many bytes have arrived of a file for a table, and their CRC-32.
    ///
    /// # Errors
    ///
    /// If it is stopped, or if the disk fails.
    pub fn upload_state(&self, table: &TableName) -> Result<(u64, u32)> {
        self.upload(table).state(&|| self.go_on())
    }

    /// What has arrived of files for tables, by the tables' names.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn uploads(&self) -> Result<Vec<UploadStatus>> {
        self.shared.store.uploads()
    }

    /// [`Engine::import`] for whoever has the turn already.
    pub(super) fn import_in_turn(
        &self,
        options: &ImportOptions,
        source: Source,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        options
            .check(self)
            .and_then(|()| Import::new(self, options, source))
            .and_then(|mut import| import.look_beside().and_then(|()| import.run(on_progress)))
            .context(|| format!("importing {}", options.source_name))
    }
}

/// Whether an import failed for a reason that is not the source's: the call's, another's, or the disk's.
/// Damage is the store's, as a format tells that of its files otherwise.
pub(super) fn can_go_on<T>(imported: &Result<T>) -> bool {
    imported.as_ref().is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::Cancelled
                | ErrorKind::Closing
                | ErrorKind::Deadline
                | ErrorKind::Idle { .. }
                | ErrorKind::Overloaded
                | ErrorKind::DiskFull
                | ErrorKind::Storage
                | ErrorKind::Corrupt { .. }
                | ErrorKind::Internal
                | ErrorKind::InvalidArgument { .. }
                | ErrorKind::TableExists { .. }
                | ErrorKind::AliasExists { .. }
                | ErrorKind::TokenizerExists { .. }
                | ErrorKind::TokenizerNotFound { .. }
                | ErrorKind::TooLarge { limit: "job-memory" | "spool-max" | "DISK_LEFT_BYTES", .. }
        )
    })
}

/// The right to import into a table; one import has it at a time.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    name: &'a TableName,
}

impl<'a> Turn<'a> {
    pub(super) fn take(shared: &'a Shared, name: &'a TableName) -> Result<Self> {
        shared.check_open()?;
        let mut importing = shared.importing.lock();
        if importing.contains(name) {
            return Err(Error::new(ErrorKind::Conflict { table: name.to_string() }));
        }
        importing.insert(name.clone());
        Ok(Self { shared, name })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.importing.lock().remove(self.name);
    }
}
