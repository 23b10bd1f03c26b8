//! An ARPA file becomes n-grams.
//!
//! What other programs write is accepted where it has one meaning: any mixture of spaces and tabs, text before
//! `\data\`, n-grams whose shorter ones were left out by pruning. What contradicts itself is refused with its
//! line.

use std::io::BufRead;

use crate::budget::Share;
use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;
use crate::lm::arpa::{FORMAT, NEVER};
use crate::lm::count::ORDER_MAX;
use crate::lm::grams::{Gram, Grams};
use crate::lm::last_words::LastWords;
use crate::lm::numbers::{Numbers, Room, small};
use crate::lm::words::{BEGIN, END, SPECIAL, UNKNOWN, Words};
use crate::steps::{GoOn, watched};

/// Bytes of the longest line.
const LINE_BYTES_MAX: usize = limits::WORD_BYTES_MAX * (ORDER_MAX + 1);
/// The probability of unknown words in a file that has none, as `KenLM` takes it.
const NO_UNKNOWN: f32 = -100.0;

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArpaOptions {
    /// Probabilities over 1 become 1; else they are errors.
    pub clamps: bool,
}

/// What was found in a file beside its n-grams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArpaReport {
    /// Probabilities over 1 that became 1.
    pub clamped: u64,
    /// Back-offs of the highest order, which mean nothing.
    pub ignored_back_offs: u64,
    /// N-grams that were missing though longer ones need them; they were added with the probability that
    /// back-off gives them.
    pub added: u64,
    /// Whether there was no `<unk>`: its probability is taken as 1e-100.
    pub lacks_unknown: bool,
    /// Whether there was no `<s>`: sentences have no begin.
    pub lacks_begin: bool,
    /// Whether there was no `</s>`: its probability is taken as 1e-100.
    pub lacks_end: bool,
}

/// Reads a file. `memory` is taken for what is read.
///
/// # Errors
///
/// `Malformed` with the line, if the file contradicts itself; if it has too many n-grams or words, if there is
/// no memory, or if `go_on` says so.
pub fn read(
    source: &mut dyn BufRead,
    options: ArpaOptions,
    room: &Room,
    memory: &mut Share,
    go_on: GoOn<'_>,
) -> Result<(Grams, ArpaReport)> {
    let mut file = Lines::new(source, go_on);
    let sizes = head(&mut file)?;
    let order = sizes.len();
    let mut report = ArpaReport::default();
    let mut words = Words::new();
    let mut levels: Vec<Flat> = Vec::with_capacity(order);
    for (length, &size) in (1..).zip(&sizes) {
        let mut section = Section { length, order, size, options, report: &mut report };
        levels.push(section.read(&mut file, &mut words, memory)?);
    }
    end(&mut file, order)?;
    let unigrams = unigrams(&mut levels[0], &words, &mut report);
    levels[0] = unigrams;
    for level in &mut levels[1..] {
        level.sort(go_on)?;
    }
    let word_count = words.len();
    report.added = close(&mut levels, word_count, memory, go_on)?;
    grams(words, levels, room, go_on).map(|grams| (grams, report))
}

/// The lines of a file, without what ends them.
struct Lines<'s> {
    source: &'s mut dyn BufRead,
    go_on: GoOn<'s>,
    line: Vec<u8>,
    number: u64,
}

impl<'s> Lines<'s> {
    fn new(source: &'s mut dyn BufRead, go_on: GoOn<'s>) -> Self {
        Self { source, go_on, line: Vec::new(), number: 0 }
    }

    /// The next line that is not blank; none at the end.
    fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            self.number += 1;
            if self.number.is_multiple_of(1 << 12) {
                (self.go_on)()?;
            }
            let limit = LINE_BYTES_MAX as u64 + 1;
            let mut source = std::io::Read::take(&mut *self.source, limit);
            let read = source.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| unreadable(self.number, error))?;
            if read == 0 {
                return Ok(None);
            }
            if self.line.len() > LINE_BYTES_MAX {
                return Err(self.wrong(format!("a line is over {LINE_BYTES_MAX} bytes")));
            }
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            while self.line.last().is_some_and(|byte| b"\r\n \t".contains(byte)) {
                self.line.pop();
            }
            if !self.line.is_empty() {
                break;
            }
        }
        Ok(Some(&self.line))
    }

    fn wrong(&self, problem: impl Into<String>) -> Error {
        wrong(self.number, problem)
    }
}

/// An error of ours comes out as it is; what else a source says is about the bytes of the file.
fn unreadable(line: u64, error: std::io::Error) -> Error {
    error.downcast().unwrap_or_else(|error| {
        let problem = "the file could not be read or unpacked".to_owned();
        Error::caused(ErrorKind::Malformed { format: FORMAT, at: At::Line(line), problem }, error)
    })
}

fn wrong(line: u64, problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed { format: FORMAT, at: At::Line(line), problem: problem.into() })
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short += "...";
    }
    short
}

/// How many n-grams of each order the file says it has.
fn head(file: &mut Lines<'_>) -> Result<Vec<u64>> {
    loop {
        let Some(line) = file.next()? else {
            return Err(wrong(file.number, "there is no line \\data\\"));
        };
        if line == b"\\data\\" {
            break;
        }
    }
    let mut sizes = Vec::new();
    loop {
        let order = sizes.len() + 1;
        let Some(line) = file.next()? else {
            return Err(file.wrong("the file ends within its \\data\\ section"));
        };
        if line == b"\\1-grams:" {
            break;
        }
        let counted = line.strip_prefix(b"ngram").and_then(|rest| {
            let rest = str::from_utf8(rest).ok()?;
            let (order, size) = rest.split_once('=')?;
            Some((order.trim().parse::<usize>().ok()?, size.trim().parse::<u64>().ok()?))
        });
        let line = shown(line);
        match counted {
            Some((counted, size)) if counted == order => sizes.push(size),
            _ if line.starts_with('#') => {}
            _ => {
                let problem = format!(
                    "expected \"ngram {order}=\" and a count, or \\1-grams:, not \"{line}\""
                );
                return Err(file.wrong(problem));
            }
        }
        if sizes.len() > ORDER_MAX {
            let (limit, max) = ("ORDER_MAX", ORDER_MAX as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got: order as u64 }));
        }
        if let Some(&got) = sizes.last()
            && got > limits::LM_TOKENS_MAX as u64
        {
            let (limit, max) = ("LM_TOKENS_MAX", limits::LM_TOKENS_MAX as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got }));
        }
    }
    if sizes.is_empty() {
        return Err(file.wrong("the \\data\\ section tells of no n-grams"));
    }
    Ok(sizes)
}

fn end(file: &mut Lines<'_>, order: usize) -> Result<()> {
    if file.line == b"\\end\\" {
        return Ok(());
    }
    let problem =
        format!("expected \\end\\ after the {order}-grams, not \"{}\"", shown(&file.line));
    Err(file.wrong(problem))
}

/// N-grams of one length: the words of each stand from the last one to the first.
#[derive(Default)]
struct Flat {
    length: usize,
    words: Vec<u32>,
    p: Vec<f32>,
    back_off: Vec<f32>,
    line: Vec<u64>,
}

struct Section<'r> {
    length: usize,
    order: usize,
    size: u64,
    options: ArpaOptions,
    report: &'r mut ArpaReport,
}

impl Section<'_> {
    /// Reads to the line that begins the next section, which stays in `file`.
    fn read(
        &mut self,
        file: &mut Lines<'_>,
        words: &mut Words,
        memory: &mut Share,
    ) -> Result<Flat> {
        let length = self.length;
        let mut level = Flat { length, ..Flat::default() };
        let next = if length == self.order {
            b"\\end\\".to_vec()
        } else {
            format!("\\{}-grams:", length + 1).into_bytes()
        };
        // What is read grows by doubling; the sort has its order, and a copy.
        let each = (2 * (length * 4 + 16) + 16 + length * 4 + 8) as u64;
        let mut words_held = 0;
        loop {
            let (number, found) = (file.number + 1, level.p.len() as u64);
            let Some(line) = file.next()? else {
                let next = shown(&next);
                let problem = format!(
                    "the file ends within the {length}-grams, after {found} of {}; {next} is missing",
                    self.size
                );
                return Err(wrong(number, problem));
            };
            if line == next {
                break;
            }
            let number = file.number;
            if found == self.size {
                let line = shown(&file.line);
                let problem = format!(
                    "there are more {length}-grams than the {} that the \\data\\ section tells: \"{line}\"",
                    self.size
                );
                return Err(wrong(number, problem));
            }
            if found.is_multiple_of(1 << 14) {
                memory.grow(each << 14)?;
                if length == 1 {
                    let needed = 2 * words.memory_bytes() as u64;
                    memory.grow(needed - words_held)?;
                    words_held = needed;
                }
            }
            let entry = self.entry(&file.line, number, words)?;
            let from = level.words.len();
            level.words.resize(from + length, 0);
            for (to, word) in level.words[from..].iter_mut().rev().zip(entry.words) {
                *to = word;
            }
            level.p.push(entry.p);
            level.back_off.push(entry.back_off);
            level.line.push(number);
        }
        let found = level.p.len() as u64;
        if found != self.size {
            let problem = format!(
                "there are {found} {length}-grams, and the \\data\\ section tells {}",
                self.size
            );
            return Err(file.wrong(problem));
        }
        Ok(level)
    }

    fn entry(&mut self, line: &[u8], number: u64, words: &mut Words) -> Result<Entry> {
        let length = self.length;
        let mut fields = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|f| !f.is_empty());
        let count = fields.clone().count();
        if count != length + 1 && count != length + 2 {
            let problem = format!(
                "a {length}-gram has a probability, {length} words and maybe a back-off; \"{}\" has \
                 {count} fields",
                shown(line)
            );
            return Err(wrong(number, problem));
        }
        let mut p = value(fields.next().unwrap_or_default(), number)?;
        if p > 0.0 {
            if !self.options.clamps {
                let problem = format!(
                    "the logarithm {p} of a probability is above 0; allow it to be taken as 0"
                );
                return Err(wrong(number, problem));
            }
            self.report.clamped += 1;
            p = 0.0;
        }
        let mut entry = Entry { words: [0; ORDER_MAX], p, back_off: 0.0 };
        for at in 0..length {
            let word = fields.next().unwrap_or_default();
            let word = if word == b"<UNK>" { SPECIAL[UNKNOWN as usize] } else { word };
            entry.words[at] = if length == 1 {
                let added = words.add(word, 1)?;
                if words.count(added) > 1 {
                    return Err(wrong(
                        number,
                        format!("the 1-gram \"{}\" is there twice", shown(word)),
                    ));
                }
                added
            } else if let Some(word) = words.number(word).filter(|&word| words.count(word) > 0) {
                word
            } else {
                let problem = format!("the word \"{}\" is not among the 1-grams", shown(word));
                return Err(wrong(number, problem));
            };
        }
        if let Some(back_off) = fields.next() {
            let back_off = value(back_off, number)?;
            if length < self.order {
                entry.back_off = back_off;
            } else if back_off != 0.0 {
                self.report.ignored_back_offs += 1;
            }
        }
        Ok(entry)
    }
}

struct Entry {
    words: [u32; ORDER_MAX],
    p: f32,
    back_off: f32,
}

/// A logarithm; -99 stands for that of 0.
fn value(field: &[u8], line: u64) -> Result<f32> {
    let value: Option<f32> = fast_float2::parse(field).ok().filter(|value: &f32| !value.is_nan());
    match value {
        Some(value) if value.total_cmp(&NEVER).is_eq() => Ok(f32::NEG_INFINITY),
        Some(value) if value < f32::INFINITY => Ok(value),
        Some(_) | None => Err(wrong(line, format!("\"{}\" is no finite number", shown(field)))),
    }
}

/// The unigrams by the numbers of their words.
fn unigrams(read: &mut Flat, words: &Words, report: &mut ArpaReport) -> Flat {
    let count = words.len();
    let mut level = Flat {
        length: 1,
        words: (0..small(count)).collect(),
        p: vec![NO_UNKNOWN; count],
        back_off: vec![0.0; count],
        line: vec![0; count],
    };
    for (at, &word) in read.words.iter().enumerate() {
        let word = word as usize;
        level.p[word] = read.p[at];
        level.back_off[word] = read.back_off[at];
        level.line[word] = read.line[at];
    }
    report.lacks_unknown = level.line[UNKNOWN as usize] == 0;
    report.lacks_begin = level.line[BEGIN as usize] == 0;
    report.lacks_end = level.line[END as usize] == 0;
    level.p[BEGIN as usize] = 0.0;
    level
}

impl Flat {
    fn len(&self) -> usize {
        self.p.len()
    }

    fn gram(&self, at: usize) -> &[u32] {
        &self.words[at * self.length..(at + 1) * self.length]
    }

    /// By their words, the last one first.
    fn sort(&mut self, go_on: GoOn<'_>) -> Result<()> {
        let key = |gram: &[u32]| u64::from(gram[0]) << 32 | u64::from(gram[1]);
        let mut order: Vec<(u64, u32)> =
            (0..self.len()).map(|at| (key(self.gram(at)), small(at))).collect();
        go_on()?;
        order.sort_unstable_by(|&(one, a), &(other, b)| {
            one.cmp(&other).then_with(|| self.gram(a as usize).cmp(self.gram(b as usize)))
        });
        go_on()?;
        for pair in watched(order.windows(2), go_on) {
            let pair = pair?;
            let [a, b] = [pair[0].1 as usize, pair[1].1 as usize];
            if self.gram(a) == self.gram(b) {
                let (first, second) =
                    (self.line[a].min(self.line[b]), self.line[a].max(self.line[b]));
                return Err(wrong(second, format!("the same n-gram stands in line {first}")));
            }
        }
        let order = || order.iter().map(|&(_, at)| at as usize);
        self.words = order().flat_map(|at| self.gram(at)).copied().collect();
        self.p = order().map(|at| self.p[at]).collect();
        self.back_off = order().map(|at| self.back_off[at]).collect();
        self.line = Vec::new();
        Ok(())
    }

    /// Where the n-grams of each last word begin.
    fn starts(&self, words: usize) -> Vec<u32> {
        let mut starts = vec![0; words + 1];
        for at in 0..self.len() {
            starts[self.gram(at)[0] as usize + 1] += 1;
        }
        for word in 0..words {
            starts[word + 1] += starts[word];
        }
        starts
    }

    fn find(&self, starts: &[u32], gram: &[u32]) -> Option<usize> {
        if self.length == 1 {
            return Some(gram[0] as usize);
        }
        let word = gram[0] as usize;
        let (mut from, mut to) = (starts[word] as usize, starts[word + 1] as usize);
        while from < to {
            let middle = from.midpoint(to);
            match self.gram(middle).cmp(gram) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// Adds n-grams that are not there, with a probability that is not a number yet.
    fn add(&mut self, missing: &[u32], memory: &mut Share, go_on: GoOn<'_>) -> Result<u64> {
        let mut order: Vec<&[u32]> = missing.chunks_exact(self.length).collect();
        go_on()?;
        order.sort_unstable();
        go_on()?;
        order.dedup();
        let (count, len) = (order.len(), self.len() + order.len());
        memory.grow((len * (self.length * 4 + 8)) as u64)?;
        let mut merged = Self {
            length: self.length,
            words: Vec::with_capacity(len * self.length),
            p: Vec::with_capacity(len),
            back_off: Vec::with_capacity(len),
            line: Vec::new(),
        };
        let mut missing = order.into_iter().peekable();
        for at in 0..=self.len() {
            while missing.peek().is_some_and(|gram| at == self.len() || gram[..] < *self.gram(at))
                && let Some(gram) = missing.next()
            {
                merged.words.extend(gram);
                merged.p.push(f32::NAN);
                merged.back_off.push(0.0);
            }
            if at < self.len() {
                merged.words.extend_from_slice(self.gram(at));
                merged.p.push(self.p[at]);
                merged.back_off.push(self.back_off[at]);
            }
        }
        *self = merged;
        Ok(count as u64)
    }
}

/// Sees to it that an n-gram's shorter ones are there: without its first word, and without its last one. How
/// many were added.
fn close(levels: &mut [Flat], words: usize, memory: &mut Share, go_on: GoOn<'_>) -> Result<u64> {
    let mut added = 0;
    // Where the n-grams of each word begin, of two levels at a time.
    memory.grow(8 * (words as u64 + 1))?;
    for at in (2..levels.len()).rev() {
        let (lower, upper) = levels.split_at_mut(at);
        let (below, level) = (&mut lower[at - 1], &upper[0]);
        let starts = below.starts(words);
        let mut missing: Vec<u32> = Vec::new();
        // An n-gram that is missing, in a list that grows by doubling, and its place in the order.
        let each = (2 * at * size_of::<u32>() + size_of::<&[u32]>()) as u64;
        let mut count = 0_u64;
        for number in watched(0..level.len(), go_on) {
            let gram = level.gram(number?);
            for part in [&gram[..at], &gram[1..]] {
                if below.find(&starts, part).is_none() {
                    if count.is_multiple_of(1 << 14) {
                        memory.grow(each << 14)?;
                    }
                    count += 1;
                    missing.extend_from_slice(part);
                }
            }
        }
        if !missing.is_empty() {
            added += below.add(&missing, memory, go_on)?;
        }
    }
    // What was added has the probability that its back-off gives it.
    for at in 1..levels.len() {
        let (lower, upper) = levels.split_at_mut(at);
        let (below, level) = (&lower[at - 1], &mut upper[0]);
        let starts = below.starts(words);
        for number in watched(0..level.len(), go_on) {
            let number = number?;
            if level.p[number].is_nan() {
                let gram = level.gram(number);
                let shorter = below.find(&starts, &gram[..at]).map_or(0.0, |found| below.p[found]);
                let context = below.find(&starts, &gram[1..]);
                level.p[number] = shorter + context.map_or(0.0, |found| below.back_off[found]);
            }
        }
    }
    Ok(added)
}

/// Which n-grams have to be looked at because a longer one with their words at its end has a back-off that says
/// something: one bit each.
fn needed(levels: &[Flat], words: usize, go_on: GoOn<'_>) -> Result<Vec<Vec<u64>>> {
    let mut needed: Vec<Vec<u64>> =
        levels.iter().map(|level| vec![0; level.len().div_ceil(64)]).collect();
    for at in (1..levels.len().saturating_sub(1)).rev() {
        let (below, level) = (&levels[at - 1], &levels[at]);
        let starts = below.starts(words);
        for number in watched(0..level.len(), go_on) {
            let number = number?;
            let is_needed =
                level.back_off[number] != 0.0 || needed[at][number / 64] >> (number % 64) & 1 != 0;
            if is_needed && let Some(shorter) = below.find(&starts, &level.gram(number)[..at]) {
                needed[at - 1][shorter / 64] |= 1 << (shorter % 64);
            }
        }
    }
    Ok(needed)
}

fn grams(words: Words, levels: Vec<Flat>, room: &Room, go_on: GoOn<'_>) -> Result<Grams> {
    let needed = needed(&levels, words.len(), go_on)?;
    let mut grams: Vec<Gram> = Vec::new();
    let mut below: Option<(Flat, Vec<u32>)> = None;
    for (level, is_context) in levels.into_iter().zip(needed) {
        let count = level.len();
        let mut last_words = LastWords::new(room, words.len(), count)?;
        let mut context = Numbers::new(room, count)?;
        let (mut p, mut back_off) = (Numbers::new(room, count)?, Numbers::new(room, count)?);
        for number in watched(0..count, go_on) {
            let number = number?;
            let gram = level.gram(number);
            last_words.push(gram[0], false)?;
            let found = below.as_ref().and_then(|(below, starts)| below.find(starts, &gram[1..]));
            context.push(small(found.unwrap_or(0)))?;
            p.push(level.p[number].to_bits())?;
            back_off.push(level.back_off[number].to_bits())?;
        }
        last_words.end(words.len())?;
        grams.push(Gram { words: last_words, context, p, back_off, is_context });
        let starts = level.starts(words.len());
        below = Some((level, starts));
    }
    if let Some(top) = grams.last_mut() {
        top.back_off = Numbers::new(room, 0)?;
    }
    Ok(Grams::new(words, grams, false))
}
