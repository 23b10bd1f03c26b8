//! Options that commands about texts share: the texts, and how they are cut.

use std::fs::File;
use std::io::{self, BufRead as _, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::client::{self, Cutting, Sampling};
use crate::format::{Compression, unpacked};
use crate::limits;

/// Texts of one call.
pub(super) const TEXTS_PER_CALL: usize = 500;

/// The texts of a command.
#[derive(Debug, Args)]
pub(super) struct TextArgs {
    /// Texts; none or "-" reads stdin, a text each line
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Take all of stdin for one text
    #[arg(long)]
    whole: bool,
}

impl TextArgs {
    /// Hands over the texts, as many at once as a call may have; never none.
    pub(super) async fn read(&self) -> Result<Vec<Vec<String>>> {
        let all = if self.texts.is_empty() || self.texts == ["-"] {
            let whole = self.whole;
            // On a thread of its own, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(move || read_stdin(whole)).await;
            read.map_err(|error| unreadable(&error))??
        } else {
            self.texts.clone()
        };
        let mut calls: Vec<Vec<String>> = Vec::new();
        let mut bytes = 0;
        for text in all {
            bytes += text.len();
            let fits = calls.last().is_some_and(|call| call.len() < TEXTS_PER_CALL);
            if !fits || bytes > limits::TEXTS_BYTES_MAX {
                bytes = text.len();
                calls.push(Vec::new());
            }
            if let Some(call) = calls.last_mut() {
                call.push(text);
            }
        }
        if calls.is_empty() {
            calls.push(vec![String::new()]);
        }
        Ok(calls)
    }
}

/// The texts of files, one after the other; none or "-" is stdin. Those that are compressed by gzip, bzip2, zstd
/// or xz are unpacked.
pub(super) fn readers(
    files: &[PathBuf],
) -> impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + use<> {
    let is_stdin = files.is_empty() || files == [PathBuf::from("-")];
    let sources: Vec<Option<PathBuf>> =
        if is_stdin { vec![None] } else { files.iter().cloned().map(Some).collect() };
    sources.into_iter().map(|source| match source {
        None => unpacked(Box::new(io::stdin())),
        Some(path) => File::open(&path)
            .and_then(|file| unpacked(Box::new(file)))
            .map(|file| Box::new(Ended { file, is_ended: true }) as Box<dyn Read + Send>)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display()))),
    })
}

/// Whether a file is compressed, as far as that can be read.
pub(super) fn is_packed(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && Compression::of(&head) != Compression::None
}

/// Bytes that tell whether a file is compressed.
const HEAD_BYTES: u64 = 16;

/// A file whose last line ends, though the file does not say so: the next file begins a line.
struct Ended {
    file: Box<dyn Read + Send>,
    is_ended: bool,
}

impl Read for Ended {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if let Some(last) = buffer[..count].last() {
            self.is_ended = *last == b'\n';
            return Ok(count);
        }
        match buffer.first_mut() {
            Some(first) if !self.is_ended => {
                *first = b'\n';
                self.is_ended = true;
                Ok(1)
            }
            Some(_) | None => Ok(0),
        }
    }
}

/// The lines of a file that are not empty; `-` is stdin.
pub(super) async fn lines_of(path: &Path) -> Result<Vec<String>> {
    let path = path.to_owned();
    let read = move || {
        if path == Path::new("-") {
            return read_stdin(false);
        }
        let (shown, read) = (path.display().to_string(), std::fs::read(&path));
        let text = read.map_err(|error| Failure::Local(format!("{shown}: {error}")))?;
        Ok(utf8(text, &shown)?.lines().map(str::to_owned).collect())
    };
    let lines = tokio::task::spawn_blocking(read).await.map_err(|error| unreadable(&error))??;
    Ok(lines.into_iter().filter(|line| !line.trim().is_empty()).collect())
}

fn read_stdin(whole: bool) -> Result<Vec<String>> {
    let stdin = io::stdin().lock();
    if whole {
        let mut text = Vec::new();
        let limit = limits::TEXT_BYTES_MAX as u64 + 1;
        stdin.take(limit).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
        return Ok(vec![utf8(text, "stdin")?]);
    }
    let mut texts = Vec::new();
    for (number, line) in (1_u64..).zip(stdin.split(b'\n')) {
        let mut line = line.map_err(|error| unreadable(&error))?;
        if line.ends_with(b"\r") {
            line.pop();
        }
        texts.push(utf8(line, &format!("line {number} of stdin"))?);
    }
    Ok(texts)
}

fn utf8(text: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::Local(format!("{what} is not valid UTF-8 at byte {at}"))
    })
}

fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Local(format!("stdin cannot be read: {error}"))
}

/// How texts are cut.
#[derive(Debug, Args)]
pub(super) struct CuttingArgs {
    /// Tokenizer: a stored one, or whitespace, rules, unicode-words, characters, bytes, jieba
    /// [default: that of the table, else unicode-words]
    #[arg(long, value_name = "NAME")]
    pub(super) tokenizer: Option<String>,
    #[command(flatten)]
    pub(super) special: SpecialArgs,
}

/// What becomes of special tokens.
#[derive(Debug, Args)]
pub(super) struct SpecialArgs {
    /// Leave out the tokens that the tokenizer puts around a text, such as [CLS]
    #[arg(long)]
    bare: bool,
    /// What becomes of texts that are written like special tokens [default: as the tokenizer's own
    /// library does]
    #[arg(long, value_enum, value_name = "POLICY")]
    special_text: Option<SpecialText>,
    /// A special token that is parsed in any case
    #[arg(long, value_name = "TOKEN")]
    allow_special: Vec<String>,
    /// Byte pairs: leave out merges by chance, with this probability, from 0 to 1
    #[arg(long, value_name = "SHARE", conflicts_with = "alpha", allow_negative_numbers = true)]
    dropout: Option<f64>,
    /// Unigram models: draw a cut in proportion to its probability to the power of this, at least 0
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// Draw only from so many cuts, the best, from 1 to 512 [default: from all]
    #[arg(long, value_name = "COUNT", requires = "alpha")]
    nbest: Option<u32>,
    /// Seed of --dropout and --alpha: text number i, from 0, is cut by this seed + i
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    cut_seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SpecialText {
    /// They are special tokens
    Parse,
    /// They are text
    Plain,
    /// The call is refused
    Refuse,
}

impl CuttingArgs {
    /// The same for the wire.
    pub(super) fn cutting(&self) -> Cutting {
        self.special.cutting(self.tokenizer.clone().unwrap_or_default())
    }
}

impl SpecialArgs {
    fn sampling(&self) -> Option<Sampling> {
        let &Self { dropout, alpha, nbest, cut_seed: seed, .. } = self;
        let is_asked = dropout.is_some() || alpha.is_some();
        is_asked.then_some(Sampling { dropout, alpha, nbest, seed })
    }

    /// For a tokenizer.
    pub(super) fn cutting(&self, tokenizer: String) -> Cutting {
        let special_text = match self.special_text {
            None => client::SpecialText::Unspecified,
            Some(SpecialText::Parse) => client::SpecialText::Parse,
            Some(SpecialText::Plain) => client::SpecialText::Plain,
            Some(SpecialText::Refuse) => client::SpecialText::Refuse,
        };
        Cutting {
            tokenizer,
            bare: self.bare,
            special_text: special_text.into(),
            allowed_special: self.allow_special.clone(),
            sampling: self.sampling(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a user's files")]
    fn the_last_line_of_a_file_is_not_joined_to_the_next_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b", "c"].map(|name| folder.path().join(name));
        // "two\n", by gzip.
        let packed: &[u8] = &[
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0x2b, 0x29, 0xcf, 0xe7, 2, 0, 0x74, 8, 0x17,
            0x96, 4, 0, 0, 0,
        ];
        for (file, text) in files.iter().zip([b"one", packed, b"three"]) {
            std::fs::write(file, text).unwrap();
        }
        assert!(is_packed(&files[1]) && !is_packed(&files[0]));
        let mut all = String::new();
        for reader in readers(&files) {
            reader.unwrap().read_to_string(&mut all).unwrap();
        }
        assert_eq!(all, "one\ntwo\nthree\n");
    }
}
