//! `wordspace import`: an embedding file into a table.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::local::{self, PlaceArgs, PolicyArgs};
use crate::cli::options::{IndexArg, format_name, read_format, wire_format};
use crate::cli::output::{Align, Grid, Output, bytes, count, quoted, seconds, shown};
use crate::cli::tables::index;
use crate::cli::tokenizer::kind;
use crate::cli::uploads::send_again;
use crate::client::{
    self, Client, Dtype, GetTableRequest, GetTableResponse, IfExists, ImportHeader, ImportReason,
    ImportReport, IndexState, TokenizerInfo, chunks, import_header,
};
use crate::format::Format;

/// How often the state of an index is asked for.
const POLL: Duration = Duration::from_millis(200);

/// Import an embedding file into a table; returns when every row is safe on disk
///
/// The table appears, or is replaced, when the import is complete; if it fails, or is stopped,
/// nothing changes. Compression (gzip, bzip2, zstd, xz, or zip with one file) is recognized by
/// content. Of a folder the model within is imported; vocabularies and tokenizers that stand beside
/// a file are sent with it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the options of a command")]
pub(super) struct Import {
    /// The file, or a folder with a model; "-" reads stdin
    file: PathBuf,
    /// Name of the table
    #[arg(long = "table", value_name = "NAME", required_unless_present = "into")]
    table: Option<String>,
    /// Add the rows to this table, which is there already, in place of making one; `--on-duplicate` says
    /// what becomes of words that it has
    #[arg(long, value_name = "NAME", conflicts_with_all = ["table", "replace", "tokenizer"])]
    into: Option<String>,
    /// Layout of the file [default: told by content]
    #[arg(long, value_parser = read_format())]
    format: Option<Format>,
    #[command(flatten)]
    places: PlaceArgs,
    #[command(flatten)]
    policies: PolicyArgs,
    /// Replace the table if it is there already
    #[arg(long)]
    replace: bool,
    /// Stop after so many rows of the file
    #[arg(long, value_name = "ROWS")]
    limit: Option<u64>,
    /// How often words occur: lines of a word and a number, which become the attribute "count"
    #[arg(long, value_name = "FILE")]
    counts: Option<PathBuf>,
    /// The licence of the vectors, kept with the table
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    license: String,
    /// Store the tokenizer that comes with a model under this name [default: that of the table]
    #[arg(long, value_name = "NAME")]
    tokenizer: Option<String>,
    /// Read a tokenizer that comes with a model only for its words; else it is stored, and cuts the
    /// table's texts where none is named
    #[arg(long, conflicts_with = "tokenizer")]
    no_tokenizer: bool,
    /// Go on where an import of this file into this table broke off, and after a broken connection; the
    /// server keeps the file until it is imported
    #[arg(long)]
    resumable: bool,
    /// Read and account for everything, and keep nothing
    #[arg(long, conflicts_with = "wait_index")]
    dry_run: bool,
    /// Leave vectors on the disk, so that the table may be larger than memory
    #[arg(long, conflicts_with = "into")]
    on_disk: bool,
    /// Index of a table of more than 10,000 rows
    #[arg(long, value_name = "KIND", value_enum, default_value_t = IndexArg::Auto)]
    index: IndexArg,
    /// Return when the index is built, too
    #[arg(long)]
    wait_index: bool,
    /// Return when the whole file has arrived; the import goes on as a job
    #[arg(long, conflicts_with = "wait_index")]
    detach: bool,
}

impl Import {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let sent = self.send(client).await;
        let Some(report) = unless_detached(sent, output)? else { return Ok(()) };
        output.answer(&report, report_text)?;
        if self.wait_index {
            wait_for_index(client, &report, output).await?;
        }
        Ok(())
    }

    fn header(&self) -> ImportHeader {
        let if_exists = if self.replace { IfExists::Replace } else { IfExists::Error };
        ImportHeader {
            table: self.table().to_owned(),
            format: wire_format(self.format).into(),
            source: String::new(),
            total_bytes: None,
            on_duplicate: client::OnDuplicate::from(self.policies.on_duplicate).into(),
            on_invalid: client::OnInvalid::from(self.policies.on_invalid).into(),
            on_invalid_utf8: client::OnInvalidUtf8::from(self.policies.on_invalid_utf8).into(),
            if_exists: if_exists.into(),
            limit: self.limit,
            tensor: self.places.tensor.clone().unwrap_or_default(),
            words: String::new(),
            dry_run: self.dry_run,
            word_changes: Some(self.policies.word_changes()),
            normalize: self.policies.normalize,
            rank: self.policies.rank,
            counts: self.counts.as_deref().map(name_of).unwrap_or_default(),
            license: self.license.clone(),
            resume_offset: None,
            fields: Some(self.places.fields()),
            attach: match (&self.tokenizer, self.no_tokenizer) {
                (Some(name), _) => Some(import_header::Attach::Tokenizer(name.clone())),
                (None, true) => Some(import_header::Attach::NoTokenizer(true)),
                (None, false) => None,
            },
            detach: self.detach,
            index: self.index.kind().into(),
            dtype: self.policies.dtype.map_or(Dtype::Unspecified, Dtype::from).into(),
            append: self.into.is_some(),
            on_disk: self.on_disk,
        }
    }

    /// The table that is made, or to which rows are added.
    fn table(&self) -> &str {
        self.table.as_ref().or(self.into.as_ref()).map_or("", String::as_str)
    }

    /// Sends the file, or stdin for "-", under a bar.
    async fn send(&self, client: &Client) -> Result<ImportReport> {
        let bar =
            ProgressBar::no_length().with_style(style("{spinner} {msg}  {bytes}  {bytes_per_sec}"));
        bar.set_message("importing");
        bar.enable_steady_tick(POLL);
        let on_progress = |progress: &client::ImportProgress| {
            if let Some(total) = progress.total_bytes
                && bar.length().is_none()
            {
                bar.set_length(total);
                bar.set_style(style(
                    "{msg}  [{bar:30}]  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
                ));
            }
            bar.set_position(progress.bytes_read);
            if progress.total_bytes == Some(progress.bytes_read) {
                bar.set_message("writing to disk");
            }
        };
        let header = self.header();
        let report = if self.file.as_os_str() == "-" {
            let header = ImportHeader { source: "stdin".to_owned(), ..header };
            client.import(header, chunks(std::io::stdin()), on_progress).await
        } else {
            let found = local::find(&self.file, &self.places, self.format)?;
            let words = found.words.unwrap_or_default();
            let header = ImportHeader { words, ..header };
            let mut companions = found.companions;
            companions.extend(self.counts.iter().map(|file| (name_of(file), file.clone())));
            if self.resumable {
                self.send_resumable(client, header, (&found.main, companions), on_progress).await
            } else {
                client.import_files(header, &found.main, companions, on_progress).await
            }
        };
        bar.finish_and_clear();
        report.map_err(|error| {
            if let client::CallError::Source(error) = &error {
                return Failure::Local(format!("{} cannot be read: {error}", self.file.display()));
            }
            error.into()
        })
    }
}

impl Import {
    async fn send_resumable(
        &self,
        client: &Client,
        header: ImportHeader,
        (file, companions): (&Path, Vec<(String, PathBuf)>),
        mut on_progress: impl FnMut(&client::ImportProgress) + Send,
    ) -> client::Result<ImportReport> {
        let offset = async || {
            let source = File::open(file).map_err(client::CallError::Source)?;
            client.resume_offset(self.table(), source).await
        };
        send_again(offset, async |from| {
            let header = ImportHeader { resume_offset: Some(from), ..header.clone() };
            client.import_files(header, file, companions.clone(), &mut on_progress).await
        })
        .await
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// An indicatif template that is wrong shows the default bar.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Waits until the index of the imported generation answers, under a bar.
pub(super) async fn wait_for_index(
    client: &Client,
    report: &ImportReport,
    output: &mut Output,
) -> Result<()> {
    let bar = ProgressBar::new(1000).with_style(style("{msg}  [{bar:30}]  {percent}%  {elapsed}"));
    let answer = loop {
        let answer = client.get_table(GetTableRequest { table: report.table.clone() }).await?;
        match build(&answer, report.generation)? {
            Build::Ended => break answer,
            Build::Waiting => bar.set_message("waiting for another index"),
            Build::UnderWay(per_mille) => {
                bar.set_message("building the index");
                bar.set_position(per_mille);
            }
        }
        tokio::time::sleep(POLL).await;
    };
    bar.finish_and_clear();
    output.answer(&answer, |answer| {
        let status = answer.table.as_ref().and_then(|table| table.index.clone());
        format!("  index   {}\n", index(&status.unwrap_or_default()))
    })
}

/// How far a build is.
#[derive(Debug, PartialEq, Eq)]
enum Build {
    Waiting,
    UnderWay(u64),
    Ended,
}

fn build(answer: &GetTableResponse, generation: u64) -> Result<Build> {
    let table = answer.table.clone().unwrap_or_default();
    if table.generation != generation {
        return Err(Failure::Local(format!(
            "{} was replaced while its index was built: generation {} in place of {generation}",
            quoted(&table.name),
            table.generation
        )));
    }
    if !table.problem.is_empty() {
        let problem = shown(&table.problem);
        return Err(Failure::Local(format!("{} cannot answer: {problem}", quoted(&table.name))));
    }
    let status = table.index.unwrap_or_default();
    match status.state() {
        IndexState::Ready | IndexState::NotNeeded => Ok(Build::Ended),
        IndexState::Stopped => Err(Failure::Local(format!(
            "building the index of {} was stopped; answers stay exact",
            quoted(&table.name)
        ))),
        IndexState::Failed => Err(Failure::Local(format!(
            "the index of {} cannot be built: {}; answers stay exact",
            quoted(&table.name),
            shown(&status.problem)
        ))),
        IndexState::Unspecified | IndexState::Queued => Ok(Build::Waiting),
        IndexState::Building => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=1000; NaN becomes 0"
            )]
            let per_mille = (status.progress * 1000.0).clamp(0.0, 1000.0) as u64;
            Ok(Build::UnderWay(per_mille))
        }
    }
}

/// What became of every row.
pub(super) fn report_text(report: &ImportReport) -> String {
    report_of(report, format_name(report.format()))
}

/// The same for rows that were made of something else than a file of them.
pub(super) fn report_of(report: &ImportReport, source: &str) -> String {
    let (out, noted): (Vec<_>, Vec<_>) =
        report.reasons.iter().partition(|reason| reason.rows_left_out);
    let left_out: u64 = out.iter().map(|reason| reason.count).sum();
    let packed = if report.compression.is_empty() {
        String::new()
    } else {
        format!(", {}", report.compression)
    };
    let mut text = format!(
        "{}: {} rows of {} components, generation {}\n  source  {}{packed}, {}\n  rows    {} read = \
         {} kept + {} left out\n  time    {} to read, {} until all was on disk\n",
        shown(&report.table),
        count(report.rows_kept),
        report.dim,
        report.generation,
        source,
        bytes(report.bytes_read),
        count(report.rows_read),
        count(report.rows_kept),
        count(left_out),
        seconds(report.read_seconds),
        seconds(report.durable_seconds),
    );
    if let Some(tokenizer) = &report.tokenizer {
        text += &tokenizer_text(tokenizer);
    }
    for (title, reasons) in [("left out", out), ("noted", noted)] {
        if !reasons.is_empty() {
            let _ = write!(text, "  {title}\n{}", reasons_text(&reasons));
        }
    }
    text
}

/// The tokenizer that came with the file.
fn tokenizer_text(tokenizer: &TokenizerInfo) -> String {
    let role = if tokenizer.stored { "stored, and the table's" } else { "would be the table's" };
    let size = tokenizer
        .vocab_size
        .map_or_else(String::new, |size| format!(", {} tokens", count(size.into())));
    let name = shown(&tokenizer.name);
    let mut text = format!("  cut by  tokenizer {name} ({}{size}): {role}\n", kind(tokenizer));
    for hidden in &tokenizer.hidden_limits {
        let _ = writeln!(text, "          ignored from its file: {}", shown(hidden));
    }
    text
}

pub(super) fn reasons_text(reasons: &[&ImportReason]) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Right, Align::Left, Align::Left]);
    for reason in reasons {
        let name = reason.reason.replace('_', " ");
        grid.row([String::new(), count(reason.count), name, reason.done.clone()]);
        for example in &reason.examples {
            grid.example(&example.at, &example.word);
        }
    }
    grid.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ImportExample, IndexStatus, Table};

    fn reason(reason: &str, count: u64, rows_left_out: bool, examples: &[&str]) -> ImportReason {
        let example = |at: &&str| ImportExample { at: (*at).to_owned(), word: "the".to_owned() };
        ImportReason {
            reason: reason.to_owned(),
            count,
            rows_left_out,
            done: "kept the first".to_owned(),
            examples: examples.iter().map(example).collect(),
        }
    }

    #[test]
    fn the_report_accounts_for_every_row() {
        let report = ImportReport {
            table: "glove".to_owned(),
            generation: 3,
            format: client::Format::Glove.into(),
            gzip: true,
            compression: "gzip".to_owned(),
            dim: 50,
            rows_read: 20_003,
            rows_kept: 20_001,
            bytes_read: 3_384_469,
            reasons: vec![
                reason("duplicate_word", 2, true, &["line 7", "line 9"]),
                reason("header_count", 1, false, &[]),
            ],
            read_seconds: 0.5,
            durable_seconds: 0.75,
            tokenizer: Some(TokenizerInfo {
                name: "glove".to_owned(),
                kind: client::TokenizerKind::Wordpiece.into(),
                vocab_size: Some(20_001),
                stored: true,
                hidden_limits: vec!["padding: to 128 tokens".to_owned()],
                ..TokenizerInfo::default()
            }),
        };
        assert_eq!(
            report_text(&report),
            "glove: 20,001 rows of 50 components, generation 3\n\
             \u{20} source  GloVe text, gzip, 3.2 MiB\n\
             \u{20} rows    20,003 read = 20,001 kept + 2 left out\n\
             \u{20} time    0.50 s to read, 0.75 s until all was on disk\n\
             \u{20} cut by  tokenizer glove (wordpiece, 20,001 tokens): stored, and the table's\n\
             \u{20}         ignored from its file: padding: to 128 tokens\n\
             \u{20} left out\n\
             \u{20}   2  duplicate word  kept the first\n\
             \u{20}                      line 7 \"the\"\n\
             \u{20}                      line 9 \"the\"\n\
             \u{20} noted\n\
             \u{20}   1  header count  kept the first\n"
        );
    }

    #[test]
    fn waiting_ends_when_the_graph_answers_and_fails_when_it_never_will() {
        let answer = |generation, state: IndexState, progress| GetTableResponse {
            table: Some(Table {
                generation,
                index: Some(IndexStatus {
                    state: state.into(),
                    progress,
                    ..IndexStatus::default()
                }),
                ..Table::default()
            }),
        };
        assert_eq!(build(&answer(1, IndexState::Building, 0.25), 1).unwrap(), Build::UnderWay(250));
        assert_eq!(
            build(&answer(1, IndexState::Building, f32::NAN), 1).unwrap(),
            Build::UnderWay(0)
        );
        assert_eq!(build(&answer(1, IndexState::Queued, 0.0), 1).unwrap(), Build::Waiting);
        assert_eq!(build(&answer(1, IndexState::Ready, 1.0), 1).unwrap(), Build::Ended);
        assert_eq!(build(&answer(1, IndexState::NotNeeded, 0.0), 1).unwrap(), Build::Ended);
        assert!(build(&answer(1, IndexState::Failed, 0.5), 1).is_err());
        assert!(build(&answer(2, IndexState::Ready, 1.0), 1).is_err());
    }
}
