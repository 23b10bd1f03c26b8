//! A text becomes numbers: sentences between `<s>` and `</s>`.

use crate::error::{Error, Result};
use crate::limits;
use crate::lm::numbers::{Numbers, Room, small};
use crate::lm::words::{BEGIN, END, Known, SPECIAL, UNKNOWN, Words};
use crate::steps::{GoOn, watched};

/// How a text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Whether `<s>` and `</s>` in the text are left out, and `<unk>` is an unknown word; else they are errors.
    pub skips_special: bool,
    /// The share of sentences that are held out, from 0 to below 1: every so many-th is.
    pub held_out: f64,
}

/// Stands between the words of a held-out sentence: no word of a line has it, where some have spaces.
const BETWEEN: u8 = b'\n';

/// What a held-out sentence takes beside its bytes, an empty one too: its vector, and what an allocation has of
/// its own.
const SENTENCE_BYTES: usize = size_of::<Vec<u8>>() + 16;

/// The words of a sentence that was held out.
pub fn held_out_words(sentence: &[u8]) -> impl Iterator<Item = &[u8]> {
    sentence.split(|&byte| byte == BETWEEN).filter(|word| !word.is_empty())
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Words, those that became `<unk>` too.
    pub tokens: u64,
    /// Sentences: lines, empty ones too.
    pub sentences: u64,
    /// Of the words, those that became `<unk>`: too rare, or too many.
    pub unknown_tokens: u64,
    /// `<s>` and `</s>` that were left out.
    pub skipped_tokens: u64,
    /// Sentences that are held out, and are in no other number.
    pub held_out_sentences: u64,
    /// Words that are too long, and became `<unk>`.
    pub too_long: u64,
}

/// What a word of a text is.
enum Read<'t> {
    Word(&'t [u8]),
    Unknown,
    TooLong,
    Skipped,
}

/// Takes sentences.
#[derive(Debug)]
pub struct Reader {
    words: Words,
    ids: Numbers,
    held_out: Vec<Vec<u8>>,
    held_out_bytes: usize,
    totals: Totals,
    reading: Reading,
    seen: u64,
    due: f64,
}

/// A text in numbers.
#[derive(Debug)]
pub struct Corpus {
    pub(super) words: Words,
    /// Each sentence between 1 and 2.
    pub(super) ids: Numbers,
    /// Sentences that were held out: see [`held_out_words`].
    pub held_out: Vec<Vec<u8>>,
    /// What was read.
    pub totals: Totals,
}

impl Corpus {
    /// The words, with the special ones.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The words alone.
    pub fn into_words(self) -> Words {
        self.words
    }

    /// The numbers of all words, each sentence between those of `<s>` and `</s>`.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How often each word is predicted: `<s>` never, and `</s>` once a sentence.
    pub fn predicted(&self) -> Vec<u64> {
        let count = |word| match word {
            BEGIN => 0,
            END => self.totals.sentences,
            word => self.words.count(word),
        };
        (0..small(self.words.len())).map(count).collect()
    }
}

impl Reader {
    /// Nothing read yet.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub fn new(reading: Reading, room: &Room) -> Result<Self> {
        Ok(Self {
            words: Words::new(),
            ids: Numbers::new(room, limits::LM_TOKENS_MAX)?,
            held_out: Vec::new(),
            held_out_bytes: 0,
            totals: Totals::default(),
            reading,
            seen: 0,
            due: 0.0,
        })
    }

    /// Adds a sentence.
    ///
    /// # Errors
    ///
    /// If it has a special word that is not to be skipped, if there are too many words, or if the file
    /// beyond the memory cannot be written.
    pub fn sentence<'t>(&mut self, words: impl IntoIterator<Item = &'t [u8]>) -> Result<()> {
        self.seen += 1;
        self.due += self.reading.held_out;
        if self.due >= 1.0 {
            self.due -= 1.0;
            return self.hold_out(words);
        }
        self.ids.push(BEGIN)?;
        self.totals.sentences += 1;
        for word in words {
            match self.read(word)? {
                Read::Word(word) => {
                    self.totals.tokens += 1;
                    let number = self.words.add(word, 1)?;
                    self.ids.push(number)?;
                }
                Read::Unknown => self.unknown()?,
                Read::TooLong => {
                    self.totals.too_long += 1;
                    self.unknown()?;
                }
                Read::Skipped => self.totals.skipped_tokens += 1,
            }
        }
        self.ids.push(END)
    }

    /// What a word is, in a sentence that is counted and in one that is held out alike.
    fn read<'t>(&self, word: &'t [u8]) -> Result<Read<'t>> {
        if word.first() == Some(&b'<')
            && let Some(special) = SPECIAL.iter().position(|&special| special == word)
        {
            if !self.reading.skips_special {
                let word = String::from_utf8_lossy(word);
                let problem = format!(
                    "sentence {} has the word {word}, which has a meaning of its own; have such \
                     words skipped, or replace them",
                    self.seen
                );
                return Err(Error::invalid("text", problem));
            }
            return Ok(if special == UNKNOWN as usize { Read::Unknown } else { Read::Skipped });
        }
        Ok(if word.len() > limits::WORD_BYTES_MAX { Read::TooLong } else { Read::Word(word) })
    }

    fn unknown(&mut self) -> Result<()> {
        self.totals.tokens += 1;
        self.totals.unknown_tokens += 1;
        self.words.add(SPECIAL[UNKNOWN as usize], 1)?;
        self.ids.push(UNKNOWN)
    }

    fn hold_out<'t>(&mut self, words: impl IntoIterator<Item = &'t [u8]>) -> Result<()> {
        let mut sentence = Vec::new();
        for word in words {
            let word = match self.read(word)? {
                Read::Word(word) => word,
                Read::Unknown | Read::TooLong => SPECIAL[UNKNOWN as usize],
                Read::Skipped => continue,
            };
            if !sentence.is_empty() {
                sentence.push(BETWEEN);
            }
            sentence.extend_from_slice(word);
        }
        sentence.shrink_to_fit();
        self.held_out_bytes += sentence.len() + SENTENCE_BYTES;
        if self.held_out_bytes > limits::LM_HELD_OUT_BYTES_MAX {
            let (limit, max) = ("LM_HELD_OUT_BYTES_MAX", limits::LM_HELD_OUT_BYTES_MAX as u64);
            let got = self.held_out_bytes as u64;
            return Err(Error::new(crate::error::ErrorKind::TooLarge { limit, max, got }));
        }
        self.totals.held_out_sentences += 1;
        self.held_out.push(sentence);
        Ok(())
    }

    /// Bytes of memory that it takes beside its numbers.
    pub fn memory_bytes(&self) -> usize {
        self.words.memory_bytes() + self.held_out_bytes
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Ends the text: words get their last numbers.
    ///
    /// # Errors
    ///
    /// If there is no word, or if `go_on` says so.
    pub fn finish(mut self, known: &Known, go_on: GoOn<'_>) -> Result<Corpus> {
        if self.totals.tokens == 0 {
            return Err(Error::invalid("text", "it has no words; there is nothing to count"));
        }
        let (words, becomes) = self.words.by_count(known);
        drop(std::mem::take(&mut self.words));
        for part in watched(self.ids.chunks_mut(1 << 12), go_on) {
            for id in part? {
                *id = becomes.get(*id as usize).copied().unwrap_or(UNKNOWN);
            }
        }
        self.totals.unknown_tokens = words.count(UNKNOWN);
        let Self { ids, held_out, totals, .. } = self;
        Ok(Corpus { words, ids, held_out, totals })
    }
}
