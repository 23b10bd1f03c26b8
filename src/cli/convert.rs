//! `wordspace convert`: an embedding file into one of another format, without a server.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use crate::cli::export::Unfinished;
use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::inspect::account;
use crate::cli::local::{self, PlaceArgs, PolicyArgs};
use crate::cli::options::Format;
use crate::cli::output::{Output, bytes, count};
use crate::format::intake::Intake;
use crate::format::{self, Compression, Outputs, Row, Step};
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
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<Format>,
    /// Layout of OUT [default: told by its suffix]
    #[arg(long, value_enum, value_name = "FORMAT")]
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
        let mut outputs = Written { main: &self.output, force: self.force, files: Vec::new() };
        outputs.refuse_to_overwrite(&self.output)?;
        let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}  {pos} rows"));
        bar.enable_steady_tick(TICK);
        bar.set_message("reading");
        let wanted = self.from.map(Into::into);
        let found = local::find(&self.input, &self.places, wanted)?;
        let mut opened = found.open(&self.places, wanted)?;
        let dim = opened.reader.dim();
        let mut intake = Intake::new(self.policies.policies(), opened.format.name(), dim)?;
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
        let (builder, reasons) = intake.finish();
        let rows_kept = builder.len() as u64;
        let table = View::from(builder.build()?);
        bar.set_message("writing");
        format::write_files(&table, to, compression, &mut outputs)?;
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
        text += &account(rows_read, rows_kept, &reasons);
        Output::standard(false).say(text.trim_end());
        Ok(())
    }

    /// The format and the compression of the file to write.
    fn target(&self) -> Result<(format::Format, Compression)> {
        let name = self.output.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (inner, compression) = if let Some(inner) = name.strip_suffix(".gz") {
            (inner, Compression::Gzip)
        } else if let Some(inner) = name.strip_suffix(".zst") {
            (inner, Compression::Zstd)
        } else {
            (name.as_str(), Compression::None)
        };
        let told = self.to.map(format::Format::from).or_else(|| format::Format::of_suffix(inner));
        let format = told.ok_or_else(|| {
            Failure::Usage(format!("the suffix of {name} tells no format: --to names one"))
        })?;
        if !format.is_written() {
            return Err(Failure::Usage(format!("{} is only read, not written", format.name())));
        }
        Ok((format, compression))
    }
}

/// The files to write, under other names until all are complete.
struct Written<'a> {
    main: &'a Path,
    force: bool,
    files: Vec<(PathBuf, File, Unfinished)>,
}

impl Written<'_> {
    fn refuse_to_overwrite(&self, path: &Path) -> Result<()> {
        if !self.force && path.symlink_metadata().is_ok() {
            let file = path.display();
            return Err(Failure::Local(format!("{file} is there already; --force overwrites it")));
        }
        Ok(())
    }

    fn begin(&mut self, path: PathBuf) -> io::Result<Box<dyn Write + Send + '_>> {
        let (file, unfinished) = Unfinished::beside(&path)?;
        let handle = file.try_clone()?;
        self.files.push((path, file, unfinished));
        Ok(Box::new(handle))
    }

    /// Gives every file its name; tells sizes.
    fn finish(self) -> Result<Vec<(PathBuf, u64)>> {
        for (path, _, _) in &self.files {
            self.refuse_to_overwrite(path)?;
        }
        let mut sizes = Vec::new();
        for (path, file, unfinished) in self.files {
            let size = file
                .sync_all()
                .and_then(|()| file.metadata())
                .and_then(|metadata| {
                    std::fs::rename(&unfinished.0, &path)?;
                    Ok(metadata.len())
                })
                .map_err(|error| {
                    Failure::Local(format!("{} cannot be written: {error}", path.display()))
                })?;
            sizes.push((path, size));
        }
        Ok(sizes)
    }
}

impl Outputs for Written<'_> {
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>> {
        self.begin(self.main.to_owned())
    }

    fn companion(&mut self, end: &str) -> io::Result<Box<dyn Write + Send + '_>> {
        let name = self.main.file_name().unwrap_or_default().to_string_lossy();
        let stem = format::stem(&name);
        self.begin(self.main.with_file_name(format!("{stem}.{end}")))
    }
}
