//! Neural language models made of streamed text, with the vectors of a table at first, or leaving theirs as one.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crate::budget::Share;
use crate::engine::import::{First, IfExists, ImportOptions, Made, Source, TokenizerPolicy, Turn};
use crate::engine::models::make::{MadeModel, ModelProgress, TrainModelJob, TrainedModel, head_of};
use crate::engine::models::network::{LearnedNetwork, NeuralJob};
use crate::engine::train_table::{Evaluation, Learning};
use crate::engine::{Current, Engine, Stop};
use crate::error::{At, Context as _, Error, Result};
use crate::format::intake::Policies;
use crate::format::{Row, RowReader, Step};
use crate::limits;
use crate::lm::neural::{self, Learned, Now, Settings, Text};
use crate::lm::{BEGIN, Corpus, END, Reading, UNKNOWN, Words, held_out_words};
use crate::query::frequency::COUNT;
use crate::store::{ModelHead, NeuralHead};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::meta::{IndexChoice, Residence, TableName};

/// Of the lines, those that say when it is enough if nothing is said.
const HELD_OUT: f64 = 0.02;
/// How often progress is told while a network learns.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// How much of the loss that is shown comes from the last batch.
const LATEST: f64 = 0.02;
/// Rows between two looks at whether to go on.
const ROWS_PER_LOOK: usize = 1_024;

impl Engine {
    /// Refuses what cannot be trained whatever the text holds.
    pub(super) fn check_network(&self, job: &TrainModelJob, network: &NeuralJob) -> Result<()> {
        network.settings.check()?;
        if let Some(from) = &network.from {
            let current = self.current(from)?;
            let (dim, got) = (current.view().dim(), network.settings.dim);
            if dim != got && network.has_dim {
                let problem = format!("the vectors of table {from} have {dim}; {got} was asked");
                return Err(Error::invalid("neural.dim", problem));
            }
        }
        match &network.table {
            Some(table) => self.shared.catalog.check_target(table, job.replace),
            None => Ok(()),
        }
    }

    /// As [`Engine::train_model`], of a network.
    #[expect(clippy::too_many_lines, reason = "a step after the other, each of a few lines")]
    pub(super) fn train_network(
        &self,
        (job, network): (&TrainModelJob, &NeuralJob),
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(ModelProgress),
    ) -> Result<TrainedModel> {
        let began = Instant::now();
        let _turn =
            network.table.as_ref().map(|table| Turn::take(&self.shared, table)).transpose()?;
        let room = self.room();
        let held_out = job.held_out.unwrap_or(HELD_OUT);
        let reading = Reading { skips_special: job.skips_special, held_out };
        let tokenizer = self.tokenizer_of_model(&job.tokenizer)?;
        let digest = self.tokenizer_digest(&job.tokenizer)?;
        let read =
            self.read_text((reading, &job.known), tokenizer.as_ref(), next, on_progress, &room)?;
        let (mut corpus, arrived, _text_memory) = read.into_parts();
        let read_seconds = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let (totals, word_count) = (corpus.totals, corpus.words().len());
        let from = network.from.as_ref().map(|from| self.current(from)).transpose()?;
        let dim = from.as_ref().map_or(network.settings.dim, |from| from.view().dim());
        let settings = Settings { order: job.order, dim, ..network.settings };
        let sentences = std::mem::take(&mut corpus.held_out);
        let mut memory = Share::of(&self.shared.memory);
        memory
            .grow(settings.memory_bytes(word_count))
            .context(|| format!("bytes of memory for a network of {word_count} words"))?;
        let told = ModelProgress {
            bytes_read: arrived.bytes,
            phase: "learning",
            word_count,
            learning: None,
        };
        on_progress(told.clone());
        let (learned, known_count) = self.learn_network(
            &settings,
            (&corpus, &sentences),
            from.as_deref(),
            &mut |learning| {
                on_progress(ModelProgress { learning: Some(learning), ..told.clone() });
            },
        )?;
        on_progress(ModelProgress { phase: "writing", ..told.clone() });
        let text = head_of(job, digest, &arrived, &totals);
        let head = ModelHead {
            words: word_count as u64,
            notes: text.notes.into_iter().chain(network_notes(&settings, &learned)).collect(),
            neural: Some(NeuralHead {
                order: settings.order as u64,
                dim: settings.dim as u64,
                hidden: settings.hidden as u64,
                direct: settings.direct,
                weights: learned.shape.weights() as u64,
                noise: settings.noise(word_count).map(|noise| noise as u64),
                epochs: learned.best as u64,
                from: network.from.as_ref().map(TableName::to_string).unwrap_or_default(),
            }),
            ..text
        };
        let go_on = || self.go_on();
        let words = corpus.into_words();
        let learned = Arc::new((learned, words));
        // All that may fail comes before anything takes its place.
        let staged = self.shared.store.stage_model(&job.name, &head, |out| {
            neural::write(&learned.0, learned.1.clone(), out, &go_on)
        })?;
        let held_out = if sentences.is_empty() {
            None
        } else {
            let (_, model) = staged.open()?;
            Some(self.perplexity_of(&model, &sentences)?)
        };
        let bytes = staged.bytes()?;
        let tokenizer = (head.tokenizer.clone(), head.tokenizer_digest.clone());
        let (name, replace) = (job.name.clone(), job.replace);
        let publish: First = Box::new(move |engine| {
            engine.publish_model((&name, replace), (&tokenizer.0, &tokenizer.1), staged)
        });
        // The table appears right behind the model, which needs no table.
        let table = if let Some(table) = &network.table {
            let text = (arrived.sha256.as_str(), arrived.bytes);
            let rows = self.publish_vectors(table, job, text, (&learned, publish))?;
            Some((table.clone(), rows))
        } else {
            publish(self)?;
            None
        };
        let seconds: f64 = learned.0.epochs.iter().map(|epoch| epoch.seconds).sum();
        let epochs = learned.0.epochs.clone();
        let read_words = (totals.tokens + totals.sentences) as f64 * epochs.len() as f64;
        Ok(TrainedModel {
            made: MadeModel { name: job.name.clone(), head, bytes },
            totals,
            orders: Vec::new(),
            held_out,
            memory_bytes: memory.bytes() + room.peak(),
            spilled_bytes: room.spilled(),
            read_seconds,
            make_seconds: began.elapsed().as_secs_f64(),
            network: Some(LearnedNetwork {
                epochs,
                words_per_second: read_words / seconds.max(f64::MIN_POSITIVE),
                table,
                known_count,
            }),
        })
    }

    fn learn_network(
        &self,
        settings: &Settings,
        (corpus, sentences): (&Corpus, &[Vec<u8>]),
        from: Option<&Current>,
        tell: &mut dyn FnMut(Arc<Learning>),
    ) -> Result<(Learned, u64)> {
        let words = corpus.words();
        let counts = corpus.predicted();
        let judged = judged(words, sentences);
        let known_count = std::cell::Cell::new(0_u64);
        let vector = |word: u32, vector: &mut [f32]| {
            let Some(view) = from.map(Current::view) else { return };
            if let Some(row) = view.row(words.word(word)) {
                vector.copy_from_slice(&view.vector(row));
                known_count.set(known_count.get() + 1);
            }
        };
        let began = Instant::now();
        let mut told = Instant::now();
        let mut loss = None;
        let mut see = |now: Now| {
            let before = loss.unwrap_or(now.loss);
            let mean = before + (now.loss - before) * LATEST;
            loss = Some(mean);
            if told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                tell(Arc::new(learning(settings, &now, mean, began.elapsed())));
            }
            Ok(())
        };
        let text = Text { ids: corpus.ids(), counts: &counts };
        let go_on = || self.go_on();
        let learned = neural::learn(settings, (text, &judged), &vector, &mut see, &go_on)?;
        Ok((learned, known_count.get()))
    }

    /// Makes the table of a network's vectors, with the model before it; how many rows it has.
    fn publish_vectors(
        &self,
        table: &TableName,
        job: &TrainModelJob,
        (sha256, bytes): (&str, u64),
        (learned, first): (&Arc<(Learned, Words)>, First),
    ) -> Result<u64> {
        let options = ImportOptions {
            table: table.clone(),
            source_name: job.source.clone(),
            policies: Policies::default(),
            if_exists: if job.replace { IfExists::Replace } else { IfExists::Error },
            limit: None,
            total_bytes: None,
            imported_at: job.made_at,
            counts: None,
            license: String::new(),
            told: format!("projection of the language model {}", job.name),
            dry_run: false,
            index: IndexChoice::Auto,
            dtype: None,
            residence: Residence::Memory,
            tokenizer: if job.tokenizer.is_empty() {
                TokenizerPolicy::Leave
            } else {
                TokenizerPolicy::Use(job.tokenizer.clone())
            },
        };
        let rows = Vectors { learned: Arc::clone(learned), at: 0, stop: self.stop.clone() };
        let made = Made {
            name: "training",
            reader: Box::new(rows),
            bytes: Arc::new(AtomicU64::new(bytes)),
            sha256: sha256.to_owned(),
            subwords: None,
            first: Some(first),
        };
        self.import_in_turn(&options, Source::Made(made), &mut |_| {})?;
        Ok(learned.1.len() as u64)
    }
}

/// The numbers of the words of held-out sentences, of so many as judge an epoch.
fn judged(words: &Words, sentences: &[Vec<u8>]) -> Vec<u32> {
    let mut ids = Vec::new();
    for sentence in sentences {
        if ids.len() >= limits::LM_NEURAL_JUDGED_MAX {
            break;
        }
        let left = limits::LM_NEURAL_JUDGED_MAX - ids.len();
        ids.push(BEGIN);
        let numbers = held_out_words(sentence).map(|word| words.number(word).unwrap_or(UNKNOWN));
        ids.extend(numbers.take(left));
        ids.push(END);
    }
    ids
}

fn learning(settings: &Settings, now: &Now, loss: f64, time: Duration) -> Learning {
    let held_out = now.held_out.map(|perplexity| Evaluation {
        test_set: "held-out".to_owned(),
        tokens: now.words,
        figures: vec![("perplexity".to_owned(), Some(perplexity))],
        problem: String::new(),
    });
    Learning {
        epoch: now.epoch,
        epochs: settings.epochs,
        tokens: now.words,
        tokens_total: now.words_max,
        tokens_per_second: now.words as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE),
        loss,
        lr: now.rate,
        checkpoint: None,
        probes: Vec::new(),
        evaluations: held_out.into_iter().collect(),
    }
}

/// What is to be known of a network.
fn network_notes(settings: &Settings, learned: &Learned) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(noise) = settings.noise(learned.shape.words) {
        notes.push(format!(
            "learned by sampled softmax: each batch compared its words with {noise} others; what it answers is exact"
        ));
    }
    let (epochs, best) = (learned.epochs.len(), learned.best);
    if learned.epochs.iter().all(|epoch| epoch.held_out.is_none()) {
        notes.push("no line was held out, so nothing told when it was enough".to_owned());
    } else if best < epochs {
        notes.push(format!(
            "epoch {best} of {epochs} did best on held-out lines, and is what stays"
        ));
    }
    notes
}

/// The words of a network and their vectors, as the rows of a table.
struct Vectors {
    learned: Arc<(Learned, Words)>,
    /// The next one.
    at: usize,
    stop: Stop,
}

impl RowReader for Vectors {
    fn dim(&self) -> usize {
        self.learned.0.shape.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn counted_rows(&self) -> Option<usize> {
        Some(self.learned.1.len())
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if self.at.is_multiple_of(ROWS_PER_LOOK) {
            self.stop.check()?;
        }
        let (learned, words) = &*self.learned;
        let number = u32::try_from(self.at).ok().filter(|_| self.at < words.len());
        let found = number.and_then(|number| Some((number, learned.vector(number)?)));
        let Some((number, vector)) = found else { return Ok(Step::End) };
        let mut attributes = Attributes::new();
        if words.count(number) > 0 {
            let count = AttributeValue::from(words.count(number));
            attributes.set(COUNT.to_owned(), count);
        }
        let (word, vector) = (words.word(number).to_vec(), vector.to_vec());
        *row = Row { word, vector, at: At::Row(self.at as u64), attributes };
        self.at += 1;
        Ok(Step::Row)
    }
}
