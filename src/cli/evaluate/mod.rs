//! `wordspace evaluate`: test sets over one table or several.

mod sets;

pub(super) use sets::Kind;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Align, Grid, Output, answered, count, seconds, shown, skipped};
use crate::client::{
    AnalogiesRequest, AnalogyMethod, AnalogySection, CategoriesRequest, Client, EvaluationLookup,
    OutliersRequest, TableAnalogies, TableCategories, TableOutliers, TableWordPairs,
    WordPairsRequest,
};
use crate::table::meta::TableName;

/// How well a table does on a test set, of your own file or stored; several tables are compared
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    #[command(subcommand)]
    set: Set,
}

#[derive(Debug, Subcommand)]
enum Set {
    /// Analogy questions: `: section` lines, and lines "a b c d"; or pairs (BATS)
    Analogies {
        #[command(flatten)]
        file: FileArgs,
        /// How questions are answered
        #[arg(long, value_enum, default_value_t = Method::CosAdd)]
        method: Method,
    },
    /// Pairs with the similarity that people gave them: lines "a b number"
    Pairs {
        #[command(flatten)]
        file: FileArgs,
    },
    /// Words by category: lines "word category", or `: category` and its words
    Categories {
        #[command(flatten)]
        file: FileArgs,
        /// Seed of the clustering
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Sets with outliers: `: name`, members, an empty line, outliers
    Outliers {
        #[command(flatten)]
        file: FileArgs,
    },
    /// Test sets that the server keeps
    Sets {
        #[command(subcommand)]
        what: sets::Sets,
    },
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The test set: a file; or, if there is no such file, the name of a stored test set
    #[arg(value_name = "FILE|NAME")]
    file: PathBuf,
    /// Tables to ask
    #[arg(long = "table", value_name = "NAME", required = true, num_args = 1..)]
    tables: Vec<String>,
    /// Only the COUNT most frequent words are known and may answer; 0: all of them
    #[arg(long, value_name = "COUNT", default_value_t = 300_000)]
    top: u32,
    /// Tell upper and lower case apart
    #[arg(long)]
    case_sensitive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// The nearest to b - a + c
    CosAdd,
    /// The largest product of similarities
    CosMul,
}

impl FileArgs {
    /// The file's bytes, or the name of a stored test set.
    fn read(&self) -> Result<(Vec<u8>, String)> {
        stored_or_file(&self.file)
    }

    fn lookup(&self) -> EvaluationLookup {
        EvaluationLookup {
            restrict_vocab: Some(self.top),
            case_insensitive: Some(!self.case_sensitive),
        }
    }
}

/// The bytes of a file; if there is none and this can be a name, that name.
pub(super) fn stored_or_file(file: &Path) -> Result<(Vec<u8>, String)> {
    match file.to_str() {
        Some(name) if !file.exists() && TableName::try_from(name.to_owned()).is_ok() => {
            Ok((Vec::new(), name.to_owned()))
        }
        Some(_) | None => {
            let bytes = read(file)?;
            if bytes.is_empty() {
                return Err(Failure::Local(format!("{} is empty", file.display())));
            }
            Ok((bytes, String::new()))
        }
    }
}

/// A whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let problem = |error| Failure::Local(format!("{} cannot be read: {error}", path.display()));
    std::fs::read(path).map_err(problem)
}

impl Evaluate {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match &self.set {
            Set::Analogies { file, method } => {
                let method = match method {
                    Method::CosAdd => AnalogyMethod::CosAdd,
                    Method::CosMul => AnalogyMethod::CosMul,
                };
                let (bytes, test_set) = file.read()?;
                let request = AnalogiesRequest {
                    tables: file.tables.clone(),
                    file: bytes,
                    method: method.into(),
                    lookup: Some(file.lookup()),
                    test_set,
                };
                let answer = client.analogies(request).await?;
                output.answer(&answer, |answer| each(&answer.tables, analogies))
            }
            Set::Pairs { file } => {
                let (tables, lookup) = (file.tables.clone(), Some(file.lookup()));
                let (file, test_set) = file.read()?;
                let request = WordPairsRequest { tables, file, lookup, test_set };
                let answer = client.word_pairs(request).await?;
                output.answer(&answer, |answer| pairs(&answer.tables))
            }
            Set::Categories { file, seed } => {
                let (tables, lookup) = (file.tables.clone(), Some(file.lookup()));
                let (file, test_set) = file.read()?;
                let request = CategoriesRequest { tables, file, lookup, seed: *seed, test_set };
                let answer = client.categories(request).await?;
                output.answer(&answer, |answer| each(&answer.tables, categories))
            }
            Set::Outliers { file } => {
                let (tables, lookup) = (file.tables.clone(), Some(file.lookup()));
                let (file, test_set) = file.read()?;
                let request = OutliersRequest { tables, file, lookup, test_set };
                let answer = client.outliers(request).await?;
                output.answer(&answer, |answer| each(&answer.tables, outliers))
            }
            Set::Sets { what } => what.ask(client, output).await,
        }
    }
}

fn each<T>(tables: &[T], text: fn(&T) -> String) -> String {
    tables.iter().map(text).collect()
}

fn analogies(table: &TableAnalogies) -> String {
    let mut grid = Grid::titled(&[
        ("section", Align::Left),
        ("questions", Align::Right),
        ("known", Align::Right),
        ("right", Align::Right),
        ("top 5", Align::Right),
        ("with inputs", Align::Right),
        ("top 5", Align::Right),
    ]);
    let share = |part: u32, section: &AnalogySection| {
        let of = f64::from(section.asked_count);
        if of > 0.0 { format!("{:.4}", f64::from(part) / of) } else { String::new() }
    };
    for section in table.sections.iter().chain(&table.total) {
        let known =
            100.0 * f64::from(section.asked_count) / f64::from(section.question_count.max(1));
        grid.row([
            section.name.clone(),
            count(section.question_count.into()),
            format!("{known:.1}%"),
            share(section.right_count, section),
            share(section.right_top5_count, section),
            share(section.right_with_inputs_count, section),
            share(section.right_with_inputs_top5_count, section),
        ]);
    }
    let unknown = skipped(&table.unknown_words);
    let took = seconds(table.seconds);
    format!("{grid}{} in {took}{unknown}\n", answered(table.answer.as_ref()))
}

fn pairs(tables: &[TableWordPairs]) -> String {
    let mut grid = Grid::titled(&[
        ("table", Align::Left),
        ("Spearman", Align::Right),
        ("95 % interval", Align::Left),
        ("Pearson", Align::Right),
        ("pairs", Align::Right),
        ("known", Align::Right),
    ]);
    let figure = |value: Option<f64>| value.map_or_else(|| "none".into(), |v| format!("{v:.4}"));
    for table in tables {
        let known = 100.0 * f64::from(table.known_count) / f64::from(table.pair_count.max(1));
        let interval = match (table.spearman_low, table.spearman_high) {
            (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
            _ => String::new(),
        };
        grid.row([
            table.answer.as_ref().map_or_else(String::new, |answer| answer.table.clone()),
            figure(table.spearman),
            interval,
            figure(table.pearson),
            count(table.pair_count.into()),
            format!("{known:.1}%"),
        ]);
    }
    let header = tables.iter().any(|table| table.has_header);
    let header = if header { "  the first line was passed over as a header\n" } else { "" };
    format!("{grid}{header}")
}

fn categories(table: &TableCategories) -> String {
    let mut grid = Grid::titled(&[
        ("cluster of", Align::Left),
        ("hits", Align::Right),
        ("words", Align::Right),
    ]);
    for cluster in &table.clusters {
        grid.row([cluster.category.clone(), cluster.hits.to_string(), cluster.size.to_string()]);
    }
    format!(
        "{grid}  purity {:.4} (one cluster for all: {:.4}), adjusted Rand index {:.4}, \
         {} of {} words known{}\n{}\n",
        table.purity,
        table.baseline,
        table.adjusted_rand,
        count(table.known_count.into()),
        count(table.word_count.into()),
        skipped(&table.unknown_words),
        answered(table.answer.as_ref())
    )
}

fn outliers(table: &TableOutliers) -> String {
    let mut grid = Grid::titled(&[
        ("set", Align::Left),
        ("outliers", Align::Right),
        ("known", Align::Right),
        ("accuracy", Align::Right),
        ("position", Align::Right),
    ]);
    for set in table.sets.iter().chain(&table.total) {
        grid.row([
            shown(&set.name),
            set.outlier_count.to_string(),
            set.asked_count.to_string(),
            format!("{:.4}", set.accuracy),
            format!("{:.4}", set.position),
        ]);
    }
    format!("{grid}{}{}\n", answered(table.answer.as_ref()), skipped(&table.unknown_words))
}
