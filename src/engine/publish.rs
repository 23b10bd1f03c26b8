//! Publishing: what this engine has, put where others follow it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::engine::standing::{Role, caught};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::store::backup::Target;
use crate::store::check::GoOn;
use crate::store::publish::{Published, Publisher};

/// Publishes the tables of an engine, a step at a time.
#[derive(Debug)]
pub struct Publishing {
    engine: Engine,
    publisher: Publisher,
}

impl Engine {
    /// What publishes the tables of this engine. `address` is told to those who want to write.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn publishing(&self, target: Box<dyn Target>, address: &str) -> Result<Publishing> {
        let publisher = self.shared.store.publisher(target, address)?;
        self.shared.standing.begin(Role::Writer, None);
        Ok(Publishing { engine: self.clone(), publisher })
    }

    /// Publishes from now on what changes, each time after a pause, or sooner once so many words were written
    /// (0: never sooner), until the engine closes: then once more what there is.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub fn keep_publishing(
        &self,
        mut publishing: Publishing,
        every: Duration,
        at_once: u64,
    ) -> Result<()> {
        let standing = &self.shared.standing;
        standing.hurry_after(at_once);
        standing.start("publisher", move || {
            let shared = Arc::clone(&publishing.engine.shared);
            let mut failures = 0;
            loop {
                shared.standing.begin_step();
                match caught(|| publishing.step(Instant::now())) {
                    Ok(_) => failures = 0,
                    Err(error) if matches!(error.kind(), ErrorKind::Superseded { .. }) => return,
                    Err(error) if *error.kind() == ErrorKind::Closing => {}
                    Err(_) => failures += 1,
                }
                if !shared.standing.pause(every, failures) {
                    break;
                }
            }
            // What it did not publish is told in the log, and published when the folder is opened again.
            let _ = caught(|| publishing.last());
        })
    }
}

impl Publishing {
    /// Publishes what changed since the last step; nothing if nothing did. `now` is the time by which parts that
    /// nobody needs are removed.
    ///
    /// # Errors
    ///
    /// As [`Store::publish`](crate::store::Store::publish). Once it is `Superseded`, this engine writes nothing
    /// more for its callers.
    pub fn step(&mut self, now: Instant) -> Result<Published> {
        let engine = self.engine.clone();
        self.publish(now, &|| engine.go_on())
    }

    /// The same while the engine closes, for so long that whoever waits for its end is not kept by a location
    /// that is slow.
    fn last(&mut self) -> Result<Published> {
        let now = Instant::now();
        let is_over = || now.elapsed() > limits::LAST_PUBLICATION;
        let closing = || Err(Error::new(ErrorKind::Closing));
        self.publish(now, &|| if is_over() { closing() } else { Ok(()) })
    }

    fn publish(&mut self, now: Instant, go_on: GoOn<'_>) -> Result<Published> {
        let shared = &self.engine.shared;
        let done = shared.store.publish(&mut self.publisher, now, go_on);
        match &done {
            Ok(published) if published.problems.is_empty() => {
                shared.standing.is_done((published.epoch, published.number), now);
            }
            Ok(published) => {
                shared.standing.failed("publishing", &published.problems.join("; "), true);
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::Superseded { .. }) {
                    shared.fence.close(error.kind().clone());
                }
                tracing::warn!(?error, "what changed is not published");
                shared.standing.failed("publishing", &error.to_string(), false);
            }
        }
        done
    }
}
