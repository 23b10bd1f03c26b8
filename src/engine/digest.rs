//! `Digest`: the SHA-256 of a source, computed on a thread of its own: it takes as long as all else
//! that is done with the bytes of a binary file.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Bytes of a block.
const BLOCK: usize = 256 << 10;
/// Blocks that wait; whoever reads the source waits for them.
const BLOCKS_WAITING: usize = 4;

/// Takes the bytes of a source in order.
pub(super) struct Digest {
    block: Vec<u8>,
    blocks: SyncSender<Vec<u8>>,
    /// Digested blocks, whose room is used again.
    digested: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl Digest {
    pub(super) fn start() -> Result<Self> {
        let (blocks, waiting) = sync_channel(BLOCKS_WAITING);
        let (done, digested) = channel();
        let run = move || digest(&waiting, &done);
        let thread = std::thread::Builder::new().name("digest".to_owned()).spawn(run);
        Ok(Self { block: Vec::new(), blocks, digested, thread: thread.map_err(Error::disk)? })
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (fits, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(fits);
            bytes = rest;
            if self.block.len() == BLOCK {
                self.send();
            }
        }
    }

    fn send(&mut self) {
        let mut next = self.digested.try_recv().unwrap_or_default();
        next.clear();
        let full = std::mem::replace(&mut self.block, next);
        // The thread ends only when this does.
        let _ = self.blocks.send(full);
    }

    /// In hexadecimal digits; empty if the thread panicked.
    pub(super) fn finish(mut self) -> String {
        self.send();
        drop(self.blocks);
        let Ok(digest) = self.thread.join() else { return String::new() };
        let digits = digest.finalize();
        let digits = digits.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
}

fn digest(blocks: &Receiver<Vec<u8>>, digested: &Sender<Vec<u8>>) -> Sha256 {
    let mut digest = Sha256::new();
    while let Ok(block) = blocks.recv() {
        digest.update(&block);
        // Nobody needs its room if this fails.
        let _ = digested.send(block);
    }
    digest
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_all_bytes_however_they_come() {
        let bytes: Vec<u8> = (0..2 * BLOCK + 77).map(|i| i.to_le_bytes()[0] ^ 0x5a).collect();
        for sizes in [1_000, BLOCK, 3 * BLOCK] {
            let mut digest = Digest::start().unwrap();
            bytes.chunks(sizes).for_each(|chunk| digest.update(chunk));
            let whole = Sha256::digest(&bytes);
            let told = digest.finish();
            assert_eq!(told.len(), 64);
            for (byte, digits) in whole.iter().zip(told.as_bytes().chunks(2)) {
                assert_eq!(format!("{byte:02x}").as_bytes(), digits);
            }
        }
    }
}
