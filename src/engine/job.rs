//! Jobs: work that takes long, with a state, progress, a result, and a stop.
//!
//! A job is registered when it is asked for, waits for its caller's first messages and for a slot
//! ([`Slots`]), runs on one thread, and ends with a result or an error, which is kept for a while. A panic
//! ends that job and nothing else. What stops it is one [`Stop`]: its caller's wish, its caller's leaving
//! (unless the job is detached), the deadline of its call, and the end of the process.
//!
//! # Another kind of job
//!
//! 1. Here: a variant of [`JobKind`], with the slot it takes, and one of [`JobReport`], if no other fits.
//! 2. `src/engine/NAME.rs`: the work, as a method of [`Engine`](crate::engine::Engine) that returns the
//!    report. It asks `self.stop` at least every 1,024 steps (`src/steps.rs`), and tells progress to a closure.
//! 3. `src/server/NAME.rs`: `impl Work` (`src/server/job.rs`), which calls that method and makes replies of
//!    what the job tells. The handler is `Desk::start` and `Desk::replies`, or for a unary call
//!    `Desk::outcome`. Streams, deadlines, slots, panics and callers that leave are the runner's business.
//! 4. `proto/wordspace/v1/job_service.proto`: the kind, and the report as a `result`; the conversion of both
//!    stands in `src/server/job_service.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::engine::arrange::ArrangeReport;
use crate::engine::backup::RestoreReport;
use crate::engine::debias::DebiasReport;
use crate::engine::import::ImportReport;
use crate::engine::models::{Compared, MadeModel, TrainedModel};
use crate::engine::slots::{News, Slot, Slots};
use crate::engine::texts::TextsReport;
use crate::engine::train::TrainReport;
use crate::engine::train_table::{Learning, TrainTableReport};
use crate::engine::{Stop, Wish};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::lm::Totals;
use crate::store::backup::BackupReport;
use crate::store::check::Checked;
use crate::table::meta::TableName;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A file, or rows, into a table.
    Import,
    /// A table into files.
    Export,
    /// Texts into a table.
    ImportTexts,
    /// A tokenizer of texts.
    TrainTokenizer,
    /// A table of vectors that are learned from text.
    TrainTable,
    /// A new table with less of a bias.
    Debias,
    /// A new table of a tokenizer's tokens.
    SeedTable,
    /// A new table of the rows of others.
    Merge,
    /// Every byte read again.
    Verify,
    /// Everything kept elsewhere.
    Backup,
    /// Tables of a backup brought back.
    Restore,
    /// A language model of text.
    TrainModel,
    /// A language model of an ARPA file.
    ImportModel,
    /// Smoothings compared on a text.
    CompareSmoothings,
    /// A table's words arranged by their neighbors.
    ArrangeMap,
}

impl JobKind {
    /// What it takes while it works.
    pub fn slot(self) -> Slot {
        match self {
            Self::Import | Self::ImportTexts | Self::Merge | Self::Restore | Self::ImportModel => {
                Slot::Import
            }
            Self::Export => Slot::Export,
            Self::TrainTokenizer
            | Self::TrainTable
            | Self::TrainModel
            | Self::CompareSmoothings => Slot::Training,
            Self::Debias | Self::SeedTable => Slot::Long,
            Self::Verify | Self::Backup => Slot::Sweep,
            Self::ArrangeMap => Slot::Arrange,
        }
    }
}

/// What came of a job.
#[derive(Debug)]
pub enum JobReport {
    /// A table, and what became of every row.
    Import(TableName, ImportReport),
    /// Bytes that were sent.
    Export(u64),
    /// A table of texts.
    ImportTexts(TableName, TextsReport),
    /// A tokenizer, stored.
    TrainTokenizer(TrainReport),
    /// A table of vectors that were learned.
    TrainTable(TableName, Box<TrainTableReport>),
    /// A table with less of a bias.
    Debias(DebiasReport),
    /// What was read, and is damaged.
    Verify(Checked),
    /// A backup, and how long it took.
    Backup(BackupReport, Duration),
    /// Tables that are back, and how long it took.
    Restore(RestoreReport, Duration),
    /// A language model of text, stored.
    TrainModel(Box<TrainedModel>),
    /// A language model of an ARPA file, stored, and how long it took.
    ImportModel(MadeModel, Duration),
    /// How each smoothing did, and the words of the text.
    CompareSmoothings(Totals, Vec<Compared>),
    /// A table's words, arranged.
    ArrangeMap(ArrangeReport),
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its caller's first messages, or for its turn.
    Waiting,
    /// It works.
    Running,
    /// It has a report.
    Done,
    /// It has an error.
    Failed,
    /// It was stopped by its caller, or by the end of the process.
    Cancelled,
}

impl JobState {
    /// Whether it will not change any more.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What a job counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a source, or of files that are written.
    #[default]
    Bytes,
    /// Rows.
    Rows,
    /// Tokens of all epochs together, or cells of their co-occurrences.
    Tokens,
}

/// How far the work of a job is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is counted.
    pub unit: Unit,
    /// How many are done.
    pub done: u64,
    /// How many there will be, if that is known.
    pub total: Option<u64>,
    /// What they gave so far: rows of bytes, different words of texts.
    pub made: u64,
    /// What it does now, as a word; may be empty.
    pub phase: &'static str,
    /// How far vectors are learned, if they are.
    pub learning: Option<Arc<Learning>>,
}

/// A job that is asked for.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// The table, or the tokenizer, that it makes; of an export the one it reads.
    pub table: String,
    /// Who asked for it.
    pub owner: String,
    /// Whether it goes on when its caller leaves, once everything it needs is there.
    pub is_detached: bool,
}

/// What is known of a job.
#[derive(Clone, Debug)]
pub struct JobStatus {
    /// Its number.
    pub id: u64,
    /// What was asked for.
    pub asked: NewJob,
    /// How far it is.
    pub state: JobState,
    /// How far its work is.
    pub progress: Progress,
    /// When it was asked for.
    pub created_at: SystemTime,
    /// When its work began.
    pub started_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// How long it has worked, or did.
    pub run_time: Duration,
    /// Whether it goes on without its caller from here on.
    pub may_leave: bool,
    /// What came of it.
    pub outcome: Option<Arc<Result<JobReport>>>,
}

impl JobStatus {
    /// The same without what came of it, unless that is an error.
    #[must_use]
    pub fn without_report(self) -> Self {
        Self { outcome: self.outcome.filter(|outcome| outcome.is_err()), ..self }
    }

    /// Units a second since it began to work, or to learn; 0 before.
    pub fn rate(&self) -> f64 {
        if let Some(learning) = &self.progress.learning {
            return learning.tokens_per_second;
        }
        let seconds = self.run_time.as_secs_f64();
        if seconds > 0.0 { self.progress.done as f64 / seconds } else { 0.0 }
    }

    /// How long it will go on at this rate, if that can be told.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.progress.total?.checked_sub(self.progress.done)? as f64;
        let rate = self.rate();
        (self.state == JobState::Running && rate > 0.0).then(|| left / rate)
    }
}

/// All jobs of an engine. Every clone is the same.
#[derive(Clone, Debug)]
pub struct Jobs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    list: Arc<Mutex<List>>,
    slots: Slots,
    news: News,
}

#[derive(Debug, Default)]
struct List {
    last_id: u64,
    open: BTreeMap<u64, Job>,
    /// Those that have ended, in this order, with the size of what came of them.
    kept: VecDeque<(Job, usize)>,
    is_closed: bool,
}

/// One job. Every clone is the same.
#[derive(Clone, Debug)]
pub struct Job(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u64,
    asked: NewJob,
    created_at: SystemTime,
    stop: Stop,
    state: Mutex<Current>,
    /// Where it stands; gone with the engine.
    list: Weak<Mutex<List>>,
    slots: Slots,
    news: News,
}

#[derive(Debug)]
struct Current {
    state: JobState,
    progress: Progress,
    may_leave: bool,
    started: Option<(Instant, SystemTime)>,
    ended: Option<(Instant, SystemTime)>,
    outcome: Option<Arc<Result<JobReport>>>,
}

impl Default for Jobs {
    fn default() -> Self {
        let news = News::default();
        let (list, slots) = (Arc::default(), Slots::new(news.clone()));
        Self(Arc::new(Shared { list, slots, news }))
    }
}

impl Jobs {
    /// How many work at once.
    pub fn slots(&self) -> &Slots {
        &self.0.slots
    }

    /// Has this called whenever a job changed its state or a slot is free; the first one is.
    pub fn on_news(&self, hear: Box<dyn Fn() + Send + Sync>) {
        self.0.news.tell_to(hear);
    }

    /// Registers a job, which waits from now on.
    ///
    /// # Errors
    ///
    /// `Overloaded` if there are [`limits::JOBS_OPEN_MAX`], `Closing` if the process closes.
    pub fn register(&self, asked: NewJob) -> Result<Job> {
        let mut list = self.0.list.lock();
        if list.is_closed {
            return Err(Error::new(ErrorKind::Closing));
        }
        if list.open.len() >= limits::JOBS_OPEN_MAX {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        list.last_id += 1;
        let state = Current {
            state: JobState::Waiting,
            progress: Progress::default(),
            may_leave: false,
            started: None,
            ended: None,
            outcome: None,
        };
        let job = Job(Arc::new(Inner {
            id: list.last_id,
            asked,
            created_at: SystemTime::now(),
            stop: Stop::new(None),
            state: Mutex::new(state),
            list: Arc::downgrade(&self.0.list),
            slots: self.0.slots.clone(),
            news: self.0.news.clone(),
        }));
        list.open.insert(job.id(), job.clone());
        Ok(job)
    }

    /// Every job that waits, runs, or ended and is kept; the oldest first.
    pub fn list(&self) -> Vec<Job> {
        let mut list = self.0.list.lock();
        list.forget_old();
        let kept = list.kept.iter().map(|(job, _)| job);
        let mut jobs: Vec<Job> = kept.chain(list.open.values()).cloned().collect();
        jobs.sort_by_key(Job::id);
        jobs
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// `JobNotFound` if there is none of this number.
    pub fn get(&self, id: u64) -> Result<Job> {
        let mut list = self.0.list.lock();
        list.forget_old();
        let kept = list.kept.iter().map(|(job, _)| job).find(|job| job.id() == id);
        let job = list.open.get(&id).or(kept).cloned();
        job.ok_or_else(|| Error::new(ErrorKind::JobNotFound { id }))
    }

    /// Stops every job, and lets no other begin.
    pub fn close(&self) {
        let mut list = self.0.list.lock();
        list.is_closed = true;
        let open: Vec<Job> = list.open.values().cloned().collect();
        drop(list);
        for job in open {
            job.stop_for(ErrorKind::Closing);
        }
    }
}

impl List {
    /// Drops what ended too long ago, or is too much.
    fn forget_old(&mut self) {
        let most = Duration::from_secs(limits::JOBS_KEPT_SECONDS);
        let is_old = |job: &Job| {
            let ended = job.0.state.lock().ended;
            ended.is_some_and(|(ended, _)| ended.elapsed() > most)
        };
        let mut bytes: usize = self.kept.iter().map(|(_, bytes)| bytes).sum();
        while let Some((oldest, size)) = self.kept.front()
            && (self.kept.len() > limits::JOBS_KEPT_MAX
                || bytes > limits::JOBS_KEPT_BYTES_MAX
                || is_old(oldest))
        {
            bytes -= size;
            self.kept.pop_front();
        }
    }
}

impl Job {
    /// Its number: from 1 on.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What it was asked to do.
    pub fn asked(&self) -> &NewJob {
        &self.0.asked
    }

    /// What ends it early.
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// How many work at once.
    pub fn slots(&self) -> &Slots {
        &self.0.slots
    }

    /// What is known of it.
    pub fn status(&self) -> JobStatus {
        let state = self.0.state.lock();
        let until = state.ended.map_or_else(Instant::now, |(ended, _)| ended);
        let run_time = state.started.map(|(began, _)| until.duration_since(began));
        JobStatus {
            id: self.0.id,
            asked: self.0.asked.clone(),
            state: state.state,
            progress: state.progress.clone(),
            created_at: self.0.created_at,
            started_at: state.started.map(|(_, at)| at),
            ended_at: state.ended.map(|(_, at)| at),
            run_time: run_time.unwrap_or_default(),
            may_leave: state.may_leave,
            outcome: state.outcome.clone(),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.0.state.lock().state.has_ended()
    }

    /// Its work begins.
    pub fn begin(&self) {
        let mut state = self.0.state.lock();
        state.state = JobState::Running;
        state.started = Some((Instant::now(), SystemTime::now()));
        drop(state);
        self.0.news.tell();
    }

    /// How far it is.
    pub fn progress(&self, progress: Progress) {
        self.0.state.lock().progress = progress;
    }

    /// Everything that it needs has arrived: a detached job goes on without its caller from here on.
    pub fn has_all(&self) {
        if self.0.asked.is_detached {
            self.0.state.lock().may_leave = true;
            self.0.news.tell();
        }
    }

    /// Stops it; it ends soon.
    pub fn cancel(&self) {
        self.stop_for(ErrorKind::Cancelled);
    }

    /// The same, and nothing stays with which it could be gone on.
    pub fn discard(&self) {
        self.0.stop.ask_for(Wish::Drop);
        self.cancel();
    }

    /// Ends it soon with what is there so far.
    ///
    /// # Errors
    ///
    /// If it is of a kind that has nothing before its end.
    pub fn suffices(&self) -> Result<()> {
        if self.0.asked.kind != JobKind::TrainTable {
            let problem = "only a training of vectors has something to keep before its end";
            return Err(Error::invalid("keep", problem));
        }
        self.0.stop.ask_for(Wish::Keep);
        Ok(())
    }

    /// The same for another reason.
    pub fn stop_for(&self, why: ErrorKind) {
        self.0.stop.raise_for(why);
        self.0.news.tell();
    }

    /// It has ended, if it had not before. Of one that was stopped, the error says why.
    pub fn end(&self, outcome: Result<JobReport>) {
        let outcome = match outcome {
            Err(error) if *error.kind() == ErrorKind::Cancelled => {
                Err(self.0.stop.check().err().unwrap_or(error))
            }
            outcome => outcome,
        };
        // The text is about as long as what came of it is large.
        let bytes = format!("{outcome:?}").len();
        let list = self.0.list.upgrade();
        let mut list = list.as_ref().map(|list| list.lock());
        let mut state = self.0.state.lock();
        if state.state.has_ended() {
            return;
        }
        state.state = match outcome.as_ref().map_err(Error::kind) {
            Ok(_) => JobState::Done,
            Err(ErrorKind::Cancelled | ErrorKind::Closing) => JobState::Cancelled,
            Err(_) => JobState::Failed,
        };
        state.ended = Some((Instant::now(), SystemTime::now()));
        state.outcome = Some(Arc::new(outcome));
        drop(state);
        if let Some(list) = &mut list {
            list.open.remove(&self.0.id);
            list.kept.push_back((self.clone(), bytes));
            list.forget_old();
        }
        drop(list);
        self.0.news.tell();
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Import => "import",
            Self::Export => "export",
            Self::ImportTexts => "import of texts",
            Self::TrainTokenizer => "training",
            Self::TrainTable => "training of vectors",
            Self::Debias => "debiasing",
            Self::SeedTable => "seeding",
            Self::Merge => "merging",
            Self::Verify => "verification",
            Self::Backup => "backup",
            Self::Restore => "restoring",
            Self::TrainModel => "training of a language model",
            Self::ImportModel => "import of a language model",
            Self::CompareSmoothings => "comparison of smoothings",
            Self::ArrangeMap => "arranging",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: JobKind) -> NewJob {
        NewJob { kind, table: "en".to_owned(), owner: "me".to_owned(), is_detached: false }
    }

    #[test]
    fn jobs_that_ended_are_bounded_in_number_and_bytes() {
        let jobs = Jobs::default();
        let open = jobs.register(asked(JobKind::Debias)).unwrap();
        for bytes in 0..limits::JOBS_KEPT_MAX as u64 + 10 {
            let job = jobs.register(asked(JobKind::Export)).unwrap();
            job.begin();
            job.end(Ok(JobReport::Export(bytes)));
        }
        let ids: Vec<u64> = jobs.list().iter().map(Job::id).collect();
        assert_eq!(ids.len(), limits::JOBS_KEPT_MAX + 1);
        assert_eq!((ids[0], ids[1]), (open.id(), 12), "the oldest that ended are gone");
        assert_eq!(*jobs.get(5).unwrap_err().kind(), ErrorKind::JobNotFound { id: 5 });

        let large = "x".repeat(limits::JOBS_KEPT_BYTES_MAX / 3);
        for _ in 0..4 {
            let job = jobs.register(asked(JobKind::Import)).unwrap();
            job.end(Err(Error::invalid("words", large.clone())));
        }
        assert_eq!(jobs.list().len(), 1 + 2, "of the large ones two have room");
    }

    #[test]
    fn a_stopped_job_says_why_and_a_closed_list_takes_no_other() {
        let jobs = Jobs::default();
        let state = |job: &Job| {
            let status = job.status();
            let outcome = status.outcome.unwrap();
            (status.state, outcome.as_ref().as_ref().unwrap_err().kind().clone())
        };
        let late = jobs.register(asked(JobKind::Debias)).unwrap();
        late.stop_for(ErrorKind::Deadline);
        late.cancel();
        late.end(Err(Error::new(ErrorKind::Cancelled)));
        assert_eq!(state(&late), (JobState::Failed, ErrorKind::Deadline), "the first reason holds");
        late.end(Ok(JobReport::Export(1)));
        assert_eq!(late.status().state, JobState::Failed, "it ends once");
        let open = jobs.register(asked(JobKind::Debias)).unwrap();
        jobs.close();
        open.end(open.stop().check().map(|()| JobReport::Export(1)));
        assert_eq!(state(&open), (JobState::Cancelled, ErrorKind::Closing));
        let refused = jobs.register(asked(JobKind::Debias)).unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Closing);
    }

    #[test]
    fn rate_and_time_left_follow_from_progress() {
        let job = Jobs::default().register(asked(JobKind::Import)).unwrap();
        job.progress(Progress { done: 10, total: Some(40), ..Progress::default() });
        assert_eq!(job.status().seconds_left(), None, "it has not begun");
        job.begin();
        let status = JobStatus { run_time: Duration::from_secs(2), ..job.status() };
        assert!((status.rate() - 5.0).abs() < 1e-9);
        assert!((status.seconds_left().unwrap() - 6.0).abs() < 1e-9);
    }
}
