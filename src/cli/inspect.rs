//! `wordspace inspect`: what an embedding file holds, without a server.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::failure::Result;
use crate::cli::local::{self, PlaceArgs};
use crate::cli::options::read_format;
use crate::cli::output::{Align, Grid, Output, count, quoted, shown};
use crate::format::intake::{Intake, OnDuplicate, OnInvalid, Policies, ReasonCount};
use crate::format::{self, Format, Row, Step};
use crate::text::spec::Spec;

/// Words of either end that are shown.
const ENDS: usize = 3;
/// Components of a vector that are shown.
const COMPONENTS: usize = 4;

/// Say what an embedding file holds: format, rows, first and last words, and everything odd
///
/// The whole file is read; no server is needed. Of a folder the model within is read.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The file, or a folder with a model
    file: PathBuf,
    /// Layout of the file [default: told by content]
    #[arg(long, value_parser = read_format())]
    format: Option<Format>,
    #[command(flatten)]
    places: PlaceArgs,
    /// Show the vectors of these words, unseen ones as the model makes them of its sub-words
    #[arg(long = "word", value_name = "WORD", num_args = 1..)]
    shown: Vec<String>,
}

#[derive(Serialize)]
struct Inspection {
    file: String,
    format: &'static str,
    /// Empty if there is none.
    compression: &'static str,
    rows_read: u64,
    rows_kept: u64,
    dim: usize,
    dtype: &'static str,
    first: Vec<Ends>,
    last: Vec<Ends>,
    /// Those asked for.
    words: Vec<Shown>,
    subwords: Option<Subwords>,
    /// Other tables of a checkpoint.
    tables: Vec<OtherTable>,
    /// The file of the tokenizer that an import would store; empty if there is none.
    tokenizer: String,
    reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct OtherTable {
    tensor: String,
    rows: usize,
    dim: usize,
    dtype: String,
    /// Whether an import keeps it.
    kept: bool,
}

#[derive(Serialize)]
struct Shown {
    word: String,
    /// `row`, `subwords`, or `nothing` if there is no vector.
    made_of: &'static str,
    vector: Vec<f32>,
}

#[derive(Serialize)]
struct Ends {
    word: String,
    vector: Vec<f32>,
}

#[derive(Serialize)]
struct Subwords {
    min_n: usize,
    max_n: usize,
    bytes: usize,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names in JSON")]
struct Reason {
    reason: &'static str,
    count: u64,
    rows_left_out: bool,
    done: &'static str,
    examples: Vec<String>,
}

impl Inspect {
    pub(super) fn run(&self, json: bool) -> Result<()> {
        let mut output = Output::standard(json);
        let wanted = self.format;
        let found = local::find(&self.file, &self.places, wanted)?;
        let mut opened = found.open(&self.places, wanted)?;
        let (format, dim) = (opened.format, opened.reader.dim());
        let mut intake = Intake::new(lenient(), format.name(), (opened.reader.suits(), dim))?;
        let mut row = Row::default();
        let mut rows_read = 0;
        loop {
            match opened.reader.read(&mut row)? {
                Step::Row => intake.take(&row)?,
                Step::Fault(fault) => intake.fault(&fault)?,
                Step::End => break,
            }
            rows_read += 1;
        }
        opened.reader.notes().iter().for_each(|note| intake.note(note));
        intake.end(opened.reader.claimed_rows(), rows_read)?;
        let (builder, _, reasons) = intake.finish();
        let table = builder.build();
        let ends = |rows: std::ops::Range<usize>| -> Vec<Ends> {
            rows.filter_map(|row| {
                let row = crate::vector::RowId(u32::try_from(row).ok()?);
                let vector = table.vector(row).to_vec();
                Some(Ends { word: table.shown(row).into_owned(), vector })
            })
            .collect()
        };
        let show = |word: &String| -> Result<Shown> {
            let row = table.row(word.as_bytes()).map(|row| table.vector(row).to_vec());
            let unseen = || match &opened.subwords {
                Some(subwords) => subwords.vector(word.as_bytes()),
                None => Ok(None),
            };
            let (made_of, vector) = match row {
                Some(vector) => ("row", vector),
                None => unseen()?.map_or(("nothing", Vec::new()), |vector| ("subwords", vector)),
            };
            Ok(Shown { word: word.clone(), made_of, vector })
        };
        let rows = table.len();
        let inspection = Inspection {
            file: self.file.display().to_string(),
            format: format.name(),
            compression: opened.compression.name(),
            rows_read,
            rows_kept: rows as u64,
            dim,
            dtype: opened.reader.dtype(),
            first: ends(0..rows.min(ENDS)),
            last: ends(rows.saturating_sub(ENDS)..rows),
            words: self.shown.iter().map(show).collect::<Result<_>>()?,
            subwords: opened.subwords.as_ref().map(|subwords| Subwords {
                min_n: subwords.min_n,
                max_n: subwords.max_n,
                bytes: subwords.buckets.bytes(),
            }),
            tables: opened.tables.into_iter().map(OtherTable::from).collect(),
            tokenizer: opened.tokenizer.map(tokenizer).unwrap_or_default(),
            reasons: reasons.iter().map(reason).collect(),
        };
        let text = if json {
            serde_json::to_string(&inspection).unwrap_or_default() + "\n"
        } else {
            text(&inspection, &reasons)
        };
        output.data(text.as_bytes())
    }
}

/// Everything odd is told, and nothing ends the look.
fn lenient() -> Policies {
    let (on_duplicate, on_invalid) = (OnDuplicate::First, OnInvalid::Skip);
    Policies { on_duplicate, on_invalid, ..Policies::default() }
}

impl From<format::OtherTable> for OtherTable {
    fn from(table: format::OtherTable) -> Self {
        let format::OtherTable { name, rows, dim, dtype, is_kept } = table;
        Self { tensor: name, rows, dim, dtype, kept: is_kept }
    }
}

fn tokenizer(spec: Spec) -> String {
    let files: Vec<String> = spec.files.into_iter().map(|file| file.name).collect();
    files.join(" ")
}

fn reason(counted: &ReasonCount) -> Reason {
    Reason {
        reason: counted.reason,
        count: counted.count,
        rows_left_out: counted.rows_left_out,
        done: counted.done,
        examples: counted.examples.iter().map(|(at, word)| format!("{at} {word}")).collect(),
    }
}

fn text(inspection: &Inspection, reasons: &[ReasonCount]) -> String {
    let packed = if inspection.compression.is_empty() {
        String::new()
    } else {
        format!(", {}", inspection.compression)
    };
    let mut text = format!(
        "{}: {}{packed}, {} rows of {} components, {}\n",
        shown(&inspection.file),
        inspection.format,
        count(inspection.rows_kept),
        inspection.dim,
        inspection.dtype,
    );
    if let Some(subwords) = &inspection.subwords {
        let _ = writeln!(
            text,
            "  sub-words of {} to {} characters, {}",
            subwords.min_n,
            subwords.max_n,
            crate::cli::output::bytes(subwords.bytes as u64),
        );
    }
    if !inspection.tokenizer.is_empty() {
        let _ = writeln!(text, "  tokenizer {}", shown(&inspection.tokenizer));
    }
    if !inspection.tables.is_empty() {
        let _ = write!(text, "  other tables\n{}", tables(&inspection.tables));
    }
    for Shown { word, made_of, vector } in &inspection.words {
        let numbers: Vec<String> = vector.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {} (of its {made_of})  {}", quoted(word), numbers.join(" "));
    }
    for (title, ends) in [("first", &inspection.first), ("last", &inspection.last)] {
        let mut grid = Grid::plain(&[Align::Left, Align::Left, Align::Left]);
        for end in ends {
            let numbers: Vec<String> =
                end.vector.iter().take(COMPONENTS).map(ToString::to_string).collect();
            let more = if end.vector.len() > COMPONENTS { " ..." } else { "" };
            let numbers = format!("{}{more}", numbers.join(" "));
            grid.row([String::new(), quoted(&end.word), numbers]);
        }
        let _ = write!(text, "  {title}\n{grid}");
    }
    text + &account(inspection.rows_read, inspection.rows_kept, reasons)
}

fn tables(tables: &[OtherTable]) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Left, Align::Left, Align::Left]);
    for OtherTable { tensor, rows, dim, dtype, kept } in tables {
        let told = if *kept { "kept by an import" } else { "read with --tensor" };
        let size = format!("{} x {dim} {}", count(*rows as u64), shown(dtype));
        grid.row([String::new(), shown(tensor), size, told.to_owned()]);
    }
    grid.to_string()
}

/// What became of every row.
pub(super) fn account(rows_read: u64, rows_kept: u64, reasons: &[ReasonCount]) -> String {
    let (out, noted): (Vec<_>, Vec<_>) =
        reasons.iter().partition(|reason: &&ReasonCount| reason.rows_left_out);
    let left_out: u64 = out.iter().map(|reason| reason.count).sum();
    let mut text = format!(
        "  rows    {} read = {} kept + {} left out\n",
        count(rows_read),
        count(rows_kept),
        count(left_out)
    );
    for (title, reasons) in [("left out", out), ("noted", noted)] {
        let mut grid = Grid::plain(&[Align::Left, Align::Right, Align::Left, Align::Left]);
        for reason in &reasons {
            let name = reason.reason.replace('_', " ");
            grid.row([String::new(), count(reason.count), name, reason.done.to_owned()]);
            for (at, word) in &reason.examples {
                grid.example(&at.to_string(), word);
            }
        }
        if !reasons.is_empty() {
            let _ = write!(text, "  {title}\n{grid}");
        }
    }
    text
}
