//! `wordspace convert`: an embedding file into one of another format, without a server.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::inspect::account;
use crate::cli::local::{self, PlaceArgs, PolicyArgs};
use crate::cli::new_files::NewFiles;
use crate::cli::options::{read_format, written_format};
use crate::cli::output::{Output, bytes, count};
use crate::format::intake::Intake;
use crate::format::{self, Compression, Format, Row, Selection, Step};
use crate::table::view::View;

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(200);
/// Rows between two looks at the bar.
const ROWS_PER_LOOK: u64 = 1_024;

/// Turn an embedding file into one of another format
///
/// No server is needed. The files appear when they are complete. The suffix of OUT tells its format
/// and compression (.gz, .zst) if --to does not.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// The file to read, or a folder with a model
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Layout of IN [default: told by content]
    #[arg(long, value_parser = read_format(), value_name = "FORMAT")]
    from: Option<Format>,
    /// Layout of OUT [default: told by its suffix]
    #[arg(long, value_parser = written_format(), value_name = "FORMAT")]
    to: Option<Format>,
    #[command(flatten)]
    places: PlaceArgs,
    #[command(flatten)]
    policies: PolicyArgs,
    /// Overwrite files that are there already
    #[arg(long)]
    force: bool,
}

impl Convert {
    pub(super) fn run(&self) -> Result<()> {
        let (to, compression) = self.target()?;
        let mut outputs = NewFiles::new(&self.output, self.force)?;
        let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}  {pos} rows"));
        bar.enable_steady_tick(TICK);
        bar.set_message("reading");
        let wanted = self.from;
        let found = local::find(&self.input, &self.places, wanted)?;
        let mut opened = found.open(&self.places, wanted)?;
        let dim = opened.reader.dim();
        let dtype = self.policies.dtype_of(&*opened.reader);
        let mut intake = Intake::new(self.policies.policies(), opened.format.name(), (dtype, dim))?;
        let mut row = Row::default();
        let mut rows_read = 0_u64;
        loop {
            match opened.reader.read(&mut row)? {
                Step::Row => intake.take(&row)?,
                Step::Fault(fault) => intake.fault(&fault)?,
                Step::End => break,
            }
            rows_read += 1;
            if rows_read.is_multiple_of(ROWS_PER_LOOK) {
                bar.set_position(rows_read);
            }
        }
        opened.reader.notes().iter().for_each(|note| intake.note(note));
        intake.end(opened.reader.claimed_rows(), rows_read)?;
        let (builder, attributes, reasons) = intake.finish();
        let rows_kept = builder.len() as u64;
        let attributed = if to.has_attributes() { 0 } else { attributes.attributed() as u64 };
        let inputs = opened.inputs.filter(|_| !self.policies.normalize);
        let leaves_inputs = inputs.is_some() && !to.has_inputs();
        let table = View::from(builder.build().with_inputs(inputs.map(Ok)));
        let table = table.with_attributes(attributes);
        bar.set_message("writing");
        format::write(&Selection::all(&table), to, compression, &mut outputs)?;
        let written = outputs.finish()?;
        bar.finish_and_clear();
        let mut text = String::new();
        for (path, size) in &written {
            let _ = writeln!(text, "{}: {}", path.display(), bytes(*size));
        }
        let _ = writeln!(
            text,
            "  from    {}, {}\n  to      {}, {} rows of {dim} components",
            opened.format.name(),
            opened.reader.dtype(),
            to.name(),
            count(rows_kept),
        );
        if opened.subwords.is_some() {
            text += "  left    the sub-words: the file written has the vectors of its words only\n";
        }
        if attributed > 0 {
            let _ = writeln!(
                text,
                "  left    the attributes of {} words: json-lines, csv, tsv, parquet and arrow have a place \
                 for them",
                count(attributed)
            );
        }
        if leaves_inputs {
            text += "  left    the tables of positions and segments: safetensors can carry them\n";
        }
        text += &account(rows_read, rows_kept, &reasons);
        Output::standard(false).say(text.trim_end());
        Ok(())
    }

    /// The format and the compression of the file to write.
    fn target(&self) -> Result<(Format, Compression)> {
        let name = self.output.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (inner, compression) = if let Some(inner) = name.strip_suffix(".gz") {
            (inner, Compression::Gzip)
        } else if let Some(inner) = name.strip_suffix(".zst") {
            (inner, Compression::Zstd)
        } else {
            (name.as_str(), Compression::None)
        };
        let told = self.to.or_else(|| Format::of_suffix(inner));
        let format = told.ok_or_else(|| {
            Failure::Usage(format!("the suffix of {name} tells no format: --to names one"))
        })?;
        if !format.is_written() {
            return Err(Failure::Usage(format!("{} is only read, not written", format.name())));
        }
        Ok((format, compression))
    }
}
