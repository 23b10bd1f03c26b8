//! `Fence`: whether the tables of an engine may be written to by those who call it.

use parking_lot::RwLock;

use crate::error::{Error, ErrorKind, Result};

/// Open, until something closes it for good.
#[derive(Debug, Default)]
pub struct Fence(RwLock<Option<ErrorKind>>);

impl Fence {
    /// An error if nothing may be written.
    ///
    /// # Errors
    ///
    /// `Unsuited` where the tables are copies of another server's, which it names; `Superseded` where another
    /// server publishes in place of this one.
    pub fn check(&self) -> Result<()> {
        self.0.read().clone().map_or(Ok(()), |kind| Err(Error::new(kind)))
    }

    /// From here on nothing is written, for this reason.
    pub(super) fn close(&self, because: ErrorKind) {
        *self.0.write() = Some(because);
    }
}
