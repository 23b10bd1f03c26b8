//! `wordspace export`: a table as a file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::{Format, Server};
use crate::cli::output::{Output, bytes};
use crate::client::{self, Client, ExportRequest};

/// Export a table to a file; the file appears when it is complete
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    pub(super) server: Server,
    /// Table to export
    #[arg(long = "table", value_name = "NAME")]
    table: String,
    /// The file to write; "-" writes to stdout
    file: PathBuf,
    /// Layout of the file
    #[arg(long, value_enum)]
    format: Format,
    /// Compress it
    #[arg(long)]
    gzip: bool,
    /// Overwrite the file if it is there already
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let to_stdout = self.file.as_os_str() == "-";
        if !to_stdout {
            self.refuse_to_overwrite()?;
        }
        let mut export = client
            .export(ExportRequest {
                table: self.table.clone(),
                format: client::Format::from(self.format).into(),
                gzip: self.gzip,
            })
            .await?;
        if to_stdout {
            while let Some(chunk) = export.next_chunk().await? {
                output.data(&chunk)?;
            }
            return Ok(());
        }
        let written = self.save(&mut export).await?;
        output.say(&format!("{}: {}", self.file.display(), bytes(written)));
        Ok(())
    }

    fn refuse_to_overwrite(&self) -> Result<()> {
        if !self.force && self.file.symlink_metadata().is_ok() {
            let file = self.file.display();
            return Err(Failure::Local(format!("{file} is there already; --force overwrites it")));
        }
        Ok(())
    }

    async fn save(&self, export: &mut client::Export) -> Result<u64> {
        let broken =
            |error| Failure::Local(format!("{} cannot be written: {error}", self.file.display()));
        let (mut file, unfinished) = Unfinished::beside(&self.file).map_err(broken)?;
        let mut written = 0;
        while let Some(chunk) = export.next_chunk().await? {
            file.write_all(&chunk).map_err(broken)?;
            written += chunk.len() as u64;
        }
        file.sync_all().map_err(broken)?;
        // Another process may have made the file meanwhile.
        self.refuse_to_overwrite()?;
        std::fs::rename(&unfinished.0, &self.file).map_err(broken)?;
        Ok(written)
    }
}

/// A file under another name, which goes away unless it was renamed.
pub(super) struct Unfinished(pub(super) PathBuf);

impl Unfinished {
    pub(super) fn beside(file: &Path) -> std::io::Result<(File, Self)> {
        let name = file.file_name().ok_or(std::io::ErrorKind::IsADirectory)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let path = file.with_file_name(hidden);
        Ok((File::create_new(&path)?, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing of that name, and nobody to tell otherwise.
        let _ = std::fs::remove_file(&self.0);
    }
}
