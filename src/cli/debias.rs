//! `wordspace debias`: a new table with less of a bias.

use std::path::Path;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::bias::set;
use crate::cli::detach::unless_detached;
use crate::cli::evaluate::{self, Kind};
use crate::cli::failure::{Failure, Result};
use crate::cli::options::TableArg;
use crate::cli::output::{Align, Grid, Output, count, seconds, shown};
use crate::cli::plot::{self, Bar, DrawArgs};
use crate::client::{Client, DebiasMethod, DebiasReport, DebiasRequest, DebiasTestSet};

/// Make a new table with less of a bias; the old one stays as it is
///
/// --svg and --png draw each probe before and after. To see words rather than probes, draw `wordspace
/// bias project --beside`.
#[derive(Debug, Args)]
pub(super) struct Debias {
    #[command(flatten)]
    table: TableArg,
    /// The new table
    #[arg(long, value_name = "NAME")]
    target: String,
    /// Replace the new table if it is there
    #[arg(long)]
    replace: bool,
    /// How
    #[arg(long, value_enum, default_value_t = Method::Hard)]
    method: Method,
    /// Words of one side, with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    from: Vec<String>,
    /// Their partners on the other side, word by word
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    to: Vec<String>,
    /// For multiclass: a set of words that differ in the class, with commas between; may be given
    /// several times
    #[arg(long = "set", value_name = "WORDS")]
    sets: Vec<String>,
    /// Words that stay as they are; for half-sibling those that predict
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    specific: Vec<String>,
    /// For multiclass the components of the subspace [default: 2]; for linear-projection how often
    /// [default: 10]
    #[arg(long, value_name = "COUNT")]
    components: Option<u32>,
    /// Also compare both tables by this test set: the name of a stored one, or KIND=FILE, where KIND is
    /// analogies, pairs, categories or outliers; may be given several times
    #[arg(long = "evaluate", value_name = "NAME|KIND=FILE")]
    test_sets: Vec<String>,
    /// Seed of whatever is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Return at once; the table is made by a job
    #[arg(long, conflicts_with_all = ["svg", "png"])]
    detach: bool,
    #[command(flatten)]
    drawn: DrawArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Neutralize and equalize (Bolukbasi et al. 2016)
    Hard,
    /// The same with a subspace of several sets (Manzini et al. 2019)
    Multiclass,
    /// Hard, after what frequency has most to do with is taken out (Wang et al. 2020)
    DoubleHard,
    /// Iterated nullspace projection (Ravfogel et al. 2020)
    LinearProjection,
    /// Half-sibling regression (Yang and Feng 2020)
    HalfSibling,
}

impl Debias {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let bar = ProgressBar::hidden();
        if !output.is_json() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        if let Ok(style) = ProgressStyle::with_template("  {pos} of {len} rows {wide_bar}") {
            bar.set_style(style);
        }
        let report = client.debias(self.request()?, |progress| {
            bar.set_length(progress.row_count);
            bar.set_position(progress.rows_done);
        });
        let report = report.await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(Failure::from), output)? {
            Some(report) => {
                output.answer(&report, text)?;
                self.drawn.write_if_asked(|| probes(&report), output)
            }
            None => Ok(()),
        }
    }

    fn request(&self) -> Result<DebiasRequest> {
        let method = match self.method {
            Method::Hard => DebiasMethod::Hard,
            Method::Multiclass => DebiasMethod::Multiclass,
            Method::DoubleHard => DebiasMethod::DoubleHard,
            Method::LinearProjection => DebiasMethod::LinearProjection,
            Method::HalfSibling => DebiasMethod::HalfSibling,
        };
        let given = |name, words: &[String]| (!words.is_empty()).then(|| set(name, words));
        let sets = self.sets.iter().map(|words| {
            let words: Vec<String> = words.split(',').map(str::to_owned).collect();
            set("", &words)
        });
        let test_sets = self.test_sets.iter().map(|set| test_set(set)).collect::<Result<_>>()?;
        Ok(DebiasRequest {
            table: self.table.name.clone(),
            target: self.target.clone(),
            replace: self.replace,
            method: method.into(),
            from: given("from", &self.from),
            to: given("to", &self.to),
            sets: sets.collect(),
            specific: given("specific", &self.specific),
            components: self.components,
            words: None,
            lost_threshold: None,
            seed: self.seed,
            test_sets,
            detach: self.detach,
        })
    }
}

/// The probes that could be measured in both tables, a bar for each.
fn probes(report: &DebiasReport) -> String {
    let bars = report.probes.iter().filter_map(|probe| {
        let bar = |group: &str, label: &str, value| Bar {
            label: label.to_owned(),
            group: group.to_owned(),
            value,
        };
        Some([bar("before", &probe.name, probe.before?), bar("after", "", probe.after?)])
    });
    let title = format!("{}: {}", report.table, report.lineage);
    plot::bars(&title, &bars.flatten().collect::<Vec<_>>())
}

/// A test set for the report: stored, or a file.
fn test_set(argument: &str) -> Result<DebiasTestSet> {
    let Some((kind, path)) = argument.split_once('=') else {
        return Ok(DebiasTestSet { name: argument.to_owned(), ..DebiasTestSet::default() });
    };
    let kind = Kind::from_str(kind, false).map_err(|_| {
        let kinds = "analogies, pairs, categories or outliers";
        Failure::Usage(format!("--evaluate {argument}: before = stands {kinds}"))
    })?;
    let file = evaluate::read(Path::new(path))?;
    if file.is_empty() {
        return Err(Failure::Local(format!("{path} is empty")));
    }
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(DebiasTestSet { name, kind: kind.told().into(), file })
}

pub(super) fn text(report: &DebiasReport) -> String {
    let mut grid =
        Grid::titled(&[("probe", Align::Left), ("before", Align::Right), ("after", Align::Right)]);
    let figure = |value: Option<f64>| value.map_or_else(|| "none".into(), |v| format!("{v:.4}"));
    for probe in &report.probes {
        grid.row([probe.name.clone(), figure(probe.before), figure(probe.after)]);
    }
    let notes: Vec<_> =
        report.warnings.iter().map(|warning| format!("  note: {}\n", shown(warning))).collect();
    let attributes = match report.attributed_row_count {
        0 => String::new(),
        rows => format!("  the attributes of {} words were taken over\n", count(rows)),
    };
    format!(
        "  table {}, generation {}: {} rows in {}\n  {}\n{grid}{attributes}{}",
        shown(&report.table),
        report.generation,
        count(report.row_count),
        seconds(report.seconds),
        shown(&report.lineage),
        notes.concat()
    )
}
