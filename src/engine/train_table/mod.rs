//! New tables from streamed text: it is read once and becomes numbers, vectors are learned from these, and
//! the table comes about as an import does.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `asked.rs` | what is asked of a training |
//! | `report.rs` | what it tells |
//! | `kept.rs` | text that can go on after its stream broke |
//! | `reading.rs` | text becomes numbers |
//! | `lesson.rs` | what is left to do then |
//! | `memory.rs` | what it takes of the budget of jobs |
//! | `watch.rs` | what looks at it on its way |
//! | `checkpoint.rs` | where it stands, kept so that it can go on |
//! | `probes.rs` | words whose neighbors are shown |
//! | `evaluations.rs` | test sets that judge it |
//! | `provenance.rs` | how the vectors came about |

mod asked;
mod checkpoint;
mod evaluations;
mod kept;
mod lesson;
mod memory;
mod probes;
mod provenance;
mod reading;
mod report;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::budget::Share;
use crate::container::Container;
use crate::engine::corpus::Spilled;
use crate::engine::import::{IfExists, ImportReport, Made, Source, Turn, can_go_on};
use crate::engine::learned::{Before, LearnedRows, OutputRows, Vectors, subwords};
use crate::engine::slots::Permit;
use crate::engine::{Current, Engine, Wish};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::store::upload::Upload;
use crate::table::meta::TableName;
use crate::text::subword::{Combine, Hashing, Subwords};
use crate::text::vocab::Vocab;
use crate::training::corpus::Corpus;
use crate::training::glove;
use crate::training::settings::{Ngrams, Settings};
use crate::training::standing::Saved;
use crate::training::train::{GiveBucket, Start, train};

pub use asked::{Along, Continue, Method, PhrasePasses, TrainTableJob};
pub use report::{
    CheckpointTold, Evaluation, Learning, Probe, TrainTableProgress, TrainTableReport,
};

use checkpoint::{Interrupted, Saver};
use evaluations::Evaluations;
use kept::KeptText;
use lesson::{Lesson, Origin, TextTold};
use probes::Probes;
use reading::Read;
use watch::{Looks, Watch};

/// A lesson with its text, in memory.
struct Task {
    lesson: Lesson,
    corpus: Corpus,
    /// The table that it begins with.
    before: Option<Arc<Current>>,
    /// Where it stood when it was interrupted, if it had begun to learn.
    state: Option<Container>,
    /// Tells the states of its text from others, if a checkpoint holds the text.
    owner: Option<u64>,
    is_resumed: bool,
    /// What the corpus takes.
    _memory: Share,
}

impl Engine {
    /// Learns vectors from text, whose parts `next` gives until there are no more, and makes a table of
    /// them. `slot` is waited for before learning begins.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`] and [`Engine::check_training`]; if the text has too few words, if memory or
    /// disk do not suffice, if learning diverges, or if it is stopped: then no table changes. What was
    /// learned until the last checkpoint is kept for [`Engine::resume_training`], unless learning
    /// diverged or its caller said [`Wish::Drop`]. Of a text that is kept as it arrives, another call goes on
    /// behind what has arrived.
    pub fn train_table(
        &self,
        job: &TrainTableJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainTableReport> {
        self.check_training(job)?;
        let _turn = Turn::take(&self.shared, &job.table)?;
        let outputs = job.outputs.as_ref();
        let _other = outputs.map(|table| Turn::take(&self.shared, table)).transpose()?;
        let Some(from) = job.resume_offset else {
            return self.train_table_in_turn(job, next, on_progress, slot);
        };
        let upload = self.upload(&job.table);
        let mut kept = KeptText::open(&upload, from)?;
        let mut next = || kept.next(next);
        let learned = self.train_table_in_turn(job, &mut next, on_progress, slot);
        if !can_go_on(&learned) || self.stop.wish() == Some(Wish::Drop) {
            drop_kept(&upload);
        }
        learned
    }

    /// [`Engine::train_table`] for whoever has the turns already.
    fn train_table_in_turn(
        &self,
        job: &TrainTableJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainTableReport> {
        let began = Instant::now();
        let before = self.begins_with(job)?;
        let spilled = Spilled::new(&self.shared);
        let Read { corpus, arrived, tokenizer, phrase_counts, memory } =
            self.read_corpus(job, next, on_progress, &spilled)?;
        let origin = job.from.as_ref().zip(before.as_ref()).map(|(from, before)| Origin {
            table: before.name(),
            is_frozen: from.is_frozen,
            generation: before.generation().number(),
            sequence: before.view().sequence(),
        });
        let lesson = Lesson {
            table: job.table.clone(),
            replaces: job.if_exists == IfExists::Replace,
            source_name: job.source_name.clone(),
            trained_at: job.trained_at,
            told: provenance::told(job, tokenizer.as_deref()),
            tokenizer,
            method: self.fitted(&job.method, corpus.tokens()),
            from: origin,
            outputs: job.outputs.clone(),
            along: job.along.clone(),
            text: TextTold {
                bytes: arrived.bytes,
                sha256: arrived.sha256,
                repaired: arrived.repaired,
                phrases: phrase_counts,
                seconds: began.elapsed().as_secs_f64(),
            },
        };
        let owner = job.resume_offset.and_then(|_| {
            // The numbers take the place of the text that was kept.
            let mut saver = self.saver(&lesson, &corpus, None);
            saver.save_corpus();
            saver.owner().inspect(|_| drop_kept(&self.upload(&job.table)))
        });
        let state = None;
        let task =
            Task { lesson, corpus, before, state, owner, is_resumed: false, _memory: memory };
        let learned = self.learn_vectors(task, &spilled, on_progress, slot);
        self.end_checkpoint(&job.table, &learned);
        learned
    }

    /// Goes on with the training of a table where its last checkpoint was. With one thread the table becomes
    /// what it would have been without the interruption, bit for bit, on the same kind of processor.
    ///
    /// # Errors
    ///
    /// As [`Engine::check_resuming`] and [`Engine::train_table`]; if the table that it began with has
    /// changed.
    pub fn resume_training(
        &self,
        table: &TableName,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainTableReport> {
        self.check_resuming(table)?;
        let _turn = Turn::take(&self.shared, table)?;
        let spilled = Spilled::new(&self.shared);
        let Interrupted { lesson, corpus, owner, state, memory } =
            self.interrupted(table, &spilled)?;
        let owner = Some(owner);
        let outputs = lesson.outputs.clone();
        let _other = outputs.as_ref().map(|table| Turn::take(&self.shared, table)).transpose()?;
        let before = lesson.from.as_ref().map(|origin| self.same_as_then(origin)).transpose()?;
        let task = Task { lesson, corpus, before, state, owner, is_resumed: true, _memory: memory };
        let learned = self.learn_vectors(task, &spilled, on_progress, slot);
        self.end_checkpoint(table, &learned);
        learned
    }

    /// The table that an interrupted training began with, in the state of then.
    fn same_as_then(&self, origin: &Origin) -> Result<Arc<Current>> {
        let current = self.current(&origin.table)?;
        let now = (current.generation().number(), current.view().sequence());
        if now == (origin.generation, origin.sequence) {
            return Ok(current);
        }
        let problem = format!(
            "training began with the vectors of table {}, which have changed since: train anew",
            origin.table
        );
        Err(Error::invalid("resume", problem))
    }

    /// Removes the checkpoint of a training if it is of no more use.
    fn end_checkpoint(&self, table: &TableName, learned: &Result<TrainTableReport>) {
        let is_over = learned.as_ref().map_or_else(
            |error| {
                let is_wrong = matches!(error.kind(), ErrorKind::InvalidArgument { .. });
                is_wrong || self.stop.wish() == Some(Wish::Drop)
            },
            |_| true,
        );
        if is_over && let Err(error) = self.shared.checkpoint(table).remove() {
            tracing::warn!(?error, "the checkpoint of a training that is over stays");
        }
    }

    fn learn_vectors(
        &self,
        task: Task,
        spilled: &Spilled,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainTableReport> {
        let Task { lesson, corpus, before, state, owner, is_resumed, _memory } = task;
        let corpus = Arc::new(corpus);
        let (word_count, method) = (corpus.words().len(), &lesson.method);
        method.check(word_count)?;
        // What learning takes, and what the table will: the import takes that itself, so it is given back
        // before.
        let carried = before.as_ref().map_or(0, |before| before.view().len());
        let memory = self.learning_memory(&lesson, corpus.words())?;
        let table = self.table_memory(method.dim(), word_count + carried)?;
        let _slot = slot().inspect_err(|why| {
            if *why.kind() == ErrorKind::Closing {
                self.saver(&lesson, &corpus, owner).save_corpus();
            }
        })?;
        let began = Instant::now();
        let (phase, bytes_read) = ("learning", lesson.text.bytes);
        let told = TrainTableProgress { bytes_read, phase, word_count, learning: None };
        let looks = self.looks((&lesson, &corpus), owner)?;
        let first = if state.is_some() { None } else { Some(0) };
        let told_of = (told.clone(), method.epochs());
        let mut watch = Watch::new((&self.stop, spilled), looks, told_of, first, &mut *on_progress);
        let learning = (&lesson, &*corpus, state.as_ref());
        let vectors = vectors(learning, before.as_deref(), spilled, &mut watch)?;
        let (learn_seconds, tokens_per_second) = (began.elapsed().as_secs_f64(), watch.rate());
        let (ended_in_epoch, evaluations) = watch.end();
        on_progress(TrainTableProgress { phase: "writing", ..told });
        drop(table);
        let (totals, kept_tokens, losses) = (corpus.totals(), corpus.tokens(), vectors.losses());
        let subwords = subwords_of(&vectors, method)?;
        let learned = (corpus, Arc::new(vectors));
        let outputs = self.publish_outputs(&lesson, &learned)?;
        let is_frozen = lesson.from.as_ref().is_some_and(|from| from.is_frozen);
        let before = before.map(|current| Before { current, is_frozen, moved: subwords.clone() });
        let rows = LearnedRows::new(learned, before, method.dim(), self.stop.clone());
        let carried_count = rows.len() - word_count;
        let import = self.publish(&lesson, ended_in_epoch, rows, subwords)?;
        let TextTold { repaired, phrases, seconds, .. } = lesson.text;
        Ok(TrainTableReport {
            import,
            outputs,
            tokenizer: lesson.tokenizer.unwrap_or_default(),
            totals,
            kept_tokens,
            repaired_count: repaired,
            phrase_counts: phrases,
            carried_count,
            losses,
            memory_bytes: memory.bytes(),
            read_seconds: seconds,
            learn_seconds,
            tokens_per_second,
            ended_in_epoch,
            is_resumed,
            evaluations,
        })
    }

    /// Makes the table of what was learned.
    fn publish(
        &self,
        lesson: &Lesson,
        ended_in_epoch: Option<usize>,
        rows: LearnedRows,
        subwords: Option<Arc<Subwords>>,
    ) -> Result<ImportReport> {
        let mut options = lesson.options();
        if let Some(epoch) = ended_in_epoch {
            options.told = format!("{} ended_in_epoch={epoch}", options.told);
        }
        let made = Made {
            name: "training",
            reader: Box::new(rows),
            bytes: Arc::new(AtomicU64::new(lesson.text.bytes)),
            sha256: lesson.text.sha256.clone(),
            subwords,
            first: None,
        };
        self.import_in_turn(&options, Source::Made(made), &mut |_| {})
    }

    /// Makes the table of the output vectors, if they are kept.
    fn publish_outputs(
        &self,
        lesson: &Lesson,
        (corpus, vectors): &(Arc<Corpus>, Arc<Vectors>),
    ) -> Result<Option<(TableName, ImportReport)>> {
        let Some(options) = lesson.output_options() else { return Ok(None) };
        let rows = OutputRows {
            corpus: Arc::clone(corpus),
            vectors: Arc::clone(vectors),
            dim: lesson.method.dim(),
            at: 0,
            stop: self.stop.clone(),
        };
        let made = Made {
            name: "training",
            reader: Box::new(rows),
            bytes: Arc::new(AtomicU64::new(lesson.text.bytes)),
            sha256: lesson.text.sha256.clone(),
            subwords: None,
            first: None,
        };
        let report = self.import_in_turn(&options, Source::Made(made), &mut |_| {})?;
        Ok(Some((options.table, report)))
    }

    /// What is done while it learns.
    fn looks<'a>(
        &'a self,
        (lesson, corpus): (&'a Lesson, &'a Corpus),
        owner: Option<u64>,
    ) -> Result<Looks<'a>> {
        let Along { probes, test_sets, evaluate_seconds, .. } = &lesson.along;
        Ok(Looks {
            saver: self.saver(lesson, corpus, owner),
            probes: Probes::new(corpus, probes),
            evaluations: Evaluations::new(self, corpus, (test_sets, *evaluate_seconds))?,
        })
    }

    fn saver<'a>(&self, lesson: &'a Lesson, corpus: &'a Corpus, owner: Option<u64>) -> Saver<'a> {
        Saver::new(self.shared.checkpoint(&lesson.table), (lesson, corpus), owner)
    }

    /// Refuses what cannot be trained whatever the text holds.
    ///
    /// # Errors
    ///
    /// If the table is there and not to be replaced, if a setting is wrong, if there is no such test set or
    /// tokenizer or that needs a table, if there is no table to begin with or it has another dimension, or if two
    /// words take more memory than jobs have.
    pub fn check_training(&self, job: &TrainTableJob) -> Result<()> {
        for table in [Some(&job.table), job.outputs.as_ref()].into_iter().flatten() {
            self.shared.catalog.check_target(table, job.if_exists == IfExists::Replace)?;
        }
        if let Some(outputs) = &job.outputs {
            job.method.check_outputs()?;
            if *outputs == job.table {
                return Err(Error::invalid("outputs_table", "another name than the table's"));
            }
        }
        // Two words are the fewest: how many there are is known at the end.
        job.method.check(2)?;
        job.along.check()?;
        self.test_sets_of(&job.along.test_sets)?;
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
        let current = self.current(&from.table)?;
        let (dim, got) = (current.view().dim(), job.method.dim());
        if dim != got {
            let problem =
                format!("the vectors of table {} have {dim}; {got} was asked", from.table);
            return Err(Error::invalid("dim", problem));
        }
        if let Method::Words(Settings { ngrams: Some(ngrams), .. }) = job.method {
            let own = ngrams_of(&current).context(|| format!("table {}", from.table))?;
            if own != ngrams {
                let Ngrams { min_n, max_n, buckets } = own;
                let problem = format!(
                    "those of table {} have {min_n} to {max_n} characters and {buckets} buckets, \
                     and stay so: leave these settings out",
                    from.table
                );
                return Err(Error::invalid("subwords", problem));
            }
        }
        Ok(Some(current))
    }

    /// The sub-words of a table, as far as training can go on with them.
    ///
    /// # Errors
    ///
    /// If there is no such table, if it is damaged, if it has no sub-words, or if they are not fastText's.
    pub fn ngrams_of(&self, table: &TableName) -> Result<Ngrams> {
        let current = self.current(table)?;
        ngrams_of(&current).context(|| format!("table {table}"))
    }

    /// The dimension of a table that training may begin with.
    ///
    /// # Errors
    ///
    /// If there is no such table, or it is damaged.
    pub fn dim_of(&self, table: &TableName) -> Result<usize> {
        Ok(self.current(table)?.view().dim())
    }
}

/// Removes what was kept of a text.
fn drop_kept(upload: &Upload) {
    if let Err(error) = upload.remove() {
        tracing::warn!(?error, "what was kept of a text stays");
    }
}

/// The sub-words of a table, if they are fastText's.
fn ngrams_of(current: &Current) -> Result<Ngrams> {
    let Some(subwords) = current.view().subwords() else {
        let problem =
            "it has no sub-words to go on with: train without, or from a table that has them";
        return Err(Error::invalid("subwords", problem));
    };
    let (before, behind) = &subwords.brackets;
    let are_fasttexts = subwords.combine == Combine::Mean && before == "<" && behind == ">";
    let rows = subwords.buckets.numbers().count();
    match subwords.hashing {
        Hashing::Fasttext { buckets } if are_fasttexts && rows == buckets as usize => {
            Ok(Ngrams { min_n: subwords.min_n, max_n: subwords.max_n, buckets })
        }
        Hashing::Fasttext { .. }
        | Hashing::Finalfusion { .. }
        | Hashing::Floret { .. }
        | Hashing::Explicit(_) => {
            let problem =
                "only fastText's sub-words can be trained on, if none was pruned: train without";
            Err(Error::invalid("subwords", problem))
        }
    }
}

/// The sub-words that were learned, if they were.
fn subwords_of(vectors: &Vectors, method: &Method) -> Result<Option<Arc<Subwords>>> {
    match (vectors, method) {
        (Vectors::Words(trained), Method::Words(Settings { ngrams: Some(ngrams), dim, .. })) => {
            subwords(trained, *ngrams, *dim).map(|subwords| Some(Arc::new(subwords)))
        }
        (Vectors::Words(_) | Vectors::Glove(_), Method::Words(_) | Method::Glove(_)) => Ok(None),
    }
}

fn vectors(
    (lesson, corpus, state): (&Lesson, &Corpus, Option<&Container>),
    before: Option<&Current>,
    spilled: &Spilled,
    watch: &mut Watch<'_>,
) -> Result<Vectors> {
    let saved = state.map(Saved::new);
    match &lesson.method {
        Method::Words(settings) => {
            let known = |word: &[u8]| {
                let view = before?.view();
                view.row(word).map(|row| view.vector(row))
            };
            let is_known = |word: &[u8]| known(word).is_some();
            let subwords = before.and_then(|before| before.view().subwords());
            let bucket = |bucket: u32, vector: &mut [f32]| match subwords {
                Some(subwords) => subwords.buckets.add(bucket.into(), vector).map(drop),
                None => Ok(()),
            };
            let is_frozen = lesson.from.as_ref().is_some_and(|from| from.is_frozen);
            let start = Start {
                vector: Some(&known),
                bucket: subwords.map(|_| &bucket as GiveBucket<'_>),
                frozen: if is_frozen { Some(&is_known) } else { None },
                saved,
                ..Start::default()
            };
            let trained = train(corpus, settings, start, &mut |now| watch.see(now))?;
            Ok(Vectors::Words(Arc::new(trained)))
        }
        Method::Glove(settings) => {
            let files = (spilled.spill(), saved);
            let glove = glove::train(corpus, settings, files, &mut |now| watch.see(now))?;
            Ok(Vectors::Glove(Box::new(glove)))
        }
    }
}
