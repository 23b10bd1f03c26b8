//! Checkpoints of a training: written while it learns, read when it goes on.

use std::time::{Duration, Instant, SystemTime};

use crate::budget::Share;
use crate::container::{CHUNK_BYTES, Container};
use crate::engine::Engine;
use crate::engine::corpus::Spilled;
use crate::engine::train_table::lesson::Lesson;
use crate::engine::train_table::report::CheckpointTold;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{Checkpoint, CheckpointFile};
use crate::table::meta::TableName;
use crate::training::corpus::Corpus;
use crate::training::progress::Progress;

/// What a file has beside vectors and numbers, at most.
const BESIDE: u64 = 64 << 10;
/// The next checkpoint waits so many times as long as the last one took: at most a twentieth of the time
/// goes into them.
const PATIENCE: u32 = 20;

/// Writes checkpoints when they are due.
pub(super) struct Saver<'a> {
    checkpoint: Checkpoint,
    lesson: &'a Lesson,
    corpus: &'a Corpus,
    /// Tells the states of this corpus from others; none before the corpus is written.
    owner: Option<u64>,
    /// None: never.
    every: Option<Duration>,
    due: Instant,
    told: Option<CheckpointTold>,
}

impl<'a> Saver<'a> {
    pub(super) fn new(
        checkpoint: Checkpoint,
        (lesson, corpus): (&'a Lesson, &'a Corpus),
        owner: Option<u64>,
    ) -> Self {
        let every = Duration::try_from_secs_f64(lesson.along.checkpoint_seconds).ok();
        let every = every.filter(|every| !every.is_zero());
        let due = Instant::now() + every.unwrap_or_default();
        Self { checkpoint, lesson, corpus, owner, every, due, told: None }
    }

    /// Tells the states of the text from others, if the text is written.
    pub(super) fn owner(&self) -> Option<u64> {
        self.owner
    }

    /// What is told of the last one.
    pub(super) fn told(&self) -> Option<&CheckpointTold> {
        self.told.as_ref()
    }

    /// Writes one if it is due.
    pub(super) fn look(&mut self, progress: &Progress<'_>) {
        if Instant::now() >= self.due {
            self.save(progress);
        }
    }

    /// Writes one. Training goes on without if that fails, and tells so.
    pub(super) fn save(&mut self, progress: &Progress<'_>) {
        self.save_state(Some(progress));
    }

    /// Keeps the text alone: nothing was learned yet.
    pub(super) fn save_corpus(&mut self) {
        self.save_state(None);
    }

    fn save_state(&mut self, progress: Option<&Progress<'_>>) {
        let Some(every) = self.every else { return };
        let began = Instant::now();
        let written = self.write(progress);
        let took = began.elapsed();
        let mut told = self.told.take().unwrap_or_default();
        match written {
            Ok(bytes) => {
                let tokens = progress.map_or(0, |progress| progress.tokens);
                let count = told.count + 1;
                let seconds = took.as_secs_f64();
                told = CheckpointTold { count, bytes, tokens, seconds, problem: None };
            }
            Err(error) => {
                tracing::warn!(?error, "a checkpoint of a training could not be written");
                told.problem = Some(error.to_string());
            }
        }
        self.told = Some(told);
        self.due = Instant::now() + every.max(took.saturating_mul(PATIENCE));
    }

    fn write(&mut self, progress: Option<&Progress<'_>>) -> Result<u64> {
        let owner = if let Some(owner) = self.owner { owner } else { self.write_corpus()? };
        // While GloVe counts there is nothing to go on from: it counts again.
        let Some(progress) = progress.filter(|progress| progress.bytes() > 0) else { return Ok(0) };
        let bytes = progress.bytes() + BESIDE;
        self.checkpoint.write((CheckpointFile::State, owner), bytes, |out| progress.write(out))
    }

    fn write_corpus(&mut self) -> Result<u64> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let owner = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let json = serde_json::to_vec(self.lesson);
        let json = json.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let bytes = self.corpus.file_bytes() + json.len() as u64 + BESIDE;
        self.checkpoint.write((CheckpointFile::Corpus, owner), bytes, |out| {
            out.section("lesson", CHUNK_BYTES)?;
            out.write(&json)?;
            self.corpus.write(out)
        })?;
        self.owner = Some(owner);
        Ok(owner)
    }
}

/// A training that was interrupted, and is in memory again but for its vectors.
pub(super) struct Interrupted {
    pub(super) lesson: Lesson,
    pub(super) corpus: Corpus,
    /// Tells its states from others.
    pub(super) owner: u64,
    /// How far its vectors were; none if it had not begun to learn.
    pub(super) state: Option<Container>,
    /// What the corpus takes.
    pub(super) memory: Share,
}

impl Engine {
    /// The training of a table that was interrupted.
    ///
    /// # Errors
    ///
    /// If there is none, if it is damaged, or if there is no memory for its text.
    pub(super) fn interrupted(&self, table: &TableName, spilled: &Spilled) -> Result<Interrupted> {
        let checkpoint = self.shared.checkpoint(table);
        let file = checkpoint.open(CheckpointFile::Corpus)?;
        let file = file.ok_or_else(|| self.not_there(table))?;
        let owner = file.owner();
        let state = checkpoint.open(CheckpointFile::State)?.filter(|one| one.owner() == owner);
        let lesson = lesson_of(&file)?;
        let (ids_bytes, words_bytes) = self.corpus_bytes();
        let mut memory = Share::of(&self.shared.memory);
        // Words take at most twice what their list in the file does, while they are read.
        let needed = file.bytes().saturating_mul(2).min(2 * (ids_bytes + words_bytes));
        memory.grow(needed).context(|| "the text as numbers")?;
        let corpus = Corpus::open(&file, self.corpus_bounds(spilled))?;
        spilled.account()?;
        drop(memory);
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(corpus.memory_bytes() as u64).context(|| "the text as numbers")?;
        Ok(Interrupted { lesson, corpus, owner, state, memory })
    }

    /// Refuses to go on with a training that cannot be gone on with.
    ///
    /// # Errors
    ///
    /// If none of this table was interrupted and kept, if it is damaged, or if there is
    /// a table of that name which it may not replace.
    pub fn check_resuming(&self, table: &TableName) -> Result<()> {
        let checkpoint = self.shared.checkpoint(table);
        if !checkpoint.is_there() {
            return Err(self.not_there(table));
        }
        let file = checkpoint.open(CheckpointFile::Corpus)?;
        let file = file.ok_or_else(|| self.not_there(table))?;
        let lesson = lesson_of(&file)?;
        lesson.options().check(self)?;
        lesson.output_options().map_or(Ok(()), |options| options.check(self))
    }

    fn not_there(&self, table: &TableName) -> Error {
        let all = self.shared.store.checkpoints().unwrap_or_default();
        let all: Vec<String> =
            all.iter().take(NAMED).map(|one| one.table.as_str().to_owned()).collect();
        let others = match all.join(", ") {
            names if names.is_empty() => "none of any table is kept".to_owned(),
            names => format!("kept are those of {names}"),
        };
        let problem = format!("no checkpoint of a training of {table} is kept; {others}");
        Error::invalid("resume", problem)
    }
}

/// Tables that an error names.
const NAMED: usize = 20;

fn lesson_of(file: &Container) -> Result<Lesson> {
    let lesson = serde_json::from_slice(&file.section("lesson")?.read()?);
    lesson.map_err(|cause| Error::caused(file.senseless().kind().clone(), cause))
}
