//! tiktoken's tokenizers: byte pairs are merged by rank, and the rank is the token's number.
//!
//! A file has a line for each token: its bytes in base64, a space, its rank. How a text is split
//! before is not in the file but has a name. The patterns are those of tiktoken 0.14, written without
//! look-ahead, so that they take linear time: `\s+(?!\S)` is `\s+` less the last character, unless the
//! text ends there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use hashbrown::HashMap;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;
use crate::text::chance::{Chance, Numbers, Way};
use crate::text::special::{Role, Special, SpecialText, Specials};

/// How a text is split before its bytes are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// GPT-2 and GPT-3.
    R50k,
    /// Codex and text-davinci; splits as r50k.
    P50k,
    /// GPT-3.5 and GPT-4.
    Cl100k,
    /// GPT-4o and later.
    O200k,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Self; 4] = [Self::R50k, Self::P50k, Self::Cl100k, Self::O200k];

    /// The name of the encoding.
    pub fn name(self) -> &'static str {
        match self {
            Self::R50k => "r50k_base",
            Self::P50k => "p50k_base",
            Self::Cl100k => "cl100k_base",
            Self::O200k => "o200k_base",
        }
    }

    /// The encoding whose file has so many ranks.
    fn of_count(count: usize) -> Option<Self> {
        match count {
            50_256 => Some(Self::R50k),
            50_280 => Some(Self::P50k),
            100_256 => Some(Self::Cl100k),
            199_998 => Some(Self::O200k),
            _ => None,
        }
    }

    fn regex(self) -> &'static str {
        match self {
            Self::R50k | Self::P50k => {
                r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
            }
            Self::Cl100k => concat!(
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+"
            ),
            Self::O200k => concat!(
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
            ),
        }
    }

    /// Whether white space that ends with a line break is a piece of its own.
    fn keeps_line_breaks(self) -> bool {
        match self {
            Self::R50k | Self::P50k => false,
            Self::Cl100k | Self::O200k => true,
        }
    }

    /// The special tokens that are known by this name.
    fn specials(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::R50k | Self::P50k => &[("<|endoftext|>", 50_256)],
            Self::Cl100k => &[
                ("<|endoftext|>", 100_257),
                ("<|fim_prefix|>", 100_258),
                ("<|fim_middle|>", 100_259),
                ("<|fim_suffix|>", 100_260),
                ("<|endofprompt|>", 100_276),
            ],
            Self::O200k => &[("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)],
        }
    }
}

/// A tokenizer of ranks.
#[derive(Debug)]
pub(super) struct Ranks {
    by_token: HashMap<Box<[u8]>, u32>,
    tokens: HashMap<u32, Box<[u8]>>,
    ids_end: u32,
    regex: Regex,
    /// Whether white space that ends with a line break is a piece of its own.
    keeps_line_breaks: bool,
    pub(super) specials: Specials,
    /// What becomes of special tokens in texts, as the library has it that the tokenizer comes from.
    pub(super) own_policy: SpecialText,
}

impl Ranks {
    /// Reads a file of ranks. Without a pattern, the number of ranks tells which it is; without special
    /// tokens there are those of that name.
    pub(super) fn open(
        file: &[u8],
        pattern: Option<Pattern>,
        specials: &[(String, u32)],
    ) -> Result<Self> {
        let (mut ranks, mut tokens) = (HashMap::new(), HashMap::new());
        let mut ids_end = 0;
        for (number, line) in (1..).zip(file.split(|&byte| byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let malformed = |problem: &str| malformed(number, problem);
            let (token, rank) = entry(line)
                .ok_or_else(|| malformed("a line is a token in base64, a space, and its rank"))?;
            if ranks.insert(token.clone(), rank).is_some() {
                return Err(malformed("this token is there already"));
            }
            if tokens.insert(rank, token).is_some() {
                return Err(malformed("this rank is there already"));
            }
            ids_end = ids_end.max(rank.saturating_add(1));
        }
        if let Some(missing) = missing_byte(&ranks) {
            let problem = format!("there is no token for the byte {missing:#04x}");
            return Err(malformed(1, &problem));
        }
        let pattern = pattern.or(Pattern::of_count(ranks.len())).ok_or_else(|| {
            let problem = format!(
                "{} ranks are none of the encodings known by their size; name the pattern",
                ranks.len()
            );
            Error::invalid("tiktoken.pattern", problem)
        })?;
        let of_name = pattern.specials().iter().map(|&(token, id)| (token.to_owned(), id));
        let given: Vec<(String, u32)> =
            if specials.is_empty() { of_name.collect() } else { specials.to_vec() };
        if let Some((token, id)) = given.iter().find(|(_, id)| tokens.contains_key(id)) {
            let problem = format!("the number {id} of {token} is a rank of the file");
            return Err(Error::invalid("tiktoken.special_tokens", problem));
        }
        let special = |(token, id): (String, u32)| {
            ids_end = ids_end.max(id.saturating_add(1));
            Special { role: Role::of(&token), token, id }
        };
        let specials = Specials::new(given.into_iter().map(special).collect())?;
        let regex = Regex::new(pattern.regex());
        let regex = regex.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let keeps_line_breaks = pattern.keeps_line_breaks();
        let (by_token, own_policy) = (ranks, SpecialText::Refuse);
        Ok(Self { by_token, tokens, ids_end, regex, keeps_line_breaks, specials, own_policy })
    }

    /// Reads Mistral's tekken.json, whose special tokens have the first numbers.
    pub(super) fn open_tekken(json: &[u8]) -> Result<Self> {
        let wrong = |problem: &str| {
            let (at, problem) = (At::Byte(0), problem.to_owned());
            Error::new(ErrorKind::Malformed { format: "tekken.json", at, problem })
        };
        let Tekken { config, vocab, special_tokens } =
            serde_json::from_slice(json).map_err(|error| wrong(&error.to_string()))?;
        let first = config.default_num_special_tokens;
        let size = config.default_vocab_size.saturating_sub(first);
        let (mut by_token, mut tokens) = (HashMap::new(), HashMap::new());
        let mut ids_end = first;
        for Token { rank, token_bytes } in vocab.into_iter().filter(|token| token.rank < size) {
            let token = base64(token_bytes.as_bytes())
                .filter(|token| !token.is_empty() && token.len() <= limits::WORD_BYTES_MAX)
                .ok_or_else(|| wrong("the bytes of a token are no base64"))?;
            let id = rank.checked_add(first).ok_or_else(|| wrong("a rank is too large"))?;
            let token: Box<[u8]> = token.into();
            if by_token.insert(token.clone(), id).is_some() || tokens.insert(id, token).is_some() {
                return Err(wrong("a token or a rank is there twice"));
            }
            ids_end = ids_end.max(id.saturating_add(1));
        }
        if let Some(missing) = missing_byte(&by_token) {
            return Err(wrong(&format!("there is no token for the byte {missing:#04x}")));
        }
        if special_tokens.iter().any(|special| special.rank >= first) {
            return Err(wrong("a special token has the number of another"));
        }
        let special = |SpecialToken { rank, token_str }: SpecialToken| Special {
            role: Role::of(&token_str),
            token: token_str,
            id: rank,
        };
        let specials = Specials::new(special_tokens.into_iter().map(special).collect())?;
        // White space with a look ahead is told in `split`.
        let pattern = config.pattern.replace(LOOKS_AHEAD, r"|\s+");
        let regex =
            Regex::new(&pattern).map_err(|_| wrong("its pattern is not one that is read"))?;
        let keeps_line_breaks = pattern.contains(r"|\s*[\r\n]+");
        // Its library takes all of a text for text.
        let own_policy = SpecialText::Plain;
        Ok(Self { by_token, tokens, ids_end, regex, keeps_line_breaks, specials, own_policy })
    }

    pub(super) fn id(&self, token: &[u8]) -> Option<u32> {
        self.by_token.get(token).copied()
    }

    pub(super) fn token(&self, id: u32) -> Option<&[u8]> {
        self.tokens.get(&id).map(|token| &token[..])
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len() + self.specials.list().len()
    }

    pub(super) fn ids_end(&self) -> u32 {
        self.ids_end
    }

    /// The tokens of a text without special ones, which begins at a byte of its whole.
    pub(super) fn encode(&self, text: &str, start: usize, take: &mut dyn FnMut(u32, Range<usize>)) {
        self.split(text, |piece| {
            let bytes = &text.as_bytes()[piece.clone()];
            let start = start + piece.start;
            if let Some(&rank) = self.by_token.get(bytes) {
                take(rank, start..start + bytes.len());
            } else {
                let take = |rank, part: Range<usize>| {
                    take(rank, start + part.start..start + part.end);
                };
                self.merge(bytes, || false, take);
            }
        });
    }

    /// The same as chance cuts it: each merge may be left out, for good.
    pub(super) fn draw(
        &self,
        text: &str,
        start: usize,
        (chance, numbers): (Chance, &mut Numbers),
        take: &mut dyn FnMut(u32, Range<usize>),
    ) -> Result<()> {
        let Way::Dropout(dropout) = chance.way else { return Err(chance.refused("bpe")) };
        self.split(text, |piece| {
            let start = start + piece.start;
            let take = |rank, part: Range<usize>| {
                take(rank, start + part.start..start + part.end);
            };
            self.merge(&text.as_bytes()[piece], || numbers.happens(dropout), take);
        });
        Ok(())
    }

    fn split(&self, text: &str, mut take: impl FnMut(Range<usize>)) {
        let mut at = 0;
        while let Some(found) = self.regex.find_at(text, at) {
            let mut end = found.end();
            let piece = found.as_str();
            if end < text.len()
                && let Some((last, character)) = piece.char_indices().next_back()
                && last > 0
                && character.is_whitespace()
                && !(self.keeps_line_breaks && matches!(character, '\r' | '\n'))
                && piece.chars().all(char::is_whitespace)
            {
                end = found.start() + last;
            }
            take(found.start()..end);
            at = end;
        }
    }

    /// Merges the neighbors with the least rank, the first of equals, until none are left.
    fn merge(
        &self,
        piece: &[u8],
        mut leaves_out: impl FnMut() -> bool,
        mut take: impl FnMut(u32, Range<usize>),
    ) {
        let count = piece.len();
        // `next[i]` is where the part that starts at i ends; a part that was merged away ends at 0.
        let mut next: Vec<usize> = (1..=count).collect();
        let mut before: Vec<usize> = (0..count).map(|i| i.wrapping_sub(1)).collect();
        let mut pairs = BinaryHeap::new();
        let pair = |next: &[usize], start: usize| -> Option<Reverse<(u32, usize, usize)>> {
            let middle = next[start];
            let end = *next.get(middle)?;
            Some(Reverse((*self.by_token.get(&piece[start..end])?, start, end)))
        };
        pairs.extend((0..count).filter_map(|start| pair(&next, start)));
        while let Some(Reverse((_, start, end))) = pairs.pop() {
            let middle = next[start];
            // Outdated if one of the two was merged since.
            if middle == 0 || middle >= count || next[middle] != end || leaves_out() {
                continue;
            }
            next[start] = end;
            next[middle] = 0;
            if end < count {
                before[end] = start;
            }
            pairs.extend(pair(&next, start));
            let left = before[start];
            if left < count {
                pairs.extend(pair(&next, left));
            }
        }
        let mut start = 0;
        while start < count {
            let end = next[start];
            // Every byte has a rank, and every merged part too.
            if let Some(&rank) = self.by_token.get(&piece[start..end]) {
                take(rank, start..end);
            }
            start = end;
        }
    }
}

/// White space but the last of it before other text, then any.
const LOOKS_AHEAD: &str = r"|\s+(?!\S)|\s+";

/// Mistral's file.
#[derive(Deserialize)]
struct Tekken {
    config: TekkenConfig,
    vocab: Vec<Token>,
    #[serde(default)]
    special_tokens: Vec<SpecialToken>,
}

#[derive(Deserialize)]
struct TekkenConfig {
    pattern: String,
    /// Tokens with the special ones; the file may have more.
    default_vocab_size: u32,
    default_num_special_tokens: u32,
}

#[derive(Deserialize)]
struct Token {
    rank: u32,
    /// In base64.
    token_bytes: String,
}

#[derive(Deserialize)]
struct SpecialToken {
    rank: u32,
    token_str: String,
}

/// Whether a JSON file is Mistral's, which says how it is split and has ranks.
pub(super) fn is_tekken(json: &[u8]) -> bool {
    // A tokenizer.json has neither; to parse all of it takes long.
    let has = |field: &[u8]| memchr::memmem::find(json, field).is_some();
    has(b"\"token_bytes\"") && has(b"\"default_vocab_size\"")
}

/// The first byte that has no token; every text can be cut if all have one.
fn missing_byte(ranks: &HashMap<Box<[u8]>, u32>) -> Option<u8> {
    (0..=u8::MAX).find(|&byte| !ranks.contains_key(&[byte][..]))
}

/// Whether a file looks like ranks.
pub(super) fn is_ranks(file: &[u8]) -> bool {
    let line = file.split(|&byte| byte == b'\n').next().unwrap_or_default();
    entry(line.strip_suffix(b"\r").unwrap_or(line)).is_some()
}

fn entry(line: &[u8]) -> Option<(Box<[u8]>, u32)> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    let token = base64(&line[..space])?;
    let rank = str::from_utf8(&line[space + 1..]).ok()?.parse().ok()?;
    let fits = !token.is_empty() && token.len() <= limits::WORD_BYTES_MAX;
    fits.then(|| (token.into(), rank))
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for &digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

fn malformed(line: u64, problem: &str) -> Error {
    let (at, problem) = (At::Line(line), problem.to_owned());
    Error::new(ErrorKind::Malformed { format: "tiktoken", at, problem })
}
