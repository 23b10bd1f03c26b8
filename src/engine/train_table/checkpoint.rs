//! Checkpoints of a training: written while it learns, read when it goes on.

use std::time::{Duration, Instant, SystemTime};

use crate::budget::Share;
use crate::container::{CHUNK_BYTES, Container};
use crate::engine::Engine;
use crate::engine::corpus::Spilled;
use crate::engine::train_table::lesson::Lesson;
use crate::engine::train_table::memory::in_memory;
use crate::engine::train_table::report::CheckpointTold;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{Checkpoint, CheckpointFile};
use crate::table::meta::TableName;
use crate::training::corpus::{Bounds, Corpus};
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
        let Some(every) = self.every.filter(|_| progress.bytes() > 0) else { return };
        let began = Instant::now();
        let written = self.write(progress);
        let took = began.elapsed();
        let mut told = self.told.take().unwrap_or_default();
        match written {
            Ok(bytes) => {
                let (count, tokens) = (told.count + 1, progress.tokens);
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

    fn write(&mut self, progress: &Progress<'_>) -> Result<u64> {
        let owner = if let Some(owner) = self.owner { owner } else { self.write_corpus()? };
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
    /// How far its vectors were.
    pub(super) state: Container,
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
        let state = checkpoint.open(CheckpointFile::State)?;
        let (Some(file), Some(state)) = (file, state) else { return Err(self.not_there(table)) };
        if file.owner() != state.owner() {
            return Err(self.not_there(table));
        }
        let lesson = lesson_of(&file)?;
        let (ids_bytes, words_bytes) = self.corpus_bytes();
        let bounds = Bounds {
            ids_bytes: in_memory(ids_bytes),
            words_bytes: in_memory(words_bytes),
            spill: spilled.spill(),
        };
        let mut memory = Share::of(&self.shared.memory);
        // Words take at most twice what their list in the file does, while they are read.
        let needed = file.bytes().saturating_mul(2).min(2 * (ids_bytes + words_bytes));
        memory.grow(needed).context(|| "the text as numbers")?;
        let corpus = Corpus::open(&file, bounds)?;
        spilled.account()?;
        drop(memory);
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(corpus.memory_bytes() as u64).context(|| "the text as numbers")?;
        Ok(Interrupted { lesson, corpus, state, memory })
    }

    /// Refuses to go on with a training that cannot be gone on with.
    ///
    /// # Errors
    ///
    /// If none of this table was interrupted after its first checkpoint, if it is damaged, or if there is
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
