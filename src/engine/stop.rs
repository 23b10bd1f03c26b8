//! `Stop`: how work that takes long hears that nobody waits for it any more.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// Raised when the caller left, when the process closes, or past a deadline. Every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    raised: Option<Arc<Raised>>,
    deadline: Option<Instant>,
}

#[derive(Debug, Default)]
struct Raised {
    /// Why; the first reason holds.
    why: OnceLock<ErrorKind>,
    wish: OnceLock<Wish>,
}

/// What its caller wants of work that ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// What is there so far.
    Keep,
    /// Nothing, and nothing that could be gone on with.
    Drop,
}

impl Stop {
    /// Not raised yet; past the deadline, if there is one.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self { raised: Some(Arc::default()), deadline }
    }

    /// The same, with another deadline: whoever raises the one raises both.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self { raised: self.raised.clone(), deadline: Some(deadline) }
    }

    /// From now on, because the caller does not want it any more.
    pub fn raise(&self) {
        self.raise_for(ErrorKind::Cancelled);
    }

    /// From now on, for this reason.
    pub fn raise_for(&self, why: ErrorKind) {
        if let Some(raised) = &self.raised {
            raised.why.get_or_init(|| why);
        }
    }

    /// Tells what is wanted of work that ends early; the first wish holds.
    pub fn ask_for(&self, wish: Wish) {
        if let Some(raised) = &self.raised {
            raised.wish.get_or_init(|| wish);
        }
    }

    /// What is wanted of it, if its caller has said so.
    pub fn wish(&self) -> Option<Wish> {
        self.raised.as_ref()?.wish.get().copied()
    }

    /// Whether to go on.
    ///
    /// # Errors
    ///
    /// Why not: what it was raised for, or `Deadline` if that has passed.
    pub fn check(&self) -> Result<()> {
        if let Some(why) = self.raised.as_ref().and_then(|raised| raised.why.get()) {
            return Err(Error::new(why.clone()));
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Error::new(ErrorKind::Deadline));
        }
        Ok(())
    }
}
