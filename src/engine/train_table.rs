//! New tables from streamed text: it is read once and becomes numbers, vectors are learned from these, and
//! the table comes about as an import does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crate::budget::Share;
use crate::engine::corpus::{Arrived, Arriving, Spilled};
use crate::engine::import::{
    IfExists, ImportOptions, ImportReport, Made, Source, TokenizerPolicy, Turn,
};
use crate::engine::learned::{LearnedRows, Vectors, subwords};
use crate::engine::slots::Permit;
use crate::engine::{Current, Engine, Stop};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::format::intake::Policies;
use crate::limits;
use crate::query::tokenize::Cutting;
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;
use crate::text::vocab::Vocab;
use crate::training::Kind;
use crate::training::corpus::{Bounds, Corpus, Encoder, Keep, Totals};
use crate::training::glove::{self, GloveSettings};
use crate::training::phrases::{PhraseScore, Phrases};
use crate::training::progress::Progress;
use crate::training::settings::{Loss, Model, Ngrams, Settings};
use crate::training::train::{Start, train};
use crate::vector::RowId;

/// Bytes of numbers in memory, at most; the others stand in a file, which is read in order.
const IDS_BYTES_MAX: u64 = 256 << 20;
/// Bytes of different words while they are counted, at most.
const WORDS_BYTES_MAX: u64 = 1 << 30;
/// Bytes of pairs that may be phrases, at most.
const PAIRS_BYTES_MAX: u64 = 1 << 30;
/// Bytes of counts of words that stand together, at most; the others stand in files.
const COUNTS_BYTES_MAX: u64 = 1 << 30;
/// Bytes that any text takes while it is read.
const READING_BYTES: u64 = 8 << 20;
/// Bytes of memory that are taken at once while text is read.
const MEMORY_STEP: u64 = 4 << 20;
/// Threads that cut plain text.
const READERS_MAX: usize = 4;
/// Bytes that each of them works on, with what it makes of them.
const READER_BYTES: u64 = 16 << 20;
/// Time between two tellings of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// A table to be trained.
#[derive(Clone, Debug)]
pub struct TrainTableJob {
    /// The new table.
    pub table: TableName,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// A name for the text, kept as provenance.
    pub source_name: String,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub trained_at: u64,
    /// How vectors are learned.
    pub method: Method,
    /// Which words have vectors.
    pub keep: Keep,
    /// Whether words become phrases first.
    pub phrases: Option<PhrasePasses>,
    /// How lines are cut; none: at white space of ASCII.
    pub cutting: Option<Cutting>,
    /// Whose vectors words begin with.
    pub from: Option<Continue>,
}

/// How vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// By a model of word2vec.
    Words(Settings),
    /// By GloVe.
    Glove(GloveSettings),
}

/// How words become phrases.
#[derive(Clone, Debug, PartialEq)]
pub struct PhrasePasses {
    /// How often that is done, 1 to `TRAIN_PHRASE_PASSES_MAX`.
    pub passes: usize,
    /// Which pairs; the bytes for them are chosen by the engine.
    pub phrases: Phrases,
}

/// A table whose vectors words begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continue {
    /// The table.
    pub table: TableName,
    /// Whether its words keep their vectors.
    pub is_frozen: bool,
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainTableProgress {
    /// Of text.
    pub bytes_read: u64,
    /// What it does: reading, counting, learning, writing.
    pub phase: &'static str,
    /// Words that will have a vector; 0 while text is read.
    pub word_count: usize,
    /// While it learns.
    pub learning: Option<Learning>,
}

/// How far vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// The one that runs, from 1.
    pub epoch: usize,
    /// How many there are.
    pub epochs: usize,
    /// Read so far, of all epochs; of GloVe cells of the co-occurrences.
    pub tokens: u64,
    /// That will have been read at the end.
    pub tokens_total: u64,
    /// Since learning began.
    pub tokens_per_second: f64,
    /// The mean loss of a prediction, lately.
    pub loss: f64,
    /// The learning rate now.
    pub lr: f32,
}

impl Learning {
    /// How long it will go on at this rate, if that can be told.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.tokens_total.saturating_sub(self.tokens) as f64;
        (self.tokens_per_second > 0.0).then(|| left / self.tokens_per_second)
    }
}

/// What came of a training.
#[derive(Clone, Debug)]
pub struct TrainTableReport {
    /// The table, and what became of its rows.
    pub import: ImportReport,
    /// What cut; empty for white space of ASCII.
    pub tokenizer: String,
    /// What was read, and what of it was left out.
    pub totals: Totals,
    /// Tokens that belong to words that have a vector.
    pub kept_tokens: u64,
    /// Places where the text was not UTF-8.
    pub repaired_count: u64,
    /// Different phrases that each pass has joined.
    pub phrase_counts: Vec<usize>,
    /// Words of the table that training began with which the text lacks.
    pub carried_count: usize,
    /// The mean loss of each epoch.
    pub losses: Vec<f64>,
    /// Bytes of memory that learning took.
    pub memory_bytes: u64,
    /// Time that reading took.
    pub read_seconds: f64,
    /// Time that learning took.
    pub learn_seconds: f64,
    /// Tokens of all epochs, or cells of GloVe, a second of learning.
    pub tokens_per_second: f64,
}

impl Engine {
    /// Learns vectors from text, whose parts `next` gives until there are no more, and makes a table of
    /// them. `slot` is waited for before learning begins.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`] and [`Engine::check_training`]; if the text has too few words, if memory or
    /// disk do not suffice, if learning diverges, or if it is stopped: then nothing changes.
    pub fn train_table(
        &self,
        job: &TrainTableJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainTableReport> {
        self.check_training(job)?;
        let _turn = Turn::take(&self.shared, &job.table)?;
        let began = Instant::now();
        let before = self.begins_with(job)?;
        let spilled = Spilled::new(&self.shared);
        let read = self.read_corpus(job, next, on_progress, &spilled)?;
        let Read { corpus, arrived, tokenizer, phrase_counts, memory: _read } = read;
        let read_seconds = began.elapsed().as_secs_f64();
        let word_count = corpus.words().len();
        let method = self.fitted(&job.method, corpus.tokens());
        method.check(word_count)?;
        // What learning takes, and what the table will: the import takes that itself, so it is given back
        // before.
        let carried = before.as_ref().map_or(0, |before| before.view().len());
        let memory = self.learning_memory((job, &method), corpus.words(), word_count)?;
        let table = self.table_memory(job, word_count + carried)?;
        let _slot = slot()?;
        let began = Instant::now();
        let told = TrainTableProgress {
            bytes_read: arrived.bytes,
            phase: "learning",
            word_count,
            learning: None,
        };
        let mut watch = Watch::new(&self.stop, &spilled, told, job.method.epochs(), on_progress);
        let vectors = learn((job, &method), &corpus, before.as_deref(), &spilled, &mut watch)?;
        let (learn_seconds, tokens_per_second) = (began.elapsed().as_secs_f64(), watch.rate());
        on_progress(TrainTableProgress { phase: "writing", ..told });
        drop(table);
        let (totals, kept_tokens, losses) = (corpus.totals(), corpus.tokens(), vectors.losses());
        let memory_bytes = memory.bytes();
        let subwords = match (&vectors, &job.method) {
            (
                Vectors::Words(trained),
                Method::Words(Settings { ngrams: Some(ngrams), dim, .. }),
            ) => Some(Arc::new(subwords(trained, *ngrams, *dim)?)),
            (Vectors::Words(_) | Vectors::Glove(_), Method::Words(_) | Method::Glove(_)) => None,
        };
        let dim = job.method.dim();
        let rows = LearnedRows::new((corpus, vectors), before, dim, self.stop.clone());
        let carried_count = rows.len() - word_count;
        let made = Made {
            name: "training",
            reader: Box::new(rows),
            bytes: Arc::new(AtomicU64::new(arrived.bytes)),
            sha256: arrived.sha256,
            subwords,
        };
        let options = options(job, tokenizer.as_deref());
        let import = self.import_in_turn(&options, Source::Made(made), &mut |_| {})?;
        Ok(TrainTableReport {
            import,
            tokenizer: tokenizer.unwrap_or_default(),
            totals,
            kept_tokens,
            repaired_count: arrived.repaired,
            phrase_counts,
            carried_count,
            losses,
            memory_bytes,
            read_seconds,
            learn_seconds,
            tokens_per_second,
        })
    }

    /// Refuses what cannot be trained whatever the text holds.
    ///
    /// # Errors
    ///
    /// If the table is there and not to be replaced, if a setting is wrong, if there is no such tokenizer
    /// or it needs a table, if there is no table to begin with or it has another dimension, or if two
    /// words take more memory than jobs have.
    pub fn check_training(&self, job: &TrainTableJob) -> Result<()> {
        options(job, None).check(self)?;
        // Two words are the fewest: how many there are is known at the end.
        job.method.check(2)?;
        if let Some(PhrasePasses { passes, phrases }) = &job.phrases {
            let max = limits::TRAIN_PHRASE_PASSES_MAX;
            if !(1..=max).contains(passes) {
                let problem = format!("from 1 to {max}; {passes} is not");
                return Err(Error::invalid("phrases.passes", problem));
            }
            if !phrases.threshold.is_finite() {
                let problem = format!("a number; {} is none", phrases.threshold);
                return Err(Error::invalid("phrases.threshold", problem));
            }
        }
        self.tokenizer_of(job)?;
        self.begins_with(job)?;
        let least = self.fitted(&job.method, 0).learning_bytes(&Vocab::new(), 2);
        let (needed, max) = (least, self.shared.memory.max());
        if needed > max {
            let limit = "job-memory";
            let error = Error::new(ErrorKind::TooLarge { limit, max, got: needed });
            return Err(error.context("bytes of memory that training takes at least"));
        }
        Ok(())
    }

    /// The state of the table that training begins with.
    fn begins_with(&self, job: &TrainTableJob) -> Result<Option<Arc<Current>>> {
        let Some(from) = &job.from else { return Ok(None) };
        let current = self.shared.catalog.current(&from.table)?;
        let (dim, got) = (current.view().dim(), job.method.dim());
        if dim != got {
            let problem =
                format!("the vectors of table {} have {dim}; {got} was asked", from.table);
            return Err(Error::invalid("dim", problem));
        }
        Ok(Some(current))
    }

    /// The dimension of a table that training may begin with.
    ///
    /// # Errors
    ///
    /// If there is no such table, or it is damaged.
    pub fn dim_of(&self, table: &TableName) -> Result<usize> {
        Ok(self.shared.catalog.current(table)?.view().dim())
    }

    fn tokenizer_of(&self, job: &TrainTableJob) -> Result<Option<(String, Tokenizer)>> {
        let Some(cutting) = &job.cutting else { return Ok(None) };
        let (name, tokenizer) = self.tokenizer(&cutting.tokenizer, None)?;
        if tokenizer.needs_table() {
            let problem = "it cuts by the words of a table, and there is none yet";
            return Err(Error::invalid("cutting.tokenizer", problem));
        }
        Ok(Some((name, tokenizer)))
    }

    fn read_corpus(
        &self,
        job: &TrainTableJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        spilled: &Spilled,
    ) -> Result<Read> {
        let max = self.shared.memory.max();
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS_MAX);
        let (ids_bytes, words_bytes) =
            ((max / 16).min(IDS_BYTES_MAX), (max / 8).min(WORDS_BYTES_MAX));
        let bounds = Bounds {
            ids_bytes: in_memory(ids_bytes),
            words_bytes: in_memory(words_bytes),
            spill: spilled.spill(),
        };
        let mut memory = Share::of(&self.shared.memory);
        let fixed = READING_BYTES + readers as u64 * READER_BYTES;
        let mut told = |bytes: u64| {
            self.stop.check()?;
            spilled.account()?;
            // A byte is a number at most, and a word takes as many as a short one with its count. Both
            // grow by doubling.
            let numbers = bytes.saturating_mul(4).min(2 * ids_bytes);
            let words = bytes.saturating_mul(16).min(2 * words_bytes);
            let needed = numbers + words + fixed.min(READING_BYTES + bytes.saturating_mul(8));
            if needed > memory.bytes() {
                let more = needed - memory.bytes() + MEMORY_STEP;
                memory.grow(more).context(|| format!("after {bytes} bytes of text"))?;
            }
            on_progress(TrainTableProgress {
                bytes_read: bytes,
                phase: "reading",
                word_count: 0,
                learning: None,
            });
            Ok(())
        };
        let tokenizer = self.tokenizer_of(job)?;
        let mut encoder = Encoder::new(bounds);
        let mut arriving = Arriving::new(next, &mut told)?;
        if let (Some((_, tokenizer)), Some(cutting)) = (&tokenizer, &job.cutting) {
            arriving.lines(|number, line| {
                encode(&mut encoder, tokenizer, cutting, (number, line))
                    .context(|| format!("line {number}"))
            })?;
        } else {
            let encoded = encoder.text(&mut arriving, readers, &|| self.stop.check());
            if let Some(failure) = arriving.failure() {
                return Err(failure);
            }
            encoded?;
        }
        let arrived = arriving.end();
        let phrase_counts = self.join_phrases(job, &mut encoder, spilled)?;
        let corpus = encoder.finish(job.keep)?;
        spilled.account()?;
        // What it takes is known now.
        drop(memory);
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(corpus.memory_bytes() as u64).context(|| "the text as numbers")?;
        let tokenizer = tokenizer.map(|(name, _)| name);
        Ok(Read { corpus, arrived, tokenizer, phrase_counts, memory })
    }

    fn join_phrases(
        &self,
        job: &TrainTableJob,
        encoder: &mut Encoder,
        spilled: &Spilled,
    ) -> Result<Vec<usize>> {
        let Some(PhrasePasses { passes, phrases }) = &job.phrases else { return Ok(Vec::new()) };
        let pairs_bytes = (self.shared.memory.max() / 8).min(PAIRS_BYTES_MAX);
        let pairs_bytes = pairs_bytes.min(encoder.totals().tokens.saturating_mul(64));
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(2 * pairs_bytes).context(|| "pairs of words that may be phrases")?;
        let phrases = Phrases { pairs_bytes: in_memory(pairs_bytes), ..phrases.clone() };
        (0..*passes)
            .map(|_| {
                self.stop.check()?;
                spilled.account()?;
                encoder.join_phrases(&phrases)
            })
            .collect()
    }

    /// The same with as much room for counts as a text of so many tokens needs and jobs have.
    fn fitted(&self, method: &Method, tokens: u64) -> Method {
        match method {
            Method::Words(settings) => Method::Words(*settings),
            Method::Glove(settings) => {
                // A pair takes 16 bytes, and grows by doubling.
                let all = tokens.saturating_mul(32 * settings.window as u64);
                let bytes = all.min(self.shared.memory.max() / 8).min(COUNTS_BYTES_MAX);
                Method::Glove(GloveSettings { counts_bytes: in_memory(bytes), ..*settings })
            }
        }
    }

    fn learning_memory(
        &self,
        (job, method): (&TrainTableJob, &Method),
        words: &Vocab,
        count: usize,
    ) -> Result<Share> {
        let mut memory = Share::of(&self.shared.memory);
        let needed = method.learning_bytes(words, count);
        let frozen = job.from.as_ref().is_some_and(|from| from.is_frozen);
        let frozen = if frozen { row_bytes(job.method.dim()) * count as u64 } else { 0 };
        memory
            .grow(needed + frozen)
            .context(|| format!("bytes of memory to learn the vectors of {count} words"))?;
        Ok(memory)
    }

    fn table_memory(&self, job: &TrainTableJob, rows: usize) -> Result<Share> {
        let mut memory = Share::of(&self.shared.memory);
        let bytes = rows as u64 * job.method.dim() as u64 * 4 + MEMORY_STEP;
        memory.grow(bytes).context(|| format!("bytes of memory for a table of {rows} rows"))?;
        Ok(memory)
    }
}

/// A text that was read.
struct Read {
    corpus: Corpus,
    arrived: Arrived,
    /// What cut it; none: white space of ASCII.
    tokenizer: Option<String>,
    phrase_counts: Vec<usize>,
    memory: Share,
}

/// A number of bytes that fits this machine.
fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Bytes of a row of a matrix.
fn row_bytes(dim: usize) -> u64 {
    dim.next_multiple_of(16) as u64 * 4
}

impl Method {
    /// Components of a vector.
    pub fn dim(&self) -> usize {
        match self {
            Self::Words(settings) => settings.dim,
            Self::Glove(settings) => settings.dim,
        }
    }

    fn check(&self, words: usize) -> Result<()> {
        match self {
            Self::Words(settings) => settings.check(words),
            Self::Glove(settings) => settings.check(words),
        }
    }

    /// How often the text, or its counts, are read.
    fn epochs(&self) -> usize {
        match self {
            Self::Words(settings) => settings.epochs,
            Self::Glove(settings) => settings.epochs,
        }
    }

    /// Bytes of memory that learning takes, beside the corpus.
    fn learning_bytes(&self, words: &Vocab, count: usize) -> u64 {
        match self {
            Self::Words(settings) => {
                let parts = settings.ngrams.map_or(0, |ngrams| parts_bytes(words, ngrams));
                // The paths of a tree are longest where counts double from word to word, at most 63.
                let paths =
                    if settings.loss == Loss::Hierarchical { 400 * count as u64 } else { 0 };
                settings.memory_bytes(count) + parts + paths
            }
            Self::Glove(settings) => {
                // A row has a vector and a context vector with a bias each, and what each component changed
                // so far. Frequent words stand in a triangle.
                let row = row_bytes(settings.dim + 2) * 4;
                count as u64 * row + 2 * settings.counts_bytes as u64 + (64 << 20)
            }
        }
    }
}

/// Bytes of the rows' numbers of each word's n-grams.
fn parts_bytes(words: &Vocab, ngrams: Ngrams) -> u64 {
    let mut bytes = 0;
    for row in (0..words.len()).filter_map(|row| u32::try_from(row).ok()).map(RowId) {
        // With the brackets, and as many characters as bytes at most.
        let chars = words.word(row).len() + 2;
        let longest = ngrams.max_n.min(chars);
        let grams: usize = (ngrams.min_n..=longest).map(|n| chars + 1 - n).sum();
        bytes += 8 + 2 * 4 * (grams as u64 + 1);
    }
    bytes
}

/// A line becomes a sentence.
fn encode(
    encoder: &mut Encoder,
    tokenizer: &Tokenizer,
    cutting: &Cutting,
    (number, line): (u64, &str),
) -> Result<()> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let options = cutting.options.of_text(number - 1);
    tokenizer.each(line, &options, None, &mut |id, bytes, is_special| {
        if is_special {
            return;
        }
        // As a table of the tokenizer's tokens has them.
        let own = id.filter(|_| !tokenizer.is_of_words()).and_then(|id| tokenizer.token(id));
        let spelling = || tokenizer.spelling_of(id, &bytes, line).into_owned().into_bytes();
        words.push(own.unwrap_or_else(spelling));
    })?;
    encoder.sentence(words.iter().map(Vec::as_slice))
}

fn learn(
    (job, method): (&TrainTableJob, &Method),
    corpus: &Corpus,
    before: Option<&Current>,
    spilled: &Spilled,
    watch: &mut Watch<'_>,
) -> Result<Vectors> {
    match method {
        Method::Words(settings) => {
            let known = |word: &[u8]| {
                let view = before?.view();
                view.row(word).map(|row| view.vector(row))
            };
            let is_known = |word: &[u8]| known(word).is_some();
            let is_frozen = job.from.as_ref().is_some_and(|from| from.is_frozen);
            let start = Start {
                vector: Some(&known),
                frozen: if is_frozen { Some(&is_known) } else { None },
                ..Start::default()
            };
            let trained = train(corpus, settings, start, &mut |now| watch.see(now))?;
            Ok(Vectors::Words(Arc::new(trained)))
        }
        Method::Glove(settings) => {
            let spill = spilled.spill();
            let glove = glove::train(corpus, settings, spill, &mut |now| watch.see(now))?;
            Ok(Vectors::Glove(Box::new(glove)))
        }
    }
}

/// Looks whether anybody still waits, and tells progress now and then.
struct Watch<'a> {
    stop: &'a Stop,
    spilled: &'a Spilled,
    on_progress: &'a mut dyn FnMut(TrainTableProgress),
    now: TrainTableProgress,
    epochs: usize,
    /// When learning began, after all was counted.
    began: Instant,
    told: Instant,
    tokens: u64,
    /// Losses since progress was told, and how many.
    loss: (f64, u32),
}

impl<'a> Watch<'a> {
    fn new(
        stop: &'a Stop,
        spilled: &'a Spilled,
        now: TrainTableProgress,
        epochs: usize,
        on_progress: &'a mut dyn FnMut(TrainTableProgress),
    ) -> Self {
        let told = Instant::now();
        let (tokens, loss) = (0, (0.0, 0));
        Self { stop, spilled, on_progress, now, epochs, began: told, told, tokens, loss }
    }

    fn see(&mut self, progress: &Progress<'_>) -> Result<()> {
        self.stop.check()?;
        let is_counting = progress.epoch == 0;
        if is_counting {
            self.began = Instant::now();
        }
        self.tokens = progress.tokens;
        if progress.loss > 0.0 {
            self.loss = (self.loss.0 + progress.loss, self.loss.1 + 1);
        }
        let is_last = progress.tokens == progress.tokens_total;
        if self.told.elapsed() < TELL_EVERY && !is_last {
            return Ok(());
        }
        self.told = Instant::now();
        if is_counting {
            self.spilled.account()?;
            (self.on_progress)(TrainTableProgress { phase: "counting", ..self.now });
            return Ok(());
        }
        let lately = self.now.learning.map_or(0.0, |learning| learning.loss);
        let (sum, count) = std::mem::take(&mut self.loss);
        self.now.learning = Some(Learning {
            epoch: progress.epoch,
            epochs: self.epochs,
            tokens: progress.tokens,
            tokens_total: progress.tokens_total,
            tokens_per_second: self.rate(),
            loss: if count == 0 { lately } else { sum / f64::from(count) },
            lr: progress.lr,
        });
        (self.on_progress)(self.now);
        Ok(())
    }

    /// Tokens a second since learning began.
    fn rate(&self) -> f64 {
        let seconds = self.began.elapsed().as_secs_f64();
        if seconds > 0.0 { self.tokens as f64 / seconds } else { 0.0 }
    }
}

fn options(job: &TrainTableJob, tokenizer: Option<&str>) -> ImportOptions {
    ImportOptions {
        table: job.table.clone(),
        source_name: job.source_name.clone(),
        policies: Policies::default(),
        if_exists: job.if_exists,
        limit: None,
        total_bytes: None,
        imported_at: job.trained_at,
        counts: None,
        license: String::new(),
        told: told(job, tokenizer),
        dry_run: false,
        tokenizer: match tokenizer {
            Some(name) => TokenizerPolicy::Use(name.to_owned()),
            None => TokenizerPolicy::Leave,
        },
    }
}

/// How the vectors came about, kept as provenance.
fn told(job: &TrainTableJob, tokenizer: Option<&str>) -> String {
    let mut told = match &job.method {
        Method::Words(settings) => told_of_words(settings),
        Method::Glove(settings) => {
            let GloveSettings { dim, window, x_max, power, epochs, lr, seed, .. } = settings;
            format!(
                "glove dim={dim} window={window} x_max={x_max} power={power} epochs={epochs} lr={lr} \
                 seed={seed}"
            )
        }
    };
    // Writing to a string does not fail; likewise below.
    let _ = write!(told, " min_count={}", job.keep.min_count);
    if job.keep.words_max < limits::ROWS_MAX {
        let _ = write!(told, " vocab_max={}", job.keep.words_max);
    }
    if let Some(PhrasePasses { passes, phrases }) = &job.phrases {
        let score = match phrases.score {
            PhraseScore::Default => "default",
            PhraseScore::Npmi => "npmi",
        };
        let threshold = phrases.threshold;
        let _ = write!(told, " phrases={passes} threshold={threshold} score={score}");
    }
    if let Some(tokenizer) = tokenizer {
        let _ = write!(told, " tokenizer={tokenizer}");
    }
    if let Some(Continue { table, is_frozen }) = &job.from {
        let _ = write!(told, " from={table} freeze={is_frozen}");
    }
    let kernel = Kind::all().into_iter().next().unwrap_or(Kind::Plain);
    let _ = write!(told, " kernel={kernel:?} version={}", env!("CARGO_PKG_VERSION"));
    told
}

fn told_of_words(settings: &Settings) -> String {
    let model = match settings.model {
        Model::SkipGram => "skip-gram",
        Model::Cbow => "cbow",
    };
    let loss = match settings.loss {
        Loss::Negative { count, exponent } => {
            format!("negative negative={count} ns_exponent={exponent}")
        }
        Loss::Hierarchical => "hierarchical".to_owned(),
        Loss::Softmax => "softmax".to_owned(),
    };
    let Settings { dim, window, sample, epochs, lr, seed, threads, .. } = settings;
    let mut told = format!(
        "{model} loss={loss} dim={dim} window={window} sample={sample} epochs={epochs} lr={lr} \
         seed={seed} threads={threads}"
    );
    if let Some(Ngrams { min_n, max_n, buckets }) = settings.ngrams {
        // Writing to a string does not fail.
        let _ = write!(told, " subwords={min_n}-{max_n} buckets={buckets}");
    }
    told
}
