//! What looks at a training on its way: whether anybody still waits, how far it is, and what is asked of
//! it while it learns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::corpus::Spilled;
use crate::engine::stop::{Stop, Wish};
use crate::engine::train_table::checkpoint::Saver;
use crate::engine::train_table::evaluations::Evaluations;
use crate::engine::train_table::probes::Probes;
use crate::engine::train_table::report::{Evaluation, Learning, TrainTableProgress};
use crate::error::{ErrorKind, Result};
use crate::training::progress::{Go, Progress};

/// Time between two tellings of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What is done while it learns.
pub(super) struct Looks<'a> {
    pub(super) saver: Saver<'a>,
    pub(super) probes: Probes<'a>,
    pub(super) evaluations: Evaluations<'a>,
}

/// Looks whether anybody still waits, and tells progress now and then.
pub(super) struct Watch<'a> {
    stop: &'a Stop,
    spilled: &'a Spilled,
    on_progress: &'a mut dyn FnMut(TrainTableProgress),
    looks: Looks<'a>,
    now: TrainTableProgress,
    epochs: usize,
    /// When learning began, after all was counted, and how far it was.
    began: Instant,
    first: Option<u64>,
    told: Instant,
    tokens: u64,
    /// Losses since progress was told, and how many.
    loss: (f64, u32),
    /// The epoch in which it was enough.
    enough: Option<usize>,
}

impl<'a> Watch<'a> {
    /// `first` are the tokens with which learning begins; none: those that are seen first.
    pub(super) fn new(
        (stop, spilled): (&'a Stop, &'a Spilled),
        looks: Looks<'a>,
        (now, epochs): (TrainTableProgress, usize),
        first: Option<u64>,
        on_progress: &'a mut dyn FnMut(TrainTableProgress),
    ) -> Self {
        let told = Instant::now();
        let (began, tokens, loss, enough) = (told, 0, (0.0, 0), None);
        Self {
            stop,
            spilled,
            on_progress,
            looks,
            now,
            epochs,
            began,
            first,
            told,
            tokens,
            loss,
            enough,
        }
    }

    /// Sees how far it is. Where the process closes, a last checkpoint is written.
    pub(super) fn see(&mut self, progress: &Progress<'_>) -> Result<Go> {
        let seen = self.look(progress);
        if seen.as_ref().is_err_and(|why| *why.kind() == ErrorKind::Closing) {
            self.looks.saver.save(progress);
        }
        seen
    }

    fn look(&mut self, progress: &Progress<'_>) -> Result<Go> {
        self.stop.check()?;
        let is_counting = progress.epoch == 0;
        if is_counting {
            self.began = Instant::now();
        }
        self.tokens = progress.tokens;
        if progress.loss > 0.0 {
            self.loss = (self.loss.0 + progress.loss, self.loss.1 + 1);
        }
        let is_enough = self.stop.wish() == Some(Wish::Keep) && !is_counting;
        let is_last = is_enough || progress.tokens == progress.tokens_total;
        if !is_counting {
            self.first.get_or_insert(progress.tokens);
            self.looks.saver.look(progress);
            self.looks.probes.look(progress, self.stop)?;
            self.looks.evaluations.look(progress, is_last)?;
        }
        if self.told.elapsed() >= TELL_EVERY || is_last {
            self.tell(progress)?;
        }
        if !is_enough {
            return Ok(Go::On);
        }
        self.enough = Some(progress.epoch);
        Ok(Go::Enough)
    }

    fn tell(&mut self, progress: &Progress<'_>) -> Result<()> {
        self.told = Instant::now();
        if progress.epoch == 0 {
            self.spilled.account()?;
            (self.on_progress)(TrainTableProgress { phase: "counting", ..self.now.clone() });
            return Ok(());
        }
        let lately = self.now.learning.as_ref().map_or(0.0, |learning| learning.loss);
        let (sum, count) = std::mem::take(&mut self.loss);
        self.now.learning = Some(Arc::new(Learning {
            epoch: progress.epoch,
            epochs: self.epochs,
            tokens: progress.tokens,
            tokens_total: progress.tokens_total,
            tokens_per_second: self.rate(),
            loss: if count == 0 { lately } else { sum / f64::from(count) },
            lr: progress.lr,
            checkpoint: self.looks.saver.told().cloned(),
            probes: self.looks.probes.last().to_vec(),
            evaluations: self.looks.evaluations.last().to_vec(),
        }));
        (self.on_progress)(self.now.clone());
        Ok(())
    }

    /// Tokens a second since learning began.
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.began.elapsed().as_secs_f64();
        let tokens = self.tokens.saturating_sub(self.first.unwrap_or(0));
        if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 }
    }

    /// The epoch in which its caller had enough, and what test sets said.
    pub(super) fn end(self) -> (Option<usize>, Vec<Evaluation>) {
        (self.enough, self.looks.evaluations.into_all())
    }
}
