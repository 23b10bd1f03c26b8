//! A model's n-grams become its file.

use std::io::Write;

use crate::container::{CHUNK_BYTES, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::lm::grams::{Gram, Grams};
use crate::lm::layout::{
    CODE_BITS_MAX, IS_CONTEXT, Params, STEP_MAX, TableParams, Values, section,
};
use crate::lm::lexicon;
use crate::lm::numbers::{Numbers, Room, small};
use crate::lm::part::{CHUNK, LINE, Line, prefetch};
use crate::lm::place::{FREE, MOVED_MAX, Place, Seeds, TAG_BITS};
use crate::lm::words::chance;
use crate::steps::{GoOn, watched};

/// How full tables are at first: the fuller, the more n-grams stand in another line than their own.
const LOAD: f64 = 0.82;
/// How full they are at least: more lines than that are refused.
const LOAD_MIN: f64 = 0.4;
/// Seeds that are tried before a table gets more lines.
const SEEDS: usize = 3;
/// N-grams whose lines are asked for before they are put there.
const AHEAD: usize = 64;

impl Grams {
    /// Writes the file. `room` is where tables stand meanwhile.
    ///
    /// # Errors
    ///
    /// If the output fails, if there is no room, or if `go_on` says so.
    pub fn write<W: Write>(self, out: &mut Writer<W>, room: &Room, go_on: GoOn<'_>) -> Result<()> {
        let Self { words, levels, is_direct } = self;
        let word_count = words.len() as u64;
        let seed = lexicon::write(words, out)?;
        let sizes = levels.iter().map(|level| level.len() as u64).collect();
        let mut params =
            Params { is_direct, words: word_count, seed, sizes, tables: Vec::new(), packed: None };
        let mut slots: Option<Numbers> = None;
        let mut contexts = word_count;
        let mut levels = levels.into_iter().peekable();
        let mut order = 1;
        while let Some(level) = levels.next() {
            let is_context = contexts_of(&level, levels.peek(), go_on)?;
            if order == 1 {
                out.section("unigrams", CHUNK_BYTES)?;
                out.write(&le32(&unigrams(&level, &is_context)))?;
            } else {
                let codes = levels.peek().and_then(|_| Codes::new(&level));
                let values = match (&codes, levels.peek()) {
                    (_, None) => Values::Top,
                    (Some(codes), _) => codes.values(),
                    (None, Some(_)) => Values::Wide,
                };
                let table =
                    Table { level: &level, is_context: &is_context, slots: slots.as_ref(), values };
                let (place, lines, own) =
                    table.filled((contexts, word_count), codes.as_ref(), room, go_on)?;
                out.section(&section("lines", order), CHUNK)?;
                for part in lines.chunks(CHUNK as usize) {
                    go_on()?;
                    out.write(&le32(part))?;
                }
                if let Some(codes) = &codes {
                    out.section(&section("codes", order), CHUNK_BYTES)?;
                    out.write(&le32(&codes.list))?;
                }
                contexts = place.lines_in_all() * values.per_line() as u64;
                params.tables.push(TableParams { place, values });
                slots = Some(own);
            }
            order += 1;
        }
        let params = serde_json::to_vec(&params);
        let params = params.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        out.section("params", CHUNK_BYTES)?;
        out.write(&params)
    }
}

pub(super) fn le32(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0; numbers.len() * 4];
    for (bytes, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
        *bytes = number.to_le_bytes();
    }
    bytes
}

/// One bit for each n-gram.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn get(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 != 0
    }
}

/// Which n-grams are contexts: others stand on them, or their back-off says something.
pub(super) fn contexts_of(level: &Gram, above: Option<&Gram>, go_on: GoOn<'_>) -> Result<Bits> {
    let mut bits = Bits(vec![0; level.len().div_ceil(64)]);
    let Some(above) = above else { return Ok(bits) };
    for (to, from) in bits.0.iter_mut().zip(&level.is_context) {
        *to |= from;
    }
    for part in watched(above.context.chunks(1 << 12), go_on) {
        for &context in part? {
            bits.0[context as usize / 64] |= 1 << (context % 64);
        }
    }
    for (number, &back_off) in level.back_off.iter().enumerate() {
        if f32::from_bits(back_off) != 0.0 {
            bits.0[number / 64] |= 1 << (number % 64);
        }
    }
    Ok(bits)
}

/// A probability without its sign, and whether its n-gram is a context.
fn value(p: u32, is_context: bool) -> u32 {
    let bits = f32::from_bits(p).min(0.0).abs().to_bits();
    if is_context { bits | IS_CONTEXT } else { bits }
}

pub(super) fn unigrams(level: &Gram, is_context: &Bits) -> Vec<u32> {
    let mut unigrams = Vec::with_capacity(level.len() * 2);
    for (number, &p) in level.p.iter().enumerate() {
        unigrams.push(value(p, is_context.get(number)));
        unigrams.push(level.back_off.get(number).map_or(0, |&bits| zero(bits)));
    }
    unigrams
}

/// There is one zero.
pub(super) fn zero(bits: u32) -> u32 {
    if f32::from_bits(bits) == 0.0 { 0 } else { bits }
}

/// The different back-offs of an order, by their bits, and the steps of its probabilities.
struct Codes {
    list: Vec<u32>,
    table: Vec<(u32, u32)>,
    /// Spreads the table. It is chosen by chance: nobody can have chosen back-offs by it.
    factor: u64,
    code_bits: u32,
    step: f32,
}

/// Entries of the table that finds the code of a back-off.
const CODES_TABLE: usize = 1 << (CODE_BITS_MAX + 2);

impl Codes {
    /// None if they are too many for narrow lines, or probabilities too far from each other.
    fn new(level: &Gram) -> Option<Self> {
        let mut codes = Self {
            list: Vec::new(),
            table: vec![(0, u32::MAX); CODES_TABLE],
            factor: chance() | 1,
            code_bits: 0,
            step: 0.0,
        };
        for &bits in level.back_off.iter() {
            let bits = zero(bits);
            let at = codes.at(bits);
            if codes.table[at].1 == u32::MAX {
                if codes.list.len() == 1 << CODE_BITS_MAX {
                    return None;
                }
                codes.table[at] = (bits, small(codes.list.len()));
                codes.list.push(bits);
            }
        }
        codes.code_bits = usize::BITS - codes.list.len().saturating_sub(1).leading_zeros();
        codes.list.resize(1 << codes.code_bits, 0);
        let (mut most, mut has_never) = (0.0_f32, false);
        for &p in level.p.iter() {
            let p = -f32::from_bits(p);
            if p.is_finite() {
                most = most.max(p);
            } else {
                has_never = true;
            }
        }
        // The highest step stands for never, whether there is one or not.
        let _ = has_never;
        codes.step = (most / (codes.never() - 1) as f32).max(f32::MIN_POSITIVE);
        (codes.step <= STEP_MAX).then_some(codes)
    }

    fn at(&self, bits: u32) -> usize {
        let product = u64::from(bits).wrapping_mul(self.factor);
        let mut at = (product >> (u64::BITS - CODE_BITS_MAX - 2)) as usize;
        while self.table[at].1 != u32::MAX && self.table[at].0 != bits {
            at = (at + 1) % CODES_TABLE;
        }
        at
    }

    /// The step that stands for never.
    fn never(&self) -> u32 {
        never(self.code_bits)
    }

    fn values(&self) -> Values {
        Values::Narrow { code_bits: self.code_bits, step: self.step }
    }

    fn value(&self, p: u32, back_off: u32, is_context: bool) -> u32 {
        let p = (-f32::from_bits(p)).max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let steps = if p.is_finite() {
            ((p / self.step).round() as u32).min(self.never() - 1)
        } else {
            self.never()
        };
        let code = self.table[self.at(zero(back_off))].1;
        let value = steps << self.code_bits | code;
        if is_context { value | IS_CONTEXT } else { value }
    }
}

/// The step that stands for never, beside codes of so many bits.
pub(super) fn never(code_bits: u32) -> u32 {
    (1 << (31 - code_bits)) - 1
}

/// An order that becomes a table.
struct Table<'g> {
    level: &'g Gram,
    is_context: &'g Bits,
    /// Where each context stands in the table below; of bigrams contexts are words.
    slots: Option<&'g Numbers>,
    values: Values,
}

impl Table<'_> {
    /// The lines, and where each n-gram stands in them.
    fn filled(
        &self,
        (contexts, words): (u64, u64),
        codes: Option<&Codes>,
        room: &Room,
        go_on: GoOn<'_>,
    ) -> Result<(Place, Numbers, Numbers)> {
        let per_line = self.values.per_line();
        let mut seeds = self.seeds(go_on)?;
        let mut load = LOAD;
        while load > LOAD_MIN {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "`as` saturates"
            )]
            let lines = (self.level.len() as f64 / per_line as f64 / load) as u64 + 1;
            for _ in 0..SEEDS {
                let place = Place::new(contexts, words, lines, [seeds.next(), seeds.next()])
                    .filter(|place| u32::try_from(place.lines_in_all() * per_line as u64).is_ok());
                let Some(place) = place else {
                    let (limit, max) = ("LM_TOKENS_MAX", u64::from(u32::MAX));
                    return Err(Error::new(ErrorKind::TooLarge { limit, max, got: lines * 8 }));
                };
                if let Some(next) = self.starts(place, room, go_on)? {
                    let (lines, own) = self.placed(place, next, codes, room, go_on)?;
                    return Ok((place, lines, own));
                }
            }
            load *= 0.9;
        }
        let what = "n-grams that no seed spreads over the lines of a table".to_owned();
        Err(Error::new(ErrorKind::Unsupported { what }))
    }

    /// What spreads these n-grams: seeds made of all of them.
    fn seeds(&self, go_on: GoOn<'_>) -> Result<Seeds> {
        let mut content = blake3::Hasher::new();
        let words = &self.level.words;
        let mut numbers = Vec::with_capacity(1 << 12);
        for step in watched(words.iter().enumerate(), go_on) {
            let (number, word) = step?;
            numbers.push(word | u32::from(words.begins(number)) << 31);
            if numbers.len() == numbers.capacity() {
                content.update(&le32(&numbers));
                numbers.clear();
            }
        }
        content.update(&le32(&numbers));
        for part in watched(self.level.context.chunks(1 << 12), go_on) {
            content.update(&le32(part?));
        }
        Ok(Seeds::new(&content))
    }

    /// Line and tag of each n-gram.
    fn homes(&self, place: Place) -> impl Iterator<Item = (usize, u32)> {
        self.level.context.iter().zip(self.level.words.iter()).map(move |(&context, word)| {
            place.of(self.slots.map_or(context, |slots| slots[context as usize]), word)
        })
    }

    /// The slot of the first n-gram of each line: slots are filled in the order of lines, each from its own line
    /// on. None if one would have to be moved too far.
    fn starts(&self, place: Place, room: &Room, go_on: GoOn<'_>) -> Result<Option<Numbers>> {
        let per_line = self.values.per_line();
        let lines = usize::try_from(place.lines).unwrap_or(usize::MAX);
        let mut next = Numbers::zeros(room, lines)?;
        for home in watched(self.homes(place), go_on) {
            next[home?.0] += 1;
        }
        let mut end = 0;
        for step in watched(next.iter_mut().enumerate(), go_on) {
            let (line, next) = step?;
            let start = end.max(line * per_line);
            end = start + *next as usize;
            if *next > 0 && (end - 1) / per_line > line + MOVED_MAX as usize {
                return Ok(None);
            }
            *next = small(start);
        }
        Ok(Some(next))
    }

    fn placed(
        &self,
        place: Place,
        mut next: Numbers,
        codes: Option<&Codes>,
        room: &Room,
        go_on: GoOn<'_>,
    ) -> Result<(Numbers, Numbers)> {
        let count = usize::try_from(place.lines_in_all()).unwrap_or(usize::MAX);
        let mut table = Numbers::zeros(room, count.saturating_mul(LINE))?;
        let per_line = self.values.per_line();
        let (lines, _) = table.as_chunks_mut::<LINE>();
        for line in watched(lines.iter_mut(), go_on) {
            line?[..per_line].fill(FREE);
        }
        let has_slots = !matches!(self.values, Values::Top);
        let mut own = Numbers::zeros(room, if has_slots { self.level.len() } else { 0 })?;
        let mut block = Vec::with_capacity(AHEAD);
        let mut homes = self.homes(place);
        let mut first = 0;
        while first < self.level.len() {
            if first % (AHEAD * 16) == 0 {
                go_on()?;
            }
            block.clear();
            let end = (first + AHEAD).min(self.level.len());
            for (home, tag) in homes.by_ref().take(end - first) {
                prefetch(&next, home);
                block.push((home, tag, 0));
            }
            for (home, _, slot) in &mut block {
                *slot = next[*home] as usize;
                next[*home] += 1;
                prefetch(lines, *slot / per_line);
            }
            for (number, &(home, tag, slot)) in (first..).zip(&block) {
                let (line, at) = (slot / per_line, slot % per_line);
                let to = &mut lines[line];
                to[at] = tag | small(line - home) << TAG_BITS;
                self.set(to, at, number, codes);
                if has_slots {
                    own[number] = small(slot);
                }
            }
            first = end;
        }
        Ok((table, own))
    }

    #[inline]
    fn set(&self, line: &mut Line, at: usize, number: usize, codes: Option<&Codes>) {
        let p = self.level.p[number];
        let is_context = self.is_context.get(number);
        let per_line = self.values.per_line();
        match (self.values, codes) {
            (Values::Narrow { .. }, Some(codes)) => {
                line[per_line + at] = codes.value(p, self.level.back_off[number], is_context);
            }
            (Values::Wide, _) => {
                line[per_line + at] = value(p, is_context);
                line[2 * per_line + at] = zero(self.level.back_off[number]);
            }
            (Values::Top | Values::Narrow { .. }, _) => line[per_line + at] = value(p, false),
        }
    }
}
