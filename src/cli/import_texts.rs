//! `wordspace import-texts`: texts as the rows of a new table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use crate::cli::detach::unless_detached;
use crate::cli::embed::{PoolingArgs, weighed};
use crate::cli::failure::{Failure, Result};
use crate::cli::import::{report_of, style, wait_for_index};
use crate::cli::local::{OnDuplicate, OnInvalid};
use crate::cli::options::{Oov, TableArg, WordArgs};
use crate::cli::output::{Output, shown};
use crate::cli::texts::{CuttingArgs, readers};
use crate::client::{self, Client, IfExists, ImportTextsHeader, ImportTextsReport, TextLayout};

/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// Make texts the rows of a new table, each with the vector that `embed` gives it
///
/// Look for the nearest texts with `embed --nearest COUNT --in TARGET`. The table appears, or is
/// replaced, when the import is complete; if it fails, or is stopped, nothing changes. Empty texts, and
/// those of which no word is known, are left out and counted.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the options of a command")]
pub(super) struct ImportTexts {
    /// Files of texts, a line each; none or "-" reads stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    table: TableArg,
    /// The new table
    #[arg(long, value_name = "NAME")]
    target: String,
    /// What a line is
    #[arg(long, value_enum, default_value_t = Layout::Lines)]
    layout: Layout,
    #[command(flatten)]
    cutting: CuttingArgs,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// Look for a word as it is, else in lower case
    #[arg(long)]
    lowercase: bool,
    /// Fail if a word is unknown, in place of leaving it out
    #[arg(long)]
    no_unknown: bool,
    /// Replace the new table if it is there already
    #[arg(long)]
    replace: bool,
    /// What to do with a text, or an id, that comes again
    #[arg(long, value_enum, default_value_t = OnDuplicate::First)]
    on_duplicate: OnDuplicate,
    /// What to do with lines that are too long, not UTF-8, or not of the layout
    #[arg(long, value_enum, default_value_t = OnInvalid::Error)]
    on_invalid: OnInvalid,
    /// Stop after so many lines
    #[arg(long, value_name = "LINES")]
    limit: Option<u64>,
    /// Return when the index is built, too
    #[arg(long)]
    wait_index: bool,
    /// Return when all texts have arrived; the import goes on as a job
    #[arg(long, conflicts_with = "wait_index")]
    detach: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// A text, which is its own word
    Lines,
    /// An id, a tab, and a text, which becomes the attribute "text"
    Ids,
    /// {"id": ..., "text": ..., and attributes}
    Jsonl,
}

impl ImportTexts {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let sent = self.send(client).await;
        let Some(report) = unless_detached(sent, output)? else { return Ok(()) };
        output.answer(&report, text)?;
        if self.wait_index
            && let Some(import) = &report.import
        {
            wait_for_index(client, import, output).await?;
        }
        Ok(())
    }

    fn header(&self, total_bytes: Option<u64>) -> ImportTextsHeader {
        let layout = match self.layout {
            Layout::Lines => TextLayout::Lines,
            Layout::Ids => TextLayout::Ids,
            Layout::Jsonl => TextLayout::JsonLines,
        };
        let if_exists = if self.replace { IfExists::Replace } else { IfExists::Error };
        let name =
            |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
        let names: Vec<String> = self.files.iter().filter_map(name).collect();
        let mut source = if self.is_stdin() { "stdin".to_owned() } else { names.join(" ") };
        let most = crate::limits::SOURCE_BYTES_MAX;
        if source.len() > most {
            source = format!("{} files", self.files.len());
        }
        let oov = Some(if self.no_unknown { Oov::Error } else { Oov::Skip });
        ImportTextsHeader {
            table: self.table.name.clone(),
            target: self.target.clone(),
            layout: layout.into(),
            cutting: Some(self.cutting.cutting()),
            words: Some(
                WordArgs { lowercase: self.lowercase, oov, ..WordArgs::default() }.options(),
            ),
            options: Some(self.pooling.options()),
            if_exists: if_exists.into(),
            on_duplicate: client::OnDuplicate::from(self.on_duplicate).into(),
            on_invalid: client::OnInvalid::from(self.on_invalid).into(),
            source,
            total_bytes,
            limit: self.limit,
            detach: self.detach,
        }
    }

    fn is_stdin(&self) -> bool {
        self.files.is_empty() || self.files == [Path::new("-")]
    }

    async fn send(&self, client: &Client) -> Result<ImportTextsReport> {
        let sizes = self.files.iter().map(|file| file.metadata().map(|metadata| metadata.len()));
        let total: Option<u64> = sizes.map(std::io::Result::ok).sum();
        let total = total.filter(|_| !self.is_stdin());
        let bar = match total {
            Some(total) => ProgressBar::new(total)
                .with_style(style("{msg}  [{bar:30}]  {bytes} of {total_bytes}  {eta} left")),
            None => ProgressBar::no_length().with_style(style("{spinner} {msg}  {bytes}")),
        };
        bar.set_message("importing texts");
        bar.enable_steady_tick(TICK);
        let readers = readers(&self.files);
        let on_progress = |progress: &client::ImportProgress| bar.set_position(progress.bytes_read);
        let report = client.import_texts(self.header(total), readers, on_progress).await;
        bar.finish_and_clear();
        report.map_err(|error| {
            if let client::CallError::Source(error) = &error {
                return Failure::Local(format!("texts cannot be read: {error}"));
            }
            error.into()
        })
    }
}

pub(super) fn text(report: &ImportTextsReport) -> String {
    let import = report.import.clone().unwrap_or_default();
    let frequencies = weighed(report.frequencies.as_ref());
    let tokenizer = shown(&report.tokenizer);
    format!("{}  cut by {tokenizer}{frequencies}\n", report_of(&import, "texts"))
}
