//! Text that is kept as it arrives, so that a training can go on after its stream broke.

use std::io::Read as _;

use crate::engine::corpus::Next;
use crate::error::{Error, Result};
use crate::store::upload::{Upload, UploadWriter};

/// Bytes that are read at once of what was kept before.
const BLOCK: usize = 512 << 10;

/// A text of which a part may be there already.
pub(super) struct KeptText {
    file: UploadWriter,
    /// Bytes that were kept before and are not read yet.
    left: u64,
}

impl KeptText {
    /// # Errors
    ///
    /// If not `from` bytes were kept before, or if the disk fails.
    pub(super) fn open(upload: &Upload, from: u64) -> Result<Self> {
        Ok(Self { file: upload.write_from(from)?, left: from })
    }

    /// The next bytes: those that were kept before, then those that arrive.
    ///
    /// # Errors
    ///
    /// Those of `arriving`; if there is no room, or if the disk fails.
    pub(super) fn next(&mut self, arriving: Next<'_>) -> Result<Option<Vec<u8>>> {
        if self.left > 0 {
            let mut block = vec![0; BLOCK.min(usize::try_from(self.left).unwrap_or(BLOCK))];
            self.file.file().read_exact(&mut block).map_err(Error::disk)?;
            self.left -= block.len() as u64;
            return Ok(Some(block));
        }
        let Some(part) = arriving()? else { return Ok(None) };
        self.file.push(&part)?;
        Ok(Some(part))
    }
}
