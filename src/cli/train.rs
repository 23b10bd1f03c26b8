//! `wordspace train`: vectors of words, learned from a text.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::import::{report_of, style};
use crate::cli::map::{self, Mark};
use crate::cli::output::{Output, bytes, count, seconds, shown};
use crate::cli::plot::DrawArgs;
use crate::cli::texts::{is_packed, readers};
use crate::cli::uploads::send_again;
use crate::client::{
    self, Client, Cutting, IfExists, Joined, LearningProgress, TrainEvaluation, TrainFigure,
    TrainLoss, TrainModel, TrainPhrases, TrainSubwords, TrainTableHeader, TrainTableProgress,
    TrainTableReport,
};

/// How often the line of progress moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// Learn vectors of words from a text, and make a table of them
///
/// A line of the text is a sentence. The table appears, or is replaced, when everything is learned; if it
/// fails, or is stopped, nothing changes. One thread makes the same bytes from the same text, settings and
/// seed. What a crash, a restart or a lost connection interrupts goes on with --resume, from the last
/// checkpoint. --svg draws the most frequent words of the new table.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the options of a command")]
pub(super) struct Train {
    /// Files of text, one after the other; none or "-" reads stdin. Compression (gzip, bzip2, zstd, xz) is
    /// recognized by looking
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The new table
    #[arg(long, value_name = "NAME", required_unless_present = "resume")]
    table: Option<String>,
    /// Go on with the training of this table where its last checkpoint was; everything is as it was asked
    #[arg(long, value_name = "TABLE", conflicts_with_all = ASKED)]
    resume: Option<String>,
    /// What predicts what
    #[arg(long, value_enum, default_value_t = Model::SkipGram)]
    model: Model,
    /// What is made smaller (not of glove) [default: negative]
    #[arg(long, value_enum)]
    loss: Option<Loss>,
    /// Components of a vector [default: those of --from, else 100]
    #[arg(long, value_name = "COUNT")]
    dim: Option<u32>,
    /// Words to either side [default: 5; of glove 10]
    #[arg(long, value_name = "WORDS")]
    window: Option<u32>,
    /// Words that are drawn against each (negative) [default: 5]
    #[arg(long, value_name = "COUNT")]
    negative: Option<u32>,
    /// The power of their counts by which they are drawn (negative) [default: 0.75]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    ns_exponent: Option<f64>,
    /// The share of the tokens above which words are left out at random; 0 keeps all [default: 0.001]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    sample: Option<f64>,
    /// Leave out words that are rarer [default: 5]
    #[arg(long, value_name = "COUNT")]
    min_count: Option<u64>,
    /// Keep only so many words, the most frequent
    #[arg(long, value_name = "WORDS")]
    vocab_max: Option<u64>,
    /// Times that the text is read [default: 5; of glove 15]
    #[arg(long, value_name = "COUNT")]
    epochs: Option<u32>,
    /// The learning rate at first [default: 0.025; of cbow and glove 0.05]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    lr: Option<f64>,
    /// The count from which on two words weigh all alike (glove) [default: 100]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true)]
    x_max: Option<f64>,
    /// The power of its share of that by which a count weighs below (glove) [default: 0.75]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    power: Option<f64>,
    /// Threads that learn, 1 or 2: two make other vectors than one [default: 1]
    #[arg(long, value_name = "COUNT")]
    threads: Option<u32>,
    /// Seed of whatever is drawn [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Learn n-grams of characters, too, which make vectors of unknown words; with --from those of that table
    /// are trained on
    #[arg(long)]
    subwords: bool,
    /// Characters of the shortest n-grams [default: those of --from, else 3]
    #[arg(long, value_name = "CHARS", requires = "subwords")]
    minn: Option<u32>,
    /// Characters of the longest n-grams [default: those of --from, else 6]
    #[arg(long, value_name = "CHARS", requires = "subwords")]
    maxn: Option<u32>,
    /// Rows that n-grams share [default: those of --from, else 2000000]
    #[arg(long, value_name = "COUNT", requires = "subwords")]
    buckets: Option<u32>,
    /// Learn weights for the places of a window, too (cbow)
    #[arg(long)]
    position_weights: bool,
    /// Join words first that stand together more often than by chance, in so many passes [default: 1]
    #[arg(long, value_name = "PASSES", num_args = 0..=1, default_missing_value = "1")]
    phrases: Option<u32>,
    /// What a phrase's score is above [default: 100; with --npmi 0.5]
    #[arg(long, value_name = "SCORE", requires = "phrases", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Judge phrases by normalized pointwise mutual information
    #[arg(long, requires = "phrases")]
    npmi: bool,
    /// Tokenizer that cuts lines: a stored one, or whitespace, rules, unicode-words, characters, bytes,
    /// jieba [default: at white space of ASCII]
    #[arg(long, value_name = "NAME")]
    tokenizer: Option<String>,
    /// Begin with the vectors of this table, and keep its other words
    #[arg(long, value_name = "TABLE")]
    from: Option<String>,
    /// Leave the vectors of --from as they are
    #[arg(long, requires = "from")]
    freeze: bool,
    /// Keep the output vectors, too, as a table of this name [default: that of --table and -outputs]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    keep_outputs: Option<String>,
    /// Seconds between two checkpoints; 0 writes none [default: 60]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    checkpoint: Option<f64>,
    /// Show the neighbors of these words while it learns, at most 16
    #[arg(long, value_name = "WORD", num_args = 1..)]
    watch: Vec<String>,
    /// Ask these stored test sets while it learns, and at the end
    #[arg(long, value_name = "NAME", num_args = 1..)]
    evaluate: Vec<String>,
    /// Minutes between two times that they are asked [default: 5]
    #[arg(long, value_name = "MINUTES", requires = "evaluate", allow_negative_numbers = true)]
    evaluate_every: Option<f64>,
    /// Replace the table if it is there already
    #[arg(long)]
    replace: bool,
    /// Go on where a training of this table broke off while its files were sent, and after a broken connection;
    /// the server keeps the text until it has read it
    #[arg(long, requires = "files")]
    resumable: bool,
    /// Return when all text has arrived; training goes on as a job
    #[arg(long, conflicts_with_all = ["svg", "png"])]
    detach: bool,
    #[command(flatten)]
    drawn: DrawArgs,
}

/// What says how a new training is done.
const ASKED: [&str; 34] = [
    "files",
    "table",
    "model",
    "loss",
    "dim",
    "window",
    "negative",
    "ns_exponent",
    "sample",
    "min_count",
    "vocab_max",
    "epochs",
    "lr",
    "threads",
    "seed",
    "subwords",
    "minn",
    "maxn",
    "buckets",
    "position_weights",
    "phrases",
    "threshold",
    "npmi",
    "tokenizer",
    "from",
    "freeze",
    "checkpoint",
    "watch",
    "evaluate",
    "evaluate_every",
    "replace",
    "x_max",
    "power",
    "resumable",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Model {
    /// Each word of a window predicts the one in its middle
    SkipGram,
    /// All words of a window predict the one in its middle
    Cbow,
    /// How often words stand together
    Glove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Loss {
    /// Each word against some that are drawn
    Negative,
    /// Softmax over a Huffman tree
    Hierarchical,
    /// Softmax over all words, at most 20,000
    Softmax,
}

impl Train {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if let Some(table) = &self.resume {
            return self.follow(client, output, (self.resumed(table), None)).await;
        }
        let sizes = self.files.iter().map(|file| file.metadata().map(|metadata| metadata.len()));
        let total: Option<u64> = sizes.map(std::io::Result::ok).sum();
        let is_packed = self.files.iter().any(|file| is_packed(file));
        let total = total.filter(|_| !self.is_stdin() && !is_packed);
        self.follow(client, output, (self.header(total), total)).await
    }

    async fn follow(
        &self,
        client: &Client,
        output: &mut Output,
        (header, total): (TrainTableHeader, Option<u64>),
    ) -> Result<()> {
        let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}"));
        if output.is_json() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.enable_steady_tick(TICK);
        let on_progress = |now: &TrainTableProgress| bar.set_message(progress(now, total));
        let report = if header.resume {
            client.train_table(header, std::iter::empty(), on_progress).await
        } else if self.resumable {
            self.send_resumable(client, header, on_progress).await
        } else {
            client.train_table(header, readers(&self.files), on_progress).await
        };
        bar.finish_and_clear();
        let report = report.map_err(|error| {
            if let client::CallError::Source(error) = &error {
                return Failure::Local(format!("the text cannot be read: {error}"));
            }
            error.into()
        });
        match unless_detached(report, output)? {
            Some(report) => {
                output.answer(&report, text)?;
                self.draw(&report, client, output).await
            }
            None => Ok(()),
        }
    }

    async fn send_resumable(
        &self,
        client: &Client,
        header: TrainTableHeader,
        on_progress: impl Fn(&TrainTableProgress) + Send + Sync,
    ) -> client::Result<TrainTableReport> {
        if self.is_stdin() {
            let problem = "--resumable reads files again, and stdin is none";
            return Err(client::CallError::Source(std::io::Error::other(problem)));
        }
        let is_read = AtomicBool::new(false);
        let offset =
            async || client.resume_offset(&header.table, Joined::new(readers(&self.files))).await;
        send_again(offset, async |from| {
            let on_progress = |now: &TrainTableProgress| {
                is_read.fetch_or(now.learning.is_some(), Ordering::Relaxed);
                on_progress(now);
            };
            // Where the server has read all of it, a checkpoint has taken its place.
            if from == 0 && is_read.load(Ordering::Relaxed) {
                let header = self.resumed(&header.table);
                return client.train_table(header, std::iter::empty(), on_progress).await;
            }
            let header = TrainTableHeader { resume_offset: Some(from), ..header.clone() };
            client.train_table(header, readers(&self.files), on_progress).await
        })
        .await
    }

    /// The header with which the training of a table goes on from its checkpoint.
    fn resumed(&self, table: &str) -> TrainTableHeader {
        TrainTableHeader {
            table: table.to_owned(),
            resume: true,
            detach: self.detach,
            ..TrainTableHeader::default()
        }
    }

    /// Draws the most frequent words of the new table, if that is asked.
    async fn draw(
        &self,
        report: &TrainTableReport,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let Some(import) = report.import.as_ref().filter(|_| self.drawn.is_asked()) else {
            return Ok(());
        };
        let rows = u32::try_from(import.rows_kept).unwrap_or(u32::MAX).min(DRAWN);
        let marks: Vec<Mark> =
            (0..rows).map(|row| Mark { row, group: 0, is_asked: false }).collect();
        let drawn = (import.table.as_str(), marks.as_slice(), &[][..]);
        map::draw(&self.drawn, &shown(&import.table), drawn, (client, output)).await
    }

    fn is_stdin(&self) -> bool {
        self.files.is_empty() || self.files == [Path::new("-")]
    }

    fn source(&self) -> String {
        if self.is_stdin() {
            return "stdin".to_owned();
        }
        let name =
            |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
        let names: Vec<String> = self.files.iter().filter_map(name).collect();
        let names = names.join(" ");
        if names.len() > crate::limits::SOURCE_BYTES_MAX {
            return format!("{} files", self.files.len());
        }
        names
    }

    /// The table for output vectors; empty if there is to be none.
    fn outputs(&self) -> String {
        match self.keep_outputs.as_deref() {
            None => String::new(),
            Some("") => format!("{}-outputs", self.table.clone().unwrap_or_default()),
            Some(name) => name.to_owned(),
        }
    }

    fn header(&self, total_bytes: Option<u64>) -> TrainTableHeader {
        let model = match self.model {
            Model::SkipGram => TrainModel::SkipGram,
            Model::Cbow => TrainModel::Cbow,
            Model::Glove => TrainModel::Glove,
        };
        let loss = match self.loss {
            None => TrainLoss::Unspecified,
            Some(Loss::Negative) => TrainLoss::Negative,
            Some(Loss::Hierarchical) => TrainLoss::Hierarchical,
            Some(Loss::Softmax) => TrainLoss::Softmax,
        };
        let if_exists = if self.replace { IfExists::Replace } else { IfExists::Error };
        let (min_n, max_n, buckets) = (self.minn, self.maxn, self.buckets);
        let cutting = |name: &String| Cutting { tokenizer: name.clone(), ..Cutting::default() };
        TrainTableHeader {
            table: self.table.clone().unwrap_or_default(),
            if_exists: if_exists.into(),
            detach: self.detach,
            source: self.source(),
            total_bytes,
            model: model.into(),
            loss: loss.into(),
            dim: self.dim,
            window: self.window,
            negative: self.negative,
            ns_exponent: self.ns_exponent,
            sample: self.sample,
            min_count: self.min_count,
            vocab_max: self.vocab_max,
            epochs: self.epochs,
            lr: self.lr,
            threads: self.threads,
            seed: self.seed,
            position_weights: self.position_weights,
            subwords: self.subwords.then_some(TrainSubwords { min_n, max_n, buckets }),
            phrases: self.phrases.map(|passes| TrainPhrases {
                passes: Some(passes),
                threshold: self.threshold,
                npmi: self.npmi,
            }),
            cutting: self.tokenizer.as_ref().map(cutting),
            from_table: self.from.clone().unwrap_or_default(),
            freeze: self.freeze,
            outputs_table: self.outputs(),
            resume: false,
            checkpoint_seconds: self.checkpoint,
            probes: self.watch.clone(),
            test_sets: self.evaluate.clone(),
            x_max: self.x_max,
            power: self.power,
            evaluate_seconds: self.evaluate_every.map(|minutes| minutes * 60.0),
            resume_offset: None,
        }
    }
}

/// How far it is, in a line.
fn progress(now: &TrainTableProgress, total: Option<u64>) -> String {
    if let Some(learning) = &now.learning {
        return learned(learning);
    }
    let read = bytes(now.bytes_read);
    match (now.phase.as_str(), total) {
        ("reading", Some(total)) => format!("reading  {read} of {}", bytes(total)),
        ("reading", None) => format!("reading  {read}"),
        (phase, _) => format!("{phase}  {} words", count(now.word_count)),
    }
}

/// How far vectors are learned, in a line.
pub(super) fn learned(now: &LearningProgress) -> String {
    let share = now.tokens as f64 / now.tokens_total.max(1) as f64;
    let left =
        now.seconds_left.map_or_else(String::new, |left| format!("  {} left", seconds(left)));
    let mut text = format!(
        "learning  epoch {} of {}  {:.1}%  {}/s  loss {:.4}  lr {:.6}{left}",
        now.epoch,
        now.epochs,
        100.0 * share,
        rate(now.tokens_per_second),
        now.loss,
        now.lr,
    );
    for line in looks(now) {
        text += "\n  ";
        text += &line;
    }
    text
}

/// What was looked at while it learned, in lines.
fn looks(now: &LearningProgress) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(checkpoint) = now.checkpoint.as_ref().filter(|one| !one.problem.is_empty()) {
        lines.push(format!("no checkpoint: {}", shown(&checkpoint.problem)));
    }
    for probe in &now.probes {
        let neighbors: Vec<String> = probe
            .neighbors
            .iter()
            .map(|near| format!("{} {:.2}", shown(&near.word), near.similarity))
            .collect();
        let neighbors = if probe.known { neighbors.join("  ") } else { "no such word".to_owned() };
        lines.push(format!("{}: {neighbors}", shown(&probe.word)));
    }
    lines.extend(now.evaluations.iter().map(evaluated));
    lines
}

fn evaluated(evaluation: &TrainEvaluation) -> String {
    let name = shown(&evaluation.test_set);
    if !evaluation.problem.is_empty() {
        return format!("{name}: {}", shown(&evaluation.problem));
    }
    let figure = |figure: &TrainFigure| {
        let value = figure.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        format!("{} {value}", shown(&figure.name))
    };
    let figures: Vec<String> = evaluation.figures.iter().map(figure).collect();
    let tokens = count(evaluation.tokens);
    format!("{name} after {tokens} tokens: {}", figures.join("  "))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive")]
fn rate(tokens: f64) -> String {
    count(tokens as u64)
}

/// What came of it.
pub(super) fn text(report: &TrainTableReport) -> String {
    let import = report.import.clone().unwrap_or_default();
    let cut_by = match report.tokenizer.as_str() {
        "" => "white space".to_owned(),
        name => format!("tokenizer {}", shown(name)),
    };
    let mut text = report_of(&import, "learned from text");
    let mut line = |line: String| {
        text += "  ";
        text += &line;
        text.push('\n');
    };
    line(format!(
        "text    {} tokens in {} sentences, cut by {cut_by}; {} have a vector",
        count(report.token_count),
        count(report.sentence_count),
        count(report.kept_token_count),
    ));
    if let Some(outputs) = &report.outputs {
        let rows = count(outputs.rows_kept);
        line(format!("outputs {rows} vectors in table {}", shown(&outputs.table)));
    }
    for (number, what) in [
        (report.rare_word_count, "words left out: too rare, or too many"),
        (report.too_long_count, "tokens left out: too long for a word"),
        (report.repaired_count, "places that were not UTF-8, read as U+FFFD"),
        (report.carried_word_count, "words kept of the table before"),
    ] {
        if number > 0 {
            line(format!("        {} {what}", count(number)));
        }
    }
    for (pass, phrases) in (1..).zip(&report.phrase_counts) {
        line(format!("        {} phrases joined by pass {pass}", count(*phrases)));
    }
    // Where few words are learned from, none is measured in most epochs.
    let measured = report.losses.iter().filter(|&&loss| loss > 0.0);
    let losses: Vec<String> = measured.map(|loss| format!("{loss:.4}")).collect();
    let shown = match losses.as_slice() {
        [first, .., last] if losses.len() > SHOWN => format!("{first} ... {last}"),
        all => all.join(" "),
    };
    line(format!("loss    {shown}"));
    if let Some(epoch) = report.ended_in_epoch {
        line(format!("        ended in epoch {epoch}, as it was told"));
    }
    for evaluation in report.evaluations.iter().rev().take(EVALUATIONS_SHOWN).rev() {
        line(format!("judged  {}", evaluated(evaluation)));
    }
    line(format!(
        "learned in {}, {}/s, with {} of memory{}",
        seconds(report.learn_seconds),
        rate(report.tokens_per_second),
        bytes(report.memory_bytes),
        if report.resumed { ", since it was resumed" } else { "" },
    ));
    text
}

/// Words that are drawn.
const DRAWN: u32 = 40;
/// Evaluations that are shown.
const EVALUATIONS_SHOWN: usize = 20;
/// Losses that are shown one by one.
const SHOWN: usize = 15;
