//! What looks at a training on its way: whether anybody still waits, and how far it is.

use std::time::{Duration, Instant};

use crate::engine::Stop;
use crate::engine::corpus::Spilled;
use crate::engine::train_table::report::{Learning, TrainTableProgress};
use crate::error::Result;
use crate::training::progress::Progress;

/// Time between two tellings of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Looks whether anybody still waits, and tells progress now and then.
pub(super) struct Watch<'a> {
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
    pub(super) fn new(
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

    pub(super) fn see(&mut self, progress: &Progress<'_>) -> Result<()> {
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
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.began.elapsed().as_secs_f64();
        if seconds > 0.0 { self.tokens as f64 / seconds } else { 0.0 }
    }
}
