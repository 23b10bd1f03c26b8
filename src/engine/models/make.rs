//! Models made of streamed text and of ARPA files, written as ARPA, and smoothings compared on one text.

use std::io::{BufRead as _, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use crate::budget::Share;
use crate::engine::Engine;
use crate::engine::corpus::{Arrived, Arriving};
use crate::engine::digest::Digest;
use crate::engine::models::cut;
use crate::engine::models::network::{LearnedNetwork, NeuralJob};
use crate::engine::train_table::Learning;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::format::source::{Spool, unpacked, unreadable};
use crate::lm::arpa::{self, ArpaForm, ArpaOptions, ArpaReport};
use crate::lm::{
    Corpus, Counts, END, Estimation, Grams, Known, Model, OrderReport, Perplexity, Reader, Reading,
    Room, Smoothing, Totals, estimate, held_out_words, jelinek_mercer, plain, temporary,
};
use crate::store::ModelHead;
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;

/// Of the lines, those that Jelinek-Mercer holds out if nothing is said.
const HELD_OUT: f64 = 0.01;
/// Of the memory of jobs, what the lists of one job take at most: one part in so many.
const MEMORY_SHARE: u64 = 2;
/// The name of the format, for errors.
const ARPA: &str = "ARPA";
/// Bytes of text between two looks at the memory that words take.
const LOOK_BYTES: u64 = 1 << 20;

/// A model to be made of text.
#[derive(Clone, Debug)]
pub struct TrainModelJob {
    /// Its name.
    pub name: TableName,
    /// Whether it may take the place of another.
    pub replace: bool,
    /// A name for the text; may be empty.
    pub source: String,
    /// The order.
    pub order: usize,
    /// The smoothing.
    pub smoothing: Smoothing,
    /// Which words it knows.
    pub known: Known,
    /// For each order from 2 on, how often n-grams come that are left out.
    pub prune: Vec<u64>,
    /// The tokenizer; empty for spaces and tabs.
    pub tokenizer: String,
    /// Whether `<s>` and `</s>` in the text are left out, and `<unk>` is an unknown word.
    pub skips_special: bool,
    /// The share of the lines that is held out, to tell the perplexity; of Jelinek-Mercer also to tune it.
    pub held_out: Option<f64>,
    /// When it is made, in seconds since 1970-01-01 UTC.
    pub made_at: u64,
    /// Whether its n-grams are stored in the compact form.
    pub compact: bool,
    /// If it is to be a network: then smoothing and pruning say nothing.
    pub neural: Option<NeuralJob>,
}

/// A model to be made of an ARPA file.
#[derive(Clone, Debug)]
pub struct ImportModelJob {
    /// Its name.
    pub name: TableName,
    /// Whether it may take the place of another.
    pub replace: bool,
    /// A name for the file; may be empty.
    pub source: String,
    /// The tokenizer that cuts its texts; empty for spaces and tabs.
    pub tokenizer: String,
    /// How the file is read.
    pub options: ArpaOptions,
    /// Whether its n-grams are stored in the compact form.
    pub compact: bool,
    /// When it is made, in seconds since 1970-01-01 UTC.
    pub made_at: u64,
}

/// Smoothings to be compared on one text.
#[derive(Clone, Debug)]
pub struct CompareJob {
    /// Which; each once.
    pub smoothings: Vec<Smoothing>,
    /// Orders.
    pub orders: Vec<usize>,
    /// Which words the models know.
    pub known: Known,
    /// The tokenizer; empty for spaces and tabs.
    pub tokenizer: String,
    /// Whether `<s>` and `</s>` in the text are left out, and `<unk>` is an unknown word.
    pub skips_special: bool,
    /// The share of the lines that is held out.
    pub held_out: f64,
}

/// How far a model is.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelProgress {
    /// Bytes that were read.
    pub bytes_read: u64,
    /// What is done now.
    pub phase: &'static str,
    /// Different words so far.
    pub word_count: usize,
    /// While a network learns.
    pub learning: Option<Arc<Learning>>,
}

/// A model that was stored.
#[derive(Clone, Debug)]
pub struct MadeModel {
    /// Its name.
    pub name: TableName,
    /// What it says of itself.
    pub head: ModelHead,
    /// Bytes of its file.
    pub bytes: u64,
}

/// What came of a training.
#[derive(Clone, Debug)]
pub struct TrainedModel {
    /// The model.
    pub made: MadeModel,
    /// What was read.
    pub totals: Totals,
    /// Each order.
    pub orders: Vec<OrderReport>,
    /// The text that was held out, if some was.
    pub held_out: Option<Perplexity>,
    /// The most bytes of memory that lists took, and bytes that went to temporary files.
    pub memory_bytes: u64,
    /// See above.
    pub spilled_bytes: u64,
    /// Seconds until all text was read.
    pub read_seconds: f64,
    /// Seconds from then on.
    pub make_seconds: f64,
    /// Of a network, how it learned.
    pub network: Option<LearnedNetwork>,
}

/// A smoothing of an order, as it did.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The smoothing.
    pub smoothing: Smoothing,
    /// The order.
    pub order: usize,
    /// The held-out text.
    pub perplexity: Perplexity,
    /// N-grams of each order.
    pub sizes: Vec<u64>,
    /// Bytes of the model's file.
    pub bytes: u64,
    /// Seconds that probabilities and file took; the counts are common to all.
    pub seconds: f64,
    /// What could not be done as it should, a sentence each.
    pub notes: Vec<String>,
}

/// Where a model is written to.
pub type ExportedTo<'w> = &'w mut dyn Write;

/// A text as it was read.
pub(super) struct ReadText {
    corpus: Corpus,
    arrived: Arrived,
    memory: Share,
}

impl ReadText {
    /// The text in numbers, what is known of it, and the memory that it takes.
    pub(super) fn into_parts(self) -> (Corpus, Arrived, Share) {
        (self.corpus, self.arrived, self.memory)
    }
}

impl Engine {
    /// Counts a text, whose parts `next` gives until there are no more, and stores the model made of it. A
    /// line is a sentence.
    ///
    /// # Errors
    ///
    /// If the name is taken, if the text has no words or special ones, if the memory does not suffice, if it is
    /// stopped, or if the disk fails: then nothing is stored.
    pub fn train_model(
        &self,
        job: &TrainModelJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(ModelProgress),
    ) -> Result<TrainedModel> {
        self.check_training_model(job)?;
        if let Some(network) = &job.neural {
            return self.train_network((job, network), next, on_progress);
        }
        let began = Instant::now();
        let room = self.room();
        let tunes = job.smoothing == Smoothing::JelinekMercer;
        let held_out = job.held_out.unwrap_or(if tunes { HELD_OUT } else { 0.0 });
        let reading = Reading { skips_special: job.skips_special, held_out };
        let tokenizer = self.tokenizer_of_model(&job.tokenizer)?;
        let digest = self.tokenizer_digest(&job.tokenizer)?;
        let read =
            self.read_text((reading, &job.known), tokenizer.as_ref(), next, on_progress, &room)?;
        let ReadText { mut corpus, arrived, memory: _memory } = read;
        let read_seconds = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let totals = corpus.totals;
        let word_count = corpus.words().len();
        let mut tell = |phase| {
            on_progress(ModelProgress {
                bytes_read: arrived.bytes,
                phase,
                word_count,
                learning: None,
            });
        };
        let go_on = || self.go_on();
        tell("counting");
        let sentences = std::mem::take(&mut corpus.held_out);
        let mut counts = Counts::new(corpus, job.order, &room, &go_on)?;
        let mut estimation = Estimation {
            smoothing: job.smoothing,
            order: job.order,
            prune: job.prune.clone(),
            weights: Vec::new(),
        };
        if tunes {
            tell("tuning");
            estimation.weights = jelinek_mercer(&mut counts, job.order, &sentences, &go_on)?;
        }
        tell("estimating");
        let (grams, orders) = estimate(&mut counts, &estimation, false, &go_on)?;
        drop(counts);
        tell("writing");
        let text = head_of(job, digest, &arrived, &totals);
        let head = ModelHead {
            smoothing: job.smoothing.name().to_owned(),
            k: if let Smoothing::AddK(k) = job.smoothing { Some(k) } else { None },
            sizes: grams.sizes(),
            words: grams.word_count() as u64,
            notes: notes(&orders).into_iter().chain(text.notes).collect(),
            compact: job.compact,
            ..text
        };
        // All that may fail comes before the model takes its place.
        let (made, held_out) =
            self.put_model((&job.name, job.replace), head, grams, &room, &sentences)?;
        let (memory_bytes, spilled_bytes) = (room.peak(), room.spilled());
        let make_seconds = began.elapsed().as_secs_f64();
        Ok(TrainedModel {
            made,
            totals,
            orders,
            held_out,
            memory_bytes,
            spilled_bytes,
            read_seconds,
            make_seconds,
            network: None,
        })
    }

    /// Refuses what cannot be trained whatever the text holds.
    ///
    /// # Errors
    ///
    /// If the name is taken, if a number is out of its range, or if there is no such tokenizer.
    pub fn check_training_model(&self, job: &TrainModelJob) -> Result<()> {
        self.check_new_model(&job.name, job.replace)?;
        if let Some(network) = &job.neural {
            self.check_network(job, network)?;
            return self.tokenizer_of_model(&job.tokenizer).map(drop);
        }
        let estimation = Estimation {
            smoothing: job.smoothing,
            order: job.order,
            prune: job.prune.clone(),
            weights: Vec::new(),
        };
        estimation.check()?;
        if job.prune.len() >= job.order && !job.prune.is_empty() {
            let problem = format!(
                "one threshold for each order from 2 to {}, or fewer, of which the last one holds for the others",
                job.order
            );
            return Err(Error::invalid("prune", problem));
        }
        self.tokenizer_of_model(&job.tokenizer).map(drop)
    }

    /// Reads an ARPA file, packed or not, and stores the model.
    ///
    /// # Errors
    ///
    /// If the name is taken, if the file contradicts itself, if the memory does not suffice, if it is stopped, or
    /// if the disk fails: then nothing is stored.
    pub fn import_model(
        &self,
        job: &ImportModelJob,
        source: Box<dyn Read + Send>,
        on_progress: &mut dyn FnMut(ModelProgress),
    ) -> Result<(MadeModel, ArpaReport)> {
        self.check_new_model(&job.name, job.replace)?;
        self.tokenizer_of_model(&job.tokenizer)?;
        let digest = self.tokenizer_digest(&job.tokenizer)?;
        let room = self.room();
        let mut memory = Share::of(&self.shared.memory);
        let digested = Digested::new(source)?;
        let told = digested.told();
        let mut source = unpacked(Box::new(digested), ARPA)?;
        let mut tell = |phase| {
            let bytes_read = told.bytes.load(std::sync::atomic::Ordering::Relaxed);
            on_progress(ModelProgress { bytes_read, phase, word_count: 0, learning: None });
        };
        tell("reading");
        let go_on = || self.go_on();
        let (grams, report) = arpa::read(&mut source, job.options, &room, &mut memory, &go_on)?;
        // What stands behind the end is read too: the digest is that of the file.
        while !source.fill_buf().map_err(|error| unreadable(ARPA, error))?.is_empty() {
            self.go_on()?;
            let count = source.buffer().len();
            source.consume(count);
        }
        drop(source);
        tell("writing");
        let head = ModelHead {
            sizes: grams.sizes(),
            words: grams.word_count() as u64,
            tokenizer: job.tokenizer.clone(),
            tokenizer_digest: digest,
            source: job.source.clone(),
            sha256: told.sha256(),
            made_at: job.made_at,
            notes: arpa_notes(&report),
            compact: job.compact,
            ..ModelHead::default()
        };
        let (made, _) = self.put_model((&job.name, job.replace), head, grams, &room, &[])?;
        Ok((made, report))
    }

    /// Writes a model as an ARPA file; how many n-grams there were.
    ///
    /// # Errors
    ///
    /// If there is no such model, if its smoothing has no back-offs, if the output fails, or if it is stopped.
    pub fn export_model(
        &self,
        name: &TableName,
        form: ArpaForm,
        out: ExportedTo<'_>,
    ) -> Result<u64> {
        let open = self.open_model(name)?;
        let model = open.model.ngrams().ok_or_else(|| {
            let because = "the model is a network, which has no n-grams".to_owned();
            Error::new(ErrorKind::Unsuited { operation: "writing ARPA", because })
        })?;
        arpa::write(model, form, out, &|| self.go_on())
            .context(|| format!("exporting the language model {name}"))
    }

    /// Makes a model by each smoothing and of each order from one text, and says how well each knows the lines that
    /// were held out. No model stays.
    ///
    /// # Errors
    ///
    /// As [`Engine::train_model`]; if nothing is held out.
    pub fn compare_smoothings(
        &self,
        job: &CompareJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(ModelProgress),
    ) -> Result<(Totals, Vec<Compared>)> {
        let room = self.room();
        let reading = Reading { skips_special: job.skips_special, held_out: job.held_out };
        let tokenizer = self.tokenizer_of_model(&job.tokenizer)?;
        let read =
            self.read_text((reading, &job.known), tokenizer.as_ref(), next, on_progress, &room)?;
        let ReadText { mut corpus, arrived, memory: _memory } = read;
        let (totals, word_count) = (corpus.totals, corpus.words().len());
        let sentences = std::mem::take(&mut corpus.held_out);
        if sentences.is_empty() {
            let problem = "no line was held out; send more lines, or hold out a larger share";
            return Err(Error::invalid("held_out_share", problem));
        }
        let go_on = || self.go_on();
        let order = job.orders.iter().copied().max().unwrap_or(1);
        let bytes_read = arrived.bytes;
        on_progress(ModelProgress { bytes_read, phase: "counting", word_count, learning: None });
        let mut counts = Counts::new(corpus, order, &room, &go_on)?;
        let mut compared = Vec::new();
        for &order in &job.orders {
            for &smoothing in &job.smoothings {
                on_progress(ModelProgress {
                    bytes_read,
                    phase: smoothing.name(),
                    word_count,
                    learning: None,
                });
                let began = Instant::now();
                let weights = if smoothing == Smoothing::JelinekMercer {
                    jelinek_mercer(&mut counts, order, &sentences, &go_on)?
                } else {
                    Vec::new()
                };
                let estimation = Estimation { smoothing, order, prune: Vec::new(), weights };
                let (grams, orders) = estimate(&mut counts, &estimation, true, &go_on)?;
                let sizes = grams.sizes();
                let model = temporary(grams, &room, &go_on)?;
                let seconds = began.elapsed().as_secs_f64();
                let mut notes = notes(&orders);
                notes.extend(text_notes(&arrived, &totals));
                if smoothing == Smoothing::JelinekMercer {
                    notes.push("its weights were tuned on the text that judges it".to_owned());
                }
                compared.push(Compared {
                    smoothing,
                    order,
                    perplexity: self.perplexity_of(&model, &sentences)?,
                    sizes,
                    bytes: model.bytes(),
                    seconds,
                    notes,
                });
            }
        }
        Ok((totals, compared))
    }

    /// Where lists of numbers stand: half of the memory of jobs, and files beyond.
    pub(super) fn room(&self) -> Room {
        let spool = Spool::new(&self.shared.data);
        let (memory, disk) = (&self.shared.memory, &self.shared.disk);
        Room::new(memory, memory.max() / MEMORY_SHARE, disk, Box::new(move || spool.file()))
    }

    pub(super) fn read_text(
        &self,
        (reading, known): (Reading, &Known),
        tokenizer: Option<&Tokenizer>,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(ModelProgress),
        room: &Room,
    ) -> Result<ReadText> {
        let mut reader = Reader::new(reading, room)?;
        let mut memory = Share::of(&self.shared.memory);
        let mut told = |bytes_read: u64| {
            self.go_on()?;
            on_progress(ModelProgress {
                bytes_read,
                phase: "reading",
                word_count: 0,
                learning: None,
            });
            Ok(())
        };
        let mut arriving = Arriving::new(next, &mut told)?;
        let mut since = 0;
        arriving.lines(|number, line| {
            self.go_on()?;
            let added = if tokenizer.is_none() {
                reader.sentence(plain(line.as_bytes()))
            } else {
                let words = cut(tokenizer, line)?;
                reader.sentence(words.iter().map(Vec::as_slice))
            };
            added.context(|| format!("line {number}"))?;
            since += line.len() as u64;
            if since >= LOOK_BYTES {
                since = 0;
                // They grow by doubling.
                let needed = 2 * reader.memory_bytes() as u64;
                let more = needed.saturating_sub(memory.bytes());
                memory.grow(more).context(|| "different words")?;
            }
            Ok(())
        })?;
        let arrived = arriving.end();
        let corpus = reader.finish(known, &|| self.go_on())?;
        Ok(ReadText { corpus, arrived, memory })
    }

    fn put_model(
        &self,
        (name, replace): (&TableName, bool),
        head: ModelHead,
        grams: Grams,
        room: &Room,
        held_out: &[Vec<u8>],
    ) -> Result<(MadeModel, Option<Perplexity>)> {
        let store = &self.shared.store;
        let go_on = || self.go_on();
        let staged = store.stage_model(name, &head, |out| {
            if head.compact {
                grams.write_packed(out, room, &go_on)
            } else {
                grams.write(out, room, &go_on)
            }
        })?;
        let perplexity = if held_out.is_empty() {
            None
        } else {
            let (_, model) = staged.open()?;
            Some(self.perplexity_of(&model, held_out)?)
        };
        let bytes = staged.bytes()?;
        self.publish_model((name, replace), (&head.tokenizer, &head.tokenizer_digest), staged)?;
        Ok((MadeModel { name: name.clone(), head, bytes }, perplexity))
    }

    pub(super) fn perplexity_of(&self, model: &Model, sentences: &[Vec<u8>]) -> Result<Perplexity> {
        let mut perplexity = Perplexity::default();
        let mut scored = Vec::new();
        for sentences in sentences.chunks(1_000) {
            let (mut ids, mut ends) = (Vec::new(), Vec::new());
            for sentence in sentences {
                ids.extend(held_out_words(sentence).map(|word| model.number(word)));
                ids.push(END);
                ends.push(ids.len());
            }
            model.score((&ids, &ends), &model.begin_state(), &mut scored, &|| self.go_on())?;
            perplexity.add(&ids, &scored, ends.len() as u64);
        }
        Ok(perplexity)
    }
}

/// What could not be done as it should.
fn notes(orders: &[OrderReport]) -> Vec<String> {
    let of = |(order, report): (usize, &OrderReport)| {
        let fallback = &report.discounts.fallback;
        (!fallback.is_empty()).then(|| format!("order {order}: {fallback}"))
    };
    (1..).zip(orders).filter_map(of).collect()
}

/// What is told of a model for the text that it is made of, whatever it is.
pub(super) fn head_of(
    job: &TrainModelJob,
    tokenizer_digest: String,
    arrived: &Arrived,
    totals: &Totals,
) -> ModelHead {
    ModelHead {
        tokenizer: job.tokenizer.clone(),
        tokenizer_digest,
        tokens: totals.tokens,
        sentences: totals.sentences,
        source: job.source.clone(),
        sha256: arrived.sha256.clone(),
        made_at: job.made_at,
        notes: text_notes(arrived, totals),
        ..ModelHead::default()
    }
}

/// What of a text is not as it was sent.
fn text_notes(arrived: &Arrived, totals: &Totals) -> Vec<String> {
    let told = [
        (arrived.repaired, "places of the text were not UTF-8"),
        (arrived.cuts, "times a line was cut into sentences, because it was too long"),
        (totals.too_long, "words were too long, and became <unk>"),
    ];
    let told = told.into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, told)| format!("{count} {told}")).collect()
}

fn arpa_notes(report: &ArpaReport) -> Vec<String> {
    let ArpaReport { clamped, ignored_back_offs, added, lacks_unknown, lacks_begin, lacks_end } =
        *report;
    let counted = [
        (clamped, "probabilities over 1 became 1"),
        (ignored_back_offs, "back-offs of the highest order were ignored"),
        (added, "n-grams were missing though longer ones need them, and were added by back-off"),
    ];
    let lacking = [
        (lacks_unknown, "the file has no <unk>: the probability of unknown words is 1e-100"),
        (lacks_begin, "the file has no <s>: sentences have no begin"),
        (lacks_end, "the file has no </s>: the probability that a sentence ends is 1e-100"),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let lacking = lacking.into_iter().filter(|(lacks, _)| *lacks);
    counted
        .map(|(count, told)| format!("{count} {told}"))
        .chain(lacking.map(|(_, told)| told.to_owned()))
        .collect()
}

/// A source whose bytes are counted and digested as they are read.
struct Digested {
    source: Box<dyn Read + Send>,
    digest: Option<Digest>,
    told: Arc<Told>,
}

/// What is known of a source that was read.
#[derive(Default)]
struct Told {
    bytes: std::sync::atomic::AtomicU64,
    sha256: parking_lot::Mutex<String>,
}

impl Told {
    fn sha256(&self) -> String {
        self.sha256.lock().clone()
    }
}

impl Digested {
    fn new(source: Box<dyn Read + Send>) -> Result<Self> {
        Ok(Self { source, digest: Some(Digest::start()?), told: Arc::default() })
    }

    fn told(&self) -> Arc<Told> {
        Arc::clone(&self.told)
    }
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.told.bytes.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        if count == 0 {
            if let Some(digest) = self.digest.take() {
                *self.told.sha256.lock() = digest.finish();
            }
        } else if let Some(digest) = &mut self.digest {
            digest.update(&buffer[..count]);
        }
        Ok(count)
    }
}
