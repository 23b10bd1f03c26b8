//! New tables from streamed text: it is read once and becomes numbers, vectors are learned from these, and
//! the table comes about as an import does.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `asked.rs` | what is asked of a training |
//! | `report.rs` | what it tells |
//! | `reading.rs` | text becomes numbers |
//! | `memory.rs` | what it takes of the budget of jobs |
//! | `watch.rs` | what looks at it on its way |
//! | `provenance.rs` | how the vectors came about |

mod asked;
mod memory;
mod provenance;
mod reading;
mod report;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::engine::corpus::Spilled;
use crate::engine::import::{Made, Source, Turn};
use crate::engine::learned::{LearnedRows, Vectors, subwords};
use crate::engine::slots::Permit;
use crate::engine::{Current, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::meta::TableName;
use crate::text::vocab::Vocab;
use crate::training::corpus::Corpus;
use crate::training::glove;
use crate::training::settings::Settings;
use crate::training::train::{Start, train};

pub use asked::{Continue, Method, PhrasePasses, TrainTableJob};
pub use report::{Learning, TrainTableProgress, TrainTableReport};

use provenance::options;
use reading::Read;
use watch::Watch;

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
