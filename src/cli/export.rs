//! `wordspace export`: a table as a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::new_files::NewFiles;
use crate::cli::options::{FilterArgs, TableArg, wire_format, written_format};
use crate::cli::output::{Output, bytes};
use crate::client::{self, Client, ExportRequest};
use crate::format::Format;

/// Export a table, or some words of it, to a file, which appears when it is complete
///
/// Attributes of words go along in json-lines, csv, tsv, parquet and arrow; the other formats have no place
/// for them.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    table: TableArg,
    /// The file to write; "-" writes to stdout
    file: PathBuf,
    /// Layout of the file [default: told by its suffix]
    #[arg(long, visible_alias = "to", value_parser = written_format())]
    format: Option<Format>,
    /// Compress it [default: if the name ends in .gz]
    #[arg(long)]
    gzip: bool,
    /// Overwrite files that are there already
    #[arg(long)]
    force: bool,
    /// Put a ' before words and texts that a spreadsheet would take for formulas (csv and tsv)
    #[arg(long)]
    guard_formulas: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Export {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (format, gzip) = self.target()?;
        let mut export = client
            .export(ExportRequest {
                table: self.table.name.clone(),
                format: wire_format(Some(format)).into(),
                gzip,
                filter: self.filter.filter(),
                guard_formulas: self.guard_formulas,
            })
            .await?;
        if self.file.as_os_str() == "-" {
            while let Some(part) = export.next().await? {
                if !part.companion.is_empty() {
                    let problem = "this format is two files, and stdout is one".to_owned();
                    return Err(Failure::Local(problem));
                }
                output.data(&part.chunk)?;
            }
            return Ok(());
        }
        let mut files = NewFiles::new(&self.file, self.force)?;
        save(&mut export, &mut files).await?;
        for (path, size) in files.finish()? {
            output.say(&format!("{}: {}", path.display(), bytes(size)));
        }
        Ok(())
    }
}

impl Export {
    /// The format, as it is told or by the file's suffix, and whether the file is compressed.
    fn target(&self) -> Result<(Format, bool)> {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (inner, is_gz) = match name.strip_suffix(".gz") {
            Some(inner) => (inner, true),
            None => (name.as_str(), false),
        };
        let format = match self.format {
            Some(format) => format,
            None => {
                Format::of_suffix(inner).filter(|format| format.is_written()).ok_or_else(|| {
                    Failure::Usage(format!(
                        "the suffix of {name} tells no format: --format names one"
                    ))
                })?
            }
        };
        Ok((format, self.gzip || is_gz))
    }
}

async fn save(export: &mut client::Export, files: &mut NewFiles<'_>) -> Result<()> {
    let broken = |error| Failure::Local(format!("a file cannot be written: {error}"));
    files.begin_main().map_err(broken)?;
    while let Some(part) = export.next().await? {
        if !part.companion.is_empty() {
            files.begin_companion(&part.companion).map_err(broken)?;
        }
        files.append(&part.chunk).map_err(broken)?;
    }
    Ok(())
}
