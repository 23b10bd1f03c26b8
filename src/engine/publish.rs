//! Publishing: what this engine has, put where others follow it.

use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::engine::standing::{Role, caught};
use crate::error::{ErrorKind, Result};
use crate::store::backup::Target;
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

    /// Publishes from now on what changes, each time after a pause, until the engine closes.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub fn keep_publishing(&self, mut publishing: Publishing, every: Duration) -> Result<()> {
        let standing = &self.shared.standing;
        standing.start("publisher", move || {
            let mut failures = 0;
            loop {
                match caught(|| publishing.step(Instant::now())) {
                    Ok(_) => failures = 0,
                    Err(error) if matches!(error.kind(), ErrorKind::Superseded { .. }) => return,
                    Err(error) if *error.kind() == ErrorKind::Closing => return,
                    Err(_) => failures += 1,
                }
                if !publishing.engine.shared.standing.pause(every, failures) {
                    return;
                }
            }
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
        let shared = &self.engine.shared;
        let done = shared.store.publish(&mut self.publisher, now, &|| self.engine.go_on());
        match &done {
            Ok(published) if published.problems.is_empty() => {
                shared.standing.is_done((published.epoch, published.number), now);
            }
            Ok(published) => {
                let problem = format!("publishing: {}", published.problems.join("; "));
                shared.standing.failed(problem, true);
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::Superseded { .. }) {
                    shared.fence.close(error.kind().clone());
                }
                tracing::warn!(?error, "what changed is not published");
                shared.standing.failed(format!("publishing: {error}"), false);
            }
        }
        done
    }
}
