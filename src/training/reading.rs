//! Plain text, read in blocks and cut at white space by several threads.

use std::io::Read;

use super::ids::END;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::steps::GoOn;
use crate::text::vocab::{Added, Vocab};

/// Bytes that a thread cuts at once; no less than a word may have, and few enough to stay in a cache.
const BLOCK_BYTES: usize = if cfg!(test) { 1 << 17 } else { 1 << 21 };
const _: () = assert!(BLOCK_BYTES > limits::WORD_BYTES_MAX);

/// A block's words in the order of their first sight, and its tokens as numbers of them.
pub(super) struct Cut {
    pub(super) words: Vocab,
    pub(super) ids: Vec<u32>,
    pub(super) tokens: u64,
    pub(super) too_long: u64,
}

/// Hands the text to `take`, block by block and in order.
pub(super) fn cut(
    source: &mut dyn Read,
    threads: usize,
    go_on: GoOn<'_>,
    mut take: impl FnMut(Cut) -> Result<()>,
) -> Result<()> {
    let mut rest = Vec::new();
    loop {
        let mut blocks = Vec::new();
        while blocks.len() < threads
            && let Some(block) = next_block(source, &mut rest)?
        {
            blocks.push(block);
        }
        go_on()?;
        if blocks.is_empty() {
            return Ok(());
        }
        let cuts: Vec<Option<Cut>> = std::thread::scope(|scope| {
            let (first, others) = blocks.split_at(1);
            let others: Vec<_> =
                others.iter().map(|block| scope.spawn(|| cut_block(block))).collect();
            let first = first.iter().map(|block| Some(cut_block(block))).collect::<Vec<_>>();
            first.into_iter().chain(others.into_iter().map(|other| other.join().ok())).collect()
        });
        for cut in cuts {
            take(cut.ok_or_else(|| Error::new(ErrorKind::Internal))?)?;
        }
    }
}

/// The next bytes of a text, to the end of a line, of a word, or of the text. `rest` is what was read
/// behind them.
fn next_block(source: &mut dyn Read, rest: &mut Vec<u8>) -> Result<Option<Vec<u8>>> {
    loop {
        let missing = BLOCK_BYTES.saturating_sub(rest.len());
        let read = source.take(missing as u64).read_to_end(rest).map_err(Error::disk)?;
        if read < missing {
            let block = std::mem::take(rest);
            return Ok(Some(block).filter(|block| !block.is_empty()));
        }
        let line = rest.iter().rposition(|&byte| byte == b'\n');
        if let Some(end) = line.or_else(|| rest.iter().rposition(|&byte| is_space(byte))) {
            let next = rest.split_off(end + 1);
            return Ok(Some(std::mem::replace(rest, next)));
        }
        // One word without an end: as much of it as shows that it is too long.
        rest.truncate(limits::WORD_BYTES_MAX + 1);
    }
}

fn cut_block(block: &[u8]) -> Cut {
    let (mut words, mut ids) = (Vocab::new(), Vec::with_capacity(block.len() / 5));
    let (mut tokens, mut too_long, mut at) = (0, 0, 0);
    while at < block.len() {
        let start = at;
        while at < block.len() && !is_space(block[at]) {
            at += 1;
        }
        if start < at {
            tokens += 1;
            if at - start > limits::WORD_BYTES_MAX {
                too_long += 1;
            } else {
                let (Added::New(row) | Added::Known(row)) = words.add(&block[start..at]);
                ids.push(row.0);
            }
        }
        if block.get(at) == Some(&b'\n') {
            ids.push(END);
        }
        at += 1;
    }
    Cut { words, ids, tokens, too_long }
}

/// White space of ASCII. Other scripts' spaces are a tokenizer's matter.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
