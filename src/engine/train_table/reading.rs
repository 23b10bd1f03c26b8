//! The text of a training of vectors: it arrives, is cut, and becomes numbers within the budgets of jobs.

use crate::budget::Share;
use crate::engine::Engine;
use crate::engine::corpus::{Arrived, Arriving, Spilled};
use crate::engine::train_table::asked::{PhrasePasses, TrainTableJob};
use crate::engine::train_table::memory::in_memory;
use crate::engine::train_table::report::TrainTableProgress;
use crate::error::{Context as _, Error, Result};
use crate::query::tokenize::Cutting;
use crate::text::tokenizer::Tokenizer;
use crate::training::corpus::{Corpus, Encoder};
use crate::training::phrases::Phrases;

/// Bytes of pairs that may be phrases, at most.
const PAIRS_BYTES_MAX: u64 = 1 << 30;
/// Bytes that any text takes while it is read.
const READING_BYTES: u64 = 8 << 20;
/// Bytes of memory that are taken at once while text is read.
const MEMORY_STEP: u64 = 4 << 20;
/// Threads that cut plain text.
const READERS_MAX: usize = 4;
/// Bytes that each of them works on, with what it makes of them.
const READER_BYTES: u64 = 16 << 20;

/// A text that was read.
pub(super) struct Read {
    pub(super) corpus: Corpus,
    pub(super) arrived: Arrived,
    /// What cut it; none: white space of ASCII.
    pub(super) tokenizer: Option<String>,
    pub(super) phrase_counts: Vec<usize>,
    pub(super) memory: Share,
}

impl Engine {
    pub(super) fn tokenizer_of(&self, job: &TrainTableJob) -> Result<Option<(String, Tokenizer)>> {
        let Some(cutting) = &job.cutting else { return Ok(None) };
        let (name, tokenizer) = self.tokenizer(&cutting.tokenizer, None)?;
        if tokenizer.needs_table() {
            let problem = "it cuts by the words of a table, and there is none yet";
            return Err(Error::invalid("cutting.tokenizer", problem));
        }
        Ok(Some((name, tokenizer)))
    }

    pub(super) fn read_corpus(
        &self,
        job: &TrainTableJob,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>>,
        on_progress: &mut dyn FnMut(TrainTableProgress),
        spilled: &Spilled,
    ) -> Result<Read> {
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS_MAX);
        let (ids_bytes, words_bytes) = self.corpus_bytes();
        let mut memory = Share::of(&self.shared.memory);
        let fixed = READING_BYTES + readers as u64 * READER_BYTES;
        let mut told = |bytes: u64| {
            self.stop.check()?;
            spilled.account()?;
            // A byte is a number at most, and a word takes as many as a short one with its count. Both
            // grow by doubling.
            let numbers = bytes.saturating_mul(4).min(2 * ids_bytes);
            let words = bytes.saturating_mul(16).min(2 * words_bytes);
            let needed = numbers + words + fixed.min(READING_BYTES + bytes.saturating_mul(8));
            if needed > memory.bytes() {
                let more = needed - memory.bytes() + MEMORY_STEP;
                memory.grow(more).context(|| format!("after {bytes} bytes of text"))?;
            }
            on_progress(TrainTableProgress {
                bytes_read: bytes,
                phase: "reading",
                word_count: 0,
                learning: None,
            });
            Ok(())
        };
        let tokenizer = self.tokenizer_of(job)?;
        let mut encoder = Encoder::new(self.corpus_bounds(spilled));
        let mut arriving = Arriving::new(next, &mut told)?;
        if let (Some((_, tokenizer)), Some(cutting)) = (&tokenizer, &job.cutting) {
            arriving.lines(|number, line| {
                encode(&mut encoder, tokenizer, cutting, (number, line))
                    .context(|| format!("line {number}"))
            })?;
        } else {
            let encoded = encoder.text(&mut arriving, readers, &|| self.stop.check());
            if let Some(failure) = arriving.failure() {
                return Err(failure);
            }
            encoded?;
        }
        let arrived = arriving.end();
        let phrase_counts = self.join_phrases(job, &mut encoder, spilled)?;
        let corpus = encoder.finish(job.keep)?;
        spilled.account()?;
        // What it takes is known now.
        drop(memory);
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(corpus.memory_bytes() as u64).context(|| "the text as numbers")?;
        let tokenizer = tokenizer.map(|(name, _)| name);
        Ok(Read { corpus, arrived, tokenizer, phrase_counts, memory })
    }

    fn join_phrases(
        &self,
        job: &TrainTableJob,
        encoder: &mut Encoder,
        spilled: &Spilled,
    ) -> Result<Vec<usize>> {
        let Some(PhrasePasses { passes, phrases }) = &job.phrases else { return Ok(Vec::new()) };
        let pairs_bytes = (self.shared.memory.max() / 8).min(PAIRS_BYTES_MAX);
        let pairs_bytes = pairs_bytes.min(encoder.totals().tokens.saturating_mul(64));
        let mut memory = Share::of(&self.shared.memory);
        memory.grow(2 * pairs_bytes).context(|| "pairs of words that may be phrases")?;
        let phrases = Phrases { pairs_bytes: in_memory(pairs_bytes), ..phrases.clone() };
        (0..*passes)
            .map(|_| {
                self.stop.check()?;
                spilled.account()?;
                encoder.join_phrases(&phrases)
            })
            .collect()
    }
}

/// A line becomes a sentence.
fn encode(
    encoder: &mut Encoder,
    tokenizer: &Tokenizer,
    cutting: &Cutting,
    (number, line): (u64, &str),
) -> Result<()> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let options = cutting.options.of_text(number - 1);
    tokenizer.each(line, &options, None, &mut |id, bytes, is_special| {
        if is_special {
            return;
        }
        // As a table of the tokenizer's tokens has them.
        let own = id.filter(|_| !tokenizer.is_of_words()).and_then(|id| tokenizer.token(id));
        let spelling = || tokenizer.spelling_of(id, &bytes, line).into_owned().into_bytes();
        words.push(own.unwrap_or_else(spelling));
    })?;
    encoder.sentence(words.iter().map(Vec::as_slice))
}
