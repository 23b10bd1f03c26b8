//! `wordspace put`: words with their vectors into a table that is there.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::{TableArg, attribute};
use crate::cli::output::{Output, count, shown};
use crate::client::{
    AttributeValue, Client, GetTableRequest, PutMode, PutVectorsRequest, PutVectorsResponse,
    Vector, put_vectors_request::WordToPut,
};
use crate::text::without_bom;

/// Words of one call, and bytes of their vectors: well below what a call may have.
const WORDS_AT_ONCE: usize = 1_000;
const BYTES_AT_ONCE: usize = 4 << 20;
/// Parts that are read before the server asks for them.
const PARTS_WAITING: usize = 2;

/// Put a word with its vector into a table, or the words of a text file
///
/// Every later question sees it. A word that is there is overwritten. A file has "word f f ... f"
/// lines and is sent in parts of up to 1,000 words; each part is put whole or not at all.
#[derive(Debug, Args)]
pub(super) struct Put {
    #[command(flatten)]
    table: TableArg,
    /// The word
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    word: Option<String>,
    /// The components of its vector
    #[arg(value_name = "NUMBER", allow_negative_numbers = true, requires = "word")]
    vector: Vec<f32>,
    /// Read lines "word f f ... f" from a file; "-" reads stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Refuse words that are there already
    #[arg(long)]
    insert_only: bool,
    /// Refuse words that are not there yet
    #[arg(long, conflicts_with = "insert_only")]
    update_only: bool,
    /// Attributes of the word, or of each word: true and false are flags, numbers numbers, 2024-01-31 and
    /// 2024-01-31T10:30:00Z dates, [fr, en] a list, and all else is text
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    set: Vec<(String, AttributeValue)>,
}

impl Put {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let Some(file) = &self.file else {
            let word = self.word.clone().unwrap_or_default().into_bytes();
            let request = self.form().request(vec![(word, self.vector.clone())]);
            return output.answer(&client.put_vectors(request).await?, text);
        };
        let dim = self.dim(client).await?;
        let unreadable =
            |error| Failure::Local(format!("{} cannot be read: {error}", file.display()));
        let mut lines = Lines::open(file, dim).map_err(unreadable)?;
        let (parts, requests) = mpsc::channel(PARTS_WAITING);
        let form = self.form();
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let words = lines.part()?;
                // An error of the server ends the stream, and tells why.
                if words.is_empty() || parts.blocking_send(form.request(words)).is_err() {
                    return Ok(());
                }
            }
        });
        let mut answers = client.put_vectors_stream(ReceiverStream::new(requests)).await?;
        while let Some(answer) = answers.next_answer().await? {
            output.answer(&answer, text)?;
        }
        let read: Result<(), String> =
            reading.await.map_err(|error| Failure::Local(error.to_string()))?;
        read.map_err(|problem| Failure::Local(format!("{}: {problem}", file.display())))
    }

    async fn dim(&self, client: &Client) -> Result<usize> {
        let request = GetTableRequest { table: self.table.name.clone() };
        let table = client.get_table(request).await?.table.unwrap_or_default();
        Ok(usize::try_from(table.dim).unwrap_or(usize::MAX))
    }

    fn form(&self) -> Form {
        let mode = match (self.insert_only, self.update_only) {
            (true, _) => PutMode::InsertOnly,
            (false, true) => PutMode::UpdateOnly,
            (false, false) => PutMode::Upsert,
        };
        let attributes = self.set.iter().cloned().collect();
        Form { table: self.table.name.clone(), mode, attributes }
    }
}

/// What all calls have in common.
struct Form {
    table: String,
    mode: PutMode,
    attributes: HashMap<String, AttributeValue>,
}

impl Form {
    fn request(&self, words: Vec<Word>) -> PutVectorsRequest {
        let words = words.into_iter().map(|(word, values)| {
            let vector = Some(Vector { values, ..Default::default() });
            let attributes = self.attributes.clone();
            let (word, word_bytes) = match String::from_utf8(word) {
                Ok(word) => (word, Vec::new()),
                Err(error) => (String::new(), error.into_bytes()),
            };
            WordToPut { word, word_bytes, vector, attributes }
        });
        let (table, words) = (self.table.clone(), words.collect());
        PutVectorsRequest { table, words, mode: self.mode.into() }
    }
}

fn text(answer: &PutVectorsResponse) -> String {
    format!(
        "put {} words into {}: {} added, {} overwritten\n",
        count(answer.rows.len() as u64),
        shown(&answer.table),
        count(answer.added_count.into()),
        count(answer.overwritten_count.into()),
    )
}

/// The words of a file, part by part.
struct Lines {
    input: Box<dyn BufRead + Send>,
    dim: usize,
    number: u64,
    /// Read, and left for the next part.
    next: Option<Word>,
}

/// A word and its vector.
type Word = (Vec<u8>, Vec<f32>);

impl Lines {
    fn open(path: &Path, dim: usize) -> std::io::Result<Self> {
        let input: Box<dyn BufRead + Send> = if path.as_os_str() == "-" {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            Box::new(BufReader::new(std::fs::File::open(path)?))
        };
        Ok(Self { input, dim, number: 0, next: None })
    }

    /// The next words, each once; none at the end.
    fn part(&mut self) -> Result<Vec<Word>, String> {
        let (mut words, mut seen) = (Vec::new(), HashSet::new());
        let rows_max = (BYTES_AT_ONCE / (4 * self.dim.max(1))).clamp(1, WORDS_AT_ONCE);
        while words.len() < rows_max {
            let next = match self.next.take() {
                Some(next) => Some(next),
                None => self.line()?,
            };
            let Some((word, vector)) = next else { break };
            if !seen.insert(word.clone()) {
                // The later line counts: it goes into a later call.
                self.next = Some((word, vector));
                break;
            }
            words.push((word, vector));
        }
        Ok(words)
    }

    fn line(&mut self) -> Result<Option<Word>, String> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self.input.read_until(b'\n', &mut line);
            if read.map_err(|error| error.to_string())? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let line = if self.number == 1 { without_bom(&line) } else { &line };
            if !line.trim_ascii().is_empty() {
                return parse(line.trim_ascii_end(), self.dim).map(Some).ok_or_else(|| {
                    format!("line {}: not a word and {} numbers", self.number, self.dim)
                });
            }
        }
    }
}

/// The word, which may hold spaces, and the numbers at the line's end.
fn parse(line: &[u8], dim: usize) -> Option<Word> {
    let mut word = line;
    let mut vector = Vec::new();
    for _ in 0..dim {
        let at = word.iter().rposition(|&byte| byte == b' ' || byte == b'\t')?;
        vector.push(std::str::from_utf8(&word[at + 1..]).ok()?.parse().ok()?);
        word = word[..at].trim_ascii_end();
    }
    vector.reverse();
    (!word.is_empty()).then(|| (word.to_vec(), vector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_parts_that_hold_each_word_once() {
        let text = "\u{feff}new york 1 2\nking 0.5 -1e3\n\nking 3 4\n";
        let input = Box::new(std::io::Cursor::new(text));
        let mut lines = Lines { input, dim: 2, number: 0, next: None };
        let new_york = (b"new york".to_vec(), vec![1.0, 2.0]);
        let king = |vector| (b"king".to_vec(), vector);
        assert_eq!(lines.part().unwrap(), [new_york, king(vec![0.5, -1e3])]);
        assert_eq!(lines.part().unwrap(), [king(vec![3.0, 4.0])]);
        assert_eq!(lines.part().unwrap(), []);
        for wrong in ["king 1\n", "1 2\n", "king 1 x\n"] {
            let input = Box::new(std::io::Cursor::new(wrong));
            let mut lines = Lines { input, dim: 2, number: 0, next: None };
            assert_eq!(lines.part().unwrap_err(), "line 1: not a word and 2 numbers", "{wrong}");
        }
    }
}
