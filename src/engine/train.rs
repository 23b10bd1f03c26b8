//! New tokenizers from streamed text.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::budget::Share;
use crate::engine::slots::Permit;
use crate::engine::{Engine, TokenizerStatus};
use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::table::meta::TableName;
use crate::text::spec::{File, Kind, Spec};
use crate::text::train::{TrainOptions, Trainer};
use crate::text::without_bom;

/// Bytes of lines that are counted together.
const BATCH_BYTES: usize = 4 << 20;
/// How often it is asked whether anybody still waits.
const LOOK_UP_EVERY: Duration = Duration::from_millis(50);

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainProgress {
    /// Of text.
    pub bytes_read: u64,
    /// Different words so far.
    pub word_count: usize,
    /// Whether all was read.
    pub is_learning: bool,
}

/// What came of a training.
#[derive(Clone, Debug)]
pub struct TrainReport {
    /// It is stored.
    pub tokenizer: TokenizerStatus,
    /// Of text.
    pub bytes_read: u64,
    /// Different words.
    pub word_count: usize,
    /// Time that reading and counting took.
    pub read_seconds: f64,
    /// Time that learning took.
    pub learn_seconds: f64,
}

/// A tokenizer to be learned.
#[derive(Clone, Debug)]
pub struct TrainJob {
    /// Its name.
    pub name: TableName,
    /// Whether it may take the place of another.
    pub replace: bool,
    /// How it is learned.
    pub options: TrainOptions,
}

impl Engine {
    /// Learns a tokenizer from text, whose parts `next` gives until there are no more, and stores it.
    /// Every line, with its end, is a text of its own. `slot` is waited for before learning begins.
    ///
    /// # Errors
    ///
    /// If the name is taken, if the text is not UTF-8 or nothing can be learned from it, if it is
    /// stopped, or if the disk fails: then nothing is stored.
    pub fn train_tokenizer(
        &self,
        job: &TrainJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainProgress),
        slot: &mut dyn FnMut() -> Result<Permit>,
    ) -> Result<TrainReport> {
        self.check_new_tokenizer(&job.name, job.replace)?;
        let began = Instant::now();
        let mut trainer = Trainer::new(job.options.clone())?;
        let mut lines = Lines::default();
        let mut memory = Share::of(&self.shared.memory);
        while let Some(part) = next()? {
            self.stop.check()?;
            lines.push(&part)?;
            if lines.batch_bytes >= BATCH_BYTES {
                trainer.feed(&lines.take())?;
                let bytes = trainer.memory_bytes().saturating_sub(memory.bytes());
                memory.grow(bytes).context(|| "counting words")?;
            }
            let (bytes_read, word_count) = (lines.bytes_read, trainer.word_count());
            on_progress(TrainProgress { bytes_read, word_count, is_learning: false });
        }
        lines.finish()?;
        trainer.feed(&lines.take())?;
        let (bytes_read, word_count) = (lines.bytes_read, trainer.word_count());
        let read_seconds = began.elapsed().as_secs_f64();
        on_progress(TrainProgress { bytes_read, word_count, is_learning: true });
        let began = Instant::now();
        let json = self.learn(trainer, memory, slot()?)?;
        let learn_seconds = began.elapsed().as_secs_f64();
        let files = vec![File { name: "tokenizer.json".to_owned(), bytes: json }];
        let spec = Spec { kind: Kind::Json, files };
        let tokenizer = self.put_tokenizer(&job.name, &spec, job.replace)?;
        Ok(TrainReport { tokenizer, bytes_read, word_count, read_seconds, learn_seconds })
    }

    /// The crate cannot be stopped while it learns: if nobody waits any more, it ends alone, what it
    /// learned is dropped, and its slot is free then, not earlier.
    fn learn(&self, trainer: Trainer, mut memory: Share, slot: Permit) -> Result<Vec<u8>> {
        memory.grow(trainer.learning_bytes()).context(|| "learning from the words")?;
        let (sender, learned) = mpsc::channel();
        let learning = std::thread::Builder::new().name("learning".to_owned());
        let learning = learning.spawn(move || {
            let json = trainer.train();
            drop((slot, memory));
            // Ignore: nobody waits for it any more.
            drop(sender.send(json));
        });
        learning.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        loop {
            match learned.recv_timeout(LOOK_UP_EVERY) {
                Ok(json) => return json,
                Err(RecvTimeoutError::Timeout) => self.stop.check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Internal).context("the trainer broke down"));
                }
            }
        }
    }
}

/// Lines out of parts that end anywhere.
#[derive(Debug, Default)]
struct Lines {
    batch: Vec<String>,
    batch_bytes: usize,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// In whole.
    bytes_read: u64,
}

impl Lines {
    fn push(&mut self, part: &[u8]) -> Result<()> {
        for line in part.split_inclusive(|&byte| byte == b'\n') {
            self.rest.extend_from_slice(line);
            self.bytes_read += line.len() as u64;
            if self.rest.ends_with(b"\n") {
                self.line(self.rest.len())?;
            }
            // A line without an end is cut between characters.
            while self.rest.len() > limits::TEXT_BYTES_MAX {
                let mut end = limits::TEXT_BYTES_MAX;
                while end > limits::TEXT_BYTES_MAX - 4 && self.rest[end] & 0xc0 == 0x80 {
                    end -= 1;
                }
                self.line(end)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { self.line(self.rest.len()) }
    }

    fn line(&mut self, end: usize) -> Result<()> {
        let start = self.bytes_read - self.rest.len() as u64;
        let mut line: Vec<u8> = self.rest.drain(..end).collect();
        if start == 0 {
            line = without_bom(&line).to_vec();
        }
        let line = String::from_utf8(line).map_err(|cause| {
            let at = At::Byte(start + cause.utf8_error().valid_up_to() as u64);
            let problem = "not valid UTF-8".to_owned();
            Error::new(ErrorKind::Malformed { format: "text", at, problem })
        })?;
        self.batch_bytes += line.len();
        self.batch.push(line);
        Ok(())
    }

    fn take(&mut self) -> Vec<String> {
        self.batch_bytes = 0;
        std::mem::take(&mut self.batch)
    }
}
