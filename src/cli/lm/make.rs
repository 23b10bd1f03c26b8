//! `wordspace lm train|import|export|compare`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::lm::{known, smoothing, told};
use crate::cli::new_files::NewFiles;
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds, shown};
use crate::cli::texts::readers;
use crate::cli::train::learned;
use crate::client::{
    self, Client, CompareSmoothingsHeader, CompareSmoothingsReport, ExportModelRequest,
    ImportModelHeader, ImportModelReport, ModelProgress, NeuralNetwork, TrainModelHeader,
    TrainModelReport,
};

/// How often the line of progress moves by itself.
const TICK: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Smoothing {
    /// Shares of the counts; what was not seen is impossible
    MaximumLikelihood,
    /// One more for every word
    Laplace,
    /// --k more for every word
    AddK,
    /// Counts of counts say what is left for words that were not seen
    GoodTuring,
    /// Good-Turing, and shorter contexts for what is left
    Katz,
    /// As much for shorter contexts as a context has different words
    WittenBell,
    /// A share for each order, tuned on lines that are held out
    JelinekMercer,
    /// One discount off every count
    AbsoluteDiscounting,
    /// One discount, and shorter n-grams count by the words before them
    KneserNey,
    /// Three discounts, as `KenLM`
    ModifiedKneserNey,
}

impl Smoothing {
    fn wire(self) -> client::Smoothing {
        match self {
            Self::MaximumLikelihood => client::Smoothing::MaximumLikelihood,
            Self::Laplace => client::Smoothing::Laplace,
            Self::AddK => client::Smoothing::AddK,
            Self::GoodTuring => client::Smoothing::GoodTuring,
            Self::Katz => client::Smoothing::Katz,
            Self::WittenBell => client::Smoothing::WittenBell,
            Self::JelinekMercer => client::Smoothing::JelinekMercer,
            Self::AbsoluteDiscounting => client::Smoothing::AbsoluteDiscounting,
            Self::KneserNey => client::Smoothing::KneserNey,
            Self::ModifiedKneserNey => client::Smoothing::ModifiedKneserNey,
        }
    }
}

/// Count a text and store a model of it
///
/// A line of the text is a sentence. The model appears, or is replaced, when it is on disk; if it fails, or is
/// stopped, nothing changes.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(super) struct Train {
    /// Files of text, one after the other; none or "-" reads stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The new model
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Words of the longest n-grams, from 1 to 7; of a network the word that is predicted and those before it
    #[arg(long, value_name = "WORDS", default_value_t = 5)]
    order: u32,
    /// How probabilities are made of counts [default: modified-kneser-ney]
    #[arg(long, value_enum)]
    smoothing: Option<Smoothing>,
    /// What add-k adds [default: 0.1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    k: Option<f64>,
    /// Words that are rarer are unknown [default: 1]
    #[arg(long, value_name = "COUNT")]
    min_count: Option<u64>,
    /// Know only so many words, the most frequent
    #[arg(long, value_name = "WORDS")]
    vocab_max: Option<u64>,
    /// Know only the words of this file, those that the text has: they stand between white space
    #[arg(long, value_name = "FILE")]
    vocab: Option<PathBuf>,
    /// Leave out n-grams that come so often or less: for each order from 2 on, the last one for all above, as
    /// 0,1
    #[arg(long, value_name = "COUNT", value_delimiter = ',')]
    prune: Vec<u64>,
    /// Tokenizer that cuts lines: a stored one, or whitespace, rules, unicode-words, characters, bytes,
    /// jieba [default: at spaces and tabs]
    #[arg(long, value_name = "NAME")]
    tokenizer: Option<String>,
    /// Leave out <s> and </s> in the text, and take <unk> for an unknown word
    #[arg(long)]
    skip_special: bool,
    /// The share of the lines that judges the model and is not counted [default: 0; of jelinek-mercer 0.01, of a network
    /// 0.02]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    held_out: Option<f64>,
    /// Replace the model if it is there already
    #[arg(long)]
    replace: bool,
    /// Return when all text has arrived; the rest goes on as a job
    #[arg(long)]
    detach: bool,
    /// Store n-grams in about half the room, which is asked about half as fast; logarithms err by at most 1e-4
    #[arg(long, conflicts_with = "neural")]
    compact: bool,
    #[command(flatten)]
    network: Network,
}

/// What a network is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Neural model")]
struct Network {
    /// Learn a network (Bengio et al. 2003) in place of counting: the vectors of the words before, side by side, make
    /// hidden units, and these the probability of each word
    #[arg(long)]
    neural: bool,
    /// Components of a word's vector [default: 100, or those of --from]
    #[arg(long, value_name = "COUNT", requires = "neural")]
    dim: Option<u32>,
    /// Units of the hidden layer [default: 200]
    #[arg(long, value_name = "COUNT", requires = "neural")]
    hidden: Option<u32>,
    /// Connect vectors with the output, too, past the hidden layer
    #[arg(long, requires = "neural")]
    direct: bool,
    /// The most epochs; it is enough before if two do no better on held-out lines [default: 5]
    #[arg(long, value_name = "COUNT", requires = "neural")]
    epochs: Option<u32>,
    /// Words of noise that a batch is compared with [default: up to 20,000 words all, beyond 1024]
    #[arg(long, value_name = "COUNT", requires = "neural")]
    samples: Option<u32>,
    /// The learning rate at first [default: 0.05]
    #[arg(long, value_name = "NUMBER", requires = "neural", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// The share of a weight that is added to its gradient [default: 0.0001]
    #[arg(long, value_name = "SHARE", requires = "neural", allow_negative_numbers = true)]
    decay: Option<f64>,
    /// The share of hidden units that are left out by chance while it learns [default: 0.3]
    #[arg(long, value_name = "SHARE", requires = "neural", allow_negative_numbers = true)]
    dropout: Option<f64>,
    /// The same seed, threads and processor make the same model [default: 1]
    #[arg(long, requires = "neural")]
    seed: Option<u64>,
    /// Threads that learn [default: 1]
    #[arg(long, value_name = "COUNT", requires = "neural")]
    threads: Option<u32>,
    /// Begin with the vectors of this table
    #[arg(long, value_name = "TABLE", requires = "neural")]
    from: Option<String>,
    /// Make a table of the vectors
    #[arg(long, value_name = "NAME", requires = "neural")]
    table: Option<String>,
}

impl Network {
    fn wire(&self) -> Option<NeuralNetwork> {
        self.neural.then(|| NeuralNetwork {
            dim: self.dim,
            hidden: self.hidden,
            direct: self.direct,
            epochs: self.epochs,
            samples: self.samples,
            rate: self.rate,
            decay: self.decay,
            dropout: self.dropout,
            seed: self.seed,
            threads: self.threads,
            from_table: self.from.clone().unwrap_or_default(),
            table: self.table.clone().unwrap_or_default(),
        })
    }
}

impl Train {
    /// The words of `--vocab`; none is given without it.
    fn vocabulary(&self) -> Result<Vec<String>> {
        let Some(file) = &self.vocab else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::Local(format!("{} cannot be read: {error}", file.display()))
        })?;
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err(Failure::Local(format!("{} has no words", file.display())));
        }
        Ok(words)
    }

    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let header = TrainModelHeader {
            model: self.model.clone(),
            replace: self.replace,
            detach: self.detach,
            source: source(&self.files),
            total_bytes: total(&self.files),
            order: Some(self.order),
            smoothing: self.smoothing.map_or(0, |smoothing| smoothing.wire().into()),
            k: self.k,
            min_count: self.min_count,
            vocab_max: self.vocab_max,
            vocabulary: self.vocabulary()?,
            neural: self.network.wire(),
            compact: self.compact,
            prune: self.prune.clone(),
            tokenizer: self.tokenizer.clone().unwrap_or_default(),
            skip_special: self.skip_special,
            held_out_share: self.held_out,
        };
        let bar = bar(output);
        let report = client
            .train_model(header, readers(&self.files), |now| bar.set_message(progress(now)))
            .await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(unread), output)? {
            Some(report) => output.answer(&report, trained),
            None => Ok(()),
        }
    }
}

/// Store the model of an ARPA file, plain or packed by gzip, bzip2, zstd or xz
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(super) struct Import {
    /// The file; "-" reads stdin
    file: PathBuf,
    /// The new model
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Tokenizer that cuts texts in questions [default: at spaces and tabs]
    #[arg(long, value_name = "NAME")]
    tokenizer: Option<String>,
    /// Take logarithms above 0 as 0
    #[arg(long)]
    clamp: bool,
    /// Store n-grams in about half the room, which is asked about half as fast; logarithms err by at most 1e-4
    #[arg(long)]
    compact: bool,
    /// Replace the model if it is there already
    #[arg(long)]
    replace: bool,
    /// Return when all of the file has arrived; the rest goes on as a job
    #[arg(long)]
    detach: bool,
}

impl Import {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let files = [self.file.clone()];
        let header = ImportModelHeader {
            model: self.model.clone(),
            replace: self.replace,
            detach: self.detach,
            source: source(&files),
            tokenizer: self.tokenizer.clone().unwrap_or_default(),
            clamp: self.clamp,
            compact: self.compact,
        };
        let bar = bar(output);
        let report = client
            .import_model(header, readers(&files), |now| bar.set_message(progress(now)))
            .await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(unread), output)? {
            Some(report) => output.answer(&report, imported),
            None => Ok(()),
        }
    }
}

/// Write a model as an ARPA file, which appears when it is complete
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The model
    model: String,
    /// The file to write; "-" writes to stdout
    file: PathBuf,
    /// Write -99 for <s>, as SRILM does
    #[arg(long)]
    begin_never: bool,
    /// Overwrite a file that is there already
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request =
            ExportModelRequest { model: self.model.clone(), begin_never: self.begin_never };
        let mut answers = client.export_model(request).await?;
        if self.file.as_os_str() == "-" {
            while let Some(part) = answers.next_answer().await? {
                output.data(&part.chunk)?;
            }
            return Ok(());
        }
        let broken = |error| Failure::Local(format!("the file cannot be written: {error}"));
        let mut files = NewFiles::new(&self.file, self.force)?;
        files.begin_main().map_err(broken)?;
        while let Some(part) = answers.next_answer().await? {
            files.append(&part.chunk).map_err(broken)?;
        }
        for (path, size) in files.finish()? {
            output.say(&format!("{}: {}", path.display(), bytes(size)));
        }
        Ok(())
    }
}

/// Compare smoothings and orders by how well each knows lines that are held out of one text
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Files of text, one after the other; none or "-" reads stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Smoothings, with commas between [default: all]
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    smoothing: Vec<Smoothing>,
    /// Orders, from 1 to 7, with commas between [default: 3]
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    order: Vec<u32>,
    /// What add-k adds [default: 0.1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    k: Option<f64>,
    /// Words that are rarer are unknown [default: 1]
    #[arg(long, value_name = "COUNT")]
    min_count: Option<u64>,
    /// Know only so many words, the most frequent
    #[arg(long, value_name = "WORDS")]
    vocab_max: Option<u64>,
    /// Tokenizer that cuts lines [default: at spaces and tabs]
    #[arg(long, value_name = "NAME")]
    tokenizer: Option<String>,
    /// Leave out <s> and </s> in the text, and take <unk> for an unknown word
    #[arg(long)]
    skip_special: bool,
    /// The share of the lines that judges [default: 0.05]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    held_out: Option<f64>,
    /// Return when all text has arrived; the rest goes on as a job
    #[arg(long)]
    detach: bool,
}

impl Compare {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let header = CompareSmoothingsHeader {
            smoothings: self.smoothing.iter().map(|smoothing| smoothing.wire().into()).collect(),
            orders: self.order.clone(),
            k: self.k,
            min_count: self.min_count,
            vocab_max: self.vocab_max,
            tokenizer: self.tokenizer.clone().unwrap_or_default(),
            skip_special: self.skip_special,
            held_out_share: self.held_out,
            detach: self.detach,
        };
        let bar = bar(output);
        let on_progress = |now: &ModelProgress| bar.set_message(progress(now));
        let report = client.compare_smoothings(header, readers(&self.files), on_progress).await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(unread), output)? {
            Some(report) => output.answer(&report, compared),
            None => Ok(()),
        }
    }
}

fn bar(output: &Output) -> ProgressBar {
    let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}"));
    if output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn unread(error: client::CallError) -> Failure {
    if let client::CallError::Source(error) = &error {
        return Failure::Local(format!("the text cannot be read: {error}"));
    }
    error.into()
}

/// How far it is, in a line.
fn progress(now: &ModelProgress) -> String {
    if let Some(learning) = &now.learning {
        return learned(learning);
    }
    let read = bytes(now.bytes_read);
    match now.word_count {
        0 => format!("{}  {read}", now.phase),
        words => format!("{}  {read}, {} words", now.phase, count(words)),
    }
}

fn is_stdin(files: &[PathBuf]) -> bool {
    files.is_empty() || files == [Path::new("-")]
}

fn total(files: &[PathBuf]) -> Option<u64> {
    if is_stdin(files) {
        return None;
    }
    files.iter().map(|file| file.metadata().map(|metadata| metadata.len()).ok()).sum()
}

fn source(files: &[PathBuf]) -> String {
    if is_stdin(files) {
        return "stdin".to_owned();
    }
    let name = |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = files.iter().filter_map(name).collect();
    let names = names.join(" ");
    if names.len() > crate::limits::SOURCE_BYTES_MAX {
        return format!("{} files", files.len());
    }
    names
}

/// A model that was made of a text.
pub(in crate::cli) fn trained(report: &TrainModelReport) -> String {
    let mut text = report.model.as_ref().map(told).unwrap_or_default();
    let mut grid = Grid::titled(&[
        ("order", Align::Right),
        ("n-grams", Align::Right),
        ("pruned", Align::Right),
        ("discounts", Align::Left),
    ]);
    for (order, one) in (1..).zip(&report.orders) {
        let numbers = one.discounts.iter().map(|discount| format!("{discount:.4}"));
        let mut told: Vec<String> = numbers.collect();
        told.extend(one.weight.map(|weight| format!("weight {weight:.4}")));
        let (ngrams, pruned) = (count(one.ngram_count), count(one.pruned_count));
        grid.row([order.to_string(), ngrams, pruned, told.join(" ")]);
    }
    if report.epochs.is_empty() {
        text += &grid.to_string();
    } else {
        text += &epochs(report);
    }
    if report.unknown_token_count > 0 {
        let _ = writeln!(text, "  {} words became <unk>", count(report.unknown_token_count));
    }
    if let Some(held_out) = &report.held_out {
        let _ = writeln!(text, "  held-out lines: {}", known(held_out));
    }
    let _ = write!(
        text,
        "  read in {}, made in {}; lists took {} of memory",
        seconds(report.read_seconds),
        seconds(report.make_seconds),
        bytes(report.memory_bytes)
    );
    if report.spilled_bytes > 0 {
        let _ = write!(text, " and {} of temporary files", bytes(report.spilled_bytes));
    }
    text + "\n"
}

/// How a network learned.
fn epochs(report: &TrainModelReport) -> String {
    let mut grid = Grid::titled(&[
        ("epoch", Align::Right),
        ("held-out perplexity", Align::Right),
        ("seconds", Align::Right),
    ]);
    for (number, epoch) in (1..).zip(&report.epochs) {
        let judged = epoch.held_out_perplexity.map(|perplexity| format!("{perplexity:.2}"));
        grid.row([number.to_string(), judged.unwrap_or_default(), format!("{:.2}", epoch.seconds)]);
    }
    let mut text = format!("{grid}  {} words a second", count(rounded(report.words_per_second)));
    if report.from_table_count > 0 {
        let _ =
            write!(text, "; {} words began with a table's vectors", count(report.from_table_count));
    }
    if report.table_row_count > 0 {
        let _ = write!(text, "; a table of {} vectors", count(report.table_row_count));
    }
    text + "\n"
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// A model of an ARPA file.
pub(in crate::cli) fn imported(report: &ImportModelReport) -> String {
    let text = report.model.as_ref().map(told).unwrap_or_default();
    format!("{text}  stored in {}\n", seconds(report.seconds))
}

/// Smoothings beside each other.
pub(in crate::cli) fn compared(report: &CompareSmoothingsReport) -> String {
    let mut grid = Grid::titled(&[
        ("order", Align::Right),
        ("smoothing", Align::Left),
        ("perplexity", Align::Right),
        ("without unknown", Align::Right),
        ("bits a word", Align::Right),
        ("n-grams", Align::Right),
        ("stored", Align::Right),
        ("seconds", Align::Right),
        ("notes", Align::Left),
    ]);
    for one in &report.models {
        let held_out = one.held_out.unwrap_or_default();
        grid.cells([
            one.order.to_string(),
            smoothing(one.smoothing(), None),
            format!("{:.2}", held_out.perplexity),
            format!("{:.2}", held_out.perplexity_without_unknown),
            format!("{:.3}", held_out.entropy),
            count(one.ngram_counts.iter().sum()),
            bytes(one.bytes),
            format!("{:.2}", one.seconds),
            shown(&one.notes.join("; ")),
        ]);
    }
    format!(
        "{grid}  {} words counted, {} lines held out\n",
        count(report.token_count),
        count(report.held_out_sentence_count)
    )
}
