//! `Pages`: memory in large pages, for what is read in no order.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

use crate::error::{Error, Result};

/// Bytes that begin at a page.
pub(super) struct Pages(MmapMut);

impl Pages {
    /// So many bytes of one value.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub(super) fn filled(bytes: usize, value: u8) -> Result<Self> {
        let mut pages = MmapMut::map_anon(bytes).map_err(Error::disk)?;
        // With pages of 4 KiB the processor would look up one page a row.
        #[cfg(target_os = "linux")]
        if let Err(error) = pages.advise(memmap2::Advice::HugePage) {
            tracing::debug!(?error, "no huge pages");
        }
        // Fresh pages are zeros.
        if value != 0 {
            pages.fill(value);
        }
        Ok(Self(pages))
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("bytes", &self.len()).finish()
    }
}
