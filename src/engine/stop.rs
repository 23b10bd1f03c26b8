//! `Stop`: how work that takes long hears that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// Raised when the caller left, or past a deadline. Every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    raised: Option<Arc<AtomicBool>>,
    deadline: Option<Instant>,
}

impl Stop {
    /// Not raised yet; past the deadline, if there is one.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self { raised: Some(Arc::default()), deadline }
    }

    /// From now on.
    pub fn raise(&self) {
        if let Some(raised) = &self.raised {
            raised.store(true, Ordering::Relaxed);
        }
    }

    /// Whether to go on.
    ///
    /// # Errors
    ///
    /// `Cancelled` if it was raised, `Deadline` if that has passed.
    pub fn check(&self) -> Result<()> {
        if self.raised.as_ref().is_some_and(|raised| raised.load(Ordering::Relaxed)) {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Error::new(ErrorKind::Deadline));
        }
        Ok(())
    }
}
