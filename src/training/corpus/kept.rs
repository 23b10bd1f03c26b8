//! A corpus in a file: its words, their counts, and the text as their numbers.

use std::io::Write;

use super::{Bounds, Corpus, Totals, row_id};
use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::text::vocab::{Added, Vocab};
use crate::training::ids::{END, Ids};

/// Numbers that are written at once.
const BLOCK: usize = 1 << 16;

impl Corpus {
    /// Writes it as sections of a file.
    ///
    /// # Errors
    ///
    /// If the output fails, or the file of numbers.
    pub fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<()> {
        let totals = serde_json::to_vec(&self.totals);
        out.section("totals", CHUNK_BYTES)?;
        out.write(&totals.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?)?;
        out.section("words", CHUNK_BYTES)?;
        for row in 0..self.words.len() {
            let word = self.words.word(row_id(row));
            out.write(&u32::try_from(word.len()).unwrap_or(u32::MAX).to_le_bytes())?;
            out.write(word)?;
        }
        out.section("counts", CHUNK_BYTES)?;
        for count in &self.counts {
            out.write(&count.to_le_bytes())?;
        }
        out.section("numbers", CHUNK_BYTES)?;
        let (mut at, mut block) = (0, Vec::new());
        while at < self.len() {
            self.ids.read(at, BLOCK, &mut block)?;
            let bytes: Vec<u8> = block.iter().flat_map(|id| id.to_le_bytes()).collect();
            out.write(&bytes)?;
            at += block.len() as u64;
        }
        Ok(())
    }

    /// Bytes that [`Corpus::write`] writes, about.
    pub fn file_bytes(&self) -> u64 {
        let words = self.words.word_bytes() + self.words.len() * 12;
        self.len() * 4 + words as u64
    }

    /// The corpus of a file which [`Corpus::write`] wrote.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the file is damaged or makes no sense; if the file of numbers cannot be written.
    pub fn open(file: &Container, bounds: Bounds) -> Result<Self> {
        let totals: Option<Totals> = serde_json::from_slice(&file.section("totals")?.read()?).ok();
        let totals = totals.ok_or_else(|| file.senseless())?;
        let words = words(file)?;
        let counts = file.section("counts")?.numbers(u64::from_le_bytes)?;
        if counts.len() != words.len() || !counts.is_sorted_by(|a, b| a >= b) {
            return Err(file.senseless());
        }
        let mut ids = Ids::new(bounds.ids_bytes, bounds.spill);
        let numbers = file.section("numbers")?;
        if !numbers.length().is_multiple_of(4) {
            return Err(file.senseless());
        }
        numbers.each_chunk(|chunk| {
            for &bytes in chunk.as_chunks().0 {
                let id = u32::from_le_bytes(bytes);
                if id != END && id as usize >= words.len() {
                    return Err(file.senseless());
                }
                ids.push(id)?;
            }
            Ok(())
        })?;
        Ok(Self { words, counts, ids, totals })
    }
}

fn words(file: &Container) -> Result<Vocab> {
    let (mut words, mut rest) = (Vocab::new(), Vec::new());
    file.section("words")?.each_chunk(|chunk| {
        rest.extend_from_slice(chunk);
        let mut at = 0;
        while let Some((&length, tail)) = rest[at..].split_first_chunk::<4>() {
            let length = u32::from_le_bytes(length) as usize;
            if !(1..=limits::WORD_BYTES_MAX).contains(&length) {
                return Err(file.senseless());
            }
            let Some(word) = tail.get(..length) else { break };
            if let Added::Known(_) = words.add(word) {
                return Err(file.senseless());
            }
            at += 4 + length;
        }
        rest.drain(..at);
        Ok(())
    })?;
    if rest.is_empty() && words.len() < limits::ROWS_MAX {
        words.shrink_to_fit();
        return Ok(words);
    }
    Err(file.senseless())
}
