//! A text as a model wants it: characters mapped, white space trimmed and written as U+2581.
//!
//! As `normalizer.cc` of the library does it. The map is a double array in the layout of darts-clone,
//! behind it the texts that it leads to, each ended by a zero. It comes from a file, so every step
//! is checked.

use crate::error::Result;
use crate::limits;
use crate::text::sentencepiece::proto::NormalizerSpec;
use crate::text::sentencepiece::{SPACE, first_len, malformed};
use crate::text::trie::Trie;

/// Maps a text.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "as in the file")]
pub(super) struct Normalizer {
    map: Option<Map>,
    /// Words that are never changed.
    defined: Option<Trie>,
    adds_space: bool,
    trims: bool,
    escapes: bool,
    /// The space stands behind a word.
    is_suffix: bool,
}

/// A text, mapped.
#[derive(Debug)]
pub(super) struct Normalized {
    pub(super) text: String,
    /// Where each byte came from, and one past the last.
    origins: Vec<u32>,
}

impl Normalized {
    /// Where a byte came from.
    pub(super) fn origin(&self, byte: usize) -> usize {
        self.origins.get(byte).or(self.origins.last()).map_or(0, |&origin| origin as usize)
    }
}

impl Normalizer {
    pub(super) fn new(spec: NormalizerSpec, is_suffix: bool, defined: &[&str]) -> Result<Self> {
        let map = spec.precompiled_charsmap.filter(|map| !map.is_empty());
        let mut words: Vec<_> = (0..).zip(defined).map(|(i, word)| (word.as_bytes(), i)).collect();
        words.sort_unstable();
        Ok(Self {
            map: map.map(|bytes| Map::new(&bytes)).transpose()?,
            defined: (!words.is_empty()).then(|| Trie::new(&words)),
            adds_space: spec.add_dummy_prefix.unwrap_or(true),
            trims: spec.remove_extra_whitespaces.unwrap_or(true),
            escapes: spec.escape_whitespaces.unwrap_or(true),
            is_suffix,
        })
    }

    /// Whether the space before the first word is not the text's.
    pub(super) fn drops_first_space(&self) -> bool {
        self.adds_space || self.trims
    }

    /// Whether spaces around a text, and more than one between words, are not the text's.
    pub(super) fn trims(&self) -> bool {
        self.trims
    }

    /// Bytes of the longest word that is never changed and with which a text begins; 0 for none.
    pub(super) fn defined_prefix(&self, text: &str) -> usize {
        let mut longest = 0;
        if let Some(defined) = &self.defined {
            defined.prefixes(text.as_bytes(), |length, _| longest = length);
        }
        longest
    }

    pub(super) fn normalize(&self, text: &str) -> Normalized {
        let mut out =
            Normalized { text: String::with_capacity(text.len() + 8), origins: Vec::new() };
        let mut at = 0;
        while self.trims && at < text.len() {
            let (mapped, length) = self.prefix(&text[at..]);
            if mapped != " " {
                break;
            }
            at += length;
        }
        if at == text.len() {
            return out;
        }
        if self.adds_space && !self.is_suffix {
            self.push(&mut out, ' ', at);
        }
        let mut after_space = self.trims;
        while at < text.len() {
            let (mapped, length) = self.prefix(&text[at..]);
            let mapped = if after_space { mapped.trim_start_matches(' ') } else { mapped };
            for character in mapped.chars() {
                self.push(&mut out, character, at);
            }
            if !mapped.is_empty() {
                after_space = self.trims && mapped.ends_with(' ');
            }
            at += length;
        }
        let mut end = at;
        if self.trims {
            let space = if self.escapes { SPACE } else { " " };
            while let Some(trimmed) = out.text.strip_suffix(space) {
                let length = trimmed.len();
                end = out.origins[length] as usize;
                out.text.truncate(length);
                out.origins.truncate(length);
            }
        }
        if self.adds_space && self.is_suffix {
            self.push(&mut out, ' ', end);
        }
        out.origins.push(position(end));
        out
    }

    fn push(&self, out: &mut Normalized, character: char, origin: usize) {
        let before = out.text.len();
        if character == ' ' && self.escapes {
            out.text.push_str(SPACE);
        } else {
            out.text.push(character);
        }
        out.origins.resize(out.origins.len() + out.text.len() - before, position(origin));
    }

    /// What the beginning of a text is mapped to, and how many bytes of it that is.
    fn prefix<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        let defined = self.defined_prefix(text);
        if defined > 0 {
            return (&text[..defined], defined);
        }
        if let Some(mapped) = self.map.as_ref().and_then(|map| map.longest(text)) {
            return mapped;
        }
        let length = first_len(text);
        (&text[..length], length)
    }
}

/// Texts have a cap far below 2^32.
fn position(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

/// The map of characters.
#[derive(Debug)]
struct Map {
    units: Vec<u32>,
    texts: String,
}

impl Map {
    fn new(bytes: &[u8]) -> Result<Self> {
        let broken = || malformed("its map of characters is broken");
        let (size, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
        let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| broken())?;
        let (units, texts) = rest.split_at_checked(size).ok_or_else(broken)?;
        let (units, []) = units.as_chunks() else { return Err(broken()) };
        let units = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        let texts = str::from_utf8(texts).map_err(|_| broken())?.to_owned();
        // A text of a megabyte must not become one of terabytes.
        if texts.split('\0').any(|text| text.len() > limits::MAPPED_BYTES_MAX) {
            let max = limits::MAPPED_BYTES_MAX;
            let problem = format!("its map of characters has texts beyond MAPPED_BYTES_MAX, {max}");
            return Err(malformed(&problem));
        }
        Ok(Self { units, texts })
    }

    /// The text of the longest key that a text begins with, and the key's length.
    fn longest(&self, text: &str) -> Option<(&str, usize)> {
        let offset = |unit: u32| (unit >> 10) << ((unit & (1 << 9)) >> 6);
        let mut unit = *self.units.first()?;
        let mut at = offset(unit);
        let mut longest = None;
        for (length, &byte) in (1..).zip(text.as_bytes()) {
            at ^= u32::from(byte);
            let Some(&next) = self.units.get(at as usize) else { break };
            unit = next;
            // The label, which has its highest bit set in a leaf.
            if byte == 0 || unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            let has_leaf = unit >> 8 & 1 == 1;
            if has_leaf && let Some(&leaf) = self.units.get(at as usize) {
                longest = Some(((leaf & 0x7fff_ffff) as usize, length));
            }
        }
        let (start, length) = longest?;
        // A key may end within a character of the text only in a broken file.
        let mapped = self.texts.get(start..)?.split('\0').next()?;
        text.is_char_boundary(length).then_some((mapped, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_character_is_mapped_to_has_its_limit() {
        let map = |length: usize| Map::new(&[vec![0; 4], vec![b'a'; length]].concat());
        assert!(map(limits::MAPPED_BYTES_MAX).is_ok());
        let error = map(limits::MAPPED_BYTES_MAX + 1).unwrap_err();
        assert!(error.to_string().contains("MAPPED_BYTES_MAX"), "{error}");
    }
}
